"""Real published files, served as the publishers lay them out; skipped without the folder REAL_DATA_DIR."""

import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from warehouse.paths import PROJECT_ROOT

REAL_DATA_DIR = Path(os.environ.get("REAL_DATA_DIR", ""))

pytestmark = pytest.mark.skipif("REAL_DATA_DIR" not in os.environ, reason="REAL_DATA_DIR is not set")


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """Green taxi and Jersey City bikes of 2024-01 from a plain file server, loaded and built."""
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
    load = [sys.executable, "ingestion/run_pipeline.py", "--year", "2024", "--months", "1"]
    try:
        for command, cwd in (
            ([*load, "--sources", "green,citibike_jc"], PROJECT_ROOT),
            (["dbt", "build"], PROJECT_ROOT / "dbt"),
        ):
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
        select feed, count(*) from (
            select feed from core_core.fct_trips union all select feed from core_core.quarantined_trips
        ) group by feed order by feed
        """
    ).fetchall()
    assert counts == [("citibike_jc", 50_661), ("green", 56_551)]


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
            select pickup_datetime, dropoff_datetime from core_core.fct_trips where feed = $feed
            union all
            select pickup_datetime, dropoff_datetime from core_core.quarantined_trips where feed = $feed
        ),

        published as ({published})

        (from built except all from published) union all (from published except all from built)
        """,
        {"feed": feed},
    ).fetchall()
    assert differences == []
