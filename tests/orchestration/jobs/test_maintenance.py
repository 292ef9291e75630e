"""The maintenance job, in process."""

from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import duckdb
import pytest

from orchestration import defs
from orchestration.schedules.weekly import weekly_maintenance
from orchestration.sensors.alerts import error_of
from warehouse.ledger import Ledger


@pytest.fixture(autouse=True)
def _own_folders(database: Path, logs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAKEHOUSE_URL", str(tmp_path / "lakehouse"))
    monkeypatch.setenv("DLT_DATA_DIR", str(tmp_path / "dlt"))
    with duckdb.connect(str(database)) as connection:
        Ledger(connection)


def _run() -> dg.ExecuteInProcessResult:
    return defs.resolve_job_def("maintenance_job").execute_in_process(raise_on_error=False)


def _half_made(database: Path) -> Path:
    """A release that a crash left."""
    folder = database.parent / "published" / "releases" / "20250101T000000Z-abcd"
    folder.mkdir(parents=True)
    (folder / "nyc_mobility.duckdb").write_bytes(b"0" * 1000)
    return folder


def test_it_maintains_and_shows_what_each_item_gave_back(database: Path) -> None:
    half_made = _half_made(database)
    result = _run()
    assert result.success, [error_of(event) for event in result.get_step_failure_events()]
    assert not half_made.exists()
    (output,) = [event for event in result.all_node_events if event.is_successful_output]
    metadata = output.step_output_data.metadata
    assert metadata["bytes given back"].value == 1000
    items = metadata["items"]
    assert isinstance(items, dg.TableMetadataValue)
    statuses = {record.data["item"]: record.data["status"] for record in items.records}
    assert len(statuses) > 3
    assert set(statuses.values()) <= {"done", "nothing", "skipped"}


def test_what_fails_is_named_and_stops_nothing_else(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    half_made = _half_made(database)
    monkeypatch.setenv("DAGSTER_RETENTION_DAYS", "many")
    result = _run()
    (failure,) = result.get_step_failure_events()
    assert failure.step_key == "maintain"
    assert "expected DAGSTER_RETENTION_DAYS to be a whole number of days" in error_of(failure)
    assert not half_made.exists()


def test_it_is_due_on_sundays_at_four_in_new_york() -> None:
    assert (weekly_maintenance.cron_schedule, weekly_maintenance.execution_timezone) == (
        "0 4 * * 0",
        "America/New_York",
    )
    assert weekly_maintenance.job_name == "maintenance_job"
    tick = weekly_maintenance.evaluate_tick(
        dg.build_schedule_context(
            scheduled_execution_time=datetime(2025, 5, 4, 8, tzinfo=UTC), repository_def=defs.get_repository_def()
        )
    )
    assert len(tick.run_requests or []) == 1
