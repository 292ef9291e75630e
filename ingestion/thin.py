"""When a loaded period seems incomplete: judged by what is known of its rows, without I/O.

A period is *thin* if its file is loaded and one of these holds:

- None of its rows is of the period.
- Of a month: the rows do not reach its first or its last day, or the feed's first day if the feed began within the
  month. Only rows within the month count: the earliest and the latest time of a file are often strays from other
  years. A weekday on which the feed never has rows is not missed. A feed with few rows a day is not judged.
- Of a month or day: it is an hourly series (at most one row an hour, and most hours are there), and an hour is missing
  or has no values.
- It has far fewer rows than its neighbours on both sides. The neighbours of a month are the two months before and the
  two after; they are compared by rows a day. Those of a day or an hour are the same weekday, and hour, of the two weeks
  before and the two after. What the feed's calendar does not expect is never loaded, and so is nobody's neighbour.

What is far fewer depends on the grain. A month is thin with less than half of the median of each side, or with less
than a third where only one side is loaded. Bike trips fall to 52 % of the two months before by the season alone, so
that the last month loaded must not be suspect; and where trips fall or rise for months (spring of 2020), a month is as
low as one of its sides. Days and hours differ more: a half-day on a stock exchange has 210 of 390 minutes, and fewer
trades in each. They are thin with less than a quarter, or less than a sixth. A shortfall that may be chance does not
count.

A reference file has neither times nor neighbours, and is never thin; nor is a file of irregular periods, or of one that
its feed's calendar does not have.

Thin is a suspicion: the file may be complete, as in a month of snow. Then a person accepts it.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from statistics import median

from ingestion.feeds import Feed
from ingestion.partitions import Partition
from warehouse.periods import Grain, Period

_NEIGHBOURS_EACH_SIDE = 2
_WEEK = timedelta(days=7)
# By chance, a count may fall short by this many standard deviations.
_DEVIATIONS_BY_CHANCE = 3
# With fewer rows a day, a day without any may be chance.
_ROWS_A_DAY_TO_JUDGE = 10


@dataclass(frozen=True)
class _Fewest:
    """The least share of its neighbours' rows that a period has without being thin."""

    between_neighbours: float
    beside_neighbours: float


_FEWEST = {Grain.MONTH: _Fewest(1 / 2, 1 / 3), Grain.DAY: _Fewest(1 / 4, 1 / 6), Grain.HOUR: _Fewest(1 / 4, 1 / 6)}


@dataclass(frozen=True)
class DayCount:
    """The rows of one day, the hours they fall into, and how many of these hours have values."""

    rows: int
    hours: int
    filled_hours: int


@dataclass(frozen=True)
class Coverage:
    """What a partition's raw rows cover: how many there are, and by day those that are of its period.

    `days` is None where nobody has counted them: then the period is not searched for missing days and hours.
    """

    load_id: str
    rows: int
    days: Mapping[date, DayCount] | None


def thin_reasons(
    partition: Partition, coverage: Coverage, weekdays: set[int], rows_by_key: Mapping[str, int]
) -> tuple[str, ...]:
    """Why a loaded period seems incomplete; empty if it does not.

    `weekdays` are those on which the feed has rows at all, `rows_by_key` the rows of its loaded periods by partition
    key.
    """
    if partition.feed.is_reference or not partition.is_regular:
        return ()
    missing = "" if coverage.days is None else _missing_times(partition, coverage.days, weekdays)
    reasons = (missing, _few_rows(partition, rows_by_key))
    return tuple(reason for reason in reasons if reason)


def _missing_times(partition: Partition, days: Mapping[date, DayCount], weekdays: set[int]) -> str:
    """Which hours, or days at either end, have no rows although they should."""
    period = partition.period
    if not days:
        return f"no rows within the {period.grain}"
    if period.grain is Grain.HOUR:
        return ""
    if _is_hourly(period, days):
        return _missing_hours(period, days)
    return _missing_ends(partition, days, weekdays) if period.grain is Grain.MONTH else ""


def _is_hourly(period: Period, days: Mapping[date, DayCount]) -> bool:
    """Whether the rows are an hourly series: no hour has two, and most of the period's hours have one."""
    hours = sum(day.hours for day in days.values())
    rows = sum(day.rows for day in days.values())
    return rows == hours and 2 * hours > _hours(period)


def _hours(period: Period) -> int:
    return round((period.end - period.start).total_seconds() / 3600)


def _missing_hours(period: Period, days: Mapping[date, DayCount]) -> str:
    missing = _hours(period) - sum(day.filled_hours for day in days.values())
    return f"{missing} of {_hours(period)} hours missing" if missing else ""


def _missing_ends(partition: Partition, days: Mapping[date, DayCount], weekdays: set[int]) -> str:
    """Which days at either end of the month have no rows although they should."""
    if sum(day.rows for day in days.values()) < _ROWS_A_DAY_TO_JUDGE * len(days):
        return ""
    expected = [day for day in _days(partition.feed, partition.period) if day.weekday() in weekdays]
    if not expected:
        return ""
    first, last = min(days), max(days)
    ends = [f"before {first}"] if expected[0] < first else []
    ends += [f"after {last}"] if expected[-1] > last else []
    return f"no rows {' or '.join(ends)}" if ends else ""


def _days(feed: Feed, period: Period) -> list[date]:
    """The days of the period on which there was the feed."""
    return [day for day in period.days() if day >= feed.first_day]


def _few_rows(partition: Partition, rows_by_key: Mapping[str, int]) -> str:
    """How many rows the period has, if they are far fewer than its neighbours'."""

    def rows_a_day(period: Period) -> float:
        return rows_by_key[period.key] / len(_days(partition.feed, period))

    # By the day: the feed may have begun in the middle of its first month.
    sides = [[rows_a_day(period) for period in side if period.key in rows_by_key] for side in _neighbours(partition)]
    loaded = [median(side) for side in sides if side]
    if not loaded:
        return ""
    usual = min(loaded) * len(_days(partition.feed, partition.period))
    fewest = _FEWEST[partition.period.grain]
    share = fewest.between_neighbours if len(loaded) == len(sides) else fewest.beside_neighbours
    rows = rows_by_key[partition.key]
    if rows + _DEVIATIONS_BY_CHANCE * math.sqrt(rows) >= share * usual:
        return ""
    return f"{rows:,} rows, {rows / usual:.0%} of its neighbours' {usual:,.0f}"


def _neighbours(partition: Partition) -> tuple[list[Period], list[Period]]:
    """The periods before and after that are near enough to be compared with, without those before the feed's first."""
    before, after = [], []
    earlier = later = partition.period
    for _ in range(_NEIGHBOURS_EACH_SIDE):
        earlier, later = _step(earlier, -1), _step(later, 1)
        before.append(earlier)
        after.append(later)
    first = partition.feed.first_period
    return [period for period in before if period >= first], after


def _step(period: Period, direction: int) -> Period:
    """The nearest neighbour in the past (-1) or future (1): a month away, or else a week."""
    if period.grain is Grain.MONTH:
        return period.next() if direction > 0 else period.previous()
    return Period(period.grain, period.start + direction * _WEEK)
