"""Putting a DuckDB file in the place of the working file: by one rename, and the one that was there is kept."""

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import duckdb
from filelock import FileLock, Timeout

from warehouse.backup.manifest import BackupError
from warehouse.connection import WarehouseBusyError, WarehouseError, open_for_writing, writer_settings
from warehouse.durable import sync
from warehouse.full_disk import room_on_disk
from warehouse.ledger import utc_now
from warehouse.paths import DATABASE_VARIABLE, database_path

# As in `warehouse/compact.py`: who has opened the old file without having locked it yet must be refused.
_GRACE_SECONDS = 0.1


def refuse_if_there(*, force: bool) -> None:
    """Refuse to put anything in the place of a working file, unless that is wanted.

    Raises:
        BackupError: there is one.
    """
    if (path := database_path()).exists() and not force:
        raise BackupError(
            f"{path}: expected no DuckDB file, but there is one. Nothing was changed. To put another in its place, and "
            "keep this one beside it: --force"
        )


def check_room(needed: int) -> None:
    """Look for room beside the working file.

    Raises:
        BackupError: there is too little.
    """
    folder = next(each for each in database_path().resolve().parents if each.is_dir())
    if (available := shutil.disk_usage(folder).free) < needed:
        raise BackupError(
            f"{folder}: expected {needed:,} bytes free, but {room_on_disk(folder)}. Free {needed - available:,} bytes "
            f"more, or restore to another disk: {DATABASE_VARIABLE}. Nothing was changed."
        )


@contextmanager
def new_file() -> Iterator[Path]:
    """A path beside the working file for what is to take its place; removed at the end, whatever happens.

    What a restore left that was killed is removed before.

    Raises:
        BackupError: another restore is under way, or the folder cannot be written.
    """
    path = database_path().resolve()
    new = path.with_name(f"{path.name}.restoring")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(path.with_name(f".{path.name}.restore.lock"), blocking=False)
        lock.acquire()
    except Timeout as error:
        raise BackupError(f"{path}: another process is restoring it. Wait until it has ended.") from error
    except OSError as error:
        raise BackupError(f"{path}: cannot be written: {error}. Set {DATABASE_VARIABLE} to a path that can.") from error
    with lock:
        _remove(new)
        try:
            yield new
        finally:
            _remove(new)


def put_in_place(new: Path, *, force: bool) -> Path | None:
    """Make a file the working file, and return what the one before is called now, if there was one.

    Raises:
        BackupError: there is a working file by now, and it is not to be replaced.
        WarehouseBusyError: somebody had the working file open for too long.
        OSError: the folder cannot be written.
    """
    path = database_path().resolve()
    sync(new)
    kept = None
    with ExitStack() as stack:
        if path.exists():
            refuse_if_there(force=force)
            is_locked = _is_locked(path, stack)
            _like(path, new)
            kept = _keep(path)
            if not is_locked:
                _keep_log(path, kept)
        else:
            _keep_log(path)
        if kept:
            new.replace(path)
        else:
            _put_where_none_is(new, path)
        sync(path.parent)
        time.sleep(_GRACE_SECONDS)
    return kept


def _is_locked(path: Path, stack: ExitStack) -> bool:
    """Keep others from the file, and bring what a killed writer had committed into it; false if DuckDB cannot open it.

    Then it is damaged, or of another version, and nobody can have it open.
    """
    writer_settings()  # What is wrong with these is not the file's fault.
    try:
        connection = stack.enter_context(open_for_writing(path))
        connection.execute("checkpoint")
    except WarehouseBusyError:
        raise
    except (WarehouseError, duckdb.Error):
        return False
    return True


def _like(path: Path, new: Path) -> None:
    """Give a file the mode and, as far as that is allowed, the owner of another."""
    old = path.stat()
    new.chmod(old.st_mode)
    with suppress(PermissionError):
        os.chown(new, old.st_uid, old.st_gid)


def _keep(path: Path) -> Path:
    """Give the working file a second name."""
    kept = path.with_name(f"{path.name}.before-restore-{utc_now():%Y%m%dT%H%M%S%f}Z")
    try:
        os.link(path, kept)
    except OSError:
        # A file system without links. From here to the end there is no working file; a crash leaves it as `kept`.
        path.rename(kept)
    return kept


def _keep_log(path: Path, kept: Path | None = None) -> None:
    """Move the log of a killed writer away: DuckDB would bring it into the file that takes the place."""
    log = path.with_name(f"{path.name}.wal")
    if log.exists():
        kept = kept or path.with_name(f"{path.name}.before-restore-{utc_now():%Y%m%dT%H%M%S%f}Z")
        log.rename(kept.with_name(f"{kept.name}.wal"))


def _put_where_none_is(new: Path, path: Path) -> None:
    try:
        # Unlike a rename, a link does not replace what somebody made meanwhile.
        os.link(new, path)
    except FileExistsError as error:
        raise BackupError(
            f"{path}: expected no DuckDB file, but another process has just made one. Stop what loads or builds, then "
            "run this again with --force. Nothing was changed."
        ) from error
    except OSError:
        new.rename(path)


def _remove(new: Path) -> None:
    for left in (new, new.with_name(f"{new.name}.wal")):
        left.unlink(missing_ok=True)
