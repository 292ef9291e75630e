"""Whether a run's process lives is told by its lock: of a process that is killed, paused, busy or copied."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
import pytest

from orchestration.execution import run_lock
from orchestration.execution.run_lock import Lock, RunLockError, hold, lay_out, locks_folder, look_at

# As a run's process does it. `{then}` is what it does afterwards.
RUN = """
import os, sys, time
import dagster as dg
from orchestration.execution.run_lock import hold

with dg.DagsterInstance.local_temp(sys.argv[1]) as instance:
    hold(instance, "run", is_laid_out=False)
{then}
"""
WAITS = """
    print("held", flush=True)
    sys.stdin.read()
"""
# A sum of this length takes minutes, in C, with the interpreter's lock held.
IS_BUSY = """
    print("held", flush=True)
    sum(range(10**11))
"""
LEAVES_A_COPY = """
    run = os.getpid()
    copy = os.fork()
    if copy == 0:
        print("held", flush=True)
        os.kill(run, 9)
        sys.stdin.read()
        os._exit(0)
    time.sleep(60)
"""


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.local_temp(str(tmp_path)) as instance:
        yield instance


@contextmanager
def _run(folder: Path, then: str) -> Iterator[subprocess.Popen[str]]:
    """A process that has locked the file of the run `run`."""
    command = [sys.executable, "-c", RUN.format(then=then), str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_a_run_that_is_not_launched_or_has_not_begun_is_told_from_one_that_is_gone(
    instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    assert look_at(instance, "run") is Lock.MISSING
    lay_out(instance, "run")
    assert look_at(instance, "run") is Lock.NOT_TAKEN
    with _run(tmp_path, WAITS) as process:
        assert look_at(instance, "run") is Lock.HELD
        assert (locks_folder(instance) / "run").read_text() == f"{process.pid}\n"
        process.kill()
        process.wait()
        assert look_at(instance, "run") is Lock.FREED


def test_a_process_that_is_stopped_or_lets_no_other_thread_run_lives(
    instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    with _run(tmp_path, IS_BUSY) as process:
        assert look_at(instance, "run") is Lock.HELD
        process.send_signal(signal.SIGSTOP)
        assert look_at(instance, "run") is Lock.HELD
        process.kill()
        process.wait()
        assert look_at(instance, "run") is Lock.FREED


def test_a_copy_of_the_process_does_not_keep_the_run_alive(instance: dg.DagsterInstance, tmp_path: Path) -> None:
    with _run(tmp_path, LEAVES_A_COPY) as process:
        process.wait()
        assert look_at(instance, "run") is Lock.FREED


def test_a_run_is_not_executed_twice(
    instance: dg.DagsterInstance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_lock, "_SECONDS_OTHERS_LOOK", 0.1)
    with _run(tmp_path, WAITS), pytest.raises(RunLockError, match="another process executes run run already"):
        hold(instance, "run", is_laid_out=False)


def test_who_does_not_see_the_file_of_the_daemon_is_told_what_to_share(instance: dg.DagsterInstance) -> None:
    with pytest.raises(RunLockError, match="must share this folder"):
        hold(instance, "run", is_laid_out=True)


def test_the_lock_stays_until_the_process_ends(instance: dg.DagsterInstance) -> None:
    hold(instance, "a run of this process", is_laid_out=False)
    hold(instance, "a run of this process", is_laid_out=True)
    assert look_at(instance, "a run of this process") is Lock.HELD
    os.close(run_lock._held.pop("a run of this process"))
