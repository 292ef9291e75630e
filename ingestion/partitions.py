"""Partitions: the unit of download, load, replacement, ledger and backfill."""

from collections.abc import Iterable
from dataclasses import dataclass

from ingestion.feeds import Feed
from warehouse.periods import RESOLUTION, Period


@dataclass(frozen=True)
class Partition:
    """One feed, one period: that of the *file*, not of its rows."""

    feed: Feed
    period: Period

    def __post_init__(self) -> None:
        if self.period.grain is not self.feed.grain:
            raise ValueError(f"expected a {self.feed.grain} of {self.feed.name}, got {self.period.grain} {self.period}")

    @property
    def key(self) -> str:
        """The period as text: the partition key within the feed."""
        return self.period.key

    def __str__(self) -> str:
        return f"{self.feed.name} {self.key}"


def partitions_between(feeds: Iterable[Feed], first: Period, last: Period) -> list[Partition]:
    """Every period of the feeds' calendars from the first day of `first` to the last day of `last`, by time.

    The two may be of another grain than the feeds': of a feed of days, a month has its days.
    """
    found = [
        Partition(feed, period)
        for feed in feeds
        for period in feed.calendar.expected(feed.period_of(first.start), feed.period_of(last.end - RESOLUTION))
    ]
    return sorted(found, key=lambda partition: partition.period.start)
