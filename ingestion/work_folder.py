"""Where a run keeps downloads and dlt's files, on the database's disk; cleared away even after a kill.

The folder is also how a run says that it lives: it is there and locked before the ledger names the run, until the
ledger says how it ended.
"""

import fcntl
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from warehouse.paths import database_path

_LOCK = "in_use"
# What a run could not write to the ledger.
NOT_RECORDED = "untold.json"


@contextmanager
def work_folder(run_id: str) -> Iterator[Path]:
    """A folder for the run, gone at the end, except for what could not be recorded.

    It holds a lock file that the operating system frees when the process ends, however it ends, so
    that the next run can tell what was left behind from what is in use.
    """
    folder = _parent() / run_id
    folder.mkdir(parents=True)
    try:
        with (folder / _LOCK).open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            try:
                yield folder
            finally:
                # Before the lock is freed: afterwards the folder may be the next run's to clear.
                _remove_all_but(NOT_RECORDED, folder)
    finally:
        if not (folder / NOT_RECORDED).exists():
            shutil.rmtree(folder, ignore_errors=True)


def left_behind() -> tuple[list[Path], set[str]]:
    """The folders of runs that have ended without removing them, and the ids of the runs that still work.

    To be called only while the DuckDB file is open for writing, as folders are made: none is then half made.
    """
    abandoned, in_use = [], set()
    for folder in _parent().glob("*"):
        try:
            # For reading, so that looking changes nothing.
            with (folder / _LOCK).open() as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            in_use.add(folder.name)
        except FileNotFoundError:
            # A run was killed before it made the file. Or it has just removed the folder.
            if folder.is_dir():
                abandoned.append(folder)
        except OSError:
            # Somebody else's file, or a folder that its run has just removed.
            continue
        else:
            abandoned.append(folder)
    return abandoned, in_use


def _remove_all_but(name: str, folder: Path) -> None:
    for path in folder.glob("*"):
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        elif path.name not in (name, _LOCK):
            path.unlink(missing_ok=True)


def _parent() -> Path:
    return database_path().parent / "work"
