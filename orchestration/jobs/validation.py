"""Whether the rows of loaded partitions are where they belong, to the row, and what to do if not."""

from collections.abc import Iterable

import duckdb

from ingestion.partitions import Partition
from orchestration.jobs.ingestion_config import backfill_job_name
from warehouse.reconciliation import PartitionRows, reconcile


def rows_of(connection: duckdb.DuckDBPyConnection, partitions: Iterable[Partition]) -> dict[Partition, PartitionRows]:
    """Where the rows of these partitions are."""
    # All at once: the view counts every table anyway.
    found = {(rows.feed, rows.partition_key): rows for rows in reconcile(connection)}
    return {
        partition: found.get(key, PartitionRows(*key))
        for partition in partitions
        if (key := (partition.feed.name, partition.key))
    }


def what_is_wrong(rows: dict[Partition, PartitionRows]) -> list[str]:
    """Say of each partition that is not complete what was expected, what is there, and what to do."""
    return [
        f"{partition}: {_expectation(counts)}. Run {backfill_job_name(partition.feed.grain)} for this "
        f"{partition.feed.grain}: it loads what was changed in raw data by hand, and rebuilds every model. If that "
        "does not help, load the file again first: "
        f"python ingestion/run_pipeline.py --from {partition.key} --to {partition.key} --sources {partition.feed.name} "
        "--force"
        for partition, counts in rows.items()
        if not counts.is_complete
    ]


def _expectation(rows: PartitionRows) -> str:
    if not rows.published:
        return "expected loaded rows, but there are none"
    loaded = f"expected the {rows.published:,} loaded rows"
    if rows.in_raw_data != rows.published:
        return f"{loaded} in raw data, but {rows.in_raw_data:,} are there"
    if not rows.kept_in:
        return f"{loaded} in a model, but none was built from them"
    tables, there = rows.kept_in, f"{rows.kept:,} are there"
    if rows.quarantined_in:
        tables, there = f"{tables} or {rows.quarantined_in}", f"{rows.kept:,} and {rows.quarantined:,} are there"
    return f"{loaded} in {tables}, but {there}" + ("" if rows.is_built else ", of another load")
