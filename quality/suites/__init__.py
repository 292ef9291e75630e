"""Every suite of every subject: a folder of this package with `SUITES` in it."""

import importlib
import pkgutil

from quality.suite import Suite

SUITES: tuple[Suite, ...] = tuple(
    suite
    for module in pkgutil.iter_modules(__path__)
    for suite in importlib.import_module(f"{__name__}.{module.name}").SUITES
)
