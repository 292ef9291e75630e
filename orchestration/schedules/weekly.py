"""The weekly schedule: maintenance."""

import dagster as dg

from orchestration.jobs.maintenance import maintenance_job

weekly_maintenance = dg.ScheduleDefinition(
    name="weekly_maintenance",
    job=maintenance_job,
    cron_schedule="0 4 * * 0",
    execution_timezone="America/New_York",
    description="Maintenance on Sundays at 04:00, New York time.",
)
