"""Metrics and outages of 20,000 random events, late, filed again and corrected, equal those of a plain loop."""

import json
import random
from collections import defaultdict
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from tests.dbt.small_warehouse import Warehouse, parsed_project
from tests.dbt.telemetry.pipeline_runs import (
    FEEDS,
    Event,
    File,
    Files,
    bring_files,
    days_of_workspaces,
    interpolated,
    outages_by_day,
    random_files,
    right_events,
)

FIRST = datetime(2026, 3, 2)
# The first hour of a day, one at noon, and the last, of six days.
HOURS = [FIRST + timedelta(days=day, hours=hour) for day in range(6) for hour in (0, 12, 23)]
LAST_DAY = HOURS[15]
TABLES = ("+gold_pipeline_metrics",)
GOLD = ("gold_pipeline_outages", "gold_pipeline_metrics")

OUTAGES = """
    select event_date, workspace, pipeline, began_at, failed_runs, recovered_at, recovery_seconds
    from core_telemetry.gold_pipeline_outages order by all
"""
METRICS = """
    select workspace, event_date, run_count, success_count, failure_count, success_rate, median_duration_seconds,
        p95_duration_seconds, rows_processed, failures_by_kind, recovery_count, mean_time_to_recovery_seconds
    from core_telemetry.gold_pipeline_metrics
"""


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Warehouse:
    """A warehouse without events."""
    warehouse = Warehouse(tmp_path / "nyc_mobility.duckdb", tmp_path, parsed_project())
    monkeypatch.setenv("DUCKDB_DATABASE_PATH", str(warehouse.path))
    warehouse.create_raw_tables()
    return warehouse


def _build(warehouse: Warehouse, *arguments: str) -> None:
    warehouse.build("--select", *TABLES, *arguments)


def _near(figure: float | None) -> object:
    return None if figure is None else pytest.approx(figure, rel=1e-9, abs=1e-6)


def _compare(warehouse: Warehouse, files: Files) -> None:
    events = right_events(files)
    outages = outages_by_day(events)
    assert warehouse.execute(OUTAGES) == sorted(outages, key=lambda row: row[:4])
    recoveries: dict[tuple[str, date], list[float]] = defaultdict(list)
    for day, workspace, *_, seconds in outages:
        if seconds is not None:
            recoveries[workspace, day].append(seconds)
    expected = {}
    for key, one in days_of_workspaces(events).items():
        took = recoveries[key]
        expected[key] = (
            *(one.statuses.total(), one.statuses["success"], one.statuses["failed"], _near(one.success_rate)),
            *(_near(interpolated(one.durations, share)) for share in (0.5, 0.95)),
            one.rows,
            json.dumps(dict(sorted(one.kinds.items())), separators=(",", ":")),
            len(took),
            _near(sum(took) / len(took) if took else None),
        )
    assert {row[:2]: row[2:] for row in warehouse.execute(METRICS)} == expected


def test_gold_is_that_of_a_plain_loop_over_all_events(runs: Warehouse) -> None:
    all_files = random_files(HOURS, 20_000, seed=11)
    dice = random.Random(5)
    late = set(dice.sample(sorted(all_files), 6))
    here: Files = {}

    def bring(files: Files) -> None:
        here.update(files)
        bring_files(runs, files)
        _build(runs)
        _compare(runs, here)

    half = HOURS[len(HOURS) // 2]
    bring({file: events for file, events in all_files.items() if file[1] < half and file not in late})
    bring({file: events for file, events in all_files.items() if file[1] >= half and file not in late})
    bring({file: all_files[file] for file in late})
    assert len(outages_by_day(right_events(here))) > 500
    assert sum(map(len, here.values())) == 20_000

    # Some hours are replaced by others, one of a feed is gone.
    replaced = random_files(dice.sample(HOURS, 3), 200, seed=12)
    bring({file: [*all_files.get(file, [])[::2], *events] for file, events in replaced.items()})
    gone: File = (FEEDS[0], HOURS[7])
    del here[gone]
    runs.unload(*gone)
    _build(runs)
    _compare(runs, here)

    built = {model: runs.execute(f"from core_telemetry.{model} order by all") for model in GOLD}
    _build(runs, "--full-refresh")
    assert {model: runs.execute(f"from core_telemetry.{model} order by all") for model in GOLD} == built


def test_only_dates_whose_hours_changed_and_those_after_are_built_again(runs: Warehouse) -> None:
    files = random_files(HOURS[::3], 240, seed=3)
    bring_files(runs, files)
    _build(runs)
    _build(runs)
    assert all(runs.rebuilt(model) == set() for model in GOLD), "nothing changed"

    bring_files(runs, {(FEEDS[0], LAST_DAY + timedelta(hours=12)): [_failure("in time", LAST_DAY)]})
    _build(runs)
    assert runs.rebuilt("int_pipeline_event_days") == {f"{FEEDS[0]}/2026-03-07T12"}
    assert all(runs.rebuilt(model) == {"2026-03-07"} for model in GOLD)

    bring_files(runs, {(FEEDS[0], LAST_DAY + timedelta(hours=13)): [_failure("late", LAST_DAY - timedelta(days=3))]})
    _build(runs)
    expected = {"2026-03-04", "2026-03-05", "2026-03-06", "2026-03-07"}
    assert all(runs.rebuilt(model) == expected for model in GOLD)


def _failure(event_id: str, time: datetime) -> Event:
    return Event(FEEDS[0], event_id, "shop", "load", "failed", time, time + timedelta(minutes=1), 1, None)
