"""Partitions as tests name them."""

from collections.abc import Iterable
from datetime import date

from ingestion.feeds import Feed
from ingestion.partitions import Partition


def partition_of(feed: Feed, day: date) -> Partition:
    """The partition of a feed that a day is in."""
    return Partition(feed, feed.period_of(day))


def partitions_of(feeds: Iterable[Feed], days: Iterable[date]) -> list[Partition]:
    """The partitions of these feeds that these days are in, day by day."""
    feeds = list(feeds)
    return [partition_of(feed, day) for day in days for feed in feeds]
