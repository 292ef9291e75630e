"""The sensor of event files."""

import dagster as dg

from ingestion.catalog import Catalog
from orchestration.sensors.publication import Watch, publication_sensor_of
from orchestration.telemetry.job import JOB, feeds_of

# Two years and more, by the hour. Older files are loaded by the next run of the job, whoever requests it.
_PERIODS_WATCHED = 20_000
_SECONDS = 120


def event_files_sensor(catalog: Catalog, job: dg.JobDefinition) -> dg.SensorDefinition:
    """The sensor, which requests the job: one run for all that is new, and none while one is on its way."""
    watch = Watch(
        "event_files_sensor",
        "Lists the event files once, and requests one run for all hours and days that have ended and are new, late or "
        "have grown since they were loaded. The ledger says what is loaded.",
        feeds=tuple(feed.name for feed in feeds_of(catalog) if not feed.is_own),
        interval_seconds=_SECONDS,
        periods=_PERIODS_WATCHED,
        job_name=JOB,
        is_watched_from_the_first=True,
    )
    return publication_sensor_of(catalog, [job], watch)
