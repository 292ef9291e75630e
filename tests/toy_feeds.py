"""Feeds of days and hours that no subject has, for tests of what must work with any feed."""

from collections.abc import Iterable
from datetime import date, datetime
from pathlib import Path

import duckdb
import pytest

from ingestion.catalog import FEEDS, SUBJECTS
from ingestion.feeds import Feed, Subject, columns
from ingestion.mobility.tlc import TLC
from warehouse.periods import Grain, Period, period_range


class Weekdays:
    """A file for every weekday, and every hour of one, but for holidays."""

    def __init__(self, *holidays: date) -> None:
        self._holidays = holidays

    def expected(self, first: Period, last: Period) -> Iterable[Period]:
        for period in period_range(first, last):
            if period.start.weekday() < 5 and period.first_day not in self._holidays:
                yield period


def toy_feed(name: str, grain: Grain, *, publication_lag_days: int = 1) -> Feed:
    """A feed of this grain; Good Friday of 2025 is a holiday."""
    return Feed(
        name=name,
        publisher=TLC,
        raw_table=name,
        file_names=(f"{name}/{{period:%Y-%m-%dT%H}}.parquet",),
        columns=columns(required="at:t price:d"),
        event_time="at",
        first_day=date(2015, 1, 1),
        publication_lag_days=publication_lag_days,
        kind="bar",
        staging_model=f"stg_{name}",
        kept_in="fct_bars",
        grain=grain,
        calendar=Weekdays(date(2025, 4, 18)),
        is_default=False,
    )


def register(*feeds: Feed, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the catalog know these feeds as a subject of their own."""
    monkeypatch.setitem(SUBJECTS, "toys", Subject("toys", feeds))
    for feed in feeds:
        monkeypatch.setitem(FEEDS, feed.name, feed)


def publish(folder: Path, feed: Feed, period: Period, *, rows: int = 100) -> Path:
    """Write the file of a period: rows spread evenly over it."""
    path = folder / feed.name / f"{period.start:%Y-%m-%dT%H}.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    seconds = (period.end - period.start).total_seconds() / rows
    with duckdb.connect() as connection:
        connection.execute(
            f"copy (select ?::timestamp + to_seconds(range * {seconds}) as at, range::double as price"
            f" from range({rows})) to '{path}' (format parquet)",
            [period.start],
        )
    return path


def at(text: str) -> datetime:
    """A time in UTC, without zone."""
    return datetime.fromisoformat(text)
