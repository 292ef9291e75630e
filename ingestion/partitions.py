"""Partitions: the unit of download, load, replacement, ledger and backfill."""

from collections.abc import Iterable
from dataclasses import dataclass

from ingestion.calendars import EVERY_PERIOD, described
from ingestion.feeds import Feed
from warehouse.periods import RESOLUTION, Period, period_range


@dataclass(frozen=True)
class Partition:
    """One period of one feed. The period is that of the *file*, not of the rows in it."""

    feed: Feed
    period: Period

    def __post_init__(self) -> None:
        if self.period.grain is not self.feed.grain:
            raise ValueError(
                f"{self.feed.name}: expected a {self.feed.grain}, but got the {self.period.grain} {self.period}"
            )

    @property
    def key(self) -> str:
        """The period as text: the partition key within the feed."""
        return self.period.key

    @property
    def is_regular(self) -> bool:
        """Whether the feed's calendar expects it. If not, as on a holiday, only a listing says if there is a file."""
        feed, period = self.feed, self.period
        if feed.is_irregular:
            return False
        return feed.calendar is EVERY_PERIOD or period in feed.calendar.expected(period, period)

    def __str__(self) -> str:
        return f"{self.feed.name} {self.key}"


def partitions_between(feeds: Iterable[Feed], first: Period, last: Period) -> list[Partition]:
    """Every period of the feeds' calendars from the start of `first` to the end of `last`, by time.

    The two may be of another grain than a feed's. Of a feed of days, a month has its days; of a feed of months, a day
    has the month that it is in.
    """
    found = [
        Partition(feed, period)
        for feed in feeds
        for period in feed.calendar.expected(feed.period_of(first.start), feed.period_of(last.end - RESOLUTION))
    ]
    return sorted(found, key=lambda partition: partition.period.start)


def unexpected_between(feeds: Iterable[Feed], first: Period, last: Period) -> list[Partition]:
    """The periods between two that the feeds' calendars do not have, by time, if their publishers list their files.

    There may be a file all the same, such as one of a holiday: a listing costs the same with and without them.
    """
    found = [
        Partition(feed, period)
        for feed in feeds
        if feed.publisher.has_listing and feed.calendar is not EVERY_PERIOD and not feed.is_reference
        for period in period_range(feed.period_of(first.start), feed.period_of(last.end - RESOLUTION))
    ]
    unexpected = [one for one in found if not (one.feed.is_irregular or one.is_regular)]
    return sorted(unexpected, key=lambda partition: partition.period.start)


def no_file_expected(feeds: Iterable[Feed]) -> str:
    """Why there is nothing to load, where the feeds' calendars expect no file: in words that follow the period."""
    feeds = list(feeds)
    calendars = dict.fromkeys(described(feed.calendar) for feed in feeds)
    return f"{', '.join(feed.name for feed in feeds)} has no file then, by {', '.join(calendars)}"
