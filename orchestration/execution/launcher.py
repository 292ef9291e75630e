"""Launches runs as Dagster's default does, and knows when the process of one is gone.

Dagster's own launcher learns that from the code server whose child the process was. If both were killed, or the machine
went down, a run would stay STARTED, and keep the queue waiting, until the longest time that a run may take.
"""

import time
from dataclasses import dataclass

import dagster as dg
from dagster._core.errors import DagsterUserCodeUnreachableError
from dagster._core.launcher import CheckRunHealthResult, DefaultRunLauncher, LaunchRunContext, WorkerStatus
from dagster._core.storage.tags import GRPC_INFO_TAG
from dagster._serdes import ConfigurableClassData

from orchestration.execution.run_lock import Lock, lay_out, look_at

# A run is STARTED an instant before it locks its file. If it was paused just there and is taken for dead, it ends by
# itself when it goes on: it finds that it has failed.
_SECONDS_TO_LOCK = 60

# Dagster tries once to start a lost run again. That fails while the code server loads, so a loss is not reported before
# the server answers, and the daemon has had time to notice. A server that was started anew may have another address.
_SECONDS_TO_NOTICE = 10
_LONGEST_WAIT_SECONDS = 90
_SECONDS_TO_ANSWER = 5

_ALIVE = CheckRunHealthResult(WorkerStatus.RUNNING)
_GONE = CheckRunHealthResult(
    WorkerStatus.NOT_FOUND, "the process of the run is gone: it was killed, or the machine went down"
)


@dataclass
class _Doubt:
    """Since when (monotonic seconds) a run seems to have no process, and its code server answers."""

    since: float
    answering_since: float | None = None


class LockWatchingRunLauncher(DefaultRunLauncher):
    """Launches runs on code servers; a run's process is gone when its lock is free (`run_lock`)."""

    def __init__(self, inst_data: ConfigurableClassData | None = None) -> None:
        super().__init__(inst_data)
        self._doubts: dict[str, _Doubt] = {}

    def launch_run(self, context: LaunchRunContext) -> None:
        """Make the file that the run's process will lock, and have the code server start the process."""
        lay_out(self._instance, context.dagster_run.run_id)
        super().launch_run(context)

    @property
    def supports_check_run_worker_health(self) -> bool:
        """Dagster's run monitoring asks below for every run that is STARTED."""
        return True

    def check_run_worker_health(self, run: dg.DagsterRun) -> CheckRunHealthResult:
        """Whether the run's process lives. One that is gone is reported when the run can be started again."""
        lock = look_at(self._instance, run.run_id)
        # Without a file and a code server, it is executed by a process that has an executor of its own.
        if lock is Lock.HELD or (lock is Lock.MISSING and not was_launched(run)):
            self._doubts.pop(run.run_id, None)
            return _ALIVE
        now = time.monotonic()
        doubt = self._doubts.setdefault(run.run_id, _Doubt(since=now))
        if lock is not Lock.FREED and now - doubt.since < _SECONDS_TO_LOCK:
            return _ALIVE
        if not self._can_be_started_again(run, doubt, now):
            return _ALIVE
        del self._doubts[run.run_id]
        return _GONE

    def _can_be_started_again(self, run: dg.DagsterRun, doubt: _Doubt, now: float) -> bool:
        if not was_launched(run) or now - doubt.since >= _LONGEST_WAIT_SECONDS:
            return True
        if not self._does_server_answer(run):
            doubt.answering_since = None
            return False
        if doubt.answering_since is None:
            doubt.answering_since = now
        return now - doubt.answering_since >= _SECONDS_TO_NOTICE

    def _does_server_answer(self, run: dg.DagsterRun) -> bool:
        client = self._get_grpc_client_for_termination(run.run_id)  # type: ignore[no-untyped-call]
        if client is None:
            return False
        try:
            client.get_server_id(timeout=_SECONDS_TO_ANSWER)
            # That was perhaps a proxy, as in `dagster dev`. This comes from the server behind it.
            client.ping("")
        except DagsterUserCodeUnreachableError:
            return False
        return True


def was_launched(run: dg.DagsterRun) -> bool:
    """Whether a launcher had a code server start the run, not a person at a terminal."""
    return GRPC_INFO_TAG in run.tags
