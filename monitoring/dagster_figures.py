"""Figures of Dagster's storage: runs, queue, daemon, ticks and backfills. A run that crashed shows here, too.

Dagster is imported when the figures are first read: it may be absent, and takes seconds.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from prometheus_client.core import Metric

from monitoring.families import Value, by, counter, gauge, one

if TYPE_CHECKING:
    from dagster import DagsterInstance, RunRecord

# Runs of so long ago tell which jobs there are; and no more than so many are read for that.
_JOBS_OF = timedelta(days=90)
_RUNS_A_PAGE = 200
_PAGES = 10

_RESULTS = ("success", "failure", "canceled")
_TICKS = 1
# Dagster's own tag of a failed run that it is about to start again.
_WILL_RETRY_TAG = "dagster/will_retry"


def is_there() -> bool:
    """Whether Dagster is installed."""
    from importlib.util import find_spec

    return find_spec("dagster") is not None


@dataclass
class DagsterFigures:
    """The figures of the instance of `DAGSTER_HOME`.

    Runs are deleted after a while, so what counts them in the storage is no counter. `ended` counts those that were
    seen to end while this process runs, by job and result.
    """

    instance: "DagsterInstance | None" = field(default=None, repr=False)
    ended: dict[tuple[str, str], int] = field(default_factory=dict)
    _jobs: set[str] = field(default_factory=set)
    _seen: dict[str, datetime] = field(default_factory=dict)
    _ended_until: datetime | None = None

    def read(self) -> Iterator[Metric]:
        """Ask the storage.

        Raises:
            Exception: the storage does not answer, or the instance's settings are wrong, as Dagster says it.
        """
        from dagster import DagsterInstance

        if self.instance is None:
            self.instance = DagsterInstance.get()
        self._learn_jobs(self.instance)
        self._count_ended(self.instance)
        yield from self._runs(self.instance)
        yield from self._last_runs(self.instance)
        yield from _daemons(self.instance)
        yield from _ticks(self.instance)
        yield from _backfills(self.instance)

    def _learn_jobs(self, instance: "DagsterInstance") -> None:
        from dagster import RunsFilter

        if self._jobs:
            return
        cursor, since = None, RunsFilter(created_after=datetime.now(UTC) - _JOBS_OF)
        for _ in range(_PAGES):
            records = instance.get_run_records(since, limit=_RUNS_A_PAGE, cursor=cursor)
            self._jobs.update(record.dagster_run.job_name for record in records)
            if len(records) < _RUNS_A_PAGE:
                return
            cursor = records[-1].dagster_run.run_id

    def _count_ended(self, instance: "DagsterInstance") -> None:
        """Count the runs that ended since the last time; each once, although it may be written to after its end."""
        from dagster import DagsterRunStatus, RunsFilter

        now = datetime.now(UTC)
        if self._ended_until is None:
            self._ended_until = now
        # The writers' clocks may be a little behind.
        since = self._ended_until - timedelta(minutes=1)
        statuses = [DagsterRunStatus[result.upper()] for result in _RESULTS]
        for record in instance.get_run_records(RunsFilter(updated_after=since, statuses=statuses)):
            run, ended_at = record.dagster_run, _ended_at(record)
            self._jobs.add(run.job_name)
            if run.run_id not in self._seen and ended_at >= since:
                key = (run.job_name, run.status.value.lower())
                self.ended[key] = self.ended.get(key, 0) + 1
            self._seen[run.run_id] = ended_at
        self._ended_until = now
        self._seen = {run_id: at for run_id, at in self._seen.items() if at >= since - timedelta(hours=1)}

    def _runs(self, instance: "DagsterInstance") -> Iterator[Metric]:
        from dagster import DagsterRunStatus, RunsFilter

        counts = {
            status.value.lower(): instance.get_runs_count(RunsFilter(statuses=[status])) for status in DagsterRunStatus
        }
        yield by(
            "status",
            "nyc_dagster_runs",
            "Runs that Dagster's storage keeps, by status. Old ones are deleted, so it is no counter.",
            {**counts},
        )
        now = time.time()
        running = [DagsterRunStatus.STARTING, DagsterRunStatus.STARTED, DagsterRunStatus.CANCELING]
        for name, what, statuses in (
            ("nyc_dagster_queue_oldest_seconds", "been in the queue", [DagsterRunStatus.QUEUED]),
            ("nyc_dagster_running_longest_seconds", "been running", running),
        ):
            oldest = instance.get_run_records(RunsFilter(statuses=statuses), limit=1, ascending=True)
            since = [record.start_time or record.create_timestamp.timestamp() for record in oldest]
            age = max(now - since[0], 0) if since else 0
            yield one(name, f"For how long the oldest run there has {what}, in seconds; 0 without one.", age)
        yield counter(
            "nyc_dagster_runs_ended_total",
            "Runs that ended since this server started, by job and result.",
            (((job, result), self.ended.get((job, result), 0)) for job in sorted(self._jobs) for result in _RESULTS),
            ["job_name", "result"],
        )

    def _last_runs(self, instance: "DagsterInstance") -> Iterator[Metric]:
        last = {record.dagster_run.job_name: record for record in self._latest(instance, _RESULTS)}
        good = {record.dagster_run.job_name: record for record in self._latest(instance, ("success",))}
        bad = {record.dagster_run.job_name: record for record in self._latest(instance, ("failure",))}
        yield by(
            "job_name",
            "nyc_dagster_job_last_failed",
            "1 if the last run of a job that ended has failed and is not started again by itself, else 0.",
            {job: _has_failed(record) for job, record in last.items()},
        )
        for name, what, records in (
            ("success", "ended well", good),
            ("failure", "failed", bad),
        ):
            yield by(
                "job_name",
                f"nyc_dagster_job_last_{name}_timestamp_seconds",
                f"When a run of a job last {what}, in Unix seconds.",
                {job: _ended_at(record) for job, record in records.items()},
            )
        yield by(
            "job_name",
            "nyc_dagster_job_last_success_duration_seconds",
            "How long the last run of a job that ended well took, in seconds.",
            {job: _duration(record) for job, record in good.items()},
        )

    def _latest(self, instance: "DagsterInstance", results: Sequence[str]) -> Sequence["RunRecord"]:
        """The newest run of each job that ended so."""
        from dagster import DagsterRunStatus, RunsFilter
        from dagster._core.storage.dagster_run import JobBucket

        return instance.get_run_records(
            RunsFilter(statuses=[DagsterRunStatus[result.upper()] for result in results]),
            bucket_by=JobBucket(job_names=sorted(self._jobs), bucket_limit=1),
        )


def _ended_at(record: "RunRecord") -> datetime:
    return datetime.fromtimestamp(record.end_time, UTC) if record.end_time else record.update_timestamp


def _duration(record: "RunRecord") -> Value:
    return record.end_time - record.start_time if record.end_time and record.start_time else None


def _has_failed(record: "RunRecord") -> bool:
    run = record.dagster_run
    return run.status.value == "FAILURE" and run.tags.get(_WILL_RETRY_TAG) != "true"


def _daemons(instance: "DagsterInstance") -> Iterator[Metric]:
    beats = instance.get_daemon_heartbeats()
    required = instance.get_required_daemon_types()
    now = time.time()
    yield by(
        "daemon",
        "nyc_dagster_daemon_heartbeat_age_seconds",
        "How old the last heartbeat of a part of Dagster's daemon is, in seconds; missing if it was never there.",
        {name: max(now - beats[name].timestamp, 0) for name in required if name in beats},
    )
    yield by(
        "daemon",
        "nyc_dagster_daemon_errors",
        "Errors that a part of Dagster's daemon told of with its last heartbeat.",
        {name: len(beats[name].errors or ()) for name in required if name in beats},
    )


def _ticks(instance: "DagsterInstance") -> Iterator[Metric]:
    states = {state.selector_id: state for state in instance.all_instigator_state() if state.is_running}
    ticks = instance.get_batch_ticks(sorted(states), limit=_TICKS) if states else {}
    last = [
        ((states[selector].instigator_type.value.lower(), states[selector].instigator_name), found[0])
        for selector, found in sorted(ticks.items())
        if found and selector in states
    ]
    labels = ["type", "name"]
    yield gauge(
        "nyc_dagster_tick_last_failed",
        "1 if the last tick of a sensor or schedule failed, else 0.",
        ((names, tick.is_failure) for names, tick in last),
        labels,
    )
    yield gauge(
        "nyc_dagster_tick_timestamp_seconds",
        "When a sensor or schedule was last looked at, in Unix seconds.",
        ((names, tick.timestamp) for names, tick in last),
        labels,
    )


def _backfills(instance: "DagsterInstance") -> Iterator[Metric]:
    from dagster._core.execution.backfill import BulkActionsFilter, BulkActionStatus

    on_their_way = [BulkActionStatus.REQUESTED, BulkActionStatus.CANCELING, BulkActionStatus.FAILING]
    count = instance.get_backfills_count(BulkActionsFilter(statuses=on_their_way))
    yield one("nyc_dagster_backfills_in_progress", "Backfills that are on their way.", count)
