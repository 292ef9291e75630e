"""The schedules of silver, gold, dimensions and quality, by New York's clock.

What depends on the market runs on trading days alone: on a holiday nothing does.
"""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import dagster as dg

from ingestion.markets.trading_days import trading_days
from orchestration.execution.runs_of_job import described, run_on_its_way
from orchestration.jobs.streams import Job
from orchestration.markets.stream_jobs import DIMENSION_JOB, GOLD_JOB, MONTH_OP, MONTHLY_JOB, SILVER_JOB
from orchestration.markets.stream_models import SILVER, STREAMS
from orchestration.markets.waiting import read_waiting
from warehouse.connection import NotThereYetError, WarehouseBusyError

NEW_YORK = "America/New_York"
ZONE = ZoneInfo(NEW_YORK)
GOLD_AT = time(17)


def is_trading_day(day: date) -> bool:
    """Whether the exchange trades on a day, be it only until 13:00."""
    return bool(trading_days(day, day))


def stream_schedules(jobs: Sequence[Job], quality_job: Job) -> list[dg.ScheduleDefinition]:
    """The schedules of these jobs."""
    by_name = {job.name: job for job in jobs}
    return [
        _silver_schedule(by_name[SILVER_JOB]),
        _gold_schedule(by_name[GOLD_JOB]),
        _quality_schedule(quality_job),
        _monthly_schedule(by_name[MONTHLY_JOB]),
        dg.ScheduleDefinition(
            name="weekly_dimension_schedule",
            job=by_name[DIMENSION_JOB],
            cron_schedule="0 2 * * 0",
            execution_timezone=NEW_YORK,
            description="Reference files and dimensions, on Sundays at 02:00 in New York.",
        ),
    ]


def _silver_schedule(job: Job) -> dg.ScheduleDefinition:
    @dg.schedule(
        name="silver_micro_batch_schedule",
        job=job,
        cron_schedule="*/5 * * * *",
        execution_timezone=NEW_YORK,
        description="Silver of what has come, every five minutes. Messages come at any hour, on holidays too: a tick "
        "does nothing only where nothing is new, or a run is on its way.",
    )
    def schedule(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        if run := run_on_its_way(context.instance, job.name):
            return dg.SkipReason(described(run))
        try:
            waiting = read_waiting(SILVER, STREAMS)
        except NotThereYetError:
            return dg.SkipReason("nothing is loaded yet")
        except WarehouseBusyError:
            # Whoever has the file may be loading messages. A build of nothing costs little.
            return dg.RunRequest()
        if not waiting:
            return dg.SkipReason("no messages were loaded since silver was built")
        return dg.RunRequest()

    return schedule


def _gold_schedule(job: Job) -> dg.ScheduleDefinition:
    @dg.schedule(
        name="daily_gold_schedule",
        job=job,
        cron_schedule="0 17 * * 1-5",
        execution_timezone=NEW_YORK,
        description="Gold of the day, at 17:00 in New York, on trading days.",
    )
    def schedule(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        day = _day(context)
        if not is_trading_day(day):
            return dg.SkipReason(f"{day} is no trading day.")
        return dg.RunRequest(run_key=f"{day}", partition_key=f"{day}")

    return schedule


def _quality_schedule(job: Job) -> dg.ScheduleDefinition:
    @dg.schedule(
        name="data_quality_schedule",
        job=job,
        cron_schedule="0 18 * * 1-5",
        execution_timezone=NEW_YORK,
        description="The suites of silver and gold at 18:00 in New York, on trading days, unless they have run after "
        "gold.",
    )
    def schedule(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        day = _day(context)
        if not is_trading_day(day):
            return dg.SkipReason(f"{day} is no trading day.")
        since = datetime.combine(day, GOLD_AT, ZONE)
        runs = context.instance.get_runs(dg.RunsFilter(job_name=job.name, created_after=since), limit=1)
        if runs:
            return dg.SkipReason(f"run {runs[0].run_id[:8]} of {job.name} was requested after gold")
        return dg.RunRequest(run_key=f"{day}")

    return schedule


def _monthly_schedule(job: Job) -> dg.ScheduleDefinition:
    @dg.schedule(
        name="monthly_recompute_schedule",
        job=job,
        cron_schedule="0 3 1 * *",
        execution_timezone=NEW_YORK,
        description="Gold of all trading days of the month before, anew, on the first at 03:00 in New York.",
    )
    def schedule(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
        month = f"{_day(context).replace(day=1) - timedelta(days=1):%Y-%m}"
        config = {"ops": {MONTH_OP: {"config": {"month": month}}}}
        return dg.RunRequest(run_key=month, run_config=config, tags={"recompute": "monthly"})

    return schedule


def _day(context: dg.ScheduleEvaluationContext) -> date:
    return context.scheduled_execution_time.astimezone(ZONE).date()
