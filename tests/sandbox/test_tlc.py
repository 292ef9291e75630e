"""The TLC's files as the sample publisher makes them: columns by era, and the quirks of real months."""

import os
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest

from sandbox.files import row_count, write_file

FEBRUARY, NOVEMBER = date(2025, 2, 1), date(2025, 11, 1)
ROWS = 20_000
YELLOW_2022 = """
    VendorID int64, tpep_pickup_datetime timestamp[us], tpep_dropoff_datetime timestamp[us], passenger_count double,
    trip_distance double, RatecodeID double, store_and_fwd_flag string, PULocationID int64, DOLocationID int64,
    payment_type int64, fare_amount double, extra double, mta_tax double, tip_amount double, tolls_amount double,
    improvement_surcharge double, total_amount double, congestion_surcharge double, airport_fee double
"""
YELLOW_2024 = """
    VendorID int32, tpep_pickup_datetime timestamp[us], tpep_dropoff_datetime timestamp[us], passenger_count int64,
    trip_distance double, RatecodeID int64, store_and_fwd_flag large_string, PULocationID int32, DOLocationID int32,
    payment_type int64, fare_amount double, extra double, mta_tax double, tip_amount double, tolls_amount double,
    improvement_surcharge double, total_amount double, congestion_surcharge double, Airport_fee double
"""
GREEN_2020 = """
    VendorID int64, lpep_pickup_datetime timestamp[us], lpep_dropoff_datetime timestamp[us],
    store_and_fwd_flag string, RatecodeID double, PULocationID int64, DOLocationID int64, passenger_count double,
    trip_distance double, fare_amount double, extra double, mta_tax double, tip_amount double, tolls_amount double,
    ehail_fee null, improvement_surcharge double, total_amount double, payment_type double, trip_type double,
    congestion_surcharge double
"""
GREEN_2024 = GREEN_2020.replace("int64", "int32").replace("ehail_fee null", "ehail_fee double")
FHV_2025 = """
    dispatching_base_num large_string, pickup_datetime timestamp[us], dropOff_datetime timestamp[us],
    PUlocationID int32, DOlocationID int32, SR_Flag int32, Affiliated_base_number large_string
"""
HVFHV_2024 = """
    hvfhs_license_num large_string, dispatching_base_num large_string, originating_base_num large_string,
    request_datetime timestamp[us], on_scene_datetime timestamp[us], pickup_datetime timestamp[us],
    dropoff_datetime timestamp[us], PULocationID int32, DOLocationID int32, trip_miles double, trip_time int64,
    base_passenger_fare double, tolls double, bcf double, sales_tax double, congestion_surcharge double,
    airport_fee double, tips double, driver_pay double, shared_request_flag large_string,
    shared_match_flag large_string, access_a_ride_flag large_string, wav_request_flag large_string,
    wav_match_flag large_string
"""
FEE = ", cbd_congestion_fee double"


def _columns(text: str) -> list[str]:
    return [" ".join(column.split()) for column in text.split(",")]


@pytest.mark.parametrize(
    ("feed", "month", "columns", "codec"),
    [
        ("yellow", date(2023, 1, 1), YELLOW_2022, "SNAPPY"),
        ("yellow", date(2023, 2, 1), YELLOW_2024, "ZSTD"),
        ("yellow", date(2024, 12, 1), YELLOW_2024, "ZSTD"),
        ("yellow", date(2025, 1, 1), YELLOW_2024 + FEE, "ZSTD"),
        ("green", date(2020, 4, 1), GREEN_2020, "GZIP"),
        ("green", date(2024, 1, 1), GREEN_2024, "SNAPPY"),
        ("green", NOVEMBER, GREEN_2024.replace("flag string", "flag large_string") + FEE, "ZSTD"),
        ("fhv", NOVEMBER, FHV_2025, "ZSTD"),
        ("hvfhv", date(2024, 12, 1), HVFHV_2024, "ZSTD"),
        ("hvfhv", NOVEMBER, HVFHV_2024 + FEE, "ZSTD"),
    ],
)
def test_columns_types_and_codec_are_those_of_the_era(
    feed: str, month: date, columns: str, codec: str, tmp_path: Path
) -> None:
    published = pq.ParquetFile(write_file(feed, month, tmp_path, rows=200))
    assert [f"{field.name} {field.type}" for field in published.schema_arrow] == _columns(columns)
    assert published.metadata.row_group(0).column(0).compression == codec
    assert published.metadata.num_rows == row_count(feed, month, rows=200)


@pytest.mark.skipif("REAL_DATA_DIR" not in os.environ, reason="REAL_DATA_DIR is unset")
def test_green_has_the_schema_of_the_real_file(tmp_path: Path) -> None:
    real = pq.ParquetFile(Path(os.environ["REAL_DATA_DIR"]) / "trip-data" / "green_tripdata_2024-01.parquet")
    made = pq.ParquetFile(write_file("green", date(2024, 1, 1), tmp_path, rows=2000))
    assert made.schema_arrow.equals(real.schema_arrow)
    assert made.schema.equals(real.schema)
    assert made.metadata.row_group(0).column(0).compression == real.metadata.row_group(0).column(0).compression


