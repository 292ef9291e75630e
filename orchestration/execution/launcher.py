"""Launches runs as Dagster's default does, and knows when the process of one is gone.

Dagster's own launcher learns that from the code server whose child the process was. If both were killed, or the machine
went down, a run would stay STARTED, and keep the queue waiting, until the longest time that a run may take.
"""

import socket
import time
from dataclasses import dataclass

import dagster as dg
from dagster._core.errors import DagsterUserCodeUnreachableError
from dagster._core.launcher import CheckRunHealthResult, DefaultRunLauncher, LaunchRunContext, WorkerStatus
from dagster._core.storage.tags import GRPC_INFO_TAG
from dagster._grpc.client import DagsterGrpcClient
from dagster._serdes import ConfigurableClassData

from orchestration.execution.run_lock import Lock, lay_out, look_at

# A run is STARTED an instant before it locks its file. If it was paused just there and is taken for dead, it ends by
# itself when it goes on: it finds that it has failed.
_SECONDS_TO_LOCK = 60

# Dagster tries once to start a lost run again. That fails while the code server loads, so a loss is not reported before
# the server answers, and the daemon has had time to notice. `dagster dev` started anew has another socket, and nobody
# listens at the one before.
_SECONDS_TO_NOTICE = 10
_LONGEST_WAIT_SECONDS = 90
_LONGEST_WAIT_FOR_SOCKET_SECONDS = 20
_SECONDS_TO_ANSWER = 5
_SECONDS_BETWEEN_LOOKS = 2

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

    def get_run_worker_debug_info(self, run: dg.DagsterRun, include_container_logs: bool | None = True) -> str | None:
        """Wait until a run that is STARTING can be started again; there is nothing to tell of it.

        Dagster asks for this before it fails a run that did not begin in time. After a restart of the machine, that is
        when the daemon is there and the code server is not yet.
        """
        doubt = _Doubt(since=time.monotonic())
        is_ready = run.status is not dg.DagsterRunStatus.STARTING or self._answers_already(run)
        while not is_ready:
            time.sleep(_SECONDS_BETWEEN_LOOKS)
            is_ready = self._can_be_started_again(run, doubt, time.monotonic())
        return None

    def _answers_already(self, run: dg.DagsterRun) -> bool:
        client = self._get_grpc_client_for_termination(run.run_id)  # type: ignore[no-untyped-call]
        return client is None or _answers(client)

    def _can_be_started_again(self, run: dg.DagsterRun, doubt: _Doubt, now: float) -> bool:
        client = self._get_grpc_client_for_termination(run.run_id)  # type: ignore[no-untyped-call]
        if client is None:
            return True
        if _answers(client):
            doubt.answering_since = doubt.answering_since or now
            return now - doubt.answering_since >= _SECONDS_TO_NOTICE
        doubt.answering_since = None
        is_gone = client.socket and not _is_listened_at(client.socket)
        return now - doubt.since >= (_LONGEST_WAIT_FOR_SOCKET_SECONDS if is_gone else _LONGEST_WAIT_SECONDS)


def _answers(client: DagsterGrpcClient) -> bool:
    try:
        client.get_server_id(timeout=_SECONDS_TO_ANSWER)
        # That was perhaps a proxy, as in `dagster dev`. This comes from the server behind it.
        client.ping("")
    except DagsterUserCodeUnreachableError:
        return False
    return True


def _is_listened_at(path: str) -> bool:
    with socket.socket(socket.AF_UNIX) as asked:
        return asked.connect_ex(path) == 0


def was_launched(run: dg.DagsterRun) -> bool:
    """Whether a launcher had a code server start the run, not a person at a terminal."""
    return GRPC_INFO_TAG in run.tags
