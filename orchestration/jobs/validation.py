"""Whether loaded partitions are in the marts, to the row."""

from collections.abc import Iterable
from dataclasses import dataclass

import duckdb

from ingestion.partitions import Partition


@dataclass(frozen=True)
class PartitionRows:
    """The rows of a partition: how many were published, and how many of them are kept and in quarantine."""

    partition: Partition
    published: int
    kept: int
    quarantined: int = 0

    @property
    def is_complete(self) -> bool:
        """Whether every published row is kept or in quarantine, and there are any."""
        return 0 < self.published == self.kept + self.quarantined


def what_is_wrong(counts: Iterable[PartitionRows], backfill_job: str) -> list[str]:
    """Say of each partition that is not complete what was expected, what is there, and what to do."""
    return [_explanation(count, backfill_job) for count in counts if not count.is_complete]


def _explanation(count: PartitionRows, backfill_job: str) -> str:
    feed, period = count.partition.feed, count.partition.period
    places = " or ".join(filter(None, (feed.kept_in, feed.quarantined_in)))
    return (
        f"{count.partition}: expected the {count.published:,} loaded rows in {places}, but {count.kept:,} are kept and "
        f"{count.quarantined:,} are in quarantine. Run {backfill_job} for this {feed.grain}: it loads what was changed "
        "in raw data by hand, and rebuilds every model. If that does not help, load the file again first: "
        f"python ingestion/run_pipeline.py --from {period} --to {period} --sources {feed.name} --force"
    )


# Every loaded trip is in the fact or, with a reason, in quarantine.
_TRIPS = """
    select
        (select rows from meta.asset_watermarks where asset = $feed and partition_key = strftime($month, '%Y-%m')),
        (select count(*) from core_core.fct_trips where feed = $feed and source_month = $month),
        (select count(*) from core_core.quarantined_trips where feed = $feed and source_month = $month)
"""

# A file of weather covers hours beside its month, too; those it is asked for are in the view over raw data.
_WEATHER = """
    select
        (select count(*) from core_staging.int_weather_hours where source_month = $month),
        (select count(*) from core_core.dim_weather where source_month = $month),
        0
"""


def read_reconciliation(connection: duckdb.DuckDBPyConnection, partitions: Iterable[Partition]) -> list[PartitionRows]:
    """Count the rows of these partitions in raw data, facts and quarantine."""
    counts = []
    for partition in partitions:
        name = partition.feed.name
        query = _WEATHER if name == "weather" else _TRIPS
        parameters = {"month": partition.period.value} | ({"feed": name} if name != "weather" else {})
        (found,) = connection.execute(query, parameters).fetchall()
        counts.append(PartitionRows(partition, *(count or 0 for count in found)))
    return counts
