"""The schedules: a build and a check of everything, every day."""

import dagster as dg

from orchestration.jobs.daily import daily_dbt_build_job, daily_quality_job

daily_dbt_build = dg.ScheduleDefinition(
    name="daily_dbt_build",
    job=daily_dbt_build_job,
    cron_schedule="0 2 * * *",
    execution_timezone="UTC",
    description="dbt build at 02:00 UTC.",
)

# An hour after the build. If that takes longer, this run waits in the queue.
daily_quality = dg.ScheduleDefinition(
    name="daily_quality",
    job=daily_quality_job,
    cron_schedule="0 3 * * *",
    execution_timezone="UTC",
    description="All suites of Great Expectations at 03:00 UTC.",
)
