"""What telemetry has in Dagster beside what is made for every feed: a job, its schedule, and a sensor of its files."""

from collections.abc import Sequence

from orchestration.jobs.ingestion import SharedOps
from orchestration.jobs.streams import Job
from orchestration.own import OwnDefinitions
from orchestration.telemetry.job import telemetry_job
from orchestration.telemetry.schedule import hourly_schedule
from orchestration.telemetry.sensor import event_files_sensor


def own_definitions(shared: SharedOps, jobs: Sequence[Job]) -> OwnDefinitions:
    """The job that loads whatever is new and builds from it, every hour or as soon as files of past hours come."""
    job = telemetry_job(shared)
    return OwnDefinitions(
        jobs=(job,),
        schedules=(hourly_schedule(job),),
        sensors=(event_files_sensor(shared.catalog, job),),
    )
