"""The schedules of the streams: trading days, holidays, half-days, weekends, months, and what is on its way."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from orchestration import defs
from tests.orchestration.sensors.conftest import held_by_another_process
from tests.orchestration.streams.conftest import add_run
from tests.orchestration.streams.ledger import add_batch, add_build

SILVER, GOLD, QUALITY = "silver_micro_batch_schedule", "daily_gold_schedule", "data_quality_schedule"
SILVER_MODELS = (
    "silver_trades",
    "silver_orderbook_snapshots",
    "silver_market_data",
    "silver_trader_activity",
    "quarantined_stream_rows",
)
MONTHLY, WEEKLY = "monthly_recompute_schedule", "weekly_dimension_schedule"

NEW_YEAR = datetime(2026, 1, 1, 22, tzinfo=UTC)
FRIDAY_AFTER_THANKSGIVING = datetime(2026, 11, 27, 22, tzinfo=UTC)  # closes at 13:00
WEDNESDAY = datetime(2026, 1, 14, 22, tzinfo=UTC)  # 17:00 in New York
SATURDAY = datetime(2026, 1, 17, 22, tzinfo=UTC)


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    """With storage on disk: a schedule opens its instance anew."""
    with dg.instance_for_test() as stored:
        yield stored


def tick(name: str, moment: datetime, instance: dg.DagsterInstance) -> Any:
    with dg.build_schedule_context(
        instance, scheduled_execution_time=moment, repository_def=defs.get_repository_def()
    ) as context:
        return defs.get_repository_def().get_schedule_def(name).evaluate_tick(context)


@pytest.mark.parametrize(
    ("name", "cron", "job"),
    [
        (SILVER, "*/5 * * * *", "silver_micro_batch_job"),
        (GOLD, "0 17 * * 1-5", "gold_daily_aggregation_job"),
        (QUALITY, "0 18 * * 1-5", "data_quality_job"),
        (MONTHLY, "0 3 1 * *", "gold_monthly_backfill_job"),
        (WEEKLY, "0 2 * * 0", "dimension_refresh_job"),
    ],
)
def test_each_has_its_time_in_new_york_and_its_job(name: str, cron: str, job: str) -> None:
    schedule = defs.get_repository_def().get_schedule_def(name)
    assert (schedule.cron_schedule, schedule.execution_timezone, schedule.job_name) == (cron, "America/New_York", job)


def test_on_a_holiday_nothing_runs(database: Path, instance: dg.DagsterInstance) -> None:
    add_batch("trades", "2025-12-31")
    for model in SILVER_MODELS:
        add_build(model)
    for name in (SILVER, GOLD, QUALITY):
        assert not tick(name, NEW_YEAR, instance).run_requests, name
    assert tick(GOLD, NEW_YEAR, instance).skip_message == "2026-01-01 is no trading day."


@pytest.mark.parametrize(
    ("moment", "day"),
    [
        (WEDNESDAY, "2026-01-14"),
        (FRIDAY_AFTER_THANKSGIVING, "2026-11-27"),
        # In summer 17:00 in New York is an hour earlier in UTC.
        (datetime(2026, 7, 1, 21, tzinfo=UTC), "2026-07-01"),
    ],
)
def test_gold_asks_for_the_trading_day_also_for_half_a_day(
    moment: datetime, day: str, instance: dg.DagsterInstance
) -> None:
    (request,) = tick(GOLD, moment, instance).run_requests
    assert (request.run_key, request.partition_key) == (day, day)
    job = defs.resolve_job_def("gold_daily_aggregation_job")
    assert job.partitions_def
    assert job.partitions_def.has_partition_key(day) == (moment < datetime.now(UTC) + timedelta(days=1))


@pytest.mark.parametrize("day", ["2026-01-01", "2026-01-17", "2003-09-09"])
def test_gold_has_no_other_days(day: str) -> None:
    partitions = defs.resolve_job_def("gold_daily_aggregation_job").partitions_def
    assert partitions
    assert not partitions.has_partition_key(day)


def test_at_a_weekend_gold_and_quality_do_not_run(instance: dg.DagsterInstance) -> None:
    for name in (GOLD, QUALITY):
        # The cron has no weekend; whoever changes it still gets nothing.
        assert not tick(name, SATURDAY, instance).run_requests


def test_on_the_first_of_a_month_the_month_before_is_one_run(instance: dg.DagsterInstance) -> None:
    (request,) = tick(MONTHLY, datetime(2026, 2, 1, 8, tzinfo=UTC), instance).run_requests
    assert request.run_key == "2026-01"
    assert request.run_config == {"ops": {"build_gold_of_month": {"config": {"month": "2026-01"}}}}
    assert dg.validate_run_config(defs.resolve_job_def("gold_monthly_backfill_job"), request.run_config)
    (january,) = tick(MONTHLY, datetime(2026, 1, 1, 8, tzinfo=UTC), instance).run_requests
    assert january.run_key == "2025-12"


@pytest.mark.parametrize("month", ["2026-1", "2026-13", "2003-08", "2999-01", "2026-01-14", ""])
def test_a_month_that_is_none_starts_no_run(month: str, instance: dg.DagsterInstance) -> None:
    config = {"ops": {"build_gold_of_month": {"config": {"month": month}}}}
    with pytest.raises(dg.DagsterInvalidConfigError, match="No run was started") as refused:
        instance.create_run_for_job(defs.resolve_job_def("gold_monthly_backfill_job"), run_config=config)
    assert len(str(refused.value).splitlines()[0]) < 600


def test_silver_runs_only_if_messages_came_since_it_was_built(database: Path, instance: dg.DagsterInstance) -> None:
    assert tick(SILVER, WEDNESDAY, instance).skip_message == "nothing is loaded yet"
    add_batch("orderbook", "2026-01-14")
    assert len(tick(SILVER, WEDNESDAY, instance).run_requests) == 1
    for model in SILVER_MODELS:
        assert len(tick(SILVER, WEDNESDAY, instance).run_requests) == 1, f"{model} is not built"
        add_build(model)
    assert tick(SILVER, WEDNESDAY, instance).skip_message == "no messages were loaded since silver was built"
    # Messages of a day long ago are new, too, whatever day it is.
    add_batch("orderbook", "2025-12-30")
    assert len(tick(SILVER, SATURDAY, instance).run_requests) == 1


@pytest.mark.parametrize("status", [dg.DagsterRunStatus.NOT_STARTED, dg.DagsterRunStatus.STARTED])
def test_silver_does_not_run_twice_at_once(
    status: dg.DagsterRunStatus, database: Path, instance: dg.DagsterInstance
) -> None:
    add_batch("trades", "2026-01-14")
    run_id = add_run(instance, "silver_micro_batch_job", status)
    assert tick(SILVER, WEDNESDAY, instance).skip_message.startswith(f"run {run_id[:8]} of silver_micro_batch_job is ")


def test_silver_does_not_wait_for_a_file_in_use(database: Path, instance: dg.DagsterInstance) -> None:
    add_batch("trades", "2026-01-14")
    with held_by_another_process(database):
        begun = datetime.now(UTC)
        assert len(tick(SILVER, WEDNESDAY, instance).run_requests) == 1
        assert datetime.now(UTC) - begun < timedelta(seconds=5)


def test_quality_runs_at_six_unless_it_ran_after_gold(instance: dg.DagsterInstance) -> None:
    at_six = WEDNESDAY + timedelta(hours=1)
    (request,) = tick(QUALITY, at_six, instance).run_requests
    assert request.run_key == "2026-01-14"
    run_id = add_run(instance, "data_quality_job", dg.DagsterRunStatus.SUCCESS)
    assert (
        tick(QUALITY, at_six, instance).skip_message == f"run {run_id[:8]} of data_quality_job was requested after gold"
    )
    # On a later day that run is of a day before, and does not count.
    later = datetime(2031, 1, 15, 23, tzinfo=UTC)
    assert len(tick(QUALITY, later, instance).run_requests) == 1
