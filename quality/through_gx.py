"""Great Expectations: the one module that runs it. Everybody else imports it when there is something to check."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
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

from quality.figures import PARTITION_KEY
from quality.outcome import expected
from quality.suite import Expectation, Suite
from quality.warehouse_source import DuckDBDatasource, add_warehouse

# Validates the rows of a query by a suite.
Validation = Callable[[Suite, str], ExpectationSuiteValidationResult]

_SITE = "quality_docs"

_SEVERITIES = {"error": FailureSeverity.CRITICAL, "warn": FailureSeverity.WARNING}

# What is shown of a failure: some rows of a table as examples; of files every one, by its partition key.
_RESULT_FORMATS: dict[str, dict[str, Any]] = {
    "rows": {"result_format": "BASIC", "partial_unexpected_count": 5},
    "files": {"result_format": "COMPLETE", "unexpected_index_column_names": [PARTITION_KEY, "detail"]},
}


@contextmanager
def validation(connection: duckdb.DuckDBPyConnection, docs_folder: Path | None) -> Iterator[Validation]:
    """What validates on an open connection. Data docs are written at the end, if a folder is given for them."""
    with _gx_context(docs_folder) as context:
        source = add_warehouse(context, connection)
        yield lambda suite, query: _validate(context, source, suite, query)
        if docs_folder:
            context.build_data_docs()


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
