"""Which periods a feed has a file of: its calendar."""

from collections.abc import Iterator
from typing import Protocol

from warehouse.periods import Period, period_range


class Calendar(Protocol):
    """Says which periods are expected. A holiday on which nothing is published is then no gap."""

    def expected(self, first: Period, last: Period) -> Iterator[Period]:
        """The periods from the first to the last, both included, that the publisher has a file of."""
        ...


class EveryPeriod:
    """A file for every month, day or hour."""

    def expected(self, first: Period, last: Period) -> Iterator[Period]:
        """Every period from the first to the last."""
        return period_range(first, last)


EVERY_PERIOD = EveryPeriod()
