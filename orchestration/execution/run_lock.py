"""A run's process locks a file for as long as it lives, and so others know whether it does.

The kernel frees the lock when the process ends, whatever ended it, and at a restart of the machine. No process id is
compared, so none can be mistaken; a process that is paused, swapped out or busy in a library keeps its lock.

The file is in the instance's folder (`local_artifact_storage` in dagster.yaml). Daemon and runs must share that folder
and the kernel: processes and containers of one machine do, several machines do not.
"""

import errno
import fcntl
import os
import time
from enum import Enum, auto
from pathlib import Path

import dagster as dg

# Who looks at a lock has it for an instant. A run that finds it taken for longer is executed twice.
_SECONDS_OTHERS_LOOK = 5

# The descriptors of the locks that this process holds, by run id. They are closed by its end.
_held: dict[str, int] = {}


class RunLockError(Exception):
    """The run cannot be executed here: its lock is taken, or its file is not where the daemon put it."""


class Lock(Enum):
    """What a run's file says of its process."""

    MISSING = auto()
    """There is no file."""
    NOT_TAKEN = auto()
    """Nobody has locked it yet."""
    HELD = auto()
    """The process lives."""
    FREED = auto()
    """The process is gone."""


def locks_folder(instance: dg.DagsterInstance) -> Path:
    """Where the instance keeps the files, each named by its run id."""
    return Path(instance.root_directory).absolute() / "run_locks"


def lay_out(instance: dg.DagsterInstance, run_id: str) -> None:
    """Make the file of a run that is about to be launched."""
    file = locks_folder(instance) / run_id
    file.parent.mkdir(parents=True, exist_ok=True)
    file.touch()


def hold(instance: dg.DagsterInstance, run_id: str, *, is_laid_out: bool) -> None:
    """Lock the run's file until this process ends. One that is not laid out already is made.

    Raises:
        RunLockError: it is laid out and not there, or another process has it.
    """
    if run_id in _held:
        return
    if not is_laid_out:
        lay_out(instance, run_id)
    file = locks_folder(instance) / run_id
    try:
        descriptor = os.open(file, os.O_RDWR)
    except FileNotFoundError:
        raise RunLockError(
            f"{file}: expected the file that the daemon made for this run, but there is none. Daemon and code server "
            "must share this folder: mount the same volume at it in both, and let both see it under one path."
        ) from None
    deadline = time.monotonic() + _SECONDS_OTHERS_LOOK
    while not _is_locked(descriptor, fcntl.LOCK_EX):
        if time.monotonic() > deadline:
            os.close(descriptor)
            raise RunLockError(f"{file}: expected to lock it, but another process executes run {run_id} already")
        time.sleep(0.05)
    _held[run_id] = descriptor
    # From now on a free lock is that of a process that is gone. Who reads the file finds whose it was.
    os.write(descriptor, f"{os.getpid()}\n".encode())


def look_at(instance: dg.DagsterInstance, run_id: str) -> Lock:
    """What the run's file says. Looking changes nothing."""
    try:
        descriptor = os.open(locks_folder(instance) / run_id, os.O_RDONLY)
    except FileNotFoundError:
        return Lock.MISSING
    try:
        if not _is_locked(descriptor, fcntl.LOCK_SH):
            return Lock.HELD
        return Lock.FREED if os.fstat(descriptor).st_size else Lock.NOT_TAKEN
    finally:
        os.close(descriptor)


def _is_locked(descriptor: int, how: int) -> bool:
    """Lock it, if nobody else has; whether that was so."""
    try:
        fcntl.flock(descriptor, how | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in (errno.EWOULDBLOCK, errno.EACCES):
            return False
        raise
    return True


def _let_go() -> None:
    """A copy of this process, made without a new program, is not the run: it does not keep the run alive."""
    while _held:
        os.close(_held.popitem()[1])


os.register_at_fork(after_in_child=_let_go)
