"""When the process of a run is called gone: never one that lives, and not before the run can be started again."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.launcher import WorkerStatus
from dagster._core.storage.tags import GRPC_INFO_TAG

from orchestration.execution import launcher as module
from orchestration.execution import run_lock
from orchestration.execution.launcher import LockWatchingRunLauncher
from orchestration.execution.run_lock import hold, lay_out, locks_folder
from warehouse.paths import PROJECT_ROOT


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def monotonic(self) -> float:
        return self.seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(module, "time", clock)
    return clock


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    launcher = {"module": LockWatchingRunLauncher.__module__, "class": LockWatchingRunLauncher.__name__}
    with dg.DagsterInstance.local_temp(str(tmp_path), overrides={"run_launcher": launcher}) as instance:
        yield instance


@dg.job
def _nothing() -> None:
    pass


def _started(instance: dg.DagsterInstance, *, launched: bool = True) -> dg.DagsterRun:
    """A run that is STARTED; the code server that it is of is gone."""
    server = json.dumps({"host": "localhost", "socket": str(Path(instance.root_directory) / "gone.sock")})
    return instance.create_run_for_job(
        _nothing, status=dg.DagsterRunStatus.STARTED, tags={GRPC_INFO_TAG: server} if launched else {}
    )


def _status(instance: dg.DagsterInstance, run: dg.DagsterRun) -> WorkerStatus:
    assert instance.run_launcher.supports_check_run_worker_health
    return instance.run_launcher.check_run_worker_health(run).status


def _leave_behind(instance: dg.DagsterInstance, run: dg.DagsterRun) -> None:
    """What a process that was killed leaves."""
    lay_out(instance, run.run_id)
    (locks_folder(instance) / run.run_id).write_text("1\n")


def _answers(monkeypatch: pytest.MonkeyPatch, answers: bool) -> None:
    monkeypatch.setattr(LockWatchingRunLauncher, "_does_server_answer", lambda *_: answers)


def test_a_run_that_holds_its_lock_lives_however_long_it_takes(instance: dg.DagsterInstance, clock: Clock) -> None:
    run = _started(instance)
    hold(instance, run.run_id, is_laid_out=False)
    for _ in range(3):
        assert _status(instance, run) is WorkerStatus.RUNNING
        clock.seconds += 7200
    os.close(run_lock._held.pop(run.run_id))


def test_a_run_that_is_gone_is_reported_once_its_code_server_has_answered_for_a_while(
    instance: dg.DagsterInstance, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = _started(instance)
    _leave_behind(instance, run)
    for seconds, answers, status in (
        (0, True, WorkerStatus.RUNNING),
        (5, False, WorkerStatus.RUNNING),
        (5, True, WorkerStatus.RUNNING),
        (9, True, WorkerStatus.RUNNING),
        (1, True, WorkerStatus.NOT_FOUND),
    ):
        clock.seconds += seconds
        _answers(monkeypatch, answers)
        assert _status(instance, run) is status


def test_a_code_server_that_does_not_come_back_is_waited_for_so_long_and_no_longer(
    instance: dg.DagsterInstance, clock: Clock
) -> None:
    run = _started(instance)
    _leave_behind(instance, run)
    assert _status(instance, run) is WorkerStatus.RUNNING
    clock.seconds += 89
    assert _status(instance, run) is WorkerStatus.RUNNING
    clock.seconds += 1
    assert _status(instance, run) is WorkerStatus.NOT_FOUND


@pytest.mark.parametrize("is_laid_out", [True, False])
def test_a_run_that_was_killed_before_it_took_its_lock_is_gone_after_a_minute(
    instance: dg.DagsterInstance, clock: Clock, monkeypatch: pytest.MonkeyPatch, is_laid_out: bool
) -> None:
    _answers(monkeypatch, True)
    run = _started(instance)
    if is_laid_out:
        lay_out(instance, run.run_id)
    assert _status(instance, run) is WorkerStatus.RUNNING
    clock.seconds += 60
    assert _status(instance, run) is WorkerStatus.RUNNING
    clock.seconds += 10
    assert _status(instance, run) is WorkerStatus.NOT_FOUND


def test_a_run_from_a_terminal_is_gone_as_soon_as_its_process_is_and_one_without_our_executor_never(
    instance: dg.DagsterInstance, clock: Clock
) -> None:
    run, other = _started(instance, launched=False), _started(instance, launched=False)
    _leave_behind(instance, run)
    assert _status(instance, run) is WorkerStatus.NOT_FOUND
    assert _status(instance, other) is WorkerStatus.RUNNING
    clock.seconds += 7200
    assert _status(instance, other) is WorkerStatus.RUNNING


def test_the_instance_of_the_project_has_this_launcher_and_moves_on_within_three_minutes(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "dagster.yaml").write_text((PROJECT_ROOT / "orchestration" / "dagster.yaml").read_text())
    monkeypatch.chdir(tmp_path)
    with dg.DagsterInstance.from_config(str(tmp_path)) as instance:
        assert isinstance(instance.run_launcher, LockWatchingRunLauncher)
        settings = instance.run_monitoring_settings
        seconds_to_start_again = 30
        poll = settings["poll_interval_seconds"]
        for noticed in (
            module._LONGEST_WAIT_SECONDS + poll,
            settings["start_timeout_seconds"],
            settings["cancel_timeout_seconds"],
        ):
            assert noticed + poll + seconds_to_start_again <= 180
