"""Load a published file the plain way: dlt takes its rows as Python dicts and merges them by a hashed key.

`python -m benchmarks.plain.load yellow FILE DATABASE` prints the wall and CPU seconds of the loading (not of imports),
the rows published and the rows kept in the table, as JSON. A file loaded again updates its rows; rows that share a key
become one. dlt's own file format for DuckDB is text of `insert` statements, and parsing it is most of the time:
`--file-format parquet` is the switch that spares it.
"""

import argparse
import csv
import hashlib
import io
import json
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import dlt
import duckdb
import pyarrow.parquet as pq

from benchmarks.processes import Stopwatch

DATASET = "plain_raw"

Row = dict[str, Any]
FileFormat = Literal["insert_values", "parquet"]


@dataclass(frozen=True)
class PlainFeed:
    """The table of a feed, and the published columns that are taken to tell its trips apart."""

    table: str
    key: tuple[str, ...]
    read: Callable[[Path], Iterator[Row]]


@dataclass(frozen=True)
class PlainLoad:
    """`wall` and `cpu` seconds of a load, the latter with dlt's own processes; rows in the file and in the table."""

    wall: float
    cpu: float
    rows: int
    kept: int


def read_parquet(path: Path) -> Iterator[Row]:
    """The rows of a Parquet file."""
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches():
            yield from batch.to_pylist()


def read_zip(path: Path) -> Iterator[Row]:
    """The rows of the CSVs in a zip, every value as text."""
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            if name.endswith(".csv") and not name.startswith("__MACOSX"):
                with archive.open(name) as file:
                    yield from csv.DictReader(io.TextIOWrapper(file, encoding="utf-8"))


FEEDS = {
    "yellow": PlainFeed(
        "yellow_taxi",
        ("tpep_pickup_datetime", "tpep_dropoff_datetime", "PULocationID", "DOLocationID"),
        read_parquet,
    ),
    "hvfhv": PlainFeed(
        "hvfhv_taxi",
        ("pickup_datetime", "dropoff_datetime", "PULocationID", "DOLocationID"),
        read_parquet,
    ),
    "citibike": PlainFeed("citibike_trips", ("ride_id",), read_zip),
}


def with_trip_id(row: Row, key: tuple[str, ...]) -> Row:
    """The row with the md5 of its key's columns as `trip_id`."""
    text = "|".join(str(row[column]) for column in key)
    return {"trip_id": hashlib.md5(text.encode()).hexdigest(), **row}


def load(feed: PlainFeed, path: Path, database: Path, file_format: FileFormat = "insert_values") -> PlainLoad:
    """Merge the rows of a file into the feed's table; dlt's folders stay beside the database."""
    rows = 0

    @dlt.resource(name=feed.table, write_disposition="merge", primary_key="trip_id")
    def trips() -> Iterator[Row]:
        nonlocal rows
        for row in feed.read(path):
            rows += 1
            yield with_trip_id(row, feed.key)

    dlt.config["runtime.dlthub_telemetry"] = False
    stopwatch = Stopwatch()
    pipeline = dlt.pipeline(
        "plain",
        pipelines_dir=str(database.with_name(f"{database.stem}-dlt")),
        destination=dlt.destinations.duckdb(str(database)),
        dataset_name=DATASET,
    )
    pipeline.run(trips(), loader_file_format=file_format).raise_on_failed_jobs()
    seconds = stopwatch.seconds()
    return PlainLoad(**seconds, rows=rows, kept=_count(feed.table, database))


def _count(table: str, database: Path) -> int:
    with duckdb.connect(str(database), read_only=True) as connection:
        ((rows,),) = connection.execute(f"select count(*) from {DATASET}.{table}").fetchall()
    return int(rows)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.plain.load", description=__doc__)
    parser.add_argument("feed", choices=FEEDS)
    parser.add_argument("file", type=Path)
    parser.add_argument("database", type=Path)
    parser.add_argument("--file-format", choices=get_args(FileFormat), default="insert_values")
    options = parser.parse_args()
    loaded = load(FEEDS[options.feed], options.file, options.database, options.file_format)
    print(json.dumps(asdict(loaded)))


if __name__ == "__main__":
    main()
