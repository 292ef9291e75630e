"""The schedule of telemetry: every hour."""

import dagster as dg

from orchestration.execution.runs_of_job import described, run_on_its_way


def hourly_schedule(job: dg.JobDefinition) -> dg.ScheduleDefinition:
    """The schedule: ten minutes after each hour, unless a run is on its way."""

    @dg.schedule(
        name="telemetry_hourly",
        job=job,
        # Files of the last minutes of an hour may be on their way when it ends.
        cron_schedule="10 * * * *",
        execution_timezone="UTC",
        description="Event files and the platform's own runs of the hour before, ten minutes after each hour.",
    )
    def schedule(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        if run := run_on_its_way(context.instance, job.name):
            return dg.SkipReason(described(run))
        return dg.RunRequest()

    return schedule
