"""What runs by the clock."""

import dagster as dg

from orchestration.jobs.build import daily_dbt_build_job

daily_dbt_build = dg.ScheduleDefinition(
    name="daily_dbt_build",
    job=daily_dbt_build_job,
    cron_schedule="0 2 * * *",
    execution_timezone="UTC",
    description="dbt build at 02:00 UTC.",
)
