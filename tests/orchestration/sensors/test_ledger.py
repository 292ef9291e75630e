"""The ledger sensor, evaluated against months loaded from the terminal and by Dagster."""

import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import dagster as dg
import duckdb
import pytest

from ingestion.catalog import FEEDS, resolve_sources
from ingestion.pipeline import Started, ingest
from ingestion.run_pipeline import main
from orchestration import defs
from orchestration.assets.raw_assets import asset_key
from orchestration.sensors.ledger import read_loads
from orchestration.sensors.ledger_plan import LedgerCursor
from sandbox.server import SamplePublisher
from tests.orchestration.sensors.conftest import Ticks
from tests.partitions import partitions_of

JANUARY, FEBRUARY = date(2025, 1, 1), date(2025, 2, 1)
GREEN, BIKES = asset_key(FEEDS["green"]), asset_key(FEEDS["citibike_jc"])


@dg.job
def some_job() -> None:
    """A run of which is all that matters."""


@pytest.fixture(autouse=True)
def publisher(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SamplePublisher]:
    monkeypatch.setenv("LOG_FOLDER", str(tmp_path / "logs"))
    with SamplePublisher(JANUARY, FEBRUARY, rows=2000) as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        yield server


def _load_from_terminal(sources: str, month: int) -> None:
    assert main(["--year", "2025", "--months", str(month), "--sources", sources]) == 0


@pytest.mark.usefixtures("database")
def test_months_loaded_from_the_terminal_are_in_the_partition_grid(instance: dg.DagsterInstance, ticks: Ticks) -> None:
    _load_from_terminal("green,citibike_jc", 1)
    assert ticks.tick() == {("green_taxi", "2025-01-01"), ("citibike_jc", "2025-01-01")}
    assert ticks.said == "told Dagster of citibike_jc 2025-01; green 2025-01"
    assert instance.get_materialized_partitions(GREEN) == {"2025-01-01"}
    assert instance.get_materialized_partitions(BIKES) == {"2025-01-01"}
    (record,) = instance.fetch_materializations(GREEN, limit=5).records
    assert record.asset_materialization
    shown = {name: entry.value for name, entry in record.asset_materialization.metadata.items()}
    assert shown.keys() == {"status", "dagster/row_count", "published at", "load_id"}
    assert str(shown["published at"]).endswith("/trip-data/green_tripdata_2025-01.parquet")

    _load_from_terminal("green", 2)
    assert ticks.tick() == {("green_taxi", "2025-02-01")}


@pytest.mark.usefixtures("database")
def test_nothing_is_told_twice_even_without_a_cursor(ticks: Ticks) -> None:
    _load_from_terminal("green,citibike_jc", 1)
    assert len(ticks.tick()) == 2
    assert ticks.tick() == set()
    assert ticks.tick() == set()
    assert ticks.said == "nothing was written to the DuckDB file since the last look"
    for cursor in (None, "not a cursor", LedgerCursor(reported={"green": "another digest"}).to_json()):
        ticks.cursor = cursor
        assert ticks.tick() == set()


@pytest.mark.usefixtures("database")
def test_a_month_loaded_again_is_told_again(publisher: SamplePublisher, ticks: Ticks) -> None:
    _load_from_terminal("green,citibike_jc", 1)
    assert len(ticks.tick()) == 2
    assert ticks.tick() == set()
    publisher.replace("green", JANUARY)
    _load_from_terminal("green,citibike_jc", 1)
    assert ticks.tick() == {("green_taxi", "2025-01-01")}
    assert ticks.tick() == set()


@pytest.mark.usefixtures("database")
def test_what_dagster_loaded_is_not_told_again(instance: dg.DagsterInstance, ticks: Ticks) -> None:
    assert dg.materialize([defs.get_assets_def(GREEN)], instance=instance, partition_key="2025-01-01").success
    loaded_by_job = defs.get_job_def("backfill_monthly_data").execute_in_process(
        run_config={"ops": {"monthly_dlt_ingestion": {"config": {"year": 2025, "month": 2, "sources": "green"}}}},
        op_selection=["monthly_dlt_ingestion"],
        instance=instance,
    )
    assert loaded_by_job.success
    assert ticks.tick() == set()
    assert instance.get_materialized_partitions(GREEN) == {"2025-01-01", "2025-02-01"}


@pytest.mark.usefixtures("database")
def test_a_run_that_goes_on_tells_of_its_loads_itself_and_one_that_broke_off_is_told_for(
    instance: dg.DagsterInstance, ticks: Ticks
) -> None:
    run = instance.create_run_for_job(some_job, status=dg.DagsterRunStatus.STARTED)
    ingest(partitions_of(resolve_sources("green"), [JANUARY]), started=Started("dagster", run.run_id))
    assert ticks.tick() == set()
    assert ticks.said == "a run goes on that tells of its results at its end"
    instance.report_run_failed(run)
    assert ticks.tick() == {("green_taxi", "2025-01-01")}
    assert ticks.tick() == set()


def test_facts_in_the_ledger_are_none_of_the_raw_assets(database: Path, ticks: Ticks) -> None:
    _load_from_terminal("green", 1)
    with duckdb.connect(str(database)) as connection:
        connection.execute(
            "insert into meta.asset_watermarks"
            " (asset, partition_key, feed, grain, period_start, period_end, version, load_id, rows, updated_at)"
            " values ('fct_trips', 'green/2025-01', 'green', 'month', '2025-01-01', '2025-02-01', '1.0 weather none',"
            " '1.0', 1, now())"
        )
        assert [str(load.partition) for load in read_loads(connection)] == ["green 2025-01"]
    assert ticks.tick() == {("green_taxi", "2025-01-01")}


@pytest.mark.usefixtures("busy_database")
def test_a_busy_database_ends_the_tick_at_once_and_says_for_whom(ticks: Ticks) -> None:
    begun = time.monotonic()
    assert ticks.tick() == set()
    # Who waits for the file waits for half an hour.
    assert time.monotonic() - begun < 60
    assert ticks.said
    assert "the DuckDB file is in use by python" in ticks.said


def test_without_a_database_or_a_ledger_there_is_nothing_to_tell(database: Path, ticks: Ticks) -> None:
    assert ticks.tick() == set()
    assert ticks.said == "nothing is loaded yet"
    duckdb.connect(str(database)).close()
    assert ticks.tick() == set()


def test_the_sensor_runs_by_itself_every_half_minute() -> None:
    ledger_sensor = defs.get_sensor_def("ledger_sensor")
    assert ledger_sensor.default_status is dg.DefaultSensorStatus.RUNNING
    assert ledger_sensor.minimum_interval_seconds == 30
