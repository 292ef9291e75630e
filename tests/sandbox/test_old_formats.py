"""Files of earlier years as the sample publisher makes them, and the archives in which some are published."""

import csv
import io
import re
import zipfile
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest
import requests

from sandbox.__main__ import main
from sandbox.faults import Fault
from sandbox.files import partition_of, row_count, write_file, write_published
from sandbox.mobility.citibike_before_2021 import old_header
from sandbox.server import SamplePublisher

ROWS = 400
YELLOW_2009 = """
    vendor_name string, Trip_Pickup_DateTime string, Trip_Dropoff_DateTime string, Passenger_Count int64,
    Trip_Distance double, Start_Lon double, Start_Lat double, Rate_Code double, store_and_forward double,
    End_Lon double, End_Lat double, Payment_Type string, Fare_Amt double, surcharge double, mta_tax double,
    Tip_Amt double, Tolls_Amt double, Total_Amt double
"""
YELLOW_2010 = """
    vendor_id string, pickup_datetime string, dropoff_datetime string, passenger_count int64, trip_distance double,
    pickup_longitude double, pickup_latitude double, rate_code string, store_and_fwd_flag string,
    dropoff_longitude double, dropoff_latitude double, payment_type string, fare_amount double, surcharge double,
    mta_tax double, tip_amount double, tolls_amount double, total_amount double
"""


def _yellow(month: date, folder: Path) -> tuple[Path, dict[str, str]]:
    path = write_file("yellow", month, folder, rows=ROWS)
    schema = pq.read_schema(path)
    return path, {field.name: str(field.type) for field in schema}


@pytest.mark.parametrize(("month", "columns"), [(date(2009, 12, 1), YELLOW_2009), (date(2010, 1, 1), YELLOW_2010)])
def test_yellow_of_2009_and_2010_has_columns_of_its_own(month: date, columns: str, tmp_path: Path) -> None:
    _, types = _yellow(month, tmp_path)
    assert types == dict(column.split() for column in columns.split(","))


def test_yellow_of_2009_says_in_words_who_drove_and_who_paid(tmp_path: Path) -> None:
    path, _ = _yellow(date(2009, 5, 1), tmp_path)
    with duckdb.connect() as connection:
        (row,) = connection.execute(f"""
        select
            list(distinct vendor_name order by vendor_name), list(distinct "Payment_Type" order by "Payment_Type"),
            bool_and(regexp_full_match("Trip_Pickup_DateTime", '[0-9-]{{10}} [0-9:]{{8}}')),
            bool_and(("Start_Lon" between -74.05 and -73.85 and "Start_Lat" between 40.6 and 40.9) or "Start_Lon" = 0),
            bool_and(coalesce("Rate_Code", mta_tax) is null)
        from '{path}'
    """).fetchall()
    assert set(row[0]) <= {"CMT", "DDS", "VTS"}
    assert {"CASH", "Cash", "Credit"} <= set(row[1])
    assert row[2:] == (True, True, True)


@pytest.mark.parametrize(
    ("month", "untyped"),
    [
        (date(2012, 1, 1), {"congestion_surcharge", "airport_fee"}),
        (date(2019, 2, 1), {"airport_fee"}),
        (date(2021, 1, 1), set()),
    ],
)
def test_fees_have_no_type_before_they_were_charged(month: date, untyped: set[str], tmp_path: Path) -> None:
    _, types = _yellow(month, tmp_path)
    assert {name for name, type_ in types.items() if type_ == "null"} == untyped


def _csvs(archive: zipfile.ZipFile) -> dict[str, list[list[str]]]:
    names = [name for name in archive.namelist() if name.endswith(".csv") and "__MACOSX" not in name]
    return {name: list(csv.reader(archive.read(name).decode().splitlines())) for name in names}


