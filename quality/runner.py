"""A run of suites, from opening the warehouse to writing the ledger. The command line and Dagster both use it."""

import shutil
from collections.abc import Mapping, Sequence
from typing import Any

from quality.data_docs import docs_folder
from quality.suite import Suite
from quality.validate import SuiteResult, run_suites
from warehouse.connection import open_for_reading, open_for_writing
from warehouse.ledger import Check, Ledger, utc_now

_NAMED_FAILURES = 3


def run_and_record(
    suites: Sequence[Suite],
    *,
    started_by: str,
    arguments: Mapping[str, Any] | None = None,
    dagster_run_id: str | None = None,
    builds_docs: bool = True,
) -> list[SuiteResult]:
    """Run the suites, renew the data docs, and write what was observed into the ledger.

    Reads beside other readers. Writes for a moment only, at the end.

    Raises:
        NothingToCheckError: dbt has not built a model that a suite checks.
        NothingLoadedError: no file of the suites' feeds is loaded.
        WarehouseError: there is no DuckDB file, or it cannot be opened, or was in use for too long.
    """
    started_at = utc_now()
    # The new docs replace the old ones when they are complete.
    new_docs = docs_folder().with_name(f"{docs_folder().name}.new") if builds_docs else None
    with open_for_reading() as connection:
        results = run_suites(connection, suites, new_docs)
    if new_docs:
        shutil.rmtree(docs_folder(), ignore_errors=True)
        new_docs.rename(docs_folder())
    error = error_of(results)
    with open_for_writing() as connection:
        ledger = Ledger(connection)
        connection.begin()
        run_id = ledger.start_run(
            "quality", arguments or {}, started_by=started_by, dagster_run_id=dagster_run_id, started_at=started_at
        )
        ledger.record_checks(run_id, [check for result in results for check in result.checks])
        if started_by == "dagster":
            ledger.record_checks(run_id, [verdict(result) for result in results if result.checks])
        ledger.finish_run(run_id, "failed" if error else "success", error)
        connection.commit()
    return results


def verdict(result: SuiteResult) -> Check:
    """A suite as one check, as Dagster shows it."""
    failures = [*result.failed("error"), *result.failed("warn")]
    return Check(
        asset=result.suite.model,
        check_name=result.suite.check_name,
        source="dagster",
        severity="warn" if failures and not result.failed("error") else "error",
        passed=not failures,
        observed=_named(failures) if failures else f"{len(result.suite.expectations)} expectations hold",
        expected=f"{len(result.suite.expectations)} expectations hold",
    )


def error_of(results: Sequence[SuiteResult]) -> str | None:
    """The first failures of severity error by name, and how many more there are; None where nothing failed."""
    failures = [check for result in results for check in result.failed("error")]
    return _named(failures) if failures else None


def _named(failures: Sequence[Check]) -> str:
    named = [
        " ".join(filter(None, (f"{each.asset}.{each.check_name}", each.partition_key))) + f": {each.observed}"
        for each in failures[:_NAMED_FAILURES]
    ]
    more = len(failures) - len(named)
    return "; ".join(named) + (f"; and {more} more" if more else "")
