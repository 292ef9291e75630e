"""Sample files and databases of raw data, made once and kept below `data/benchmark`."""

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from pathlib import Path

from ingestion.catalog import FEEDS
from ingestion.partitions import Partition
from ingestion.pipeline import Status, ingest, load_file
from ingestion.publishers import Downloaded
from sandbox.files import row_count, write_file
from sandbox.server import SamplePublisher
from warehouse.ledger import Fingerprint
from warehouse.paths import DATABASE_VARIABLE, PROJECT_ROOT

FOLDER = PROJECT_ROOT / "data" / "benchmark"

# How 32 trips are shared out.
_SHARES = {"yellow": 15, "fhv": 5, "citibike": 12}


def months_from(first: date, count: int) -> list[date]:
    """So many months in a row."""
    months = (first.year * 12 + first.month - 1 + step for step in range(count))
    return [date(month // 12, month % 12 + 1, 1) for month in months]


HISTORY = months_from(date(2023, 1, 1), 24)
# In months, always the latest ones; the new month follows each.
HISTORY_LENGTHS = (3, 12, 24)
# Loaded later than the history, and before all of it.
NEW_MONTH, MONTH_BEFORE = date(2025, 1, 1), date(2022, 12, 1)


def rows_a_month(trips: int) -> dict[str, int]:
    """Rows of a month's file of each feed, when the whole history has so many trips."""
    return {feed: round(trips * share / 32 / len(HISTORY)) for feed, share in _SHARES.items()}


def sample_file(feed: str, month: date, rows: int, revision: int = 0) -> Path:
    """A sample file of the feed and month with about so many rows; made if it does not exist.

    Another revision is the file as its publisher replaced it.
    """
    yellow_rows = round(rows * 1_000_000 / row_count(feed, month, rows=1_000_000))
    folder = FOLDER / f"{feed}-{month:%Y-%m}-{rows}{f'-{revision}' if revision else ''}"
    made = list(folder.glob("*"))
    return made[0] if made else write_file(feed, month, folder, rows=yellow_rows, revision=revision)


def load_sample(feed: str, month: date, rows: int) -> None:
    """Load a sample file into the warehouse, as the platform does with a downloaded one."""
    path = sample_file(feed, month, rows)
    with tempfile.TemporaryDirectory(dir=FOLDER) as folder:
        linked = Path(folder) / path.name  # loading works in the file's folder
        os.link(path, linked)
        load_file(
            Partition(FEEDS[feed], FEEDS[feed].period_of(month)),
            Downloaded(linked, Fingerprint(path.as_uri()), path.stat().st_size),
        )


def load_trips(database: Path, months: list[date], rows: Mapping[str, int]) -> None:
    """Load sample files of each feed and month into a database."""
    with _warehouse_at(database):
        for month in months:
            for feed, count in rows.items():
                load_sample(feed, month, count)


def load_weather(database: Path, months: list[date]) -> None:
    """Load made-up weather of the months into a database.

    Raises:
        RuntimeError: a month was not loaded.
    """
    _load_published(database, "weather", months)


def load_zones(database: Path) -> None:
    """Load made-up polygons of the zones into a database.

    Raises:
        RuntimeError: they were not loaded.
    """
    _load_published(database, "taxi_zones", [HISTORY[0]])


def _load_published(database: Path, feed: str, months: list[date]) -> None:
    with SamplePublisher(months[0], months[-1], rows=1000) as publisher, _warehouse_at(database, publisher.environment):
        results = ingest([Partition(FEEDS[feed], FEEDS[feed].period_of(month)) for month in months])
    for result in results:
        if result.status is not Status.LOADED:
            raise RuntimeError(f"expected the sample of {result.partition} to be loaded, got: {result}")


def raw_database(trips: int, months: int) -> Path:
    """A database of raw data alone; made if it does not exist.

    It has the latest months of a history of `trips` trips, and all weather, also of months that are loaded later.
    """
    path = FOLDER / f"raw-{trips}-{months}.duckdb"
    if not path.exists():
        FOLDER.mkdir(parents=True, exist_ok=True)
        making = path.with_suffix(".making")
        making.unlink(missing_ok=True)
        shorter = [other for other in HISTORY_LENGTHS if other < months]
        if shorter:
            # Start from a shorter history: months may be loaded in any order.
            shutil.copyfile(raw_database(trips, shorter[-1]), making)
            missing = HISTORY[-months : -shorter[-1]]
        else:
            load_weather(making, [MONTH_BEFORE, *HISTORY, NEW_MONTH])
            missing = HISTORY[-months:]
        load_trips(making, missing, rows_a_month(trips))
        making.rename(path)
    return path


@contextmanager
def _warehouse_at(database: Path, settings: Mapping[str, str] | None = None) -> Iterator[None]:
    """Make this process use a database, and restore the settings afterwards."""
    changed = {DATABASE_VARIABLE: str(database), **(settings or {})}
    before = {name: os.environ.get(name) for name in changed}
    os.environ.update(changed)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
