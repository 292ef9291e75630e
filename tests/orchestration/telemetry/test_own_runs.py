"""What the platform did is loaded by the daily build, with nothing to set up, and stays when the ledger forgets."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pytest

from ingestion.catalog import CATALOG, FEEDS
from ingestion.gap_survey import survey
from ingestion.new_files import new_partitions
from ingestion.pipeline import ingest
from orchestration import defs
from orchestration.assets.raw_assets import asset_key
from warehouse.connection import open_for_writing
from warehouse.ledger import Ledger, utc_now
from warehouse.maintenance.ledger import delete_expired
from warehouse.periods import Grain, Period

RUNS = FEEDS["platform_runs"]
KEY = asset_key(RUNS)
HERE = """
    select event_id, source_hour from raw_data.pipeline_events where feed = 'platform_runs'
    order by source_hour, event_id
"""


def _run(kind: str, days_ago: float, minutes: int = 0) -> str:
    """Write a run into the ledger that ended in the middle of an hour, so many days ago."""
    end = Period(Grain.HOUR, utc_now() - timedelta(days=days_ago)).start + timedelta(minutes=30 + minutes)
    with open_for_writing() as connection:
        ledger = Ledger(connection)
        run_id = ledger.start_run(kind, {}, started_by="terminal", started_at=end - timedelta(minutes=1))
        ledger.finish_run(run_id, "success", finished_at=end)
    return run_id


def _query(database: Path, query: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(database), read_only=True) as connection:
        return connection.execute(query).fetchall()


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as ephemeral:
        yield ephemeral


def _first_step_of_the_daily_build(instance: dg.DagsterInstance) -> dict[str, Any]:
    result = defs.resolve_job_def("daily_dbt_build_job").execute_in_process(
        instance=instance, asset_selection=[KEY], raise_on_error=False
    )
    assert result.success
    (event,) = result.get_asset_materialization_events()
    return {name: value.value for name, value in event.materialization.metadata.items()}


def test_the_daily_build_loads_every_hour_that_is_over_and_each_once(
    database: Path, instance: dg.DagsterInstance
) -> None:
    older, newer = _run("ingestion", 40), _run("publish", 1)
    shown = _first_step_of_the_daily_build(instance)
    assert (shown["partitions loaded"], shown["rows loaded"]) == (2, 2)
    assert [event_id for event_id, _ in _query(database, HERE)] == [older, newer]
    # What it did itself is of the present hour, which is not over.
    assert _first_step_of_the_daily_build(instance)["partitions loaded"] == 0
    assert _query(database, "select count(*) from meta.ingestion_runs where kind = 'ingestion'") == [(2,)]
    another = _run("publish", 1, minutes=5)
    assert _first_step_of_the_daily_build(instance)["rows loaded"] == 2
    assert {event_id for event_id, _ in _query(database, HERE)} == {older, newer, another}


def test_where_nothing_ran_yet_it_does_nothing(database: Path, instance: dg.DagsterInstance) -> None:
    assert _first_step_of_the_daily_build(instance)["partitions loaded"] == 0
    assert not database.exists()


def test_nothing_of_it_is_a_gap_and_no_sensor_asks_for_it(database: Path, instance: dg.DagsterInstance) -> None:
    _run("publish", 3)
    _first_step_of_the_daily_build(instance)
    _run("publish", 2)
    assert not survey(RUNS.name, None, None, now=utc_now()).has_gaps
    context = dg.build_sensor_context(instance, repository_def=defs.get_repository_def())
    tick = defs.get_sensor_def("publication_sensor").evaluate_tick(context)
    assert not tick.run_requests


def test_runs_that_maintenance_removes_stay_loaded_and_are_no_news(
    database: Path, instance: dg.DagsterInstance
) -> None:
    """The ledger keeps the last run of each kind, so it forgets only a part of this hour."""
    runs = {_run("publish", 500, minutes=number) for number in range(5)}
    _first_step_of_the_daily_build(instance)
    before = _query(database, HERE)
    assert {event_id for event_id, _ in before} == runs
    with open_for_writing() as connection:
        removed, _ = delete_expired(connection, 400)
    assert removed == 4

    assert new_partitions([RUNS], utc_now()) == ([], {})
    assert _first_step_of_the_daily_build(instance)["partitions loaded"] == 0
    assert _query(database, HERE) == before
    asked = survey(RUNS.name, None, None, now=utc_now())
    assert not asked.has_gaps


def test_dagster_is_told_of_what_was_loaded_from_the_terminal_as_one_event(
    database: Path, instance: dg.DagsterInstance
) -> None:
    for days in (3, 2):
        _run("publish", days)
    found, _ = new_partitions([RUNS], utc_now())
    ingest(found)
    sensor = defs.get_sensor_def("ledger_sensor")
    tick = sensor.evaluate_tick(dg.build_sensor_context(instance))
    events = [event for event in tick.asset_events if event.asset_key == KEY]
    assert [event.partition for event in events if isinstance(event, dg.AssetMaterialization)] == [None]
    for event in tick.asset_events:
        instance.report_runless_asset_event(event)
    second = sensor.evaluate_tick(dg.build_sensor_context(instance))
    assert (second.asset_events, second.skip_message) == ([], "Dagster knows of everything")


def test_the_catalog_has_one_feed_of_its_own() -> None:
    assert [feed.name for feed in CATALOG.feeds.values() if feed.is_own] == [RUNS.name]