@pytest.mark.parametrize(
    ("month", "time", "first_name", "no_year", "quotes"),
    [
        (date(2013, 6, 1), r"2013-06-\d\d \d\d:\d\d:\d\d", "tripduration", r"\N", '"tripduration","starttime"'),
        (date(2014, 9, 1), r"9/\d+/2014 \d\d:\d\d:\d\d", "tripduration", r"\N", "tripduration,starttime"),
        (date(2015, 1, 1), r"1/\d+/2015 \d+:\d\d", "tripduration", "", "tripduration,starttime"),
        (date(2016, 10, 1), r"2016-10-\d\d \d\d:\d\d:\d\d", "Trip Duration", "", "Trip Duration,Start Time"),
        (date(2017, 4, 1), r"2017-04-\d\d \d\d:\d\d:\d\d", "tripduration", "NULL", "tripduration,starttime"),
        (date(2018, 8, 1), r"2018-08-\d\d \d\d:\d\d:\d\d\.\d{4}", "tripduration", "1969", '"tripduration","starttime"'),
    ],
)
def test_old_citibike_files_write_each_in_their_own_way(
    month: date, time: str, first_name: str, no_year: str, quotes: str, tmp_path: Path
) -> None:
    with zipfile.ZipFile(write_file("citibike", month, tmp_path, rows=ROWS)) as archive:
        files = list(_csvs(archive).values())
        assert archive.read(archive.namelist()[0]).decode().startswith(quotes)
    header, *trips = files[0]
    assert header == list(old_header(month))
    assert header[0] == first_name
    assert sum(len(rows) - 1 for rows in files) == row_count("citibike", month, rows=ROWS)
    for trip in trips:
        assert len(trip) == 15
        assert int(trip[0]) > 0
        assert re.fullmatch(time, trip[1])
        assert trip[3].isdecimal()
        assert trip[12] in ("Subscriber", "Customer")
        assert trip[13] == no_year if trip[12] == "Customer" else trip[13].isdecimal()


def test_trips_of_2018_without_a_dock_say_null_in_words(tmp_path: Path) -> None:
    with zipfile.ZipFile(write_file("citibike", date(2018, 8, 1), tmp_path, rows=ROWS)) as archive:
        trips = [trip for rows in _csvs(archive).values() for trip in rows[1:]]
    lost = [trip for trip in trips if trip[7] == "NULL"]
    assert 0 < len(lost) < 20
    assert all(trip[8] == "NULL" and trip[9] for trip in lost)


def test_jersey_citys_files_changed_a_year_later_than_new_yorks(tmp_path: Path) -> None:
    for feed, month, column in (
        ("citibike_jc", date(2021, 1, 1), "tripduration"),
        ("citibike_jc", date(2021, 2, 1), "ride_id"),
        ("citibike", date(2019, 12, 1), "tripduration"),
        ("citibike", date(2020, 1, 1), "ride_id"),
    ):
        with zipfile.ZipFile(write_file(feed, month, tmp_path, rows=ROWS)) as archive:
            assert (feed, month, next(iter(_csvs(archive).values()))[0][0]) == (feed, month, column)


def _archive(tmp_path: Path, *months: date) -> zipfile.ZipFile:
    partitions = [partition_of("citibike", month) for month in months]
    return zipfile.ZipFile(write_published(partitions, tmp_path, rows=ROWS))


def _names(archive: zipfile.ZipFile) -> list[str]:
    return [name for name in archive.namelist() if name.endswith((".csv", ".zip")) and "__MACOSX" not in name]


def test_an_archive_of_2013_has_every_month_whole_and_in_parts(tmp_path: Path) -> None:
    with _archive(tmp_path, date(2013, 6, 1), date(2013, 7, 1)) as archive:
        assert _names(archive) == [
            "2013-citibike-tripdata/201306-citibike-tripdata.csv",
            "2013-citibike-tripdata/6_June/201306-citibike-tripdata_1.csv",
            "2013-citibike-tripdata/6_June/201306-citibike-tripdata_2.csv",
            "2013-citibike-tripdata/201307-citibike-tripdata.csv",
            "2013-citibike-tripdata/7_July/201307-citibike-tripdata_1.csv",
            "2013-citibike-tripdata/7_July/201307-citibike-tripdata_2.csv",
        ]
        whole, first, second = list(_csvs(archive).values())[:3]
        assert whole == first + second[1:]
        assert archive.read(_names(archive)[0]).startswith(b'"tripduration"')
        assert archive.read(_names(archive)[1]).startswith(b"tripduration")


