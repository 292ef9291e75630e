"""The sensor of the bucket of minute files."""

from collections.abc import Sequence

import dagster as dg

from ingestion.catalog import Catalog
from orchestration.jobs.streams import Job
from orchestration.sensors.publication import Watch, publication_sensor_of

# Eight years of trading days. A listing of the bucket has a thousand keys a page.
_DAYS_WATCHED = 2000

_WATCH = Watch(
    "massive_minute_aggs_sensor",
    "Lists the bucket of minute files, and requests the run that loads a day that is new, late or replaced, once for "
    "each state of its key. Begins with the first day that is loaded.",
    feeds=("minute_aggs",),
    interval_seconds=60,
    periods=_DAYS_WATCHED,
)


def minute_aggs_sensor(catalog: Catalog, jobs: Sequence[Job]) -> dg.SensorDefinition:
    """The sensor, which requests runs of the job that loads days."""
    return publication_sensor_of(catalog, jobs, _WATCH)
