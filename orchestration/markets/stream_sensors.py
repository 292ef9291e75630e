"""What follows a run of the exchange's streams that has succeeded, and the watch over the bucket of reference files."""

from collections.abc import Sequence

import dagster as dg

from ingestion.catalog import Catalog
from orchestration.execution.runs_of_job import described, run_on_its_way
from orchestration.jobs.streams import Job
from orchestration.markets.stream_jobs import TRIGGERED_BY
from orchestration.markets.stream_models import REFERENCE_FEEDS
from orchestration.sensors.publication import Watch, publication_sensor_of

# Reference files come when something changes. A listing has a thousand keys a page.
_DAYS_WATCHED = 400


def silver_after_bronze(bronze_jobs: Sequence[Job], silver_job: Job) -> dg.SensorDefinition:
    """The sensor that requests silver as soon as a run has loaded messages."""

    @dg.run_status_sensor(
        name="bronze_success_trigger_silver",
        run_status=dg.DagsterRunStatus.SUCCESS,
        monitored_jobs=list(bronze_jobs),
        request_job=silver_job,
        minimum_interval_seconds=10,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Requests silver once a run has loaded messages, unless a run that will build them is queued.",
    )
    def sensor(context: dg.RunStatusSensorContext) -> dg.RunRequest | None:
        # One that has started may have read raw data before these messages came.
        if waiting := run_on_its_way(context.instance, silver_job.name, waiting_only=True):
            # Dagster does not allow a SkipReason here if the same tick has other runs.
            context.log.info("nothing is requested: %s", described(waiting))
            return None
        run_id = context.dagster_run.run_id
        return dg.RunRequest(run_key=f"silver-after-bronze-{run_id}", tags={TRIGGERED_BY: run_id, "layer": "silver"})

    return sensor


def quality_after_gold(gold_jobs: Sequence[Job], quality_job: Job) -> dg.SensorDefinition:
    """The sensor that requests the suites once gold is built."""

    @dg.run_status_sensor(
        name="gold_success_trigger_quality",
        run_status=dg.DagsterRunStatus.SUCCESS,
        monitored_jobs=list(gold_jobs),
        request_job=quality_job,
        minimum_interval_seconds=30,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Requests the suites of silver and gold once gold is built.",
    )
    def sensor(context: dg.RunStatusSensorContext) -> dg.RunRequest:
        run_id = context.dagster_run.run_id
        return dg.RunRequest(run_key=f"quality-after-gold-{run_id}", tags={TRIGGERED_BY: run_id, "layer": "quality"})

    return sensor


def reference_file_sensor(catalog: Catalog, dimension_job: Job) -> dg.SensorDefinition:
    """The sensor that requests the dimensions once there is a new or replaced reference file."""
    watch = Watch(
        "minio_file_sensor",
        "Lists the bucket of reference files. Requests the run that loads new and replaced ones and builds the "
        "dimensions, once for each state of the files.",
        feeds=REFERENCE_FEEDS,
        interval_seconds=60,
        periods=_DAYS_WATCHED,
        job_name=dimension_job.name,
        is_watched_from_the_first=True,
    )
    return publication_sensor_of(catalog, [dimension_job], watch)
