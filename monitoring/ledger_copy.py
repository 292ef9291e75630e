"""A copy of the ledger in memory. The DuckDB file is held only while its rows are copied, and asked afterwards.

DuckDB allows one writing process and no reader beside it. So whoever watches the ledger must not make writers wait.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

import duckdb

from warehouse.connection import WarehouseBusyError, connect_in_memory, open_for_reading
from warehouse.ledger import utc_now
from warehouse.ledger.schema import LEDGER_SCHEMA, TABLES
from warehouse.paths import database_path
from warehouse.reconciliation import PartitionRows, reconcile
from warehouse.releases import Releases, open_release
from warehouse.sql import identifier

# Where rows are is counted in tables of any size, once a build. In the working file it may take no longer than this.
LONGEST_COUNT_SECONDS = 2.0
# After one that took too long.
_BETWEEN_COUNTS = timedelta(minutes=10)

_LEDGER_TABLES = f"select table_name from duckdb_tables() where schema_name = '{LEDGER_SCHEMA}' and not temporary"
_LAST_BUILD = """
    select max(finished_at) from meta.ingestion_runs where kind in ('dbt build', 'dbt run') and status <> 'running'
"""


@dataclass(frozen=True)
class LedgerCopy:
    """What was read of a DuckDB file.

    `connection` is in memory and has the ledger's tables. `rows` says where the published rows are, as of `counted_at`;
    None where they were never counted; it was last tried at `tried_at`. `of` is when the file was in this
    state. Times are UTC without zone.
    """

    connection: duckdb.DuckDBPyConnection
    of: datetime
    is_release: bool
    last_build: datetime | None = None
    rows: tuple[PartitionRows, ...] | None = None
    counted_at: datetime | None = None
    tried_at: datetime | None = None

    def is_to_count_again(self, now: datetime) -> bool:
        """Whether counting took too long the last time, and that was a while ago."""
        is_counted = self.counted_at is not None and (self.tried_at is None or self.counted_at >= self.tried_at)
        return not is_counted and (self.tried_at is None or now - self.tried_at > _BETWEEN_COUNTS)


@dataclass
class LedgerReader:
    """Reads the working file when it has changed and nobody has it, else what it read before.

    A load opens the file for one partition after another. So it is read when nobody has written to it for
    `quiet_seconds`, or when the copy is older than `patience_seconds`. Without a working file, or while it is in use at
    the start, it is the ledger of the current release.
    """

    quiet_seconds: float = 2.0
    patience_seconds: float = 30.0
    _stamps: tuple[tuple[int, int], ...] | None = None
    _copy: LedgerCopy | None = field(default=None, repr=False)

    def read(self) -> LedgerCopy | None:
        """The newest copy that can be had without waiting; None where nothing is loaded or published.

        The copy before it is closed. A copy that is still true has a new `of`.

        Raises:
            WarehouseError: the file or the release cannot be read.
            duckdb.Error: the ledger is damaged.
        """
        stamps = file_stamps()
        if stamps and stamps == self._stamps and self._copy and not self._copy.is_to_count_again(utc_now()):
            return self._keep(_with_time(self._copy))
        if self._copy and not self._copy.is_release and self._is_to_wait(self._copy, stamps):
            return self._copy
        try:
            if not stamps:
                return self._keep(_of_release(self._copy, is_all_there_is=True))
            found = _of_working_file(self._copy)
        except WarehouseBusyError:
            # What was read of the working file before is newer than any release.
            if self._copy and not self._copy.is_release:
                return self._copy
            return self._keep(_of_release(self._copy, is_all_there_is=False))
        self._stamps = stamps
        return self._keep(found)

    def _is_to_wait(self, copy: LedgerCopy, stamps: tuple[tuple[int, int], ...]) -> bool:
        written_at = max((modified for modified, _ in stamps), default=0) / 1e9
        is_old = (utc_now() - copy.of).total_seconds() > self.patience_seconds
        return time.time() - written_at < self.quiet_seconds and not is_old

    def close(self) -> None:
        """Give back the memory of the copy."""
        self._keep(None)

    def _keep(self, found: LedgerCopy | None) -> LedgerCopy | None:
        if self._copy and (found is None or found.connection is not self._copy.connection):
            self._copy.connection.close()
        self._copy = found
        return found


def file_stamps(path: Path | None = None) -> tuple[tuple[int, int], ...]:
    """What changes when somebody writes to the DuckDB file, read without opening it. Empty without a file."""
    path = path or database_path()
    stamps = []
    for file in (path, path.with_name(f"{path.name}.wal")):
        try:
            found = file.stat()
        except FileNotFoundError:
            # The log comes and goes while somebody writes.
            continue
        stamps.append((found.st_mtime_ns, found.st_size))
    return tuple(stamps)


def _with_time(copy: LedgerCopy) -> LedgerCopy:
    return replace(copy, of=utc_now())


def _of_working_file(before: LedgerCopy | None) -> LedgerCopy:
    rows, counted_at, tried_at = (before.rows, before.counted_at, before.tried_at) if before else (None, None, None)
    with open_for_reading(timeout_seconds=0) as connection:
        now = utc_now()
        copied = _copied(connection)
        (last_build,) = copied.execute(_LAST_BUILD).fetchall()[0]
        is_new = before is None or before.is_release or before.last_build != last_build
        if before is None or is_new or before.is_to_count_again(now):
            counted, tried_at = _counted(connection), now
            if counted is not None:
                rows, counted_at = counted, now
    return LedgerCopy(copied, now, False, last_build, rows, counted_at, tried_at)


def _of_release(before: LedgerCopy | None, *, is_all_there_is: bool) -> LedgerCopy | None:
    """The ledger of the current release; None without one.

    Where there is no working file the release is all that there is, and so it is of now.
    """
    releases = Releases()
    release = releases.current()
    if release is None:
        return None
    published_at = releases.switched_at() or release.published_at
    of = utc_now() if is_all_there_is else published_at
    if before and before.is_release and before.counted_at == release.published_at:
        return replace(before, of=of)
    with open_release(release) as connection:
        return LedgerCopy(_copied(connection), of, True, None, tuple(reconcile(connection)), release.published_at)


def _copied(connection: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    """The tables of a ledger in memory. Tables and columns that it has not are there, and empty."""
    there = {name for (name,) in connection.execute(_LEDGER_TABLES).fetchall()}
    copied = connect_in_memory(threads=1)
    copied.execute(f"create schema {LEDGER_SCHEMA}; {TABLES}")
    for (name,) in copied.execute(_LEDGER_TABLES).fetchall():
        if name in there:
            table = identifier(LEDGER_SCHEMA, name)
            copied.register("rows_of_file", connection.sql(f"from {table}").to_arrow_table())
            copied.execute(f"insert into {table} by name from rows_of_file")
            copied.unregister("rows_of_file")
    return copied


def _counted(connection: duckdb.DuckDBPyConnection) -> tuple[PartitionRows, ...] | None:
    """Where the published rows are; None if counting them takes too long for a file that others wait for."""
    clock = threading.Timer(LONGEST_COUNT_SECONDS, connection.interrupt)
    clock.start()
    try:
        return tuple(reconcile(connection))
    except duckdb.InterruptException:
        return None
    finally:
        clock.cancel()


@contextmanager
def ledger_now() -> Iterator[LedgerCopy | None]:
    """The ledger as it can be had without waiting, for the time of a `with` block."""
    with closing(LedgerReader()) as reader:
        yield reader.read()
