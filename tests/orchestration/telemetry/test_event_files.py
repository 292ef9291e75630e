"""The sensor of event files and the jobs of hours, against a real folder and a real ledger.

The sensor goes by the clock, and so do the hours here.
"""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pytest

from ingestion.catalog import FEEDS
from ingestion.new_files import new_partitions
from ingestion.pipeline import Status, ingest
from orchestration import defs
from orchestration.assets.raw_assets import asset_key
from orchestration.sensors import publication
from orchestration.sensors.publication import Patience
from tests.orchestration.streams.conftest import add_run
from warehouse.ledger import utc_now
from warehouse.periods import Grain, Period

EVENTS, CRAWLS = FEEDS["pipeline_events"], FEEDS["crawler_results"]
LINE = '{"event_id": "e%s", "workspace": "w", "pipeline": "p", "status": "success", "started_at": "%s"}\n'
SENSOR = defs.get_sensor_def("event_files_sensor")


def _hour(back: int) -> Period:
    return Period(Grain.HOUR, utc_now() - timedelta(hours=back))


def _write(folder: Path, hour: Period, name: str = "a.jsonl", lines: Sequence[int] = (1,)) -> None:
    """Add lines to a file of an hour."""
    path = folder / f"events/{hour.start:%Y/%m/%d/%H}" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        file.writelines(LINE % (number, hour.start.isoformat()) for number in lines)


def _write_profile(folder: Path, days_back: int) -> None:
    path = folder / f"profiles/{utc_now() - timedelta(days=days_back):%Y/%m/%d}/p.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text('{"user_name": "ann"}\n')


def _load_all() -> set[Status]:
    found, unreachable = new_partitions([EVENTS, CRAWLS], utc_now())
    assert not unreachable
    return {result.status for result in ingest(found)}


def _query(database: Path, query: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(database), read_only=True) as connection:
        return connection.execute(query).fetchall()


