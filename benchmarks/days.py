"""Many small files: 250 days of one feed, a CSV of 20,000 rows each, through `ingest()` from a local HTTP server.

The floor is DuckDB alone on the same files in one database, opened once: `create table` from the first file's columns,
then an `insert into … select` from `read_csv` a file, with the types given and the rows numbered, each a transaction of
its own. The platform fetches the files from a server in its own process, reads, loads, checks and records each.

The feed and its publisher are the benchmark's own: no subject has them.
"""

import argparse
import json
import os
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import duckdb

from benchmarks.processes import BenchmarkError, Cost, Stopwatch, measure_inside
from benchmarks.samples import FOLDER
from ingestion.feeds import Feed, columns
from ingestion.fetch.http_publisher import HttpPublisher
from ingestion.partitions import Partition
from ingestion.pipeline import Status, ingest
from ingestion.readers.csv_files import CsvReader
from warehouse.paths import DATABASE_VARIABLE
from warehouse.periods import Grain, Period
from warehouse.sql import identifier, literal

DAYS, ROWS_A_DAY = 250, 20_000
_FIRST_DAY = date(2024, 1, 1)


class _Exchange(HttpPublisher):
    """The publisher of the benchmark's days."""

    name = "exchange"
    default_base_url = "http://127.0.0.1:1"
    read = CsvReader()


_FEED = Feed(
    name="bars",
    publisher=_Exchange(),
    raw_table="bars",
    file_names=("bars-{period:%Y-%m-%d}.csv",),
    columns=columns("ticker:s volume:i open:d close:d high:d low:d window_start:t transactions:i"),
    event_time="window_start",
    first_day=_FIRST_DAY,
    publication_lag_days=1,
    kind="bar",
    staging_model="",
    kept_in="",
    grain=Grain.DAY,
)


def _numbered(path: Path) -> str:
    types = ", ".join(f"{literal(column.name)}: {literal(column.type)}" for column in _FEED.columns)
    names = ", ".join(identifier(column.name) for column in _FEED.columns)
    return (
        f"select {names}, row_number() over () - 1 as source_row"
        f" from read_csv({literal(path)}, auto_detect = false, header = true, columns = {{{types}}})"
    )


def files_of_days(days: int = DAYS, rows: int = ROWS_A_DAY) -> list[Path]:
    """The files, made unless they are there."""
    folder = FOLDER / f"days-{days}-{rows}"
    if not folder.exists():
        FOLDER.mkdir(parents=True, exist_ok=True)
        making = Path(tempfile.mkdtemp(dir=FOLDER))
        for number in range(days):
            day = _FIRST_DAY + timedelta(days=number)
            duckdb.execute(
                f"""
                copy (
                    select
                        'T' || (n % 400) as ticker,
                        (hash(n) % 100000)::int as volume,
                        round(10 + (hash(n + 1) % 100000) / 1000, 3) as open,
                        round(10 + (hash(n + 2) % 100000) / 1000, 3) as close,
                        round(10 + (hash(n + 3) % 100000) / 1000, 3) as high,
                        round(10 + (hash(n + 4) % 100000) / 1000, 3) as low,
                        timestamp '{day} 09:30:00' + to_minutes((n // 52)::int) as window_start,
                        (hash(n + 5) % 1000)::int as transactions
                    from range({number * rows}, {(number + 1) * rows}) as numbers (number)
                    cross join lateral (select number - {number * rows} as n)
                    order by number
                ) to '{making / f"bars-{day}.csv"}' (header)
                """
            )
        making.rename(folder)
    return sorted(folder.iterdir())


def run(kind: str, files: list[Path]) -> Cost:
    """Load the files in a process of its own, with DuckDB alone (`floor`) or as the platform does (`load`).

    Raises:
        BenchmarkError: it failed.
    """
    with tempfile.TemporaryDirectory(dir=FOLDER) as folder:
        command = ("python", "-m", "benchmarks.days", kind, str(files[0].parent))
        return measure_inside(command, {DATABASE_VARIABLE: f"{folder}/load.duckdb"})[0]


def _day_of(file: Path) -> date:
    return date.fromisoformat(file.stem.removeprefix("bars-"))


def _floor(files: list[Path]) -> None:
    with duckdb.connect(os.environ[DATABASE_VARIABLE]) as connection:
        for position, file in enumerate(files):
            start = "insert into bars" if position else "create table bars as"
            connection.execute(f"{start} select *, date '{_day_of(file)}' as source_date from ({_numbered(file)})")


def _load(files: list[Path]) -> None:
    partitions = [Partition(_FEED, Period.parse(Grain.DAY, str(_day_of(file)))) for file in files]
    with _served(files[0].parent) as url:
        os.environ["SOURCES__EXCHANGE__BASE_URL"] = url
        results = ingest(partitions)
    failed = [result for result in results if result.status is not Status.LOADED]
    if failed:
        raise BenchmarkError(f"expected all days to be loaded, but got {failed[0]}")


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *arguments: object) -> None: ...


@contextmanager
def _served(folder: Path) -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder))) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def main() -> int:
    """What a measured process does: load the files, and print what it cost as JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.days", description=__doc__)
    parser.add_argument("kind", choices=("floor", "load"))
    parser.add_argument("folder", type=Path)
    options = parser.parse_args()
    files = sorted(options.folder.iterdir())
    stopwatch = Stopwatch()
    (_floor if options.kind == "floor" else _load)(files)
    print(json.dumps(stopwatch.seconds()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
