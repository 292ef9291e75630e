"""Citi Bike's zips as the sample publisher makes them."""

import os
import zipfile
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from sandbox.files import row_count, write_file
from sandbox.mobility.citibike import write_citibike_file

HEADER = (
    b'"ride_id","rideable_type","started_at","ended_at","start_station_name","start_station_id","end_station_name",'
    b'"end_station_id","start_lat","start_lng","end_lat","end_lng","member_casual"\r\n'
)
SECONDS, MILLISECONDS, NOVEMBER = date(2024, 5, 1), date(2024, 6, 1), date(2024, 11, 1)
ROWS = 6000


def _trips(path: Path, folder: Path) -> duckdb.DuckDBPyRelation:
    """The trips of every CSV of a zip, all text, with their duration."""
    with zipfile.ZipFile(path) as archive:
        archive.extractall(folder, [name for name in archive.namelist() if not name.startswith("__MACOSX/")])
    return duckdb.read_csv(str(folder / "*.csv"), all_varchar=True).project(
        "*, epoch(ended_at::timestamp - started_at::timestamp) / 60 as minutes"
    )


def _one(trips: duckdb.DuckDBPyRelation, columns: str) -> Any:
    (row,) = trips.aggregate(columns).fetchall()
    return row[0] if len(row) == 1 else row


@pytest.fixture(scope="module")
def summer(tmp_path_factory: pytest.TempPathFactory) -> duckdb.DuckDBPyRelation:
    folder = tmp_path_factory.mktemp("summer")
    return _trips(write_file("citibike", MILLISECONDS, folder, rows=20_000), folder / "csv")


def test_a_zip_has_several_csvs_and_what_a_mac_adds(tmp_path: Path) -> None:
    with zipfile.ZipFile(write_file("citibike", MILLISECONDS, tmp_path, rows=1)) as archive:
        assert archive.namelist() == [
            "202406-citibike-tripdata_1.csv",
            "__MACOSX/._202406-citibike-tripdata_1.csv",
            "202406-citibike-tripdata_2.csv",
            "__MACOSX/._202406-citibike-tripdata_2.csv",
        ]
        for csv, companion in (archive.infolist()[:2], archive.infolist()[2:]):
            content = archive.read(csv)
            assert content.startswith(HEADER)
            assert content.count(b"\r\n") == content.count(b"\n") > 1
            assert 200 < companion.file_size < 1000
            assert archive.read(companion).startswith(b"\x00\x05\x16\x07")


def test_csvs_are_cut_at_the_limit_and_lose_no_trip(tmp_path: Path) -> None:
    path = tmp_path / "month.zip"
    write_citibike_file("citibike", MILLISECONDS, path, rows=2500, key=1 << 40, ride_key=1 << 40, rows_per_csv=1000)
    with zipfile.ZipFile(path) as archive:
        counts = [archive.read(name).count(b"\r\n") - 1 for name in archive.namelist() if "__MACOSX" not in name]
    assert counts == [1000, 1000, 500]


def test_jersey_city_is_one_csv_with_ids_of_its_own(tmp_path: Path) -> None:
    path = write_file("citibike_jc", MILLISECONDS, tmp_path, rows=ROWS)
    with zipfile.ZipFile(path) as archive:
        assert archive.namelist()[0] == "JC-202406-citibike-tripdata.csv"
        assert len(archive.namelist()) == 2
    ids = _one(_trips(path, tmp_path / "csv"), "list(distinct start_station_id)")
    assert {"JC072", "HB102"} <= set(ids)


def test_up_to_may_2024_times_have_seconds_and_files_hold_the_starts_of_their_month(tmp_path: Path) -> None:
    trips = _trips(write_file("citibike", SECONDS, tmp_path, rows=ROWS), tmp_path / "csv")
    widths, first, last, latest_end = _one(
        trips, "list(distinct length(started_at)), min(started_at), max(started_at), max(ended_at)"
    )
    assert widths == [19]
    assert "2024-05-01" <= first < last < "2024-06-01" < latest_end


def test_from_june_2024_times_have_milliseconds_and_files_hold_the_ends_of_their_month(
    summer: duckdb.DuckDBPyRelation,
) -> None:
    widths, first, latest, earliest_end, before = _one(
        summer,
        "list(distinct length(started_at)), min(started_at), max(ended_at), min(ended_at),"
        " count(*) filter (started_at < '2024-06-01')",
    )
    assert widths == [23]
    assert "2024-05-31 23" < first < "2024-06-01" <= earliest_end < latest < "2024-07-01"
    assert 4 <= before <= 15


