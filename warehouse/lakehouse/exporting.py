"""Export the current release. Nobody waits for it, and it waits for nobody but another export to the same place."""

import difflib
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from warehouse.connection import WarehouseBusyError, lock_timeout
from warehouse.lakehouse.destination import exports_folder, place_hash
from warehouse.lakehouse.errors import clear_errors
from warehouse.lakehouse.exported import Exported, ExportError
from warehouse.lakehouse.formats import exporter
from warehouse.lakehouse.location import Location
from warehouse.releases import Release, ReleaseTable, current_release

logger = logging.getLogger(__name__)


class UnknownTableError(ExportError):
    """A release has no table of a name, or several. The message names those that are near."""


def export(format_: str, select: Sequence[str] = (), to: Location | None = None) -> list[Exported]:
    """Export tables of the current release, by default all, and say what was written, table by table.

    A name in `select` is that of a table, with or without its schema. `to` is by default `LAKEHOUSE_URL`.

    Raises:
        NothingPublishedError: nothing has been published yet.
        UnknownTableError: a name in `select` is not that of one table.
        WarehouseBusyError: another export to the same place took longer than `DUCKDB_LOCK_TIMEOUT_SECONDS`.
        ExportError: something was not exported. Exporting again mends it.
    """
    export_tables = exporter(format_)
    to = to or Location.of()
    # Not the release that was current before waiting.
    with locked(to):
        release = current_release()
        return export_tables(release, select_tables(release, select), to)


def select_tables(release: Release, names: Sequence[str]) -> list[ReleaseTable]:
    """The tables of these names, in the order of the release; all of them if there are no names.

    Raises:
        UnknownTableError: a name is not that of one table.
    """
    if not names:
        return list(release.tables)
    chosen = {_find(release, name).full_name for name in names}
    return [table for table in release.tables if table.full_name in chosen]


def _find(release: Release, name: str) -> ReleaseTable:
    found = [table for table in release.tables if name in (table.name, table.full_name)]
    if len(found) == 1:
        return found[0]
    if found:
        raise UnknownTableError(
            f"--select {name}: expected one table, but there are several: "
            f"{', '.join(table.full_name for table in found)}. Name the schema too."
        )
    known = {known: table.full_name for table in release.tables for known in (table.name, table.full_name)}
    near = sorted({known[each] for each in difflib.get_close_matches(name, known, n=3)})
    hint = f"Near are: {', '.join(near)}." if near else f"There are {', '.join(sorted(set(known.values())))[:300]}."
    raise UnknownTableError(f"--select {name}: expected a table of release {release.id}, but there is none. {hint}")


@contextmanager
def locked(to: Location) -> Iterator[None]:
    """Let nobody else write to a place meanwhile; waits for whoever does. A crash releases the lock.

    A folder is locked for everybody. A place in S3 is locked for those who have the same folder of releases.

    Raises:
        WarehouseBusyError: somebody else had the lock for longer than `DUCKDB_LOCK_TIMEOUT_SECONDS`.
        ExportError: the lock cannot be written.
    """
    path = _lock_file(to)
    with clear_errors(to):
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(path)
        try:
            lock.acquire(blocking=False)
        except Timeout:
            logger.warning("%s is being written to: waiting for it", to.url)
            _wait_for(lock, to)
    try:
        yield
    finally:
        lock.release()


def _lock_file(to: Location) -> Path:
    if to.is_s3:
        return exports_folder() / f"{place_hash(to)}.lock"
    if to.is_duckdb_file:
        return to.path.with_name(f".{to.path.name}.export.lock")
    return to.path / ".export.lock"


def _wait_for(lock: FileLock, to: Location) -> None:
    seconds = lock_timeout()
    try:
        lock.acquire(timeout=seconds, poll_interval=0.1)
    except Timeout as error:
        raise WarehouseBusyError(
            f"{to.url}: expected it to be free within {seconds:g} seconds, but another process is still writing to "
            "it. Wait until it has ended, then run this again.",
            holder="another process",
        ) from error
