"""Prefixes of keys in the bucket of minute files, as people know them, and the days that they stand for."""

import re
from datetime import UTC, datetime

from ingestion.catalog import Catalog
from ingestion.gap_survey import ask
from ingestion.partitions import Partition, partitions_between, unexpected_between
from warehouse.periods import BadPeriodError, Grain, Period

FEED = "minute_aggs"
FOLDER = "us_stocks_sip/minute_aggs_v1/"
EXAMPLE = f"{FOLDER}2026/01/"

# A prefix ends after a folder, or is a whole key. One that ends within a name would stand for days by accident.
_FORM = re.compile(
    re.escape(FOLDER) + r"(?:(?P<year>\d{4})/(?:(?P<month>\d{2})/(?:(?P<day>\d{4}-\d{2}-\d{2})\.csv\.gz)?)?)?", re.ASCII
)


def days_of(prefix: str, catalog: Catalog, now: datetime | None = None) -> list[Partition]:
    """The trading days until today whose keys begin with a prefix, by time.

    Raises:
        ValueError: no key of a minute file can begin with it, or no trading day is among them.
    """
    feed = catalog.feeds[FEED]
    today = feed.period_of((now or datetime.now(UTC)).replace(tzinfo=None))
    first, last = _bounds(prefix) or (feed.first_period, today)
    found = [
        partition
        for partition in partitions_between([feed], first, last)
        if feed.first_period <= partition.period <= today
    ]
    if not found:
        raise ValueError(f"prefix: {prefix!r} stands for no trading day from {feed.first_period} until today")
    return found


def listed_besides(prefix: str, catalog: Catalog) -> list[Partition]:
    """The days whose keys begin with a prefix, and are in the bucket, though the exchange is closed.

    Raises:
        ValueError: as of `days_of`.
    """
    feed = catalog.feeds[FEED]
    first, last = _bounds(prefix) or (feed.first_period, feed.period_of(datetime.now(UTC).replace(tzinfo=None)))
    answers, _ = ask(unexpected_between([feed], first, last))
    return [partition for partition, answer in answers.items() if answer]


def _bounds(prefix: str) -> tuple[Period, Period] | None:
    """The first and the last period that a prefix stands for; None for all of them."""
    found = _FORM.fullmatch(prefix)
    if found is None:
        raise ValueError(
            f"prefix: expected the beginning of keys, up to a folder or a whole key, such as {EXAMPLE!r}, but got "
            f"{prefix[:100]!r}"
        )
    year, number, key = found["year"], found["month"], found["day"]
    if year is None:
        return None
    try:
        first = Period.parse(Grain.MONTH, f"{year}-{number or '01'}")
        if key is None:
            return first, first if number else Period.parse(Grain.MONTH, f"{year}-12")
        of_key = Period.parse(Grain.DAY, key)
    except BadPeriodError as error:
        raise ValueError(f"prefix: {prefix!r}: {error}") from error
    if not key.startswith(f"{year}-{number}"):
        raise ValueError(f"prefix: {key} is in another folder than {year}/{number}")
    return of_key, of_key
