"""Which periods a feed has a file of: its calendar."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from warehouse.periods import Period, period_range


class Calendar(Protocol):
    """Says which periods are expected of a publisher. A day without a file is then no gap.

    Whoever needs to know which periods there are, or which one follows another, asks the feed's calendar.
    """

    def expected(self, first: Period, last: Period) -> Iterable[Period]:
        """The periods from the first to the last, both included, that have a file, by time.

        Both are of the feed's grain. None are expected if `first` is after `last`.
        """
        ...


class EveryPeriod:
    """A file for every month, day or hour."""

    def expected(self, first: Period, last: Period) -> Iterable[Period]:
        """Every period from the first to the last."""
        return period_range(first, last)


EVERY_PERIOD = EveryPeriod()


@runtime_checkable
class Described(Protocol):
    """A calendar that can say in words which periods it has, such as "the trading days of the exchange"."""

    description: str


def described(calendar: Calendar) -> str:
    """A calendar in words, for messages."""
    return calendar.description if isinstance(calendar, Described) else "its calendar"


class IrregularPeriods:
    """Any period may have a file, and only the publisher's listing says which do. One without a file is no gap."""

    def expected(self, first: Period, last: Period) -> Iterable[Period]:
        """Every period from the first to the last: each may have a file."""
        return period_range(first, last)


IRREGULAR_PERIODS = IrregularPeriods()


@dataclass(frozen=True)
class OnePeriod:
    """One file, which is of no time: a reference file. It is filed under this period, and replaced there."""

    period: Period

    def expected(self, first: Period, last: Period) -> Iterable[Period]:
        """The one period, if it lies between the two."""
        return [self.period] if first <= self.period <= last else []
