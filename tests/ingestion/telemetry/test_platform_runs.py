"""The platform's own runs, as events of the hour in which they ended."""

import json
import os
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from ingestion import gaps, run_pipeline
from ingestion.catalog import FEEDS
from ingestion.gap_survey import survey
from ingestion.partitions import Partition
from ingestion.pipeline import Status, ingest
from ingestion.publication import State
from warehouse.connection import open_for_writing
from warehouse.ledger import Ledger, RunAsset, utc_now
from warehouse.paths import DATABASE_VARIABLE, LOG_FOLDER_VARIABLE
from warehouse.periods import Grain, Period

RUNS = FEEDS["platform_runs"]
EIGHT = datetime(2026, 1, 5, 8)


@pytest.fixture(autouse=True)
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(DATABASE_VARIABLE, str(tmp_path / "warehouse.duckdb"))
    monkeypatch.setenv(LOG_FOLDER_VARIABLE, str(tmp_path / "logs"))


def _hour(start: datetime) -> Partition:
    return Partition(RUNS, Period(Grain.HOUR, start))


def _record(
    run_id: str,
    kind: str,
    ended_at: datetime | None,
    *,
    error: str | None = None,
    assets: tuple[RunAsset, ...] = (),
    arguments: Mapping[str, Any] | None = None,
) -> None:
    with open_for_writing() as connection:
        ledger = Ledger(connection)
        started_at = (ended_at or EIGHT) - timedelta(minutes=5, microseconds=1)
        ledger.start_run(kind, arguments or {}, started_by="terminal", started_at=started_at, run_id=run_id)
        for asset in assets:
            ledger.record_asset(run_id, asset)
        if ended_at is not None:
            ledger.finish_run(run_id, "failed" if error else "success", error, finished_at=ended_at)


def _events() -> list[dict[str, Any]]:
    with duckdb.connect(os.environ[DATABASE_VARIABLE], read_only=True) as connection:
        found = connection.sql(
            "select * from raw_data.pipeline_events where feed = 'platform_runs' order by source_hour, source_row"
        )
        return [dict(zip(found.columns, row, strict=True)) for row in found.fetchall()]


def test_runs_that_ended_in_an_hour_are_its_events() -> None:
    _record("late", "publish", EIGHT + timedelta(minutes=50), error="the disk is full")
    loaded = RunAsset("yellow", "2025-01", "loaded", rows=100), RunAsset("green", "2025-01", "loaded", rows=20)
    others = RunAsset("yellow", "2025-02", "unchanged", rows=7), RunAsset("green", "2025-02", "failed", error="no")
    arguments = {"partitions": ["yellow 2025-01"], "force": False}
    _record(
        "load", "ingestion", EIGHT + timedelta(minutes=9), error="no", assets=(*loaded, *others), arguments=arguments
    )
    _record("idle", "ingestion", EIGHT + timedelta(minutes=10), assets=others[:1])
    _record("built", "dbt build", EIGHT + timedelta(hours=1), assets=(RunAsset("fct_trips", None, "built", rows=9),))
    _record("begun", "ingestion", None)
    results = ingest([_hour(EIGHT), _hour(EIGHT + timedelta(hours=1)), _hour(EIGHT + timedelta(hours=2))])
    assert [result.status for result in results] == [Status.LOADED, Status.LOADED, Status.NOT_PUBLISHED]
    events = _events()
    assert [(one["event_id"], one["pipeline"], one["status"], one["rows"], one["error"]) for one in events] == [
        ("load", "ingestion", "failed", "120", "no"),
        ("idle", "ingestion", "success", "0", None),
        ("late", "publish", "failed", None, "the disk is full"),
        ("built", "dbt build", "success", None, None),
    ]
    assert {(one["workspace"], one["problem"], one["other_fields"]) for one in events} == {("platform", None, None)}
    assert events[0]["run_id"] == "load"
    assert (events[0]["started_at"], events[0]["finished_at"]) == (
        "2026-01-05T08:03:59.999999Z",
        "2026-01-05T08:09:00Z",
    )
    assert json.loads(events[0]["payload"]) == {
        "started_by": "terminal",
        "dagster_run_id": None,
        "arguments": arguments,
    }
    assert events[3]["source_hour"] == EIGHT + timedelta(hours=1)


def test_an_hour_without_new_runs_is_unchanged_and_one_that_another_run_told_later_is_not() -> None:
    _record("first", "publish", EIGHT)
    assert [one.status for one in ingest([_hour(EIGHT)])] == [Status.LOADED]
    assert [one.status for one in ingest([_hour(EIGHT)])] == [Status.UNCHANGED]
    # A killed run is recorded by the next one, for the time at which it ended.
    _record("second", "publish", EIGHT + timedelta(minutes=1))
    assert [one.status for one in ingest([_hour(EIGHT)])] == [Status.LOADED]
    assert [one["event_id"] for one in _events()] == ["first", "second"]


def test_the_runs_that_look_make_no_gap_until_their_hour_has_ended(capsys: pytest.CaptureFixture[str]) -> None:
    now = utc_now()
    an_hour_ago = now - timedelta(hours=1)
    _record("before", "publish", an_hour_ago)
    spans = ["--sources", "platform_runs", "--from", Period(Grain.HOUR, an_hour_ago).key, "--to", f"{now:%Y-%m-%dT%H}"]
    assert run_pipeline.main(spans) == 0
    assert run_pipeline.main(spans) == 0, "the first load is an event of the second"
    assert {one["event_id"] for one in _events()} > {"before"}
    assert gaps.main(spans) == 0
    hour = Period(Grain.HOUR, now)
    later = survey("platform_runs", hour, hour, now=hour.end)
    assert [one.state for one in later.plan] == [State.REPLACED], "the second load is not in"


def test_without_a_ledger_there_are_no_runs(tmp_path: Path) -> None:
    key = _hour(EIGHT).key
    assert run_pipeline.main(["--sources", "platform_runs", "--from", key, "--to", key]) == 3
    duckdb.connect(os.environ[DATABASE_VARIABLE]).close()
    assert run_pipeline.main(["--sources", "platform_runs", "--from", key, "--to", key]) == 3
