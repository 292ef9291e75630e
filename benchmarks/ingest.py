"""Loading a month of each kind of file, against DuckDB alone on the same file in the same run.

`python -m benchmarks.ingest [--yellow 3500000] [--citibike 4000000] [--hvfhv 0] [--runs 3]`. The floor is
`create table as select * from` the file (of a Citi Bike zip: its unpacked CSVs). Every run is a process of
its own; what counts is the median, and the ratio of the medians.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
import zipfile
from datetime import date
from pathlib import Path
from statistics import median

import duckdb
from rich.console import Console
from rich.table import Table

from benchmarks.samples import FOLDER, sample_file
from ingestion.download import Downloaded
from ingestion.feeds import FEEDS
from ingestion.partitions import Partition
from ingestion.pipeline import load_file
from ingestion.sources.zips import extract_csvs
from warehouse.ledger import Fingerprint
from warehouse.paths import DATABASE_VARIABLE, PROJECT_ROOT

MONTH = date(2025, 6, 1)


def run_floor(feed: str, path: Path, folder: Path) -> dict[str, float]:
    """Load the file with DuckDB alone; `unzip` seconds come on top for a zip."""
    begun = time.monotonic()
    source = f"read_parquet('{path}')"
    if path.suffix == ".zip":
        with zipfile.ZipFile(path) as archive:
            names = [name for name in archive.namelist() if name.endswith(".csv") and "__MACOSX" not in name]
            archive.extractall(folder, names)
        source = f"read_csv({[str(folder / name) for name in names]})"
    unzipped = time.monotonic()
    with duckdb.connect(str(folder / "floor.duckdb")) as connection:
        connection.execute(f"create table {feed} as select * from {source}")
    return {"unzip": unzipped - begun, "load": time.monotonic() - unzipped}


def run_load(feed: str, path: Path, _folder: Path) -> dict[str, float]:
    """Load the file as the platform does, from the downloaded file to the committed partition."""
    unzip = 0.0
    if path.suffix == ".zip":
        begun = time.monotonic()
        for extracted in extract_csvs(path, MONTH):
            extracted.unlink()
        unzip = time.monotonic() - begun
    begun = time.monotonic()
    load_file(Partition(FEEDS[feed], MONTH), Downloaded(path, Fingerprint(path.as_uri()), path.stat().st_size))
    return {"unzip": unzip, "load": time.monotonic() - begun - unzip}


def measure(kind: str, feed: str, path: Path) -> dict[str, float]:
    """Run one of the two in a process of its own; seconds and peak memory in MB."""
    with tempfile.TemporaryDirectory(dir=FOLDER) as folder:
        os.link(path, Path(folder) / path.name)
        environment = os.environ | {DATABASE_VARIABLE: f"{folder}/load.duckdb"}
        command = [sys.executable, "-m", "benchmarks.ingest", "--child", kind, feed, f"{folder}/{path.name}"]
        done = subprocess.run(command, env=environment, cwd=PROJECT_ROOT, capture_output=True, text=True, check=True)
        result: dict[str, float] = json.loads(done.stdout)
        return result


def child(kind: str, feed: str, path: Path) -> None:
    """What a measured process does: one load, and its figures on standard output."""
    run = {"floor": run_floor, "load": run_load}[kind]
    figures = run(feed, path, path.parent)
    figures["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps(figures))


def main() -> int:
    """Measure each feed that has rows, floor and load in turn, and print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ingest", description=__doc__)
    sizes = {"yellow": 3_500_000, "citibike": 4_000_000, "hvfhv": 0}
    for feed, rows in sizes.items():
        parser.add_argument(f"--{feed}", type=int, default=rows, help="rows of the file (default: %(default)s)")
    parser.add_argument("--runs", type=int, default=3, help="runs of each (default: %(default)s)")
    parser.add_argument("--child", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        child(options.child[0], options.child[1], Path(options.child[2]))
        return 0
    table = Table("feed", box=None, header_style="bold", pad_edge=False)
    for name in ("rows", "unzip s", "floor s", "load s", "load / floor", "rows / s", "peak MB", "floor's peak MB"):
        table.add_column(name, justify="right")
    for feed in sizes:
        rows = getattr(options, feed)
        if not rows:
            continue
        path = sample_file(feed, MONTH, rows)
        runs = [(measure("floor", feed, path), measure("load", feed, path)) for _ in range(options.runs)]
        floor, load = (median(run[kind]["load"] for run in runs) for kind in (0, 1))
        table.add_row(
            feed,
            f"{rows:,}",
            f"{median(run[0]['unzip'] for run in runs):.2f}" if path.suffix == ".zip" else "",
            f"{floor:.2f}",
            f"{load:.2f}",
            f"{load / floor:.2f}",
            f"{rows / load:,.0f}",
            f"{max(run[1]['peak_mb'] for run in runs):,.0f}",
            f"{max(run[0]['peak_mb'] for run in runs):,.0f}",
        )
    console = Console()
    # Figures are for copying: never cut to a narrow terminal.
    Console(width=max(console.width, 110)).print(table)
    return 0


if __name__ == "__main__":
    sys.exit(main())
