"""A million events in 2,000 hourly files: loaded by the platform, against DuckDB reading the same JSON lines.

`python -m benchmarks.event_files [--events 1000000] [--hours 2000] [--runs 3]`

The platform's time is that of the whole `ingest` call: listing, reading, loading, ledger. The floor is one `create
table` of all files. Each turn is in a process of its own, with an empty database file that has the raw tables; imports
and the connection of the floor's are not counted on either side. Goal: twice the floor.
"""

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from statistics import median

import duckdb

from benchmarks.processes import BenchmarkError, Cost, Stopwatch, measure_inside
from benchmarks.samples import FOLDER
from ingestion.catalog import FEEDS
from ingestion.feeds import Feed
from ingestion.partitions import Partition
from ingestion.pipeline import Status, ingest
from sandbox.telemetry.event_files import write_event_files
from sandbox.telemetry.event_lines import Sample
from warehouse.connection import open_for_writing
from warehouse.paths import DATABASE_VARIABLE

FEED = "pipeline_events"
_FIRST = datetime.fromisoformat("2026-01-01")
_FOLDER_VARIABLE = "SOURCES__EVENT_FILES__URL"


def hours_of(folder: Path) -> list[Partition]:
    """The hours that have a folder with files."""
    feed: Feed = FEEDS[FEED]
    places = {path.parent.relative_to(folder / "events") for path in folder.glob("events/*/*/*/*/*.jsonl")}
    return [
        Partition(feed, feed.period(f"{year}-{month}-{day}T{hour}"))
        for year, month, day, hour in (place.parts for place in sorted(places))
    ]


def load(folder: Path) -> int:
    """Load all hours into the database of the environment; returns how many rows it has then.

    Raises:
        BenchmarkError: an hour was not loaded.
    """
    results = ingest(hours_of(folder))
    failed = next((result for result in results if result.status is not Status.LOADED), None)
    if failed:
        raise BenchmarkError(f"expected every hour to load, but {failed.partition} is {failed.status}: {failed.error}")
    return sum(result.rows or 0 for result in results)


def read_by_hand(folder: Path) -> int:
    """Have DuckDB read all lines into a table, with its own types; returns how many rows it has."""
    with duckdb.connect(os.environ[DATABASE_VARIABLE]) as connection:
        files = sorted(map(str, folder.glob("events/*/*/*/*/*.jsonl")))
        connection.execute(
            "create table events as select * from read_json(?, format = 'newline_delimited', ignore_errors = true)",
            [files],
        )
        ((rows,),) = connection.execute("select count(*) from events").fetchall()
        return int(rows)


def _turn(folder: Path, name: str) -> dict[str, float]:
    """What one turn cost, in this process."""
    from ingestion.raw_loader import RawLoader

    with tempfile.TemporaryDirectory() as scratch:
        if name == "platform":
            with open_for_writing() as connection:
                RawLoader(connection, Path(scratch)).create_missing_tables([])
    stopwatch = Stopwatch()
    rows = load(folder) if name == "platform" else read_by_hand(folder)
    return stopwatch.seconds() | {"rows": rows}


def measure_pair(folder: Path, scratch: Path, number: int) -> dict[str, Cost]:
    """What the floor and then the platform cost.

    Raises:
        BenchmarkError: one of them failed, or they have not the same number of rows.
    """
    costs: dict[str, Cost] = {}
    rows: dict[str, float] = {}
    for name in ("floor", "platform"):
        settings = {
            DATABASE_VARIABLE: str(scratch / f"{name}-{number}.duckdb"),
            _FOLDER_VARIABLE: str(folder),
        }
        command = ("python", "-m", "benchmarks.event_files", "--turn", name, str(folder))
        costs[name], figures = measure_inside(command, settings)
        rows[name] = figures["rows"]
        (scratch / f"{name}-{number}.duckdb").unlink()
    if rows["floor"] != rows["platform"]:
        raise BenchmarkError(f"expected as many rows of both, but got {rows}")
    return costs


def measure(events: int, hours: int, runs: int, folder: Path) -> list[dict[str, Cost]]:
    """Write a tidy sample of so many events, and measure in turns; prints each turn."""
    files = folder / "files"
    write_event_files(files, Sample(_FIRST, hours, events, profiles=0, files_an_hour=1, is_tidy=True))
    turns = []
    for number in range(runs):
        costs = measure_pair(files, folder, number)
        floor, platform = costs["floor"], costs["platform"]
        print(
            f"{events:,} events in {hours:,} hours: {platform.wall:.2f} s wall, {platform.cpu:.2f} s CPU,"
            f" {platform.peak_mb:,.0f} MB; floor {floor.wall:.2f} s, {floor.cpu:.2f} s CPU;"
            f" ratio {platform.wall / floor.wall:.2f} wall, {platform.cpu / floor.cpu:.2f} CPU",
            flush=True,
        )
        turns.append(costs)
    ratios = [turn["platform"].wall / turn["floor"].wall for turn in turns]
    print(f"median ratio {median(ratios):.2f} ({min(ratios):.2f}-{max(ratios):.2f}), goal 2", flush=True)
    return turns


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; or, in a measured process, take one turn and print what it cost."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.event_files", description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--hours", type=int, default=2_000)
    parser.add_argument("--runs", type=int, default=3, help="turns of each (default: %(default)s)")
    parser.add_argument("--turn", nargs=2, metavar=("NAME", "FOLDER"), help="for a measured process")
    options = parser.parse_args(arguments)
    if options.turn:
        print(json.dumps(_turn(Path(options.turn[1]), options.turn[0])))
        return 0
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=FOLDER) as folder:
        try:
            measure(options.events, options.hours, options.runs, Path(folder))
        except BenchmarkError as error:
            print(error, file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
