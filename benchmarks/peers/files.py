"""Make the files that the platform and its peers load: `python -m benchmarks.peers.files --trips 320000 --months 3`.

Prints the folder, which is made once and has three others in it:

- `history`: `yellow/YYYY-MM.parquet`, `fhv/YYYY-MM.parquet`, `citibike/YYYY-MM/*.csv` and `weather/YYYY-MM.parquet`.
  Weather is there of every month, also of the ones before and after.
- `new`: the trips of the month after, without weather, which `history` has.
- `again`: a month of the history whose file of yellow taxis was replaced: other values, and a few rows more.

Citi Bike's CSVs are unzipped here, so that unzipping counts for nobody. The platform loads the published forms of the
same rows, which lie beside: `citibike/YYYY-MM.zip` and `weather/YYYY-MM.json`.
"""

import argparse
import os
import shutil
import sys
import zipfile
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from urllib.parse import parse_qs, urlparse

import duckdb
import pyarrow as pa

from benchmarks.samples import FOLDER, HISTORY, MONTH_BEFORE, NEW_MONTH, rows_a_month, sample_file
from ingestion.catalog import FEEDS
from ingestion.mobility.weather import OPEN_METEO
from ingestion.partitions import Partition
from sandbox.mobility.archive_api import archive_answer
from sandbox.mobility.weather import hourly
from warehouse.sql import literal


def changed_month(months: int) -> date:
    """The month whose file is replaced: the one in the middle of a history of so many."""
    return HISTORY[-(months // 2 + 1)]


def peers_files(trips: int, months: int) -> Path:
    """The folder of the files of the latest months of a history of so many trips; made if it does not exist."""
    folder = FOLDER / f"peers-{trips}-{months}"
    if not folder.exists():
        making = folder.with_suffix(".making")
        shutil.rmtree(making, ignore_errors=True)
        rows = rows_a_month(trips)
        for month in HISTORY[-months:]:
            _put_trips(making / "history", month, rows)
        for month in [MONTH_BEFORE, *HISTORY, NEW_MONTH][-months - 2 :]:
            _put_weather(making / "history" / "weather", month)
        _put_trips(making / "new", NEW_MONTH, rows)
        _put_trips(making / "again", changed_month(months), {"yellow": rows["yellow"]}, revision=1)
        making.rename(folder)
    return folder


def _put_trips(folder: Path, month: date, rows: Mapping[str, int], revision: int = 0) -> None:
    for feed, count in rows.items():
        file = sample_file(feed, month, count, revision)
        place = folder / feed
        place.mkdir(parents=True, exist_ok=True)
        os.link(file, place / f"{month:%Y-%m}{file.suffix}")
        if file.suffix == ".zip":
            _unzip(file, place / f"{month:%Y-%m}")


def _unzip(file: Path, folder: Path) -> None:
    with zipfile.ZipFile(file) as archive:
        archive.extractall(folder, [name for name in archive.namelist() if not name.startswith("__MACOSX")])


def _put_weather(folder: Path, month: date) -> None:
    """A month's hours as the archive answers them, and the same as Parquet."""
    folder.mkdir(parents=True, exist_ok=True)
    (address,) = OPEN_METEO.locate(Partition(FEEDS["weather"], FEEDS["weather"].period_of(month)))
    query = parse_qs(urlparse(address).query)
    _, answer = archive_answer(query, NEW_MONTH.replace(year=NEW_MONTH.year + 1))
    (folder / f"{month:%Y-%m}.json").write_bytes(answer)
    first, last = (date.fromisoformat(query[name][-1]) for name in ("start_date", "end_date"))
    with duckdb.connect() as connection:
        connection.register("hours", pa.table(hourly(first, last, wind_unit="ms")))
        connection.execute(
            "copy (select * replace (cast(time as timestamp) as time) from hours)"
            f" to {literal(folder / f'{month:%Y-%m}.parquet')} (format parquet)"
        )


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers.files", description=__doc__)
    parser.add_argument("--trips", type=int, default=320_000, help="of 24 months (default: %(default)s)")
    parser.add_argument("--months", type=int, default=len(HISTORY), help="of them, the latest (default: %(default)s)")
    options = parser.parse_args()
    print(peers_files(options.trips, options.months))
    return 0


if __name__ == "__main__":
    sys.exit(main())
