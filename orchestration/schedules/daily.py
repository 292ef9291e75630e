"""What runs by the clock."""

import dagster as dg

from orchestration.jobs.daily import daily_dbt_build_job, daily_quality_job

daily_dbt_build = dg.ScheduleDefinition(
    name="daily_dbt_build",
    job=daily_dbt_build_job,
    cron_schedule="0 2 * * *",
    execution_timezone="UTC",
    description="dbt build at 02:00 UTC.",
)

# An hour after the build; where that takes longer, the queue has the two wait for each other.
daily_quality = dg.ScheduleDefinition(
    name="daily_quality",
    job=daily_quality_job,
    cron_schedule="0 3 * * *",
    execution_timezone="UTC",
    description="All suites of Great Expectations at 03:00 UTC.",
)
