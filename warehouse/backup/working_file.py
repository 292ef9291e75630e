"""Reading the working file as it is, while nobody writes."""

import hashlib
import os
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO

import duckdb

from warehouse.backup.store import CHUNK_BYTES, read_chunk
from warehouse.connection import NotThereYetError, connect_file, connect_when_free, open_for_writing
from warehouse.durable import sync
from warehouse.sql import identifier

_TABLES = """
    select schema_name || '.' || table_name, schema_name, table_name
    from duckdb_tables()
    where database_name = current_database() and not internal and not temporary
    order by 1
"""
_STORAGE = "select tags['storage_version'] from duckdb_databases() where database_name = current_database()"


@dataclass(frozen=True)
class Contents:
    """What a DuckDB file says of itself."""

    storage_version: str
    migrations: tuple[str, ...]
    tables: dict[str, int]


@contextmanager
def held(path: Path) -> Iterator[tuple[duckdb.DuckDBPyConnection, IO[bytes]]]:
    """Keep everybody from writing to a DuckDB file, and have it opened: by DuckDB, and as bytes.

    Waits for a writer. Readers go on. All that was committed is in the file itself, and not beside it.

    Raises:
        NotThereYetError: there is no such file.
        WarehouseBusyError: somebody else kept it for too long.
        WarehouseError: it cannot be opened.
    """
    # The file is closed last: the operating system drops DuckDB's lock when any other descriptor of it is closed.
    with ExitStack() as closed_last, closing(_read_locked(path)) as connection:
        file = closed_last.enter_context(path.open("rb"))
        yield connection, file


def _read_locked(path: Path) -> duckdb.DuckDBPyConnection:
    while True:
        if not path.exists():
            raise NotThereYetError(
                f"{path}: expected a DuckDB file, but there is none. If it was lost: nyc restore --from latest"
            )
        log = path.with_name(f"{path.name}.wal")
        if log.exists():
            # A writer was killed. Who opens the file for writing brings what it had committed into it.
            with open_for_writing(path) as connection:
                connection.execute("checkpoint")
        reading = connect_when_free(path, partial(connect_file, read_only=True))
        if not log.exists():
            return reading
        # Killed in between.
        reading.close()


def contents_of(connection: duckdb.DuckDBPyConnection) -> Contents:
    """What the file of a connection says of itself: it reads no more than the beginning of each table."""
    ((storage,),) = connection.execute(_STORAGE).fetchall()
    rows = {}
    for name, schema, table in connection.execute(_TABLES).fetchall():
        # Without a condition DuckDB knows the number.
        ((rows[name],),) = connection.execute(f"select count(*) from {identifier(schema, table)}").fetchall()
    migrations: tuple[str, ...] = ()
    if "meta.migrations" in rows:
        migrations = tuple(
            name for (name,) in connection.execute("select name from meta.migrations order by 1").fetchall()
        )
    return Contents(str(storage or ""), migrations, rows)


@dataclass(frozen=True)
class Copied:
    """What was copied: how much, and its checksum."""

    bytes: int
    sha256: str


def chunks_of(file: IO[bytes], path: Path) -> Iterator[bytes]:
    """An opened file from its beginning, piece by piece.

    Raises:
        BackupError: it cannot be read.
    """
    while chunk := read_chunk(file, str(path)):
        yield chunk


def copy(chunks: Iterable[bytes], target: Path) -> Copied:
    """Write a file, and let the disk write it.

    Raises:
        OSError: it cannot be written.
    """
    digest, written = hashlib.sha256(), 0
    with target.open("wb") as new:
        for chunk in chunks:
            digest.update(chunk)
            new.write(chunk)
            written += len(chunk)
    sync(target)
    return Copied(written, digest.hexdigest())


def read_again(path: Path) -> Copied:
    """What the disk has of a file that was just written."""
    digest, read = hashlib.sha256(), 0
    with path.open("rb") as file:
        if hasattr(os, "posix_fadvise"):
            # From the disk, not from what the system still has in memory.
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        while chunk := file.read(CHUNK_BYTES):
            digest.update(chunk)
            read += len(chunk)
    return Copied(read, digest.hexdigest())


class Stopwatch:
    """Seconds since it was made."""

    def __init__(self) -> None:
        self._begun = time.monotonic()

    @property
    def seconds(self) -> float:
        """So many."""
        return time.monotonic() - self._begun
