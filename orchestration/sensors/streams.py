"""The sensors of streams: each compares the end of a topic with what the ledger says was read of it.

The ledger counts, not what was requested before: so what a failed run has not read is requested again.
"""

import hashlib
import os
import time
from collections.abc import Mapping, Sequence

import dagster as dg
from pydantic import TypeAdapter, ValidationError

from ingestion.catalog import Catalog
from ingestion.errors import DownloadError
from ingestion.feeds import Feed
from ingestion.streams.lag import PartitionLag, lag
from orchestration.assets.streams import streams_of
from orchestration.assets.subjects import tags_of_feeds
from orchestration.execution.runs_of_job import described, last_failure, run_on_its_way
from orchestration.jobs.ingestion_config import stream_job_name
from orchestration.jobs.streams import Job
from warehouse.connection import NotThereYetError, WarehouseBusyError, open_for_reading
from warehouse.ledger.stream_offsets import StreamOffset, read_stream_offsets

BROKER_VARIABLE = "KAFKA_BOOTSTRAP_SERVERS"

# A run has tried for a quarter of an hour before it fails. What was wrong then is seldom mended within seconds.
_SECONDS_AFTER_FAILURE = 600
_LONGEST_KEY = 200

_CURSOR = TypeAdapter(list[StreamOffset])


def stream_sensor_name(feed: Feed) -> str:
    """The name of the sensor of a stream."""
    return f"kafka_{feed.name}_sensor"


def stream_sensors(catalog: Catalog, jobs: Sequence[Job]) -> list[dg.SensorDefinition]:
    """A sensor for each stream of a catalog. It requests runs of the stream's job, which is among these jobs."""
    by_name = {job.name: job for job in jobs}
    return [_sensor(feed, catalog, by_name[stream_job_name(feed)]) for feed in streams_of(catalog)]


def _sensor(feed: Feed, catalog: Catalog, job: Job) -> dg.SensorDefinition:
    assert feed.stream is not None

    @dg.sensor(
        name=stream_sensor_name(feed),
        job=job,
        minimum_interval_seconds=10,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=f"Requests a run that loads the new messages of topic `{feed.stream.topic}`, unless one is on its "
        f"way. Does nothing while {BROKER_VARIABLE} is not set.",
    )
    def sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        return _look(context, feed, catalog)

    return sensor


def _look(context: dg.SensorEvaluationContext, feed: Feed, catalog: Catalog) -> dg.SensorResult | dg.SkipReason:
    """Ask the broker, and request a run if there are messages that the ledger does not have."""
    if not os.environ.get(BROKER_VARIABLE):
        return dg.SkipReason(f"{BROKER_VARIABLE} is not set, so there is no broker to ask")
    job_name = stream_job_name(feed)
    if run := run_on_its_way(context.instance, job_name):
        return dg.SkipReason(described(run))
    failed = last_failure(context.instance, job_name)
    if failed and time.time() - (failed.end_time or 0) < _SECONDS_AFTER_FAILURE:
        return dg.SkipReason(
            f"run {failed.dagster_run.run_id[:8]} failed less than {_SECONDS_AFTER_FAILURE // 60} minutes ago; "
            "the next one is requested then"
        )
    known = _offsets(context, feed)
    try:
        found = lag([feed], known)
    except DownloadError as error:
        return dg.SkipReason(str(error))
    after = failed.dagster_run.run_id if failed else None
    requests = [_request(feed, catalog, found, after)] if any(one.messages for one in found) else []
    return dg.SensorResult(
        run_requests=requests,
        skip_reason=None if requests else _nothing_new(feed, found),
        cursor=_CURSOR.dump_json(list(known.values())).decode(),
    )


def _offsets(context: dg.SensorEvaluationContext, feed: Feed) -> Mapping[tuple[str, int], StreamOffset]:
    """How far the topic was read, by the ledger. While that is in use: as the tick before knew it, without waiting."""
    try:
        with open_for_reading(timeout_seconds=0) as connection:
            return read_stream_offsets(connection, [feed.name])
    except NotThereYetError:
        return {}
    except WarehouseBusyError as error:
        context.log.info("the DuckDB file is in use by %s; the offsets are those of an earlier tick", error.holder)
    try:
        kept = _CURSOR.validate_json(context.cursor or "[]")
    except ValidationError as error:
        context.log.warning("Invalid cursor; starting over. %s", error)
        kept = []
    return {(offset.feed, offset.kafka_partition): offset for offset in kept}


def _request(feed: Feed, catalog: Catalog, found: Sequence[PartitionLag], after: str | None) -> dg.RunRequest:
    """A run for these offsets. After a run that failed at them it has a key of its own."""
    begins = ",".join(f"{one.kafka_partition}:{_begin(one)}" for one in found)
    ends = ",".join(f"{one.kafka_partition}:{one.end_offset}" for one in found)
    key = f"{found[0].topic} {begins} to {ends}"
    if len(key) > _LONGEST_KEY:
        key = f"{found[0].topic} {hashlib.sha256(key.encode()).hexdigest()}"
    return dg.RunRequest(
        run_key=f"{key} after {after}" if after else key,
        tags={
            "kafka_topic": found[0].topic,
            "messages": str(sum(one.messages for one in found)),
            "layer": "bronze",
            **tags_of_feeds(catalog, [feed]),
        },
    )


def _begin(one: PartitionLag) -> int:
    return one.first_offset if one.next_offset is None else one.next_offset


def _nothing_new(feed: Feed, found: Sequence[PartitionLag]) -> str:
    assert feed.stream is not None
    if not found:
        return f"the broker has no topic {feed.stream.topic} (yet)"
    ends = ", ".join(str(one.end_offset) for one in found)
    return f"no new messages in {found[0].topic}: all are read, to offset {ends}"