@pytest.mark.skipif("REAL_DATA_DIR" not in os.environ, reason="REAL_DATA_DIR is unset")
def test_for_hire_columns_are_named_as_in_real_files(tmp_path: Path) -> None:
    samples = Path(os.environ["REAL_DATA_DIR"]) / "samples"
    for feed, name in (("fhv", "fhv_2020-04_sample_1000.csv"), ("hvfhv", "fhvhv_2020-04_sample_1000.csv")):
        header = (samples / name).read_text().splitlines()[0].replace('"', "").split(",")
        assert pq.read_schema(write_file(feed, date(2020, 4, 1), tmp_path, rows=200)).names == header


@pytest.fixture(scope="module")
def months(tmp_path_factory: pytest.TempPathFactory) -> duckdb.DuckDBPyConnection:
    """Views of files of 2025, the trips' times renamed to `pickup` and `dropoff`."""
    folder = tmp_path_factory.mktemp("months")
    connection = duckdb.connect()
    for view, feed, month in (
        ("yellow", "yellow", FEBRUARY),
        ("green", "green", FEBRUARY),
        ("yellow_november", "yellow", NOVEMBER),
        ("yellow_march", "yellow", date(2025, 3, 1)),
        ("green_november", "green", NOVEMBER),
        ("fhv", "fhv", FEBRUARY),
        ("hvfhv", "hvfhv", FEBRUARY),
    ):
        path = write_file(feed, month, folder, rows=2000 if feed == "hvfhv" else ROWS)
        names = connection.read_parquet(str(path)).columns
        pickup = next(name for name in names if name.endswith("pickup_datetime"))
        dropoff = next(name for name in names if name.lower().endswith("dropoff_datetime"))
        connection.execute(f"""
            create view {view} as
            select *, {pickup} as pickup, {dropoff} as dropoff from read_parquet('{path}', file_row_number = true)
        """)
    return connection


def _one(months: duckdb.DuckDBPyConnection, sql: str) -> Any:
    (row,) = months.sql(sql).fetchall()
    return row[0] if len(row) == 1 else row


@pytest.mark.parametrize("taxi", ["yellow", "green"])
def test_nulls_come_as_one_block_in_the_same_rows(months: duckdb.DuckDBPyConnection, taxi: str) -> None:
    together = ["RatecodeID", "store_and_fwd_flag", "congestion_surcharge"]
    together += ["Airport_fee"] if taxi == "yellow" else ["trip_type", "payment_type"]
    for column in together:
        assert _one(months, f"select bool_and(({column} is null) = (passenger_count is null)) from {taxi}")
    first, nulls, last = _one(
        months,
        f"select min(file_row_number), count(*), max(file_row_number) from {taxi} where passenger_count is null",
    )
    assert last - first + 1 == nulls > 0
    if taxi == "yellow":
        assert _one(months, f"select bool_and((payment_type = 0) = (passenger_count is null)) from {taxi}")
        assert nulls / row_count("yellow", FEBRUARY, rows=ROWS) == pytest.approx(0.225, abs=0.001)


@pytest.mark.parametrize("taxi", ["yellow", "green"])
def test_charges_and_refunds_are_pairs_that_differ_in_sign_alone(months: duckdb.DuckDBPyConnection, taxi: str) -> None:
    pairs = months.sql(f"""
        select list(fare_amount order by fare_amount), list(total_amount order by total_amount), list(payment_type)
        from {taxi} group by "VendorID", pickup, dropoff, "PULocationID", "DOLocationID" having count(*) > 1
    """).fetchall()
    assert len(pairs) >= 3
    for fares, totals, payments in pairs:
        assert len(fares) == 2
        assert fares[0] == -fares[1] < 0
        assert totals[0] == -totals[1] < 0
        assert payments[0] == payments[1] in (2, 3, 4)


@pytest.mark.parametrize("taxi", ["yellow", "green"])
def test_some_pickups_are_outside_the_files_month(months: duckdb.DuckDBPyConnection, taxi: str) -> None:
    odd = [
        pickup
        for (pickup,) in months.sql(f"""
            select pickup from {taxi} where pickup < date '2025-02-01' or pickup >= date '2025-03-01' order by 1
        """).fetchall()
    ]
    assert [pickup.year for pickup in odd[:2]] == [2002, 2009]
    assert date(2024, 12, 1) < odd[2].date() < date(2025, 1, 1)
    assert "2025-01-31 23" < str(odd[3]) < "2025-02-01"
    assert len(odd) <= 8


