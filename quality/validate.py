"""Runs suites on an open connection, through Great Expectations."""

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import great_expectations as gx
from great_expectations.core import ExpectationSuiteValidationResult
from great_expectations.data_context.data_context.ephemeral_data_context import EphemeralDataContext
from great_expectations.data_context.store.store import DataDocsSiteConfigTypedDict
from great_expectations.data_context.types.base import ProgressBarsConfig
from great_expectations.expectations.expectation_configuration import ExpectationConfiguration
from great_expectations.expectations.metadata_types import FailureSeverity

from quality.data_docs import complete
from quality.figures import PARTITION_KEY, figures_query
from quality.outcome import Figures, checks_of, expected
from quality.suite import Expectation, Suite
from quality.suites import SUBJECTS
from quality.warehouse_source import DuckDBDatasource, add_warehouse
from warehouse.ledger import Check

_SITE = "quality_docs"

# Which files are loaded, of every subject.
_LOADED = "core_staging.loaded_partitions"
_SEVERITIES = {"error": FailureSeverity.CRITICAL, "warn": FailureSeverity.WARNING}

# What is shown of a failure: some rows of a table as examples; of files every one, by its partition key.
_RESULT_FORMATS: dict[str, dict[str, Any]] = {
    "rows": {"result_format": "BASIC", "partial_unexpected_count": 5},
    "files": {"result_format": "COMPLETE", "unexpected_index_column_names": [PARTITION_KEY, "detail"]},
}


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
    suites = list(suites)
    _fail_unless_built(connection, suites)
    without_data = _suites_without_data(connection)
    with _gx_context(docs_folder) as context:
        source = add_warehouse(context, connection)
        results = [
            SuiteResult(suite, (), 0.0) if suite in without_data else _run(context, source, connection, suite)
            for suite in suites
        ]
        if docs_folder:
            context.build_data_docs()
    if docs_folder:
        complete(docs_folder, [(result.suite, result.checks) for result in results])
    if not any(result.checks for result in results):
        raise NothingLoadedError(
            "expected files of the feeds of these suites, but none is loaded. Load some with "
            "python ingestion/run_pipeline.py, then run dbt build in dbt/"
        )
    return results


def _fail_unless_built(connection: duckdb.DuckDBPyConnection, suites: list[Suite]) -> None:
    built = {name.rpartition(".")[2] for name in _built(connection)}
    missing = sorted({suite.model for suite in suites} - built)
    if missing:
        raise NothingToCheckError(
            f"expected the models of these suites, but {', '.join(missing)} are missing. Run dbt build in dbt/"
        )


def _built(connection: duckdb.DuckDBPyConnection) -> set[str]:
    """Every table and view, with its schema."""
    tables = "select table_schema || '.' || table_name from information_schema.tables"
    return {name for (name,) in connection.execute(tables).fetchall()}


def _suites_without_data(connection: duckdb.DuckDBPyConnection) -> list[Suite]:
    """The suites of subjects of which no file is loaded. Their tables are empty, and that is no fault."""
    if _LOADED not in _built(connection):
        return []
    loaded = {name for (name,) in connection.execute(f"select distinct subject from {_LOADED}").fetchall()}
    return [suite for subject in SUBJECTS if subject.name not in {"", *loaded} for suite in subject.suites]


@contextmanager
def _gx_context(docs_folder: Path | None) -> Iterator[EphemeralDataContext]:
    """A context of GX in memory. Only the ledger and the data docs are kept."""
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    if docs_folder:
        site: DataDocsSiteConfigTypedDict = {
            "class_name": "SiteBuilder",
            "site_index_builder": {"class_name": "DefaultSiteIndexBuilder"},
            "store_backend": {"class_name": "TupleFilesystemStoreBackend", "base_directory": str(docs_folder)},
        }
        for name in list(context.list_data_docs_sites()):
            context.delete_data_docs_site(name)
        context.add_data_docs_site(_SITE, site)
    try:
        yield context
    finally:
        for engine in DuckDBDatasource.engines.values():
            engine.dispose()
        DuckDBDatasource.engines.clear()


def _run(
    context: EphemeralDataContext, source: DuckDBDatasource, connection: duckdb.DuckDBPyConnection, suite: Suite
) -> SuiteResult:
    begun = time.monotonic()
    query, figures = f"select * from {suite.table}", None
    if suite.kind == "files":
        query, figures = _measure(connection, suite)
        if not figures:
            return SuiteResult(suite, (), time.monotonic() - begun)
    result = _validate(context, source, suite, query)
    return SuiteResult(suite, checks_of(suite, result, figures), time.monotonic() - begun)


def _measure(connection: duckdb.DuckDBPyConnection, suite: Suite) -> tuple[str, Figures]:
    """Measure the suite's files into a temporary table; the query that reads it, and the figures."""
    table = f"figures_of_{suite.name}"
    has_event_days = suite.event_days in _built(connection)
    connection.execute(f"create or replace temp table {table} as {figures_query(suite, has_event_days=has_event_days)}")
    names = [expectation.name for expectation in suite.expectations]
    rows = connection.execute(f"select {', '.join(names)} from {table}").fetchall()
    return f"select * from {table}", {name: [row[i] for row in rows] for i, name in enumerate(names)} if rows else {}


def _validate(
    context: EphemeralDataContext, source: DuckDBDatasource, suite: Suite, query: str
) -> ExpectationSuiteValidationResult:
    asset = source.add_query_asset(suite.name, query=query)
    expectations = context.suites.add(
        gx.ExpectationSuite(suite.name, expectations=[_configuration(each) for each in suite.expectations])
    )
    definition = context.validation_definitions.add(
        gx.ValidationDefinition(name=suite.name, data=asset.add_batch_definition_whole_table("all"), suite=expectations)
    )
    return definition.run(result_format=_RESULT_FORMATS[suite.kind])


def _configuration(expectation: Expectation) -> Any:
    """The expectation as GX has it, with its name as meta."""
    return ExpectationConfiguration(
        type=expectation.type,
        kwargs=dict(expectation.arguments),
        meta={"name": expectation.name},
        # The data docs show this in place of GX's own sentence, which knows nothing of files and shares.
        description=f"{expectation.description} Expected: {expected(expectation)}. Severity: {expectation.severity}.",
        severity=_SEVERITIES[expectation.severity],
    ).to_domain_obj()
