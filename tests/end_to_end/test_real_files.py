"""Real published files, served as the publishers lay them out; skipped without the folder REAL_DATA_DIR."""

import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from quality.suites import SUITES
from quality.validate import run_suites
from tests.dbt.small_warehouse import keep_parsed_project
from warehouse.paths import PROJECT_ROOT

REAL_DATA_DIR = Path(os.environ.get("REAL_DATA_DIR", ""))

# What is loaded: the month of 2015 has the publisher's own durations, that of 2021 a snowstorm.
MONTHS = {"2024-01": "green,citibike_jc", "2015-10": "citibike_jc", "2021-02": "citibike_jc", "2024-09": "citibike_jc"}
OF_2024_01 = "source_month = date '2024-01-01'"

pytestmark = pytest.mark.skipif("REAL_DATA_DIR" not in os.environ, reason="REAL_DATA_DIR is not set")


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """Green taxi and Jersey City bikes of these months from a plain file server, loaded and built."""
    folder = tmp_path_factory.mktemp("real")
    server = subprocess.Popen(
        [sys.executable, "-u", "-m", "http.server", "0", "--bind", "127.0.0.1", "--directory", str(REAL_DATA_DIR)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert server.stdout
    port = server.stdout.readline().split(" port ")[1].split()[0]
    environment = os.environ | {
        "DUCKDB_DATABASE_PATH": str(folder / "real.duckdb"),
        "DBT_TARGET_PATH": str(folder / "target"),
        "SOURCES__TLC__BASE_URL": f"http://127.0.0.1:{port}/trip-data",
        "SOURCES__CITIBIKE__BASE_URL": f"http://127.0.0.1:{port}/tripdata",
    }
    load = [sys.executable, "ingestion/run_pipeline.py"]
    loads = [
        ([*load, "--from", month, "--to", month, "--sources", feeds], PROJECT_ROOT) for month, feeds in MONTHS.items()
    ]
    # Unit tests read no file.
    build = ["dbt", "build", "--exclude-resource-type", "unit_test"]
    keep_parsed_project(folder / "target")
    try:
        for command, cwd in (*loads, (build, PROJECT_ROOT / "dbt")):
            done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True)
            assert done.returncode == 0, done.stdout + done.stderr
    finally:
        server.kill()
        server.wait()
    with duckdb.connect(str(folder / "real.duckdb"), read_only=True) as connection:
        yield connection


def test_every_published_row_is_a_trip_or_quarantined(database: duckdb.DuckDBPyConnection) -> None:
    counts = database.execute(
        """
        select feed, strftime(source_month, '%Y-%m'), count(*) from (
            select feed, source_month from core_core.fct_trips
            union all
            select feed, source_month from core_core.quarantined_trips
        ) group by all order by all
        """
    ).fetchall()
    assert counts == [
        ("citibike_jc", "2015-10", 19_264),
        ("citibike_jc", "2021-02", 4_881),
        ("citibike_jc", "2024-01", 50_661),
        ("citibike_jc", "2024-09", 115_558),
        ("green", "2024-01", 56_551),
    ]


def test_durations_are_the_publishers_own(database: duckdb.DuckDBPyConnection) -> None:
    """To the second, which the publisher cuts off; among them is a ride of weeks across a clock change."""
    durations = database.execute(
        """
        select cast(rides.trip_duration as double), round(60 * trips.trip_duration_minutes)
        from raw_data.citibike_trips as rides
        inner join core_core.fct_trips as trips
            on trips.feed = rides.feed and trips.source_month = rides.source_month
            and trips.trip_id % 1000000000 = rides.source_row
        where rides.trip_duration is not null
        """
    ).fetchall()
    assert len(durations) > 19_000
    assert max(published for published, _ in durations) == 1_620_142
    assert max(abs(published - measured) for published, measured in durations) <= 1


def test_a_ride_ends_at_the_station_that_it_names(database: duckdb.DuckDBPyConnection) -> None:
    named = database.execute(
        """
        select count(*), count(case when trips.end_station_id = 'unknown' then 1 end)
        from core_core.fct_trips as trips
        inner join core_staging.stg_citibike__trips as rides using (trip_id)
        where rides.end_station_id is null and rides.end_station_name is not null
        """
    ).fetchone()
    assert named == (30, 0)


def test_nothing_is_warned_of_but_what_is_not_loaded(database: duckdb.DuckDBPyConnection) -> None:
    """Of these months no weather is loaded, and dbt says so."""
    results = run_suites(database, SUITES)
    assert [check for result in results for check in result.checks if not check.passed] == []
    warned = database.execute(
        "select check_name, observed from meta.asset_checks where not passed and source = 'dbt'"
    ).fetchall()
    assert warned == [("assert_every_month_of_trips_has_weather", "4 failing rows")]


def test_green_times_are_the_files_to_the_second(database: duckdb.DuckDBPyConnection) -> None:
    file = REAL_DATA_DIR / "trip-data" / "green_tripdata_2024-01.parquet"
    _assert_times(database, "green", f"select lpep_pickup_datetime, lpep_dropoff_datetime from read_parquet('{file}')")


def test_bike_times_are_the_files_to_the_second(database: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    with zipfile.ZipFile(REAL_DATA_DIR / "tripdata" / "JC-202401-citibike-tripdata.csv.zip") as archive:
        file = archive.extract("JC-202401-citibike-tripdata.csv", tmp_path)
    _assert_times(database, "citibike_jc", f"select started_at, ended_at from read_csv('{file}')")


def _assert_times(database: duckdb.DuckDBPyConnection, feed: str, published: str) -> None:
    differences = database.execute(
        f"""
        with built as (
            select pickup_datetime, dropoff_datetime from core_core.fct_trips
            where feed = $feed and {OF_2024_01}
            union all
            select pickup_datetime, dropoff_datetime from core_core.quarantined_trips
            where feed = $feed and {OF_2024_01}
        ),

        published as ({published})

        (from built except all from published) union all (from published except all from built)
        """,
        {"feed": feed},
    ).fetchall()
    assert differences == []