def test_an_archive_of_2018_has_april_three_times(tmp_path: Path) -> None:
    with _archive(tmp_path, date(2018, 3, 1), date(2018, 4, 1)) as archive:
        april = [name for name in _names(archive) if "201804" in name]
        trips = {name: len(rows) - 1 for name, rows in _csvs(archive).items()}
    assert sorted(april) == [
        "2018-citibike-tripdata/201804-citibike-tripdata.csv",
        "2018-citibike-tripdata/201804-citibike-tripdata_1.csv",
        "2018-citibike-tripdata/201804-citibike-tripdata_2.csv",
        "2018-citibike-tripdata/4_April/201804-citibike-tripdata_1.csv",
        "2018-citibike-tripdata/4_April/201804-citibike-tripdata_2.csv",
    ]
    assert sum(trips[name] for name in april) == 3 * trips["2018-citibike-tripdata/201804-citibike-tripdata.csv"]


def test_archives_from_2020_on_hold_the_months_zips(tmp_path: Path) -> None:
    with _archive(tmp_path, date(2023, 1, 1), date(2023, 2, 1)) as archive:
        assert _names(archive) == [
            "2023-citibike-tripdata/202301-citibike-tripdata.zip",
            "2023-citibike-tripdata/202302-citibike-tripdata.zip",
        ]
        with zipfile.ZipFile(io.BytesIO(archive.read(_names(archive)[0]))) as january:
            files = _csvs(january)
    assert list(files) == ["202301-citibike-tripdata_1.csv", "202301-citibike-tripdata_2.csv"]
    assert sum(len(rows) - 1 for rows in files.values()) == row_count("citibike", date(2023, 1, 1), rows=ROWS)


def test_an_archive_depends_on_nothing_but_its_arguments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    june = [partition_of("citibike", date(2013, 6, 1))]
    first = write_published(june, tmp_path, rows=2000).read_bytes()
    connect = duckdb.connect
    monkeypatch.setattr(duckdb, "connect", lambda: connect(config={"threads": 1}))
    assert write_published(june, tmp_path / "again", rows=2000).read_bytes() == first


@pytest.fixture
def publisher(tmp_path: Path) -> Iterator[SamplePublisher]:
    with SamplePublisher(date(2023, 11, 1), date(2024, 1, 1), rows=ROWS, folder=tmp_path / "published") as server:
        yield server


def test_new_yorks_months_until_2023_are_published_in_their_years_archive_alone(publisher: SamplePublisher) -> None:
    def status(name: str) -> int:
        return requests.get(f"{publisher.url}/tripdata/{name}", timeout=10).status_code

    assert status("202312-citibike-tripdata.zip") == status("202312-citibike-tripdata.csv.zip") == 403
    assert status("2024-citibike-tripdata.zip") == status("2022-citibike-tripdata.zip") == 403
    assert status("202401-citibike-tripdata.csv.zip") == 200
    assert status("JC-202312-citibike-tripdata.csv.zip") == 200
    answer = requests.get(f"{publisher.url}/tripdata/2023-citibike-tripdata.zip", timeout=10)
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert [name.split("/")[1][:6] for name in _names(archive)] == ["202311", "202312"]


def test_a_month_that_is_replaced_or_broken_changes_its_archive(publisher: SamplePublisher) -> None:
    def etag() -> str:
        return requests.head(f"{publisher.url}/tripdata/2023-citibike-tripdata.zip", timeout=10).headers["ETag"]

    first = etag()
    publisher.replace("citibike", date(2023, 12, 1))
    replaced = etag()
    publisher.break_("citibike", date(2023, 11, 1), Fault.WRONG_TYPES)
    broken = etag()
    publisher.mend("citibike", date(2023, 11, 1))
    assert len({first, replaced, broken}) == 3
    assert etag() == replaced


def test_write_puts_months_into_archives_as_they_are_published(tmp_path: Path) -> None:
    arguments = ["write", "--feeds", "citibike", "--from", "2023-12", "--to", "2024-01", "--rows", "100"]
    assert main([*arguments, "--folder", str(tmp_path)]) == 0
    assert sorted(path.name for path in tmp_path.rglob("*.zip")) == [
        "2023-citibike-tripdata.zip",
        "202401-citibike-tripdata.csv.zip",
    ]
