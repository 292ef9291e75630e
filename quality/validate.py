"""Runs suites on an open connection, through Great Expectations."""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from quality.data_docs import complete
from quality.figures import figures_query
from quality.outcome import Figures, checks_of
from quality.suite import Suite
from quality.suites import SUBJECTS
from warehouse.ledger import Check

if TYPE_CHECKING:
    from quality.through_gx import Validation

# Which files are loaded, of every subject.
_LOADED = "core_staging.loaded_partitions"


class NothingToCheckError(Exception):
    """The warehouse has nothing that the suites could check; the message says what to do."""


class NothingLoadedError(NothingToCheckError):
    """No file of the suites' feeds is loaded."""


@dataclass(frozen=True)
class SuiteResult:
    """What came of a suite: a check for each expectation, several where it failed for several files.

    Without checks where the feeds of a file suite, or all feeds of a subject, are not loaded.
    """

    suite: Suite
    checks: tuple[Check, ...]
    seconds: float

    def failed(self, severity: str) -> list[Check]:
        """The checks of this severity that did not pass."""
        return [check for check in self.checks if not check.passed and check.severity == severity]


def run_suites(
    connection: duckdb.DuckDBPyConnection, suites: Iterable[Suite], docs_folder: Path | None = None
) -> list[SuiteResult]:
    """Run the suites, and write their data docs into the folder if one is given.

    Raises:
        NothingToCheckError: dbt has not built a model that a suite checks.
        NothingLoadedError: no file of the suites' feeds is loaded.
    """
    suites, built = list(suites), _built(connection)
    _fail_unless_built(built, suites)
    without_data = _suites_without_data(connection, built)
    # Imported here because Great Expectations takes seconds to import, and there may be nothing to check.
    from quality.through_gx import validation

    with validation(connection, docs_folder) as validate:
        results = [
            SuiteResult(suite, (), 0.0) if suite in without_data else _run(validate, connection, suite, built)
            for suite in suites
        ]
    if docs_folder:
        complete(docs_folder, [(result.suite, result.checks) for result in results])
    if not any(result.checks for result in results):
        raise NothingLoadedError(
            "expected files of the feeds of these suites, but none is loaded. Load some with "
            "python ingestion/run_pipeline.py, then run dbt build in dbt/"
        )
    return results


def _fail_unless_built(built: set[str], suites: list[Suite]) -> None:
    missing = sorted({suite.model for suite in suites} - {name.rpartition(".")[2] for name in built})
    if missing:
        raise NothingToCheckError(
            f"expected the models of these suites, but {', '.join(missing)} are missing. Run dbt build in dbt/"
        )


def _built(connection: duckdb.DuckDBPyConnection) -> set[str]:
    """Every table and view, with its schema."""
    tables = "select table_schema || '.' || table_name from information_schema.tables"
    return {name for (name,) in connection.execute(tables).fetchall()}


def _suites_without_data(connection: duckdb.DuckDBPyConnection, built: set[str]) -> list[Suite]:
    """The suites of subjects of which no file is loaded. Their tables are empty, and that is no fault."""
    if _LOADED not in built:
        return []
    loaded = {name for (name,) in connection.execute(f"select distinct subject from {_LOADED}").fetchall()}
    return [suite for subject in SUBJECTS if subject.name not in {"", *loaded} for suite in subject.suites]


def _run(validate: "Validation", connection: duckdb.DuckDBPyConnection, suite: Suite, built: set[str]) -> SuiteResult:
    begun = time.monotonic()
    query, figures = f"select * from {suite.table}", None
    if suite.kind == "files":
        query, figures = _measure(connection, suite, has_event_days=suite.event_days in built)
        if not figures:
            return SuiteResult(suite, (), time.monotonic() - begun)
    result = validate(suite, query)
    return SuiteResult(suite, checks_of(suite, result, figures), time.monotonic() - begun)


def _measure(connection: duckdb.DuckDBPyConnection, suite: Suite, *, has_event_days: bool) -> tuple[str, Figures]:
    """Measure the suite's files into a temporary table; the query that reads it, and the figures."""
    table = f"figures_of_{suite.name}"
    connection.execute(f"create or replace temp table {table} as {figures_query(suite, has_event_days=has_event_days)}")
    names = [expectation.name for expectation in suite.expectations]
    rows = connection.execute(f"select {', '.join(names)} from {table}").fetchall()
    return f"select * from {table}", {name: [row[i] for row in rows] for i, name in enumerate(names)} if rows else {}
