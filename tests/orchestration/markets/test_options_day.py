"""The day of options in Dagster: its order, its schedule, its files, and what it refuses."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from orchestration import defs
from orchestration.execution.retries import RETRIES
from orchestration.markets.files_of_day import write_briefing_file, write_snapshot_file
from sandbox.server import SamplePublisher
from warehouse.paths import LOG_FOLDER_VARIABLE

JOB = "options_daily_job"
SCHEDULE = defs.get_repository_def().get_schedule_def("options_daily")
GRAPH = defs.get_repository_def().asset_graph


def test_the_order_of_the_day() -> None:
    nodes = defs.resolve_job_def(JOB).nodes_in_topological_order
    assert [node.name for node in nodes] == [
        "options_day",
        "dbt_build",
        "validate_day",
        "check_quality",
        "publish",
        "write_options_snapshot_file",
        "write_briefing_markdown",
    ]
    assert nodes[0].retry_policy == RETRIES.ingestion


def test_the_assets_have_the_names_that_are_known() -> None:
    names = {key.path[-1] for key in GRAPH.get_all_asset_keys()}
    assert names >= {
        "candles_daily",
        "options_bars",
        "options_snapshot_file",
        "options_flow",
        "derived_metrics",
        "briefing_markdown",
    }
    above = {key.path[-1] for key in GRAPH.get(dg.AssetKey("briefing_markdown")).parent_keys}
    assert above >= {"derived_metrics", "options_flow", "published_release"}
    partitions = GRAPH.get(dg.AssetKey("briefing_markdown")).partitions_def
    assert partitions
    assert partitions.has_partition_key("2026-01-14")
    # A holiday.
    assert not partitions.has_partition_key("2026-01-19")


def _tick(moment: datetime) -> Any:
    context = dg.build_schedule_context(scheduled_execution_time=moment, repository_def=defs.get_repository_def())
    return SCHEDULE.evaluate_tick(context)


def test_the_schedule_asks_for_the_day_of_new_york() -> None:
    assert (SCHEDULE.cron_schedule, SCHEDULE.execution_timezone) == ("30 20 * * 1-5", "America/New_York")
    # 20:30 in New York is the next day in UTC.
    (request,) = _tick(datetime(2026, 1, 15, 1, 30, tzinfo=UTC)).run_requests or []
    assert request.run_key == "2026-01-14"
    assert request.run_config == {"ops": {"options_day": {"config": {"date": "2026-01-14"}}}}
    assert SCHEDULE.job_name == JOB


def test_the_schedule_skips_a_holiday() -> None:
    tick = _tick(datetime(2026, 1, 20, 1, 30, tzinfo=UTC))
    assert not tick.run_requests
    assert tick.skip_message == "2026-01-19 is no trading day."


@pytest.mark.parametrize("day", ["2026-01-19", "2026-1-5", "1990-01-02", "2999-01-04"])
def test_a_day_that_is_none_starts_no_run(day: str) -> None:
    job = defs.resolve_job_def(JOB)
    with pytest.raises(dg.DagsterInvalidConfigError, match="No run was started"):
        job.execute_in_process(run_config={"ops": {"options_day": {"config": {"date": day}}}})


def test_files_of_a_day_that_is_not_published_fail_in_clear_words(database: Path) -> None:
    for write in (write_briefing_file, write_snapshot_file):
        with pytest.raises(dg.Failure, match="nyc publish"):
            write(date(2026, 1, 14))


def test_a_whole_day(database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    day = date(2026, 1, 14)
    monkeypatch.setenv(LOG_FOLDER_VARIABLE, str(tmp_path / "logs"))
    with SamplePublisher(day, day, rows=2000) as publisher:
        for name, value in publisher.environment.items():
            monkeypatch.setenv(name, value)
        run = defs.resolve_job_def(JOB).execute_in_process(
            run_config={"ops": {"options_day": {"config": {"date": "2026-01-14"}}}}, raise_on_error=False
        )
    assert run.success, [event.message for event in run.get_step_failure_events()]
    files = {
        event.asset_key.to_user_string(): event.materialization
        for event in run.filter_events(lambda event: event.is_step_materialization)
        if event.partition == "2026-01-14" and event.asset_key
    }
    for name in ("raw_data/candles_daily", "raw_data/options_bars", "raw_data/options_snapshots"):
        assert name in files
    for name, kind in (("options_snapshot_file", ".parquet"), ("briefing_markdown", ".md")):
        path = Path(str(files[name].metadata["path"].value))
        assert path.suffix == kind
        size = path.stat().st_size
        assert size > 0
        assert files[name].metadata["bytes"].value == size
    said = (database.parent / "briefings" / "2026-01-14.md").read_text()
    assert "## Watchlist" in said
    assert "**Not here yet:** `minute_aggs` (late: due on 16 January 2026)." in said
