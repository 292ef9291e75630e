"""The raw store of the peers that keep a DuckDB file."""

from pathlib import Path

import duckdb
import pytest

from benchmarks.peers.command import Options
from benchmarks.peers.duckdb_file import DATABASE, load


@pytest.fixture
def options(tmp_path: Path) -> Options:
    store = tmp_path / "store"
    store.mkdir()
    return Options(tmp_path / "files", store, ())


def test_a_month_loaded_again_is_replaced_and_what_has_no_file_stays(options: Options) -> None:
    _publish_yellow(options, "2023-01", "3.0 as passenger_count, 1.5 as airport_fee")
    _publish_citibike(options, "2023-01", "first,second")
    load(options)
    (options.files / "citibike" / "2023-01" / "rides.csv").unlink()
    (options.files / "citibike" / "2023-01").rmdir()
    _publish_yellow(options, "2023-01", "4 as passenger_count, 2.5 as Airport_fee")

    load(options)

    assert _rows(options, "select passenger_count, airport_fee, cbd_congestion_fee from raw.yellow") == [(4, 2.5, None)]
    assert _rows(options, "select ride_id from raw.citibike order by source_row") == [("first",), ("second",)]


def _publish_yellow(options: Options, month: str, columns: str) -> None:
    folder = options.files / "yellow"
    folder.mkdir(parents=True, exist_ok=True)
    duckdb.execute(f"copy (select {columns}) to '{folder}/{month}.parquet'")


def _publish_citibike(options: Options, month: str, ride_ids: str) -> None:
    folder = options.files / "citibike" / month
    folder.mkdir(parents=True)
    header = (
        "ride_id,rideable_type,started_at,ended_at,start_station_name,start_station_id,end_station_name,"
        "end_station_id,start_lat,start_lng,end_lat,end_lng,member_casual"
    )
    lines = [header, *(f'"{ride}",,2023-01-01 10:00:00,2023-01-01 10:09:00.5,,,,,,,,,' for ride in ride_ids.split(","))]
    (folder / "rides.csv").write_text("\r\n".join(lines) + "\r\n")


def _rows(options: Options, query: str) -> list[tuple[object, ...]]:
    with duckdb.connect(str(options.store / DATABASE), read_only=True) as connection:
        return connection.execute(query).fetchall()
