"""Periods: the stretch of time that one published file or answer is of, and its keys.

The one place that turns periods into keys and back. A month's key is `2025-01`, a day's `2025-01-03`, an hour's
`2025-01-03T04`.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum

_DAY = timedelta(days=1)
# The smallest step of time.
RESOLUTION = timedelta(microseconds=1)


def moment(when: date) -> datetime:
    """A date or time as a time: a date's is its midnight."""
    return when if isinstance(when, datetime) else datetime.combine(when, time())


class BadPeriodError(ValueError):
    """A text that is not a valid period, or periods that are not a valid range."""


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


_KEY_FORMATS = {Grain.MONTH: "%Y-%m", Grain.DAY: "%Y-%m-%d", Grain.HOUR: "%Y-%m-%dT%H"}
_KEY_PATTERNS = {
    Grain.MONTH: r"\d{4}-\d{2}",
    Grain.DAY: r"\d{4}-\d{2}-\d{2}",
    Grain.HOUR: r"\d{4}-\d{2}-\d{2}T\d{2}",
}


@dataclass(frozen=True, order=True)
class Period:
    """A month, day or hour. `start` is its first moment, without a zone; any moment within it may be given."""

    grain: Grain
    start: datetime

    def __post_init__(self) -> None:
        start = moment(self.start).replace(minute=0, second=0, microsecond=0)
        if self.grain is not Grain.HOUR:
            start = start.replace(hour=0)
        if self.grain is Grain.MONTH:
            start = start.replace(day=1)
        object.__setattr__(self, "start", start)

    @classmethod
    def parse(cls, grain: Grain, key: str) -> "Period":
        """Read a key of this grain.

        Raises:
            BadPeriodError: the text is not a key of this grain.
        """
        try:
            # strptime alone would take `2025-1`, too.
            if not re.fullmatch(_KEY_PATTERNS[grain], key):
                raise ValueError(key)
            return cls(grain, datetime.strptime(key, _KEY_FORMATS[grain]))  # noqa: DTZ007 - periods have no zone
        except ValueError as error:
            raise BadPeriodError(
                f"expected a {grain} as {grain.form}, such as {grain.example}, but got {key!r}"
            ) from error

    @classmethod
    def of_any_grain(cls, key: str) -> "Period":
        """Read a key whose grain is told by its form.

        Raises:
            BadPeriodError: the text is not a key of any grain.
        """
        for grain, pattern in _KEY_PATTERNS.items():
            if re.fullmatch(pattern, key):
                return cls.parse(grain, key)
        forms = ", ".join(f"{grain.form} ({grain})" for grain in Grain)
        raise BadPeriodError(f"expected a period as one of {forms}, but got {key!r}")

    @property
    def key(self) -> str:
        """The period as text: the partition key within a feed."""
        return self.start.strftime(_KEY_FORMATS[self.grain])

    @property
    def value(self) -> date | datetime:
        """What the period column of a raw table holds."""
        return self.start if self.grain is Grain.HOUR else self.start.date()

    @property
    def end(self) -> datetime:
        """The first moment after the period."""
        return self.next().start

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
        day = self.first_day
        while day <= self.last_day:
            yield day
            day += _DAY

    def next(self) -> "Period":
        """The period after this one."""
        steps = {Grain.MONTH: 32 * _DAY, Grain.DAY: _DAY, Grain.HOUR: timedelta(hours=1)}
        return Period(self.grain, self.start + steps[self.grain])

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


def period_range(first: Period, last: Period) -> Iterator[Period]:
    """Every period from the first to the last of the same grain, both included."""
    while first <= last:
        yield first
        first = first.next()


def month(year: int, number: int) -> Period:
    """A month of the calendar."""
    return Period(Grain.MONTH, datetime.combine(date(year, number, 1), time()))


def day(year: int, month_number: int, number: int) -> Period:
    """A day of the calendar."""
    return Period(Grain.DAY, datetime.combine(date(year, month_number, number), time()))


def compress(periods: Iterable[Period]) -> str:
    """Periods as runs, for people: `2025-01 … 2025-04, 2025-06`."""
    runs: list[tuple[Period, Period]] = []
    for period in sorted(set(periods)):
        if runs and runs[-1][1].next() == period:
            runs[-1] = (runs[-1][0], period)
        else:
            runs.append((period, period))
    return ", ".join(first.key if first == last else f"{first} … {last}" for first, last in runs)
