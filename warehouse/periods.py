"""Periods: the stretch of time that one published file or answer is of, and its keys.

The one place that turns periods into keys and back. A month's key is `2025-01`, a day's `2025-01-03`, an hour's
`2025-01-03T04`. Periods have no time zone: it is the publisher's.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from functools import total_ordering

_DAY = timedelta(days=1)
# The smallest step of time.
RESOLUTION = timedelta(microseconds=1)


class BadPeriodError(ValueError):
    """A text that is not a valid period, or periods that are not a valid range."""


def moment(when: date) -> datetime:
    """A date or time as a time: a date's is its midnight."""
    return when if isinstance(when, datetime) else datetime.combine(when, time())


class Grain(StrEnum):
    """How long the periods of a feed are."""

    MONTH = "month"
    DAY = "day"
    HOUR = "hour"

    @property
    def column(self) -> str:
        """The column of a raw table that holds the start of the row's period."""
        return {Grain.MONTH: "source_month", Grain.DAY: "source_date", Grain.HOUR: "source_hour"}[self]

    @property
    def sql_type(self) -> str:
        """The type of that column in DuckDB."""
        return "TIMESTAMP" if self is Grain.HOUR else "DATE"

    @property
    def form(self) -> str:
        """How a key is written, for people."""
        return {Grain.MONTH: "YYYY-MM", Grain.DAY: "YYYY-MM-DD", Grain.HOUR: "YYYY-MM-DDTHH"}[self]

    @property
    def example(self) -> str:
        """A key of this grain."""
        return Period(self, datetime.fromisoformat("2025-01-03T04:00")).key


# `\d` would match the digits of every script.
_KEY_PATTERNS = {
    Grain.MONTH: re.compile("[0-9]{4}-[0-9]{2}"),
    Grain.DAY: re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}"),
    Grain.HOUR: re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}"),
}
# What makes a key a time, and how much of a time is the key.
_KEY_ENDS = {Grain.MONTH: "-01", Grain.DAY: "", Grain.HOUR: ""}
_KEY_LENGTHS = {Grain.MONTH: 7, Grain.DAY: 10, Grain.HOUR: 13}
# Far enough to be in the next period.
_STEPS = {Grain.MONTH: 32 * _DAY, Grain.DAY: _DAY, Grain.HOUR: timedelta(hours=1)}


