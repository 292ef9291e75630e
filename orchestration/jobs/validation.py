"""Whether every loaded row is where it belongs: reads `core_checks.reconciliation` and says what to do."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import duckdb

from ingestion.partitions import Partition

_RECONCILIATION = """
    with asked as (
        select unnest($feeds) as feed, unnest($keys) as partition_key
    )

    select feed, partition_key, published, in_raw_data, kept, quarantined, lost, is_built, kept_in, quarantined_in
    from core_checks.reconciliation
    inner join asked using (feed, partition_key)
"""


@dataclass(frozen=True)
class PartitionRows:
    """Where the rows of a partition are, as the view says. Of a partition that the view does not have, none are."""

    partition: Partition
    published: int = 0
    in_raw_data: int = 0
    kept: int = 0
    quarantined: int = 0
    lost: int = 0
    is_built: bool = False
    kept_in: str | None = None
    quarantined_in: str | None = None

    @property
    def is_complete(self) -> bool:
        """Whether there are rows, and each is in raw data and either kept or in quarantine."""
        return 0 < self.published == self.in_raw_data and self.is_built and self.lost == 0


def read_reconciliation(connection: duckdb.DuckDBPyConnection, partitions: Sequence[Partition]) -> list[PartitionRows]:
    """Where the rows of these partitions are, in the same order."""
    parameters = {
        "feeds": [partition.feed.name for partition in partitions],
        "keys": [partition.key for partition in partitions],
    }
    rows = connection.execute(_RECONCILIATION, parameters).fetchall()
    found = {(feed, key): counts for feed, key, *counts in rows}
    return [PartitionRows(partition, *found.get((partition.feed.name, partition.key), ())) for partition in partitions]


def what_is_wrong(counts: Iterable[PartitionRows], backfill_job: str) -> list[str]:
    """Say of each partition that is not complete what was expected, what is there, and what to do."""
    return [_explanation(rows, backfill_job) for rows in counts if not rows.is_complete]


def _explanation(rows: PartitionRows, backfill_job: str) -> str:
    feed, period = rows.partition.feed, rows.partition.period
    places = " or ".join(filter(None, (rows.kept_in or feed.kept_in, rows.quarantined_in)))
    return (
        f"{rows.partition}: expected the {rows.published:,} loaded rows in {places}, but {rows.kept:,} are kept and "
        f"{rows.quarantined:,} are in quarantine, of {rows.in_raw_data:,} in raw data. Run {backfill_job} for this "
        f"{feed.grain}: it loads what was changed in raw data by hand, and rebuilds every model. If that does not "
        "help, load the file again first: "
        f"python ingestion/run_pipeline.py --from {period} --to {period} --sources {feed.name} --force"
    )
