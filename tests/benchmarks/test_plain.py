"""The plain way that the platform is compared with: what it keeps, what it loses, and that the count says so."""

import json
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benchmarks.floor.__main__ import run
from benchmarks.floor.statements import TABLES
from benchmarks.plain.load import FEEDS, load
from benchmarks.plain.what_is_lost import PartitionRows, rows_by_partition
from tests.dbt.small_warehouse import (
    APRIL,
    FEBRUARY,
    JANUARY,
    MARCH,
    Trip,
    Warehouse,
    citibike_month,
    ride,
    trip,
    yellow_month,
)
from warehouse.paths import PROJECT_ROOT

PLAIN = PROJECT_ROOT / "benchmarks" / "plain" / "dbt"


@dataclass(frozen=True)
class Built:
    """A warehouse on which both were built twice, and the rows of each month after either time."""

    warehouse: Warehouse
    first: list[PartitionRows]
    then: list[PartitionRows]


def with_a_refund(rows: list[Trip]) -> list[Trip]:
    """A trip that was charged by mistake, and what took the charge back: two rows of one trip."""
    fare = trip("2025-01-20 08:00:00", "2025-01-20 08:30:00", do_location_id=138, total_amount=30)
    return [*rows, fare, {**fare, "total_amount": -30}]


def build(warehouse: Warehouse) -> list[PartitionRows]:
    """Build the plain one and, by the hand-written SQL that makes the same rows, the platform's."""
    run(str(warehouse.path), TABLES, month=None, memory_limit="1GB")
    warehouse.build()
    return rows_by_partition(warehouse.path)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Built]:
    """January and March first; then February late, January corrected and April in its turn."""
    scratch = tmp_path_factory.mktemp("plain")
    warehouse = Warehouse(scratch / "nyc_mobility.duckdb", scratch, project=PLAIN)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DUCKDB_DATABASE_PATH", str(warehouse.path))
        warehouse.create_raw_tables()
        for month in (JANUARY, MARCH):
            warehouse.load_weather(month)
        # Other weather every hour, so that that of another hour is noticed.
        warehouse.execute("update raw_data.weather_hourly set temperature_2m = hour(time)")
        warehouse.load("yellow", JANUARY, with_a_refund(yellow_month(JANUARY)))
        warehouse.load("yellow", MARCH, yellow_month(MARCH))
        twice = ride("A", "2025-03-14 08:00:00", "2025-03-14 08:10:00")
        warehouse.load("citibike", MARCH, [*citibike_month(MARCH), twice])
        first = build(warehouse)
        warehouse.load("yellow", FEBRUARY, yellow_month(FEBRUARY))
        warehouse.load("yellow", JANUARY, yellow_month(JANUARY, total=99)[1:])
        warehouse.load("yellow", APRIL, yellow_month(APRIL))
        yield Built(warehouse, first, build(warehouse))


def test_it_keeps_the_published_rows_less_duplicates_and_impossible_trips(built: Built) -> None:
    assert built.first == [
        PartitionRows("citibike", MARCH, raw=3, plain=2, stale=0),
        PartitionRows("yellow", JANUARY, raw=6, plain=4, stale=0),
        PartitionRows("yellow", MARCH, raw=4, plain=3, stale=0),
    ]
    assert [rows.lost for rows in built.first] == [1, 2, 1]


def test_it_loses_a_late_month_and_a_correction_and_takes_the_next_month(built: Built) -> None:
    assert built.then[1:] == [
        PartitionRows("yellow", JANUARY, raw=3, plain=0, stale=4),
        PartitionRows("yellow", FEBRUARY, raw=4, plain=0, stale=0),
        PartitionRows("yellow", MARCH, raw=4, plain=3, stale=0),
        PartitionRows("yellow", APRIL, raw=4, plain=3, stale=0),
    ]
    assert [rows.lost for rows in built.then] == [1, 3, 4, 1, 1]


def test_its_trips_have_the_measures_and_the_weather_of_ours(built: Built) -> None:
    columns = "trip_type, pickup_datetime, trip_duration_minutes, avg_speed_mph, is_sane, temperature_celsius"
    ours, plain = (
        built.warehouse.execute(f"select {columns} from {fact} where pickup_month = '2025-03-01' order by all")
        for fact in ("core_core.fct_trips", "plain.fct_trips")
    )
    assert plain == ours
    assert len(plain) == 5


def test_its_hourly_fact_adds_up_to_its_trips(built: Built) -> None:
    ((hourly, trips),) = built.warehouse.execute(
        "select (select sum(trip_count) from plain.fct_hourly_mobility), (select count(*) from plain.fct_trips)"
    )
    assert hourly == trips


def test_its_dbt_writes_nothing_beside_its_models(built: Built) -> None:
    folders = {path.name for path in PLAIN.iterdir()}
    assert folders == {"dbt_project.yml", "profiles.yml", "macros", "models"}


def test_loading_keeps_one_row_of_a_key_and_writes_beside_the_database_alone(tmp_path: Path) -> None:
    pickup, dropoff = datetime(2025, 1, 10, 8), datetime(2025, 1, 10, 9)
    rows = [
        {"tpep_pickup_datetime": pickup, "tpep_dropoff_datetime": end, "PULocationID": 1, "DOLocationID": 2, "fare": f}
        for end, f in ((dropoff, 30.0), (dropoff, -30.0), (dropoff + timedelta(minutes=1), 30.0))
    ]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "yellow.parquet")
    home, place = tmp_path / "home", tmp_path / "place"
    home.mkdir()
    place.mkdir()
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.plain.load", "yellow", tmp_path / "yellow.parquet", place / "plain.duckdb"],
        # The administrator's dlt keeps its files outside the home folder, unless told otherwise.
        env={"HOME": str(home), "DLT_DATA_DIR": str(home / "dlt"), "PYTHONPATH": str(PROJECT_ROOT)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout)
    assert (figures["rows"], figures["kept"]) == (3, 2)
    assert min(figures["wall"], figures["cpu"]) > 0
    assert not list(home.iterdir())
    assert {path.name for path in place.iterdir()} == {"plain.duckdb", "plain-dlt"}
    assert {path.name for path in tmp_path.iterdir()} == {"home", "place", "yellow.parquet"}


def test_loading_a_zip_again_updates_its_rows(tmp_path: Path) -> None:
    path, database = tmp_path / "rides.zip", tmp_path / "plain.duckdb"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("rides_1.csv", "ride_id,started_at\nA,2025-01-10 08:00:00\nB,2025-01-10 08:10:00\n")
        archive.writestr("rides_2.csv", "ride_id,started_at\nA,2025-01-11 08:00:00\nC,2025-01-11 08:10:00\n")
        archive.writestr("__MACOSX/._rides_1.csv", "not a csv")
    for file_format in ("insert_values", "parquet"):
        loaded = load(FEEDS["citibike"], path, database, file_format)
        assert (loaded.rows, loaded.kept) == (4, 3)