@total_ordering
@dataclass(frozen=True)
class Period:
    """A month, day or hour. `start` is its first moment; any date or time within the period may be given.

    Periods are ordered by time: by their start, and of those that start together the shorter one comes first.
    """

    grain: Grain
    start: datetime

    def __post_init__(self) -> None:
        start = moment(self.start).replace(minute=0, second=0, microsecond=0)
        if self.grain is not Grain.HOUR:
            start = start.replace(hour=0)
        if self.grain is Grain.MONTH:
            start = start.replace(day=1)
        object.__setattr__(self, "start", start)

    def __lt__(self, other: "Period") -> bool:
        if self.start != other.start:
            return self.start < other.start
        return _KEY_LENGTHS[self.grain] > _KEY_LENGTHS[other.grain]

    @classmethod
    def _that_starts(cls, grain: Grain, start: datetime) -> "Period":
        """The period of which this is the first moment. Years of hours are listed: that is not worked out again."""
        period = object.__new__(cls)
        object.__setattr__(period, "grain", grain)
        object.__setattr__(period, "start", start)
        return period

    @classmethod
    def parse(cls, grain: Grain, key: str) -> "Period":
        """Read a key of this grain.

        Raises:
            BadPeriodError: the text is not a key of this grain.
        """
        try:
            if not _KEY_PATTERNS[grain].fullmatch(key):
                raise ValueError(key)
            return cls(grain, datetime.fromisoformat(key + _KEY_ENDS[grain]))
        except ValueError as error:
            raise BadPeriodError(
                f"expected a {grain} as {grain.form}, such as {grain.example}, but got {_shown(key)}"
            ) from error

    @classmethod
    def of_any_grain(cls, key: str) -> "Period":
        """Read a key of any grain: its form says which.

        Raises:
            BadPeriodError: the text is not a key of any grain.
        """
        for grain, pattern in _KEY_PATTERNS.items():
            if pattern.fullmatch(key):
                return cls.parse(grain, key)
        forms = ", ".join(f"{grain.form} ({grain})" for grain in Grain)
        raise BadPeriodError(f"expected a period as one of {forms}, but got {_shown(key)}")

    @property
    def key(self) -> str:
        """The period as text: the partition key within a feed."""
        # Not strftime: it writes the year 900 with three digits.
        return self.start.isoformat()[: _KEY_LENGTHS[self.grain]]

    @property
    def value(self) -> date | datetime:
        """What the period column of a raw table holds."""
        return self.start if self.grain is Grain.HOUR else self.start.date()

    @property
    def end(self) -> datetime:
        """The first moment after the period."""
        after = self.start + _STEPS[self.grain]
        return after.replace(day=1) if self.grain is Grain.MONTH else after

    @property
    def first_day(self) -> date:
        """The day on which it begins."""
        return self.start.date()

    @property
    def last_day(self) -> date:
        """The day on which it ends."""
        return (self.end - RESOLUTION).date()

    def days(self) -> Iterator[date]:
        """Every day of the period; of an hour its day."""
        day, last = self.first_day, self.last_day
        while day <= last:
            yield day
            day += _DAY

    def next(self) -> "Period":
        """The period after this one."""
        return Period._that_starts(self.grain, self.end)

    def previous(self) -> "Period":
        """The period before this one."""
        return Period(self.grain, self.start - RESOLUTION)

    def has_begun(self, now: date) -> bool:
        """Whether it has begun by now. A date stands for its midnight."""
        return self.start <= moment(now)

    def has_ended(self, now: date) -> bool:
        """Whether it is over by now. A date stands for its midnight."""
        return self.end <= moment(now)

    def __str__(self) -> str:
        return self.key


def _shown(text: str) -> str:
    """A text as an error shows it: not longer than a line."""
    return repr(text if len(text) <= 50 else f"{text[:50]}…")


def period_range(first: Period, last: Period) -> Iterator[Period]:
    """Every period from the first to the last of the same grain, both included."""
    while first <= last:
        yield first
        first = first.next()


def month(year: int, number: int) -> Period:
    """A month of the calendar."""
    return Period(Grain.MONTH, moment(date(year, number, 1)))


def day(year: int, month_number: int, number: int) -> Period:
    """A day of the calendar."""
    return Period(Grain.DAY, moment(date(year, month_number, number)))


def partition_key(feed: str | None, period: Period) -> str:
    """The key of a partition of something that has several feeds: `FEED/2025-01`; without a feed `2025-01`."""
    return f"{feed}/{period}" if feed else period.key


def parse_partition_key(key: str) -> tuple[str | None, Period]:
    """The feed, if the key has one, and the period of a key that `partition_key` wrote.

    Raises:
        BadPeriodError: the text is not such a key.
    """
    feed, _, period = key.rpartition("/")
    return feed or None, Period.of_any_grain(period)


def compress(periods: Iterable[Period], expected: Callable[[Period, Period], Iterable[Period]] = period_range) -> str:
    """Periods of one grain as runs, for people: `2025-01 … 2025-04, 2025-06`.

    `expected` lists the periods of a calendar between two. Periods that follow each other there are one run: Friday
    and Monday, where nothing is published on weekends.
    """
    ordered = sorted(set(periods))
    if not ordered:
        return ""
    position = {period: number for number, period in enumerate(expected(ordered[0], ordered[-1]))}
    runs: list[tuple[Period, Period]] = []
    for period in ordered:
        before = position.get(runs[-1][1]) if runs else None
        if before is not None and position.get(period) == before + 1:
            runs[-1] = (runs[-1][0], period)
        else:
            runs.append((period, period))
    return ", ".join(first.key if first == last else f"{first} … {last}" for first, last in runs)


def word_for(grains: Iterable[Grain]) -> str:
    """What to call periods of these grains in a heading or message: `month`, or `period` where they differ."""
    found = set(grains)
    return found.pop().value if len(found) == 1 else "period"
