"""Whether a loaded period is in the tables that keep its rows, to the row."""

from collections.abc import Iterable

import duckdb

from warehouse.periods import Period
from warehouse.reconciliation import PartitionRows, rows_of_partition


def rows_of_month(connection: duckdb.DuckDBPyConnection, feed: str, month: Period) -> PartitionRows:
    """Where a feed's rows of a month are."""
    return rows_of_partition(connection, feed, month.key)


def what_is_wrong(counts: Iterable[PartitionRows], month: Period) -> str | None:
    """Say which feeds of the month are not complete and what to do, or None if all are."""
    wrong = [_expectation(count) for count in counts if not count.is_complete]
    if not wrong:
        return None
    return (
        f"{month}: {'; '.join(wrong)}. Run backfill_monthly_data for the month: it loads what was changed in raw "
        "data by hand, and rebuilds every model. If that does not help, load the month's files anew first: "
        f"python ingestion/run_pipeline.py --year {month.start.year} --months {month.start.month} --force"
    )


def _expectation(count: PartitionRows) -> str:
    loaded = f"the {count.published:,} loaded rows of {count.feed}"
    if not count.published:
        return f"expected rows of {count.feed}, but none are loaded"
    if count.in_raw_data != count.published:
        return f"expected {loaded} in raw data, but {count.in_raw_data:,} are there"
    tables, there = f"{count.kept_in}", f"{count.kept:,} are there"
    if count.quarantined_in:
        tables, there = f"{tables} or {count.quarantined_in}", f"{count.kept:,} and {count.quarantined:,} are there"
    return f"expected {loaded} in {tables}, but {there}" + ("" if count.is_built else ", of another load")
