"""Sample files and databases of raw data to measure with, made once and kept below `data/benchmark`."""

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from pathlib import Path

from ingestion.download import Downloaded
from ingestion.feeds import FEEDS
from ingestion.partitions import Partition
from ingestion.pipeline import Status, ingest, load_file
from ingestion.sample_publisher.files import row_count, write_file
from ingestion.sample_publisher.server import SamplePublisher
from warehouse.ledger import Fingerprint
from warehouse.paths import DATABASE_VARIABLE, PROJECT_ROOT

FOLDER = PROJECT_ROOT / "data" / "benchmark"

# 32 million trips over 24 months: yellow, fhv and Citi Bike as 15 to 5 to 12.
ROWS_A_MONTH = {"yellow": 625_000, "fhv": 208_333, "citibike": 500_000}


def months_from(first: date, count: int) -> list[date]:
    """So many months in a row."""
    months = (first.year * 12 + first.month - 1 + step for step in range(count))
    return [date(month // 12, month % 12 + 1, 1) for month in months]


def sample_file(feed: str, month: date, rows: int) -> Path:
    """A sample file of the feed and month with about so many rows, made unless it is there."""
    yellow_rows = round(rows * 1_000_000 / row_count(feed, month, rows=1_000_000))
    folder = FOLDER / f"{feed}-{month:%Y-%m}-{rows}"
    made = list(folder.glob("*"))
    return made[0] if made else write_file(feed, month, folder, rows=yellow_rows)


def load_sample(feed: str, month: date, rows: int) -> None:
    """Load a sample file into the warehouse, as the platform does with a downloaded one."""
    path = sample_file(feed, month, rows)
    with tempfile.TemporaryDirectory(dir=FOLDER) as folder:
        linked = Path(folder) / path.name  # loading works in the file's folder
        os.link(path, linked)
        load_file(Partition(FEEDS[feed], month), Downloaded(linked, Fingerprint(path.as_uri()), path.stat().st_size))


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
    with SamplePublisher(months[0], months[-1], rows=1000) as publisher, _warehouse_at(database, publisher.environment):
        results = ingest([Partition(FEEDS["weather"], month) for month in months])
    for result in results:
        if result.status is not Status.LOADED:
            raise RuntimeError(f"expected {result.partition} of the sample weather to be loaded, got: {result}")


def raw_database(months: list[date]) -> Path:
    """A database of raw data alone, trips and weather of these months, made unless it is there."""
    path = FOLDER / f"raw-{len(months)}.duckdb"
    if not path.exists():
        FOLDER.mkdir(parents=True, exist_ok=True)
        making = path.with_suffix(".making")
        making.unlink(missing_ok=True)
        load_trips(making, months, ROWS_A_MONTH)
        load_weather(making, months)
        making.rename(path)
    return path


@contextmanager
def _warehouse_at(database: Path, settings: Mapping[str, str] | None = None) -> Iterator[None]:
    """Point this process to a database, and back."""
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
