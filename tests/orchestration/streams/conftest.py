"""What tests of jobs, sensors and schedules of streams use."""

from collections.abc import Iterator

import dagster as dg
import pytest

from ingestion.catalog import FEEDS
from orchestration import defs
from sandbox.kafka_broker import Broker

STREAMS = [feed for feed in FEEDS.values() if feed.is_stream]


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as ephemeral:
        yield ephemeral


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch) -> Iterator[Broker]:
    """A broker whose topics have two partitions each, and no message."""
    with Broker({feed.stream.topic: 2 for feed in STREAMS if feed.stream}) as running:
        monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", running.bootstrap_servers)
        yield running


_ENDS = {
    dg.DagsterRunStatus.STARTED: dg.DagsterEventType.RUN_START,
    dg.DagsterRunStatus.SUCCESS: dg.DagsterEventType.RUN_SUCCESS,
    dg.DagsterRunStatus.FAILURE: dg.DagsterEventType.RUN_FAILURE,
}


def add_run(instance: dg.DagsterInstance, job: str, status: dg.DagsterRunStatus) -> str:
    """A run of a job, as Dagster's storage has it; NOT_STARTED is one that is about to be queued."""
    run = instance.create_run_for_job(defs.resolve_job_def(job))
    if event := _ENDS.get(status):
        told = dg.DagsterEvent(event_type_value=event.value, job_name=job, message="test")
        instance.report_dagster_event(told, run_id=run.run_id)
    stored = instance.get_run_by_id(run.run_id)
    assert stored
    assert stored.status is status
    return run.run_id