@pytest.fixture
def folder(tmp_path: Path, database: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where event files are; and an empty database."""
    monkeypatch.setenv("SOURCES__EVENT_FILES__URL", str(tmp_path / "files"))
    monkeypatch.setattr(publication, "PATIENCE", Patience(tick_seconds=60, connect_seconds=30, answer_seconds=30))
    return tmp_path / "files"


class _Ticks:
    """The sensor's ticks, each with the cursor that the one before left."""

    def __init__(self, instance: dg.DagsterInstance) -> None:
        self._instance = instance
        self.cursor: str | None = None
        self.said = ""
        self.keys: list[str | None] = []

    def tick(self) -> int:
        """Evaluate the sensor once: how many runs it requests."""
        context = dg.build_sensor_context(self._instance, cursor=self.cursor, repository_def=defs.get_repository_def())
        data = SENSOR.evaluate_tick(context)
        self.cursor, self.said = data.cursor or self.cursor, data.skip_message or ""
        requests = data.run_requests or []
        assert {request.tags["subject"] for request in requests} <= {"telemetry"}
        assert not {request.run_key for request in requests} & set(self.keys), "a run key is used once"
        self.keys += [request.run_key for request in requests]
        return len(requests)


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as ephemeral:
        yield ephemeral


@pytest.fixture
def ticks(instance: dg.DagsterInstance) -> _Ticks:
    return _Ticks(instance)


def test_many_new_hours_and_days_are_one_run_requested_once(folder: Path, ticks: _Ticks) -> None:
    for back in range(1, 300):
        for name in ("a.jsonl", "b.jsonl"):
            _write(folder, _hour(back), name)
    _write_profile(folder, 3)
    assert [ticks.tick(), ticks.tick()] == [1, 0]
    assert ticks.said.startswith("requested before and not loaded: ")
    assert _load_all() == {Status.LOADED}
    assert ticks.tick() == 0
    assert "none is new or replaced" in ticks.said


def test_a_file_that_grew_and_one_that_came_late_are_each_requested_once(folder: Path, ticks: _Ticks) -> None:
    _write(folder, _hour(5))
    _load_all()
    assert ticks.tick() == 0
    _write(folder, _hour(5), lines=(2,))
    assert [ticks.tick(), ticks.tick()] == [1, 0]
    _write(folder, _hour(5), "late.jsonl")
    assert [ticks.tick(), ticks.tick()] == [1, 0]
    _write(folder, _hour(9000))
    assert [ticks.tick(), ticks.tick()] == [1, 0]
    assert _load_all() == {Status.LOADED}
    assert ticks.tick() == 0


def test_an_hour_that_goes_on_is_left_until_it_has_ended(folder: Path, ticks: _Ticks) -> None:
    _write(folder, Period(Grain.HOUR, utc_now() + timedelta(hours=1)))
    assert ticks.tick() == 0


def test_no_run_is_requested_while_one_is_on_its_way(folder: Path, ticks: _Ticks, instance: dg.DagsterInstance) -> None:
    _write(folder, _hour(2))
    run_id = add_run(instance, "telemetry_job", dg.DagsterRunStatus.STARTED)
    assert ticks.tick() == 0
    assert ticks.said == f"run {run_id[:8]} of telemetry_job is running; the next tick looks again"
    ended = dg.DagsterEvent(
        event_type_value=dg.DagsterEventType.RUN_SUCCESS.value, job_name="telemetry_job", message="test"
    )
    instance.report_dagster_event(ended, run_id=run_id)
    assert ticks.tick() == 1


@pytest.mark.parametrize("cursor", ["1.2.3", "{", '{"requested": 5}', "é" * 10_000])
def test_a_broken_cursor_starts_over(folder: Path, ticks: _Ticks, cursor: str) -> None:
    _write(folder, _hour(2))
    ticks.cursor = cursor
    assert [ticks.tick(), ticks.tick()] == [1, 0]


def test_a_folder_that_is_set_and_not_there_is_said(folder: Path, ticks: _Ticks) -> None:
    assert not folder.exists()
    assert ticks.tick() == 0
    assert "event_files could not be asked: " in ticks.said
    assert "expected the folder that is set for the files, but it is not there" in ticks.said


def _load_step(asked: dict[str, str], instance: dg.DagsterInstance) -> dg.ExecuteInProcessResult:
    return defs.resolve_job_def("backfill_hourly_data").execute_in_process(
        {"ops": {"hourly_dlt_ingestion": {"config": asked}}},
        instance=instance,
        op_selection=["hourly_dlt_ingestion"],
        raise_on_error=False,
    )


def test_a_month_of_hours_loads_those_that_have_files_and_tries_no_others(
    folder: Path, database: Path, instance: dg.DagsterInstance
) -> None:
    hours = [Period.parse(Grain.HOUR, key) for key in ("2026-01-03T04", "2026-01-03T05", "2026-01-20T00")]
    for hour in hours:
        _write(folder, hour)
    asked = {"from": "2026-01", "to": "2026-02", "sources": "pipeline_events"}
    loaded = _load_step(asked, instance)
    assert loaded.success
    assert [one.period for one in loaded.output_for_node("hourly_dlt_ingestion")] == hours
    assert instance.get_materialized_partitions(asset_key(EVENTS)) == {hour.key for hour in hours}
    tried = "select asset, partition_key, status from meta.ingestion_run_assets order by all"
    assert _query(database, tried) == [("pipeline_events", hour.key, "loaded") for hour in hours]


def test_a_month_without_any_file_says_so(folder: Path, database: Path, instance: dg.DagsterInstance) -> None:
    folder.mkdir()
    result = _load_step({"from": "2026-02", "to": "2026-02", "sources": "pipeline_events"}, instance)
    (failure,) = result.get_step_failure_events()
    said = str(failure.step_failure_data.error)
    assert "2026-02-01T00 … 2026-02-28T23: expected files of pipeline_events, but none is published (yet)" in said


def test_a_range_of_the_asset_is_one_run_and_hours_without_files_are_no_failure(
    folder: Path, database: Path, instance: dg.DagsterInstance
) -> None:
    _write(folder, Period.parse(Grain.HOUR, "2026-01-03T04"))
    key = asset_key(EVENTS)
    tags = {
        "dagster/asset_partition_range_start": "2026-01-03T00",
        "dagster/asset_partition_range_end": "2026-01-04T23",
    }
    assert dg.materialize([defs.get_assets_def(key)], instance=instance, tags=tags).success
    assert _query(database, "select source_hour::varchar, count(*) from raw_data.pipeline_events group by all") == [
        ("2026-01-03 04:00:00", 1)
    ]
