"""Load published files of each feed, and the same files with DuckDB alone, in the same turn.

The floor is `create table as select * from` the file. For a Citi Bike zip it reads the unpacked CSVs; unpacking counts
for neither. Every turn is a process of its own. A large file is loaded after a file of a few rows, and only the large
one counts, without the start of the process. Of a year of small files everything counts.
"""

import argparse
import json
import os
import sys
import tempfile
import zipfile
from collections.abc import Sequence
from datetime import date
from itertools import product
from pathlib import Path

import duckdb

from benchmarks import days
from benchmarks.bench import Bench, Contest
from benchmarks.processes import Cost, Stopwatch, measure_inside
from benchmarks.samples import FOLDER, months_from, sample_file
from benchmarks.stages import FLOOR, PLAIN, PLATFORM, Measurement, Stage, Turn
from benchmarks.unpacking import cost_of_unpacking
from ingestion.catalog import FEEDS
from ingestion.partitions import Partition
from ingestion.pipeline import load_file
from ingestion.publishers import Downloaded
from sandbox.catalog import FILE_FEEDS
from sandbox.files import file_name
from warehouse.ledger import Fingerprint
from warehouse.paths import DATABASE_VARIABLE
from warehouse.sql import identifier, literal

_MONTH_BEFORE, _MONTH = date(2025, 5, 1), date(2025, 6, 1)
_FEW_ROWS = 1_000

# Million rows of the file for a history of 32 million trips: about as many as in real months (hvfhv: a quarter).
_ROWS = {"yellow": 3.5, "fhv": 1.6, "hvfhv": 5, "citibike": 4}
_PARQUET_GOAL, _CSV_GOAL, _DAYS_GOAL = 3, 2, 2

_ROWS_PLAINLY = 20_000

_YEAR = months_from(date(2024, 1, 1), 12)
_GREEN_ROWS = 50_000  # of a month, as published


def measure_ingest(bench: Bench) -> None:
    """Measure large files of each feed in turns, and small files, where the fixed cost of a file dominates.

    The plain way takes part once, with as many rows as it loads in half a minute: a real file would take an hour.
    """
    large = (_large_file(feed, rows_of_file(feed, bench.trips)) for feed in _ROWS)
    plain = (_file_loaded_plainly(feed) for feed in ("yellow", "citibike"))
    bench.take_turns([*large, _small_files(), _daily_files(), *plain])


def rows_of_file(feed: str, trips: int) -> int:
    """How many rows the measured file of a feed has."""
    return round(trips * _ROWS[feed] / 32)


def _large_file(feed: str, rows: int) -> Contest:
    is_zip = feed == "citibike"
    stage = Stage(
        part="ingest",
        name=f"{feed}, {'zip of CSVs' if is_zip else 'Parquet'}",
        rows=rows,
        floor="create table as select * from the file",
        goal=_CSV_GOAL if is_zip else _PARQUET_GOAL,
    )

    def turn(_: Measurement) -> Turn:
        files = [sample_file(feed, _MONTH_BEFORE, _FEW_ROWS), sample_file(feed, _MONTH, rows)]
        return {who: run(kind, files, "--after-the-first") for who, kind in ((FLOOR, "floor"), (PLATFORM, "load"))}

    return Contest(stage, turn)


def _file_loaded_plainly(feed: str) -> Contest:
    stage = Stage("ingest", f"{feed}, a small file", _ROWS_PLAINLY, "create table as select * from the file")

    def turn(measured: Measurement) -> Turn:
        file = sample_file(feed, _MONTH, _ROWS_PLAINLY)
        files = [sample_file(feed, _MONTH_BEFORE, _FEW_ROWS), file]
        plain, figures = _run_plain(feed, file)
        measured.notes["rows a second the plain way"] = figures["rows"] / plain.wall
        faster, _ = _run_plain(feed, file, "--file-format", "parquet")
        measured.notes["rows a second the plain way, told to have Parquet between"] = figures["rows"] / faster.wall
        measured.notes["published rows that the plain way lost"] = figures["rows"] - figures["kept"]
        loads = {who: run(kind, files, "--after-the-first") for who, kind in ((FLOOR, "floor"), (PLATFORM, "load"))}
        return {**loads, PLAIN: plain}

    return Contest(stage, turn, most_turns=1)


