"""dagster-dbt without dbt in this process.

Every process of Dagster loads the definitions, and most of them never run dbt: those that do start a process for it. So
dagster-dbt is imported as if dbt were not installed, which it allows, and reads what it needs from the manifest. That
spares a third of the time that loading takes.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

# By this dagster-dbt knows whether dbt is installed.
_ASKED_FOR = "dbt.version"


@contextmanager
def _dbt_hidden() -> Iterator[None]:
    # Python takes None for a module that is not there.
    modules: dict[str, Any] = sys.modules
    before = modules.get(_ASKED_FOR)
    modules[_ASKED_FOR] = None
    try:
        yield
    finally:
        del modules[_ASKED_FOR]
        if before:
            modules[_ASKED_FOR] = before


with _dbt_hidden():
    from dagster_dbt import (
        DagsterDbtCliRuntimeError,
        DagsterDbtTranslator,
        DagsterDbtTranslatorSettings,
        DbtCliInvocation,
        DbtCliResource,
        DbtProject,
        dbt_assets,
    )
    from dagster_dbt.asset_utils import get_manifest_and_translator_from_dbt_assets
    from dagster_dbt.dbt_project import DagsterDbtProjectPreparer

__all__ = [
    "DagsterDbtCliRuntimeError",
    "DagsterDbtProjectPreparer",
    "DagsterDbtTranslator",
    "DagsterDbtTranslatorSettings",
    "DbtCliInvocation",
    "DbtCliResource",
    "DbtProject",
    "dbt_assets",
    "get_manifest_and_translator_from_dbt_assets",
]
