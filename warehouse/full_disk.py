"""Clear messages for when the DuckDB file cannot be written, above all because its disk is full."""

import errno
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from warehouse.connection import WarehouseError


def is_disk_full(error: BaseException) -> bool:
    """Whether an error means that the disk is full or the file must not grow further."""
    if isinstance(error, OSError):
        return error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
    said = r"No space left|Disk quota exceeded|File too large|[Cc]ould not write (all )?bytes"
    return isinstance(error, duckdb.Error) and re.search(said, str(error)) is not None


def room_on_disk(path: Path) -> str:
    """A sentence that says which disk a path is on and how much is free there."""
    folder = next(parent for parent in (path, *path.parents) if parent.is_dir())
    disk = next(parent for parent in (folder.resolve(), *folder.resolve().parents) if parent.is_mount())
    return f"{shutil.disk_usage(folder).free:,} bytes are free on the disk at {disk}"


@contextmanager
def clear_write_errors(path: Path) -> Iterator[None]:
    """Turn errors while the DuckDB file `path` is written into messages that say what to do.

    Raises:
        WarehouseError: the file could not be written.
    """
    try:
        yield
    except (duckdb.Error, OSError, WarehouseError) as error:
        if is_disk_full(error) or (error.__cause__ and is_disk_full(error.__cause__)):
            raise WarehouseError(
                f"{path}: expected to write to it, but the disk is full: {room_on_disk(path)}. "
                "Make room, then run the command again."
            ) from error
        if isinstance(error, WarehouseError):
            raise
        raise WarehouseError(
            f"{path}: expected to write to it, but got: {error}. Check the file and its folder, then run the command "
            "again."
        ) from error