def test_ride_ids_are_hex_unique_and_stay_when_the_file_is_replaced(
    summer: duckdb.DuckDBPyRelation, tmp_path: Path
) -> None:
    trips, rides, are_hex = _one(
        summer, "count(*), count(distinct ride_id), bool_and(regexp_full_match(ride_id, '[0-9A-F]{16}'))"
    )
    assert trips == rides == row_count("citibike", MILLISECONDS, rows=20_000)
    assert are_hex
    replaced = _trips(write_file("citibike", MILLISECONDS, tmp_path, rows=20_000, revision=1), tmp_path / "csv")
    assert replaced.join(summer.set_alias("old"), "ride_id").shape[0] == trips
    other = _trips(write_file("citibike_jc", MILLISECONDS, tmp_path, rows=20_000), tmp_path / "jersey")
    assert other.join(summer.set_alias("old"), "ride_id").shape[0] == 0


def test_station_ids_are_text_that_numbers_would_destroy(summer: duckdb.DuckDBPyRelation) -> None:
    ids = set(_one(summer, "list(distinct start_station_id)"))
    assert {"5065.10", "6498.1", "6498.10", "SYS035", "6569.09_"} <= ids
    assert _one(summer.filter("start_station_id in ('6498.1', '6498.10')"), "count(distinct start_station_name)") == 1


def test_some_bikes_are_not_docked_and_some_ends_have_a_name_but_no_id(summer: duckdb.DuckDBPyRelation) -> None:
    share, nowhere, no_id, no_name = _one(
        summer,
        "avg((end_station_name is null)::integer), count(*) filter (end_lat is null),"
        " count(*) filter (end_station_name is not null and end_station_id is null),"
        " count(*) filter (end_station_name is null and end_station_id is not null)",
    )
    assert share == pytest.approx(0.003, abs=0.0005)
    assert nowhere >= 1
    assert no_id >= 2
    assert no_name == 0


def test_trips_have_the_published_durations_and_kinds(summer: duckdb.DuckDBPyRelation) -> None:
    quantiles, longest, shortest, round_trips = _one(
        summer,
        "quantile_cont(minutes, [0.05, 0.5, 0.95, 0.99]), max(minutes), min(minutes),"
        " avg((start_station_id = end_station_id)::integer)",
    )
    assert quantiles == pytest.approx([2.5, 9.8, 35, 65], rel=0.08)
    assert 1400 < longest <= 1500.02
    assert shortest > 0
    assert round_trips == pytest.approx(0.029, abs=0.004)
    kinds = summer.aggregate("rideable_type, member_casual, count(*) / sum(count(*)) over () as share").fetchall()
    assert {(ride, member): round(share * 100) for ride, member, share in kinds} == pytest.approx(
        {
            ("electric_bike", "member"): 50,
            ("classic_bike", "member"): 28,
            ("electric_bike", "casual"): 15,
            ("classic_bike", "casual"): 6,
        },
        abs=1,
    )


def test_some_trips_end_before_they_start_when_the_clock_goes_back(tmp_path: Path) -> None:
    trips = _trips(write_file("citibike", NOVEMBER, tmp_path, rows=ROWS), tmp_path / "csv")
    count, first, last = _one(trips.filter("minutes < 0"), "count(*), min(started_at), max(started_at)")
    assert 2 <= count <= 4
    assert "2024-11-03 01" < first <= last < "2024-11-03 02"


@pytest.mark.skipif("REAL_DATA_DIR" not in os.environ, reason="REAL_DATA_DIR is unset")
@pytest.mark.parametrize("month", [date(2024, 1, 1), date(2024, 9, 1)])
def test_lines_are_written_as_in_real_files(month: date, tmp_path: Path) -> None:
    """Header and, with letters and digits made alike, the form of the lines that are neither odd nor rare."""
    name = f"JC-{month:%Y%m}-citibike-tripdata.csv"
    forms = []
    for path in (
        Path(os.environ["REAL_DATA_DIR"]) / "tripdata" / f"{name}.zip",
        write_file("citibike_jc", month, tmp_path, rows=20_000),
    ):
        with zipfile.ZipFile(path) as archive:
            lines = archive.read(name).split(b"\n")
        fields = [line.split(b",") for line in lines[1:] if line.count(b",") == 12]
        quoted = {tuple(field.startswith(b'"') for field in line) for line in fields if b"" not in line}
        forms.append((lines[0], quoted, {len(line[2]) for line in fields}, {line[12][-1:] for line in fields}))
    assert forms[0] == forms[1]