def test_outliers_zeros_and_totals_that_do_not_add_up_are_there(months: duckdb.DuckDBPyConnection) -> None:
    far, long, zero, negative, backwards = _one(
        months,
        """
        select
            count(*) filter (trip_distance > 1000), count(*) filter (dropoff - pickup > interval 22 hours),
            avg((trip_distance = 0)::integer), avg((fare_amount < 0)::integer), count(*) filter (dropoff < pickup)
        from yellow
        """,
    )
    assert far >= 2
    assert long >= 2
    assert zero == pytest.approx(0.028, abs=0.006)
    assert negative == pytest.approx(0.054, abs=0.01)
    assert 1 <= backwards <= 3
    assert _one(
        months,
        """
        select avg((abs(fare_amount + extra + mta_tax + tip_amount + tolls_amount + improvement_surcharge
            + coalesce(congestion_surcharge, 0) + coalesce("Airport_fee", 0) + cbd_congestion_fee
            - total_amount) > 0.005)::integer) from yellow
        """,
    ) == pytest.approx(0.35, abs=0.03)


def test_yellow_has_the_published_quantiles(months: duckdb.DuckDBPyConnection) -> None:
    distance, fare, total, minutes = _one(
        months,
        """
        select
            quantile_cont(trip_distance, [0.25, 0.5, 0.75, 0.95]), quantile_cont(fare_amount, [0.25, 0.5, 0.75, 0.95]),
            quantile_cont(total_amount, [0.25, 0.5, 0.75, 0.95]),
            quantile_cont(epoch(dropoff - pickup) / 60, [0.05, 0.5, 0.95])
        from yellow
        """,
    )
    assert distance == pytest.approx([1.01, 1.7, 3.26, 11.5], rel=0.08)
    assert fare == pytest.approx([8.6, 12.8, 20.5, 49.9], rel=0.08)
    assert total == pytest.approx([15.3, 20.2, 28.3, 71.9], rel=0.15)
    assert minutes == pytest.approx([3.5, 12.3, 37.3], rel=0.08)


def test_longer_trips_take_longer_and_cost_more(months: duckdb.DuckDBPyConnection) -> None:
    minutes, fare, slow, fast = _one(
        months,
        """
        with trips as (
            select *, epoch(dropoff - pickup) / 3600 as hours
            from yellow where trip_distance between 0.1 and 60 and fare_amount > 0
        )
        select
            corr(ln(trip_distance), ln(hours)), corr(trip_distance, fare_amount),
            quantile_cont(trip_distance / hours, 0.02), quantile_cont(trip_distance / hours, 0.98)
        from trips where hours between 0.01 and 3
        """,
    )
    assert minutes > 0.7
    assert fare > 0.7
    assert 2 < slow < fast < 55


@pytest.mark.parametrize("taxi", ["yellow_november", "green_november"])
def test_some_trips_end_before_they_start_when_the_clock_goes_back(
    months: duckdb.DuckDBPyConnection, taxi: str
) -> None:
    first, last, trips = _one(
        months,
        f"""
        select min(pickup), max(pickup), count(*) from {taxi}
        where dropoff < pickup and pickup::date = date '2025-11-02'
        """,
    )
    assert trips >= 2
    assert "2025-11-02 01" < str(first) <= str(last) < "2025-11-02 02"


def test_no_trip_starts_or_ends_in_the_hour_that_is_skipped(months: duckdb.DuckDBPyConnection) -> None:
    skipped = "between timestamp '2025-03-09 02:00' and timestamp '2025-03-09 02:59:59'"
    assert _one(months, f"select count(*) from yellow_march where pickup {skipped} or dropoff {skipped}") == 0
    assert _one(months, "select count(*) from yellow_march where pickup::date = date '2025-03-09'") > 100


def test_for_hire_trips_have_unknown_zones_padded_bases_and_ends_decades_ahead(
    months: duckdb.DuckDBPyConnection,
) -> None:
    no_pickup, no_dropoff, unknown, ahead, latest, padded = _one(
        months,
        """
        select
            avg(("PUlocationID" is null)::integer), avg(("DOlocationID" is null)::integer),
            avg(coalesce("PUlocationID" in (264, 265), false)::integer
                | coalesce("DOlocationID" in (264, 265), false)::integer),
            count(*) filter (year(dropoff) >= 2027), max(year(dropoff)),
            count(*) filter (length(dispatching_base_num) = 15 and dispatching_base_num like 'B_____ %')
        from fhv
        """,
    )
    assert no_pickup == pytest.approx(0.32, abs=0.02)
    assert no_dropoff == pytest.approx(0.055, abs=0.01)
    assert unknown == pytest.approx(0.53, abs=0.02)
    assert ahead == 3
    assert latest == 2050
    assert padded >= 5


def test_only_uber_says_when_the_car_was_there(months: duckdb.DuckDBPyConnection) -> None:
    rows = months.sql("""
        select hvfhs_license_num, count(*) > 0, count(on_scene_datetime) = count(*), count(originating_base_num),
            bool_and(request_datetime <= pickup and trip_time = epoch(dropoff - pickup))
        from hvfhv group by all order by 1
    """).fetchall()
    assert [(license_number, is_there, is_full) for license_number, is_there, is_full, _, _ in rows] == [
        ("HV0003", True, True),
        ("HV0005", True, False),
    ]
    assert rows[1][3] == 0
    assert rows[0][4]
    assert rows[1][4]
