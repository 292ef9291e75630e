"""The platform's own runs as events: what the ledger has of them, hour by hour."""

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from ingestion.catalog import FEEDS
from ingestion.partitions import Partition
from ingestion.pipeline import Status, ingest
from ingestion.publishers import Visits
from warehouse.connection import open_for_writing
from warehouse.ledger import Ledger, RunAsset

HOUR = Partition(FEEDS["platform_runs"], FEEDS["platform_runs"].period("2026-01-05T04"))
FIVE = datetime(2026, 1, 5, 5)


def _run(kind: str, end: datetime | None, *assets: RunAsset, seconds: float = 60, error: str | None = None) -> str:
    """Write a run into the ledger; one without an end is still running."""
    with open_for_writing() as connection:
        ledger = Ledger(connection)
        begun = (end or FIVE) - timedelta(seconds=seconds)
        run_id = ledger.start_run(kind, {"of": "<b>'x'</b>\n"}, started_by="terminal", started_at=begun)
        for asset in assets:
            ledger.record_asset(run_id, asset)
        if end:
            ledger.finish_run(run_id, "failed" if error else "success", error, finished_at=end)
    return run_id


def _load(partition: Partition = HOUR) -> Status:
    (result,) = ingest([partition])
    return result.status


def _rows(database: Path) -> list[dict[str, Any]]:
    with duckdb.connect(str(database), read_only=True) as connection:
        table = connection.sql("select * from raw_data.pipeline_events order by source_row").to_arrow_table()
    rows: list[dict[str, Any]] = table.to_pylist()
    return rows


def test_a_run_belongs_to_the_hour_in_which_it_ended(database: Path) -> None:
    _run("publish", FIVE - timedelta(hours=1, microseconds=1))
    first = _run("publish", FIVE - timedelta(hours=1), seconds=7200)
    last = _run("publish", FIVE - timedelta(microseconds=1))
    _run("publish", FIVE)
    assert _load() is Status.LOADED
    assert [row["run_id"] for row in _rows(database)] == [first, last]


def test_a_run_that_goes_on_is_no_event_yet(database: Path) -> None:
    _run("ingestion", None)
    assert _load() is Status.NOT_PUBLISHED


def test_rows_are_those_that_were_loaded_and_a_build_loads_none(database: Path) -> None:
    loaded = [RunAsset("green", f"2025-0{month}", "loaded", rows=1000 * month) for month in (1, 2)]
    _run("ingestion", FIVE - timedelta(minutes=2), *loaded, RunAsset("green", "2025-03", "unchanged", rows=5))
    _run("dbt build", FIVE - timedelta(minutes=1), RunAsset("fct_trips", None, "built", rows=3000))
    _load()
    assert [(row["pipeline"], row["rows"]) for row in _rows(database)] == [("ingestion", "3000"), ("dbt build", "0")]


def test_what_a_run_says_of_itself_is_a_text_whatever_it_holds(database: Path) -> None:
    error = 'green 2025-01: got \'"}\n{"event_id": 1}\', \u2028 expected €'
    run_id = _run("ingestion", FIVE - timedelta(minutes=1), error=error)
    _load()
    (row,) = _rows(database)
    assert (row["event_id"], row["status"], row["error"], row["problem"]) == (run_id, "failed", error, None)
    assert json.loads(row["payload"])["arguments"] == {"of": "<b>'x'</b>\n"}
    assert row["started_at"] == "2026-01-05T04:58:00Z"
    assert row["workspace"] == "platform"


def test_an_hour_is_loaded_again_when_another_run_has_ended_in_it(database: Path) -> None:
    _run("publish", FIVE - timedelta(minutes=2))
    assert [_load(), _load()] == [Status.LOADED, Status.UNCHANGED]
    _run("publish", FIVE - timedelta(minutes=1))
    assert _load() is Status.LOADED
    assert len(_rows(database)) == 2


@pytest.mark.parametrize("removed", [1, 2])
def test_runs_that_the_ledger_no_longer_has_stay_loaded(database: Path, removed: int) -> None:
    older, newer = (_run("publish", FIVE - timedelta(minutes=minutes)) for minutes in (3, 2))
    _load()
    with open_for_writing() as connection:
        connection.execute("delete from meta.ingestion_runs where list_contains(?, run_id)", [[older, newer][:removed]])
    with Visits([HOUR]) as visits:
        assert visits.to(HOUR).ask(HOUR) is None
    assert _load() is Status.NOT_PUBLISHED
    assert [row["run_id"] for row in _rows(database)] == [older, newer]


def test_without_a_database_there_is_no_run(database: Path) -> None:
    with Visits([HOUR]) as visits:
        assert visits.to(HOUR).ask(HOUR) is None
    assert not database.exists()