def _run_plain(feed: str, file: Path, *options: str) -> tuple[Cost, dict[str, float]]:
    with tempfile.TemporaryDirectory(dir=FOLDER) as folder:
        return measure_inside(
            ("python", "-m", "benchmarks.plain.load", feed, str(file), f"{folder}/plain.duckdb", *options)
        )


def _small_files() -> Contest:
    stage = Stage("ingest", "green, a year of 12 small files", 12 * _GREEN_ROWS, "create table as, a file")

    def turn(_: Measurement) -> Turn:
        files = [sample_file("green", month, _GREEN_ROWS) for month in _YEAR]
        return {who: run(kind, files) for who, kind in ((FLOOR, "floor"), (PLATFORM, "load"))}

    return Contest(stage, turn, most_turns=1)


def _daily_files() -> Contest:
    stage = Stage(
        part="ingest",
        name=f"{days.DAYS} small CSVs, a day each",
        rows=days.DAYS * days.ROWS_A_DAY,
        floor="insert into … select from read_csv, a file",
        goal=_DAYS_GOAL,
    )

    def turn(_: Measurement) -> Turn:
        files = days.files_of_days()
        return {who: days.run(kind, files) for who, kind in ((FLOOR, "floor"), (PLATFORM, "load"))}

    return Contest(stage, turn)


def run(kind: str, files: Sequence[Path], *options: str) -> Cost:
    """Load the files in a process of its own, with DuckDB alone (`floor`) or as the platform does (`load`).

    It works in the parent of the last file's folder.

    Raises:
        BenchmarkError: it failed.
    """
    with tempfile.TemporaryDirectory(dir=files[-1].parents[1]) as folder:
        # Each in a folder of its own, as after a download: it is unpacked there.
        paths = [Path(folder) / file.stem / file.name for file in files]
        for file, path in zip(files, paths, strict=True):
            path.parent.mkdir()
            os.link(file, path)
        command = ("python", "-m", "benchmarks.ingest", kind, *map(str, paths), *options)
        return measure_inside(command, {DATABASE_VARIABLE: f"{folder}/load.duckdb"})[0]


class _Floor:
    """Loading with DuckDB alone."""

    def prepare(self, file: Path) -> dict[str, float]:
        """Unpack a zip; this time does not count."""
        if file.suffix == ".zip":
            with zipfile.ZipFile(file) as archive:
                names = [name for name in archive.namelist() if name.endswith(".csv") and "__MACOSX" not in name]
                archive.extractall(file.parent, names)
        return {"wall": 0, "cpu": 0}

    def load(self, file: Path) -> None:
        source = f"read_parquet({literal(file)})"
        if file.suffix == ".zip":
            source = f"read_csv([{', '.join(literal(path) for path in file.parent.rglob('*.csv'))}])"
        with duckdb.connect(str(file.parents[1] / "floor.duckdb")) as connection:
            connection.execute(f"create table {identifier(file.stem)} as select * from {source}")


class _Load:
    """Loading as the platform does, from the downloaded file to the committed partition."""

    def prepare(self, file: Path) -> dict[str, float]:
        """The wall and CPU seconds of unpacking a zip; the load unpacks it again."""
        return cost_of_unpacking([file] if file.suffix == ".zip" else [])

    def load(self, file: Path) -> None:
        load_file(_partition(file), Downloaded(file, Fingerprint(file.as_uri()), file.stat().st_size))


def _partition(file: Path) -> Partition:
    """The feed and month that the file's name says, of the months that are measured."""
    months = (_MONTH_BEFORE, _MONTH, *_YEAR)
    feed, month = next(pair for pair in product(FILE_FEEDS, months) if file_name(*pair) == file.name)
    return Partition(FEEDS[feed], FEEDS[feed].period_of(month))


def main() -> int:
    """Load the files in a measured process, and print the cost as JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ingest", description=__doc__)
    parser.add_argument("kind", choices=("floor", "load"))
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--after-the-first", action="store_true", help="the first file does not count")
    options = parser.parse_args()
    loader = _Floor() if options.kind == "floor" else _Load()
    files = options.files
    if options.after_the_first:
        loader.prepare(files[0])
        loader.load(files[0])
        files = files[1:]
    unpacking = [loader.prepare(file) for file in files]
    stopwatch = Stopwatch()
    for file in files:
        loader.load(file)
    taken = stopwatch.seconds()
    print(json.dumps({unit: taken[unit] - sum(seconds[unit] for seconds in unpacking) for unit in taken}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
