"""Every suite of every subject.

A subject is a folder of this package with `SUITES`, and `QUARANTINES` and `LISTINGS` if it has some. A module of this
package has suites that concern all subjects.
"""

import importlib
import pkgutil
from collections.abc import Iterator

from quality.subject import Subject
from quality.suite import Suite


def _declared() -> Iterator[Subject]:
    for module in pkgutil.iter_modules(__path__):
        found = importlib.import_module(f"{__name__}.{module.name}")
        yield Subject(
            module.name if module.ispkg else "",
            found.SUITES,
            getattr(found, "QUARANTINES", ()),
            getattr(found, "LISTINGS", ()),
        )


SUBJECTS: tuple[Subject, ...] = tuple(_declared())

SUITES: tuple[Suite, ...] = tuple(suite for subject in SUBJECTS for suite in subject.suites)
