"""The daily schedules: build, check and publish everything; then export the release."""

import dagster as dg

from orchestration.jobs.daily import daily_dbt_build_job
from orchestration.jobs.exports import export_job

daily_dbt_build = dg.ScheduleDefinition(
    name="daily_dbt_build",
    job=daily_dbt_build_job,
    cron_schedule="0 2 * * *",
    execution_timezone="UTC",
    description="dbt build, the suites of Great Expectations, and publication, at 02:00 UTC.",
)

# Two hours after the build began. If that takes longer, this run waits in the queue.
daily_export = dg.ScheduleDefinition(
    name="daily_export",
    job=export_job,
    cron_schedule="0 4 * * *",
    execution_timezone="UTC",
    description="Exports and lakehouse from the current release, at 04:00 UTC.",
)
