"""A stage of pandas: a month in memory at a time, and Parquet files in folders by month."""

import shutil
import sys
from collections.abc import Callable, Iterable
from datetime import date
from functools import partial
from pathlib import Path

import pandas as pd
import pyarrow as pa

from benchmarks.peers.command import Options, main
from benchmarks.peers.pandas_ import questions
from benchmarks.peers.pandas_.facts import OF_TRIPS, hourly, trips
from benchmarks.peers.pandas_.feeds import FEEDS, read_published
from benchmarks.peers.pandas_.hours import hours

Partition = tuple[str, date]


def load(options: Options) -> None:
    """Load the months' files."""
    load_files(options)


def load_files(options: Options) -> list[Partition]:
    """Bring the files of the months into the raw store; returns the feeds and months of trips."""
    loaded = []
    for feed in (*FEEDS, "weather"):
        folder = options.store / "raw" / feed
        folder.mkdir(parents=True, exist_ok=True)
        for month, files in options.files_of(feed):
            read_published(feed, files).assign(source_month=month).to_parquet(folder / f"{month}.parquet", index=False)
            loaded.append((feed, date.fromisoformat(f"{month}-01")))
    return [(feed, month) for feed, month in loaded if feed in FEEDS]


def build(store: Path, partitions: Iterable[Partition]) -> None:
    """Make the trips of these feeds and months anew, and the hours of the months of pickup that they touch."""
    raw, touched = store / "raw", set()
    all_hours = hours(raw)
    (store / "hourly").mkdir(exist_ok=True)
    for feed, month in partitions:
        name = f"{feed}-{month:%Y-%m}.parquet"
        for former in (store / "trips").glob(f"*/{name}"):
            touched.add(former.parent)
            former.unlink()
        for pickup_month, of_month in trips(raw, feed, month, all_hours).groupby("pickup_month"):
            folder = store / "trips" / f"{pickup_month:%Y-%m}"
            folder.mkdir(parents=True, exist_ok=True)
            of_month.to_parquet(folder / name, index=False)
            touched.add(folder)
    for folder in touched:
        hours_of_month = store / "hourly" / f"{folder.name}.parquet"
        if not any(folder.iterdir()):
            hours_of_month.unlink()
            continue
        of_month = pd.read_parquet(folder, columns=OF_TRIPS, dtype_backend="pyarrow")
        hourly(of_month, all_hours).to_parquet(hours_of_month, index=False)


def refresh(options: Options) -> None:
    """Make both facts anew from all raw data."""
    store = options.store
    for fact in ("trips", "hourly"):
        shutil.rmtree(store / fact, ignore_errors=True)
    loaded = ((feed, path.stem) for feed in FEEDS for path in sorted((store / "raw" / feed).iterdir()))
    build(store, [(feed, date.fromisoformat(f"{month}-01")) for feed, month in loaded])


def update(options: Options) -> None:
    """Load the months' files, and bring both facts up to date."""
    build(options.store, load_files(options))


def ask(stage: str, options: Options) -> None:
    """Fetch the answers to the queries of a stage."""
    for name, question in getattr(questions, stage.upper()).items():
        answer = question(options.store / "trips", options.store / "hourly")
        if options.answers:
            options.keep(name, pa.Table.from_pandas(answer, preserve_index=False))


def export(options: Options) -> None:
    """Copy the facts, which are Parquet."""
    output = options.output or options.store / "export"
    for fact in ("trips", "hourly"):
        shutil.copytree(options.store / fact, output / fact)


STAGES: dict[str, Callable[[Options], None]] = {
    "load": load,
    "refresh": refresh,
    "new": update,
    "again": update,
    "metric": partial(ask, "metric"),
    "dashboards": partial(ask, "dashboards"),
    "export": export,
}

if __name__ == "__main__":
    sys.exit(main(STAGES))
