"""Large files in gzip: 20 trading days of minute bars of real size, at once and one by one.

`python -m benchmarks.gzips [--days 20] [--rows 1600000] [--runs 1]`

The floor is DuckDB alone on the same files, with the types given: at once `insert into … select` from all of them in
one statement, which reads a file a thread; or one by one, with the database opened for each, as the platform does. The
platform fetches the files from the sandbox's bucket, in another process, and loads them in one `ingest()`, or in one
each. Every turn is a process of its own, and the start of the process does not count.
"""

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path

import duckdb

from benchmarks.processes import BenchmarkError, Cost, Stopwatch, measure_inside
from benchmarks.samples import FOLDER
from ingestion.catalog import FEEDS
from ingestion.partitions import Partition, partitions_between
from ingestion.pipeline import Status, ingest
from sandbox.server import SamplePublisher
from warehouse.paths import DATABASE_VARIABLE
from warehouse.sql import identifier, literal

DAYS, ROWS_A_DAY = 20, 1_600_000
_FEED = FEEDS["minute_aggs"]
_LAST_DAY = date(2026, 1, 30)
_AT_ONCE, _ONE_BY_ONE = "at-once", "one-by-one"


@contextmanager
def served_days(count: int, rows: int) -> Iterator[tuple[list[Partition], dict[str, str]]]:
    """So many trading days until a fixed one and the settings to read them, served by this process; made if need be."""
    first = _FEED.period_of(_LAST_DAY - timedelta(days=2 * count + 7))
    days = partitions_between([_FEED], first, _FEED.period_of(_LAST_DAY))[-count:]
    folder = FOLDER / "gzips"
    with SamplePublisher(days[0].period, days[-1].period, rows=rows, folder=folder) as publisher:
        publisher.store.make([_FEED.name])
        yield days, {**publisher.environment, "BENCHMARK_FILES": str(folder / f"{rows}-rows-revision-0")}


def run(kind: str, way: str, days: Sequence[Partition], environment: Mapping[str, str]) -> Cost:
    """Load the days in a process of its own, with DuckDB alone (`floor`) or as the platform does (`load`).

    Raises:
        BenchmarkError: it failed.
    """
    with tempfile.TemporaryDirectory(dir=FOLDER) as folder:
        command = ("python", "-m", "benchmarks.gzips", kind, way, *(day.key for day in days))
        return measure_inside(command, {**environment, DATABASE_VARIABLE: f"{folder}/load.duckdb"})[0]


def _floor(groups: Sequence[Sequence[Partition]]) -> None:
    types = ", ".join(f"{literal(column.name)}: {literal(column.type)}" for column in _FEED.columns)
    listed = ", ".join(f"{identifier(column.name)} {column.type}" for column in _FEED.columns)
    names = ", ".join(identifier(column.name) for column in _FEED.columns)
    for group in groups:
        paths = ", ".join(literal(_path(day)) for day in group)
        with duckdb.connect(os.environ[DATABASE_VARIABLE]) as connection:
            connection.execute(f"create table if not exists bars ({listed})")
            connection.execute(
                f"insert into bars select {names} from read_csv([{paths}], auto_detect = false, header = true,"
                f" delim = ',', quote = '\"', escape = '\"', columns = {{{types}}})"
            )


def _path(day: Partition) -> Path:
    return Path(os.environ["BENCHMARK_FILES"]) / "flatfiles" / _FEED.file_names[0].format(period=day.period.start)


def _load(groups: Sequence[Sequence[Partition]]) -> None:
    for group in groups:
        for result in ingest(group):
            if result.status is not Status.LOADED:
                raise BenchmarkError(f"expected all days to be loaded, but got {result}")


def main() -> int:
    """Measure both ways and print their seconds and ratios; or, in a measured process, load and print what it cost."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gzips", description=__doc__)
    parser.add_argument("--days", type=int, default=DAYS)
    parser.add_argument("--rows", type=int, default=ROWS_A_DAY)
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("task", nargs="*", help="for a measured process: floor or load, the way, and the days")
    options = parser.parse_args()
    if options.task:
        kind, way, *keys = options.task
        days = [Partition(_FEED, _FEED.period(key)) for key in keys]
        groups = [days] if way == _AT_ONCE else [[day] for day in days]
        stopwatch = Stopwatch()
        (_floor if kind == "floor" else _load)(groups)
        print(json.dumps(stopwatch.seconds()))
        return 0
    FOLDER.mkdir(parents=True, exist_ok=True)
    with served_days(options.days, options.rows) as (days, environment):
        for _ in range(options.runs):
            for way in (_AT_ONCE, _ONE_BY_ONE):
                floor, load = (run(kind, way, days, environment) for kind in ("floor", "load"))
                print(
                    f"{len(days)} days {way}: platform {load.wall:.1f} s wall, {load.cpu:.1f} s CPU, "
                    f"{load.peak_mb:,.0f} MB; DuckDB alone {floor.wall:.1f} s wall, {floor.cpu:.1f} s CPU; "
                    f"ratio {load.wall / floor.wall:.2f} wall, {load.cpu / floor.cpu:.2f} CPU",
                    flush=True,
                )
    return 0


if __name__ == "__main__":
    sys.exit(main())
