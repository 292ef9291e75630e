"""The floor that dbt's build is measured against makes the same rows, and the benchmark notices where it does not."""

import shutil
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import duckdb
import pytest

from benchmarks.comparison import require_same_rows
from benchmarks.floor.__main__ import run
from benchmarks.floor.checks import statement
from benchmarks.floor.statements import TABLES
from benchmarks.processes import BenchmarkError
from benchmarks.scenarios import KEYS
from quality.suites import SUITES
from tests.dbt.small_warehouse import Trip, Warehouse, citibike_month, parsed_project, ride, trip, yellow_month

OCTOBER, NOVEMBER, MARCH = date(2024, 10, 1), date(2024, 11, 1), date(2025, 3, 1)


def around_clock_changes() -> list[Trip]:
    """Across the hour that came twice on 2024-11-03; on a holiday; without a time; and a refund."""
    return [
        *yellow_month(NOVEMBER),
        trip("2024-11-03 01:50:00", "2024-11-03 01:10:00", trip_distance=1, total_amount=8),
        trip("2024-11-03 00:30:00", "2024-11-03 03:00:00", trip_distance=2, total_amount=9),
        trip("2024-11-11 08:00:00", "2024-11-11 08:30:00", trip_distance=400, total_amount=-30, do_location_id=0),
        trip("2024-11-12 08:00:00", "2024-12-24 08:30:00", trip_distance=1),
        {"tpep_pickup_datetime": "2024-11-13 08:00:00"},
    ]


def spring_forward() -> list[Trip]:
    return [
        *yellow_month(MARCH),
        trip("2025-03-09 01:30:00", "2025-03-09 03:30:00", trip_distance=1, total_amount=8),
        trip("2025-03-09 02:30:00", "2025-03-09 03:30:00", trip_distance=1, total_amount=8),
    ]


def rides_with_quirks() -> list[Trip]:
    """A repeated id, two rides without one, and ids of stations that lost a last zero."""
    return [
        *citibike_month(NOVEMBER),
        {**ride(" A ", "2024-11-14 08:00:00", "2024-11-14 08:10:00"), "start_station_id": "6498.1"},
        {"started_at": "2024-11-15 08:00:00", "ended_at": "2024-11-15 08:20:00", "member_casual": "Subscriber"},
        {"started_at": "2024-11-15 08:00:00", "ended_at": "2024-11-15 08:20:00", "end_station_id": " 6498.10 "},
    ]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    scratch = tmp_path_factory.mktemp("floor")
    warehouse = Warehouse(scratch / "nyc_mobility.duckdb", scratch, parsed_project())
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DUCKDB_DATABASE_PATH", str(warehouse.path))
        warehouse.create_raw_tables()
        for month in (OCTOBER, NOVEMBER, MARCH):
            warehouse.load_weather(month, temperature=float(month.month))
        warehouse.load("yellow", NOVEMBER, around_clock_changes())
        warehouse.load("yellow", MARCH, spring_forward())
        warehouse.load("citibike", NOVEMBER, rides_with_quirks())
        warehouse.load(
            "fhv", NOVEMBER, [{"pickup_datetime": "2024-11-05 09:00", "dropoff_datetime": "2024-11-05 10:00"}]
        )
        assert warehouse.dbt("build", "--exclude-resource-type", "test", "unit_test").success, warehouse.said
        yield warehouse


@pytest.fixture
def floor(built: Warehouse, tmp_path: Path) -> Path:
    """A copy of what dbt built, for the floor to work on."""
    return Path(shutil.copy(built.path, tmp_path / "floor.duckdb"))


def rows_alike(floor: Path, built: Warehouse) -> dict[str, int]:
    return {table: require_same_rows(floor, built.path, table, KEYS[table]) for table in TABLES}


def test_the_floor_makes_the_rows_of_dbt(built: Warehouse, floor: Path) -> None:
    with duckdb.connect(str(floor)) as connection:
        for table in TABLES:
            connection.execute(f"drop table core_core.{table}")
    run(str(floor), TABLES, month=None, memory_limit="1GB")
    rows = rows_alike(floor, built)
    assert rows["fct_trips"] == 16
    assert rows["quarantined_trips"] == 5, "one of each reason but a month that is not the file's"


def test_the_floor_replaces_a_month_as_dbt_does(built: Warehouse, tmp_path: Path) -> None:
    built.load("yellow", NOVEMBER, [*around_clock_changes(), *yellow_month(NOVEMBER, total=77)])
    floor = Path(shutil.copy(built.path, tmp_path / "floor.duckdb"))
    built.build("--select", "fct_trips", "fct_hourly_mobility", "quarantined_trips")
    with pytest.raises(BenchmarkError, match="fct_trips"):
        rows_alike(floor, built)
    run(str(floor), TABLES, month=NOVEMBER, memory_limit="1GB")
    rows_alike(floor, built)


def test_the_floor_measures_what_the_suites_expect(built: Warehouse) -> None:
    with duckdb.connect(str(built.path), read_only=True) as connection:
        figures = {suite.name: connection.sql(statement(suite)) for suite in SUITES}
        trips = dict(zip(figures["fct_trips"].columns, figures["fct_trips"].fetchall()[0], strict=True))
        for suite in SUITES:
            assert {each.name for each in suite.expectations} <= set(figures[suite.name].columns), suite.name
        held = connection.execute("select count(*) from core_core.fct_trips").fetchone()
    assert (trips["row_count"],) == held
    assert trips["pickup_datetime_not_null"] == trips["trip_type_known"] == 0
    assert trips["pickup_location_id_in_range"] == 0
    assert trips["trip_duration_minutes_mean"] > 0


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("update core_core.fct_trips set total_amount = 21 where total_amount = 20", r"\{'total_amount': \d"),
        ("delete from core_core.fct_trips where total_amount = 20", "only_found"),
        ("insert into core_core.fct_trips from core_core.fct_trips limit 1", "'rows': -1"),
        ("alter table core_core.fct_trips drop column vendor_id", "vendor_id"),
    ],
)
def test_rows_that_differ_are_an_error(built: Warehouse, floor: Path, change: str, said: str) -> None:
    with duckdb.connect(str(floor)) as connection:
        connection.execute(change)
    with pytest.raises(BenchmarkError, match=said):
        rows_alike(floor, built)
