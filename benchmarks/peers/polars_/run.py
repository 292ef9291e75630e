"""A stage of Polars: lazy queries from Parquet files to Parquet files, in folders by feed and month."""

import shutil
import sys
from collections.abc import Callable, Iterable
from datetime import date
from functools import partial
from pathlib import Path

import polars as pl

from benchmarks.peers.command import Options, main
from benchmarks.peers.polars_ import questions
from benchmarks.peers.polars_.facts import hourly, trips
from benchmarks.peers.polars_.feeds import FEEDS, scan
from benchmarks.peers.polars_.hours import hours

Partition = tuple[str, date]


def load(options: Options) -> None:
    """Load the months' files."""
    load_files(options)


def load_files(options: Options) -> list[Partition]:
    """Bring the files of the months into the raw store; returns the feeds and months of trips."""
    loaded = []
    for feed in (*FEEDS, "weather"):
        for month, files in options.files_of(feed):
            first = date.fromisoformat(f"{month}-01")
            # Capitals differ from month to month.
            scan(feed, files).rename(str.lower).with_columns(source_month=first).sink_parquet(
                options.store / f"raw/{feed}/{month}.parquet", mkdir=True
            )
            loaded.append((feed, first))
    return [(feed, month) for feed, month in loaded if feed in FEEDS]


def build(store: Path, partitions: Iterable[Partition]) -> None:
    """Make the trips of these feeds and months anew, and the hours of the months of pickup that they touch."""
    raw, touched = store / "raw", set()
    all_hours = hours(raw).collect().lazy()
    for feed, month in partitions:
        folder = store / f"trips/feed={feed}/source_month={month}"
        touched |= {path.name for path in folder.glob("*")}
        shutil.rmtree(folder, ignore_errors=True)
        trips(raw, feed, month, all_hours).sink_parquet(
            pl.PartitionBy(folder, key="pickup_month", include_key=False), mkdir=True
        )
        touched |= {path.name for path in folder.glob("*")}
    for name in touched:
        month = date.fromisoformat(name.removeprefix("pickup_month="))
        of_month = pl.scan_parquet(store / "trips").filter(pickup_month=month)
        hourly(of_month, all_hours).sink_parquet(store / "hourly" / name / "hours.parquet", mkdir=True)


def refresh(options: Options) -> None:
    """Make both facts anew from all raw data."""
    store = options.store
    for fact in ("trips", "hourly"):
        shutil.rmtree(store / fact, ignore_errors=True)
    loaded = ((feed, path.stem) for feed in FEEDS for path in (store / "raw" / feed).iterdir())
    build(store, [(feed, date.fromisoformat(f"{month}-01")) for feed, month in loaded])


def update(options: Options) -> None:
    """Load the months' files, and bring both facts up to date."""
    build(options.store, load_files(options))


def ask(stage: str, options: Options) -> None:
    """Fetch the answers to the queries of a stage."""
    facts = [pl.scan_parquet(options.store / fact) for fact in ("trips", "hourly")]
    for name, query in getattr(questions, stage)(*facts).items():
        answer = query.collect(engine="streaming")
        if options.answers:
            options.keep(name, answer.to_arrow())


def export(options: Options) -> None:
    """Write each fact as one file."""
    output = options.output or options.store / "export"
    for fact in ("trips", "hourly"):
        pl.scan_parquet(options.store / fact).sink_parquet(output / fact / "all.parquet", mkdir=True)


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
