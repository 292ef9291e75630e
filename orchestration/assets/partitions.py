"""The periods of a feed as partitions of Dagster. The one place that turns Dagster's keys into periods and back.

Dagster's key of a month is its first day, `2025-01-01`. Days and hours have the keys that the ledger has.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime

import dagster as dg

from ingestion.calendars import EVERY_PERIOD
from ingestion.feeds import Feed
from ingestion.partitions import Partition
from warehouse.periods import Grain, Period, day, period_range

_FORMATS: Mapping[Grain, str] = {Grain.MONTH: "%Y-%m-%d", Grain.DAY: "%Y-%m-%d", Grain.HOUR: "%Y-%m-%dT%H"}
_DEFINITIONS: Mapping[Grain, Callable[..., dg.TimeWindowPartitionsDefinition]] = {
    Grain.MONTH: dg.MonthlyPartitionsDefinition,
    Grain.DAY: dg.DailyPartitionsDefinition,
    Grain.HOUR: dg.HourlyPartitionsDefinition,
}


def has_partitions(feed: Feed) -> bool:
    """Whether the feed's asset has partitions. A stream, and what the platform itself publishes, is read to its end."""
    return not (feed.is_stream or feed.is_own)


def dagster_key(partition: Partition) -> str | None:
    """The key of a partition in Dagster; None where the feed's asset has no partitions."""
    if not has_partitions(partition.feed):
        return None
    return partition.period.start.strftime(_FORMATS[partition.period.grain])


def partition_of(feed: Feed, key: str) -> Partition:
    """The partition that a key of Dagster's is of."""
    return Partition(feed, Period(feed.grain, datetime.strptime(key, _FORMATS[feed.grain])))  # noqa: DTZ007


def partitions_definition(feed: Feed) -> dg.TimeWindowPartitionsDefinition:
    """Every period of the feed's calendar, from its first to the present one; of a reference feed the one it has."""
    if feed.is_reference:
        return _DEFINITIONS[feed.grain](
            start_date=feed.first_period.start, end_date=feed.first_period.end, fmt=_FORMATS[feed.grain]
        )
    return _DEFINITIONS[feed.grain](
        start_date=feed.first_period.start,
        fmt=_FORMATS[feed.grain],
        # The present period, too: some publishers have a file of it before it has ended.
        end_offset=1,
        exclusions=_periods_without_a_file(feed),
    )


def _periods_without_a_file(feed: Feed) -> list[datetime] | None:
    """The starts of the periods that the calendar does not expect, to the end of next year.

    Dagster cannot ask a calendar, it takes a list. Definitions are loaded again long before the list ends.
    """
    if feed.calendar is EVERY_PERIOD or feed.is_irregular:
        # All may have a file. Listing a decade of hours to find that out takes a second.
        return None
    last = feed.period_of(day(datetime.now(UTC).year + 1, 12, 31).start)
    expected = set(feed.calendar.expected(feed.first_period, last))
    return [period.start for period in period_range(feed.first_period, last) if period not in expected] or None
