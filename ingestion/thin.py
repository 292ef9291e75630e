"""When a loaded month seems not to be all of it: from what is known of its rows, without I/O.

A month is *thin* if a file of it is loaded of which one of these holds:

- Rows do not reach the first or the last day of the month, or of the feed if it began within the month. Days are
  counted from the rows within the month, because the earliest and the latest event time of a file are often strays
  from other years. A weekday on which the feed never has rows is not missed, and a feed with few rows a day is not
  judged.
- An hourly series (at most one row an hour, most hours of the month there) lacks an hour, or its values.
- It has far fewer rows a day than its neighbours, which are the two months before and the two after: less than half
  of the one side's median and of the other's, or less than a third where only one side is loaded. Citi Bike falls to
  52 % of the two months before by the season alone, so a series that ends in December must not be suspect; and where
  trips fall or rise for months (spring of 2020), a month is as low as one of its sides. What chance alone can take
  away does not count.

Thin is a suspicion: the file may be all there is, as in a month of snow. Then a person accepts it.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from statistics import median

from ingestion.feeds import Feed
from ingestion.partitions import Partition
from warehouse.periods import Period

_NEIGHBOURS_EACH_SIDE = 2
_FEWEST_BETWEEN_NEIGHBOURS = 1 / 2
_FEWEST_BESIDE_NEIGHBOURS = 1 / 3
# Of as many standard deviations of a count a month may fall short by chance.
_DEVIATIONS_BY_CHANCE = 3
# With fewer rows a day, one without any is chance.
_ROWS_A_DAY_TO_JUDGE = 10


@dataclass(frozen=True)
class DayCount:
    """The rows of one day, the hours they fall into, and the hours of which a row says something."""

    rows: int
    hours: int
    filled_hours: int


@dataclass(frozen=True)
class Coverage:
    """What a partition's raw rows cover: all its rows counted, and those of days within its month by day."""

    load_id: str
    rows: int
    days: Mapping[date, DayCount]


def thin_reasons(
    partition: Partition, coverage: Coverage, weekdays: set[int], rows_by_key: Mapping[str, int]
) -> tuple[str, ...]:
    """Why a loaded month seems not to be all of it; nothing where it seems to be.

    `weekdays` are those on which the feed has rows at all, `rows_by_key` the rows of its loaded periods
    by partition key.
    """
    period = partition.period
    if _is_hourly(period, coverage):
        days = _missing_hours(period, coverage)
    else:
        days = _missing_ends(partition, coverage, weekdays)
    return tuple(reason for reason in (days, _few_rows(partition, rows_by_key)) if reason)


def _is_hourly(period: Period, coverage: Coverage) -> bool:
    """Whether the rows are an hourly series: no hour has two, and most of the month's hours have one."""
    hours = sum(day.hours for day in coverage.days.values())
    rows = sum(day.rows for day in coverage.days.values())
    return rows == hours and 2 * hours > _hours(period)


def _hours(period: Period) -> int:
    return round((period.end - period.start).total_seconds() / 3600)


def _missing_hours(period: Period, coverage: Coverage) -> str:
    missing = _hours(period) - sum(day.filled_hours for day in coverage.days.values())
    return f"{missing} of {_hours(period)} hours missing" if missing else ""


def _missing_ends(partition: Partition, coverage: Coverage, weekdays: set[int]) -> str:
    """Which days at either end of the month have no rows, though they should."""
    if not coverage.days:
        return "no rows within the month"
    if sum(day.rows for day in coverage.days.values()) < _ROWS_A_DAY_TO_JUDGE * len(coverage.days):
        return ""
    expected = [day for day in _days(partition.feed, partition.period) if day.weekday() in weekdays]
    if not expected:
        return ""
    first, last = min(coverage.days), max(coverage.days)
    ends = [f"before {first}"] if expected[0] < first else []
    ends += [f"after {last}"] if expected[-1] > last else []
    return f"no rows {' or '.join(ends)}" if ends else ""


def _days(feed: Feed, period: Period) -> list[date]:
    """The days of the period on which there was the feed."""
    return [day for day in period.days() if day >= feed.first_day]


def _few_rows(partition: Partition, rows_by_key: Mapping[str, int]) -> str:
    """How many rows the month has, if they are far fewer than its neighbours'."""

    def rows_a_day(period: Period) -> float:
        return rows_by_key[period.key] / len(_days(partition.feed, period))

    # The month that the feed began in may be the half of a month, and is compared by the day.
    sides = [[rows_a_day(period) for period in side if period.key in rows_by_key] for side in _neighbours(partition)]
    loaded = [median(side) for side in sides if side]
    if not loaded:
        return ""
    usual = min(loaded) * len(_days(partition.feed, partition.period))
    fewest = _FEWEST_BETWEEN_NEIGHBOURS if len(loaded) == len(sides) else _FEWEST_BESIDE_NEIGHBOURS
    rows = rows_by_key[partition.key]
    if rows + _DEVIATIONS_BY_CHANCE * math.sqrt(rows) >= fewest * usual:
        return ""
    return f"{rows:,} rows, {rows / usual:.0%} of its neighbours' {usual:,.0f}"


def _neighbours(partition: Partition) -> tuple[list[Period], list[Period]]:
    """The periods before and after that are near enough to be compared with, without those before the feed's first."""
    before, after = [], []
    earlier = later = partition.period
    for _ in range(_NEIGHBOURS_EACH_SIDE):
        earlier, later = earlier.previous(), later.next()
        before.append(earlier)
        after.append(later)
    return [period for period in before if period >= partition.feed.first_period], after
