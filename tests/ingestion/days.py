"""A feed of days that no subject has, its publisher, and a file server for its files."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import duckdb

from ingestion.errors import UnreadableFileError
from ingestion.feeds import Column, ColumnType, Feed, columns
from ingestion.fetch.http_publisher import HttpPublisher
from ingestion.partitions import Partition
from ingestion.readers.published import PublishedRows
from ingestion.readers.published_file import PublishedFile
from warehouse.periods import Grain
from warehouse.sql import identifier, literal

BASE_ADDRESS_VARIABLE = "SOURCES__TEST_DAYS__BASE_URL"


def _read(partition: Partition, path: Path, connection: duckdb.DuckDBPyConnection) -> PublishedRows:
    """The rows of a CSV whose values are read as they are loaded; a last column `extra` is kept."""
    header, *lines = path.read_text().splitlines()
    if not header.startswith("ticker,price,at"):
        raise UnreadableFileError(f"{path.name}: expected the columns ticker, price and at, but got {header[:60]!r}.")
    extra = (Column("extra", ColumnType.VARCHAR),) if header.endswith(",extra") else ()
    found = (*partition.feed.columns, *extra)
    types = ", ".join(f"{literal(column.name)}: {literal(column.type)}" for column in found)
    return PublishedRows(
        PublishedFile(partition, path),
        f"select {', '.join(identifier(column.name) for column in found)}, row_number() over () - 1 as source_row"
        f" from read_csv({literal(path)}, auto_detect = false, header = true, columns = {{{types}}})",
        found,
        len(lines),
    )


class _Publisher(HttpPublisher):
    name = "test_days"
    default_base_url = "http://127.0.0.1:1"
    read = staticmethod(_read)


DAYS = Feed(
    name="test_days",
    publisher=_Publisher(),
    raw_table="test_days",
    file_names=("{period:%Y-%m-%d}.csv",),
    columns=columns("ticker:s price:d at:t"),
    event_time="at",
    first_day=date(2025, 1, 1),
    publication_lag_days=1,
    kind="price",
    staging_model="",
    kept_in="",
    grain=Grain.DAY,
)


def day(number: int) -> Partition:
    """The partition of a day of January 2025."""
    return Partition(DAYS, DAYS.period(f"2025-01-{number:02}"))


def publish(folder: Path, number: int, price: str = "1.5", rows: int = 50, extra: str | None = None) -> None:
    """Write a day's file. One that is replaced is a second younger each time, for that is all its server tells."""
    path = folder / f"2025-01-{number:02}.csv"
    last = path.stat().st_mtime if path.exists() else 1_700_000_000
    header, end = ("ticker,price,at,extra", f",{extra}") if extra else ("ticker,price,at", "")
    lines = [f"T{row},{price},2025-01-{number:02} 09:{row % 60:02}:00{end}" for row in range(rows)]
    path.write_text("\n".join([header, *lines]) + "\n")
    os.utime(path, (last + 1, last + 1))


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None: ...


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """A plain file server; yields its address."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder))) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
