"""Months and partitions: the unit of download, load, replacement and backfill."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from ingestion.feeds import Feed


class BadMonthError(ValueError):
    """A year, month or range of months that is none."""


@dataclass(frozen=True)
class Partition:
    """One feed, one month. `month` is the first day of the month of the *file*, not of its rows."""

    feed: Feed
    month: date

    @property
    def key(self) -> str:
        """The month as `2025-01`: the partition key within the feed."""
        return f"{self.month:%Y-%m}"

    def __str__(self) -> str:
        return f"{self.feed.name} {self.key}"


def next_month(month: date) -> date:
    """The first day of the month after this one."""
    return (month.replace(day=1) + timedelta(days=32)).replace(day=1)


def last_day(month: date) -> date:
    """The last day of this month."""
    return next_month(month) - timedelta(days=1)


def month_range(first: date, last: date) -> Iterator[date]:
    """Every month from the first to the last, both included."""
    while first <= last:
        yield first
        first = next_month(first)


def parse_month(text: str) -> date:
    """Read `2025-01`.

    Raises:
        BadMonthError: the text is not a month in that form.
    """
    match = re.fullmatch(r"(\d{4})-(\d{2})", text)
    if not match or not 1 <= int(match[2]) <= 12:
        raise BadMonthError(f"expected a month as YYYY-MM, such as 2025-01, but got {text!r}")
    return date(int(match[1]), int(match[2]), 1)


def months_of_year(year: int, months: str) -> list[date]:
    """Read `5,6` as months of a year, in calendar order, each once.

    Raises:
        BadMonthError: a word is not a number from 1 to 12, or there is none.
    """
    words = [word.strip() for word in months.split(",") if word.strip()]
    bad = [word for word in words if not word.isdecimal() or not 1 <= int(word) <= 12]
    if bad or not words:
        raise BadMonthError(f"expected months as numbers from 1 to 12, such as 5,6, but got {months!r}")
    return sorted({date(year, int(word), 1) for word in words})
