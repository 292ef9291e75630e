"""Where a run keeps downloads and dlt's files, on the database's disk; cleared away even after a kill."""

import fcntl
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from warehouse.paths import database_path

_LOCK = "in_use"


@contextmanager
def work_folder(run_id: str) -> Iterator[Path]:
    """A folder for the run, gone at the end.

    It holds a lock file that the operating system frees when the process ends, however it ends, so
    that the next run can tell what was left behind from what is in use.
    """
    folder = _parent() / run_id
    folder.mkdir(parents=True)
    try:
        with (folder / _LOCK).open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def clear_abandoned() -> list[str]:
    """Remove the folders of runs that ended without doing so, and return their run ids."""
    abandoned = []
    for folder in _parent().glob("*"):
        try:
            with (folder / _LOCK).open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, FileNotFoundError, NotADirectoryError):
            continue
        shutil.rmtree(folder, ignore_errors=True)
        abandoned.append(folder.name)
    return abandoned


def _parent() -> Path:
    return database_path().parent / "work"
