"""Give free space in the DuckDB file back to the disk: `python -m warehouse.compact`, or `nyc compact`.

DuckDB reuses the blocks of replaced rows, but gives back only those at the end of the file. Compacting copies the file
without free blocks, compares the copy with the original, and puts it in its place. Other processes wait meanwhile.

Exit status: 0 compacted, or not worth it; 1 it could not be done, and the file is as before; 2 bad arguments.
"""

import argparse
import os
import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
from rich.console import Console

from warehouse.connection import WarehouseError, limit_memory, open_for_reading, open_for_writing
from warehouse.durable import sync
from warehouse.exit_codes import ExitCode
from warehouse.paths import database_path
from warehouse.sql import identifier, literal
from warehouse.terminal import quiet_on_broken_pipe

# With less free space than this share, a copy costs more than it gains: the next loads use the space.
WORTHWHILE_SHARE = 0.2

# The size of what precedes the blocks in a DuckDB file.
_HEADER_BYTES = 3 * 4096

# The default memory limit: DuckDB writes while it reads, so more memory does not help.
_MEMORY = "1500MB"

# When the copy takes its place, another process may have opened the old file without having locked it yet. Keep the
# lock so long that it is refused and opens the file again; otherwise it would write into a deleted file.
_GRACE_SECONDS = 0.1

# Everything that is defined in a database, as (kind, schema, name, definition, comment).
_DEFINITIONS = """
    select 'schema', schema_name, '', sql, comment from duckdb_schemas() where database_name = $database
    union all
    select 'table', schema_name, table_name, sql, comment from duckdb_tables() where database_name = $database
    union all
    select 'view', schema_name, view_name, sql, comment
    from duckdb_views() where database_name = $database and not internal
    union all
    select 'column', schema_name, table_name || '.' || column_name, data_type, comment
    from duckdb_columns() where database_name = $database and not internal
    union all
    select 'index', schema_name, index_name, sql, comment from duckdb_indexes() where database_name = $database
    union all
    select 'sequence', schema_name, sequence_name, sql, comment from duckdb_sequences() where database_name = $database
    union all
    select 'type', schema_name, type_name, concat(logical_type, labels::varchar), comment
    from duckdb_types() where database_name = $database and not internal
    union all
    select 'macro', schema_name, function_name, concat(parameters::varchar, macro_definition), comment
    from duckdb_functions() where database_name = $database and not internal
"""


class CompactionError(WarehouseError):
    """The file was not compacted and is as before; the message says why and what to do."""


@dataclass(frozen=True)
class Space:
    """The size of a DuckDB file, and how much of it is used."""

    file_bytes: int
    used_bytes: int

    @property
    def free_bytes(self) -> int:
        """Not DuckDB's count of free blocks, which includes some that it has cut off the end of the file."""
        return self.file_bytes - self.used_bytes

    @property
    def free_share(self) -> float:
        """Between 0 and 1. Compacting gains about this share, or more, because it also fills partly empty blocks."""
        return self.free_bytes / self.file_bytes


@dataclass(frozen=True)
class Compacted:
    """The size of the file before and after, and for how long others had to wait."""

    before_bytes: int
    after_bytes: int
    seconds: float

    @property
    def saved_bytes(self) -> int:
        """Negative if the copy is larger, which happens with small files."""
        return self.before_bytes - self.after_bytes


def read_space(path: Path | None = None, *, timeout_seconds: float | None = None) -> Space:
    """The size and free space of a DuckDB file, by default the warehouse's. Takes milliseconds for any size.

    Raises:
        WarehouseBusyError: the file was still in use after the timeout, by default that of the settings.
        WarehouseError: there is no such file, or it cannot be opened.
    """
    path = path or database_path()
    with open_for_reading(timeout_seconds, path) as connection:
        return _space(connection, path)


def compact(
    path: Path | None = None, *, worthwhile_share: float = WORTHWHILE_SHARE, timeout_seconds: float | None = None
) -> Compacted | None:
    """Copy a DuckDB file, by default the warehouse's, without its free space, and put the copy in its place.

    Does nothing and returns None if less than `worthwhile_share` of the file is free. Rows keep their order, so that
    a partition stays together. If the process is killed, the file is as before; the next compaction removes the copy.

    Raises:
        WarehouseBusyError: the file was still in use after the timeout, by default that of the settings.
        WarehouseError: there is no such file, or it cannot be opened.
        CompactionError: the disk has too little space, or the copy could not be made or is not the same.
    """
    path = path or database_path()
    if not path.exists():
        raise CompactionError(f"{path}: expected a DuckDB file, but there is none.")
    file = path.resolve()
    copy = file.with_name(f"{file.name}.compacting")
    with open_for_writing(path, timeout_seconds) as connection:
        begun = time.monotonic()
        try:
            _remove(copy)
            connection.execute("checkpoint")
            before = _space(connection, path)
            if before.free_share < worthwhile_share:
                return None
            _check_disk(file, before)
            _make_copy(connection, copy)
            _check_copy(connection, copy)
            after_bytes = copy.stat().st_size
            _put_in_place(copy, file)
        except (duckdb.Error, OSError) as error:
            raise CompactionError(f"{path}: could not be compacted, and is as before: {error}") from error
        finally:
            _remove(copy)
    return Compacted(before.file_bytes, after_bytes, time.monotonic() - begun)


def _space(connection: duckdb.DuckDBPyConnection, path: Path) -> Space:
    used = connection.execute(
        "select block_size * used_blocks from pragma_database_size() where database_name = current_database()"
    ).fetchall()[0][0]
    return Space(path.stat().st_size, _HEADER_BYTES + used)


def _check_disk(file: Path, space: Space) -> None:
    available = shutil.disk_usage(file.parent).free
    if available < space.used_bytes:
        raise CompactionError(
            f"{file}: expected {space.used_bytes:,} bytes free on its disk for the copy, but there are {available:,}. "
            f"Free {space.used_bytes - available:,} bytes more, and compact again."
        )


def _make_copy(connection: duckdb.DuckDBPyConnection, copy: Path) -> None:
    limit_memory(connection, _MEMORY)
    with _attached(connection, copy) as (old, new):
        connection.execute(f"copy from database {identifier(old)} to {identifier(new)}")
        connection.execute(f"checkpoint {identifier(new)}")


def _check_copy(connection: duckdb.DuckDBPyConnection, copy: Path) -> None:
    """Read the copy from disk and compare everything in it with the original.

    Raises:
        CompactionError: they differ.
    """
    with _attached(connection, copy, "(read_only)") as (old, new):
        different = set(_definitions(connection, old)) ^ set(_definitions(connection, new))
        if not different:
            different = set(_contents(connection, old)) ^ set(_contents(connection, new))
    if different:
        named = ", ".join(sorted({f"{kind} {schema}.{name}" for kind, schema, name, *_ in different}))
        raise CompactionError(f"{copy}: expected the same as in the original, but these differ: {named}.")


def _definitions(connection: duckdb.DuckDBPyConnection, database: str) -> list[tuple[Any, ...]]:
    return connection.execute(_DEFINITIONS, {"database": database}).fetchall()


def _contents(connection: duckdb.DuckDBPyConnection, database: str) -> Iterator[tuple[Any, ...]]:
    """The number of rows of every table, and a checksum over all values."""
    for kind, schema, name, *_ in _definitions(connection, database):
        if kind == "table":
            table = identifier(database, schema, name)
            content = connection.execute(f"select count(*), sum(hash(*columns(*))) from {table}").fetchall()[0]
            yield ("rows", schema, name, *content)


def _put_in_place(copy: Path, file: Path) -> None:
    """Rename the copy, which is atomic; the caller holds the lock of the file that is replaced."""
    old = file.stat()
    os.chown(copy, old.st_uid, old.st_gid)
    shutil.copymode(file, copy)
    sync(copy)
    copy.replace(file)
    sync(file.parent)
    time.sleep(_GRACE_SECONDS)


def _remove(copy: Path) -> None:
    for left in (copy, Path(f"{copy}.wal")):
        left.unlink(missing_ok=True)


@contextmanager
def _attached(connection: duckdb.DuckDBPyConnection, copy: Path, options: str = "") -> Iterator[tuple[str, str]]:
    """Attach the copy beside the original; gives the names of both databases."""
    old: str = connection.execute("select current_database()").fetchall()[0][0]
    new = f"{old} compacted"
    connection.execute(f"attach {literal(copy)} as {identifier(new)} {options}")
    try:
        yield old, new
    finally:
        connection.execute(f"detach {identifier(new)}")


@quiet_on_broken_pipe
def main(argv: Sequence[str] | None = None, *, prog: str = "python -m warehouse.compact") -> int:
    """Compact the warehouse, or say what that would gain, and return the exit code."""
    parser = argparse.ArgumentParser(prog=prog, description="Give free space of the DuckDB file back to the disk.")
    parser.add_argument("--force", action="store_true", help="compact however little there is to gain")
    parser.add_argument("--dry-run", action="store_true", help="say what there is to gain, and change nothing")
    options = parser.parse_args(argv)
    console = Console(highlight=False, soft_wrap=True, markup=False)
    try:
        done = None
        if not options.dry_run:
            done = compact(worthwhile_share=0 if options.force else WORTHWHILE_SHARE)
        console.print(_describe(done) if done else _describe_space(read_space()))
    except WarehouseError as error:
        Console(stderr=True, highlight=False, soft_wrap=True, markup=False).print(str(error))
        return ExitCode.FAILED
    return ExitCode.DONE


def _describe(done: Compacted) -> str:
    share = done.saved_bytes / done.before_bytes
    return (
        f"{database_path()}: {_as_megabytes(done.before_bytes)} before, {_as_megabytes(done.after_bytes)} after, "
        f"{_as_megabytes(done.saved_bytes)} ({share:.0%}) saved in {done.seconds:.1f} s"
    )


def _describe_space(space: Space) -> str:
    found = f"{database_path()}: {_as_megabytes(space.file_bytes)}, of which {_as_megabytes(space.free_bytes)}"
    found += f" ({space.free_share:.0%}) are free"
    if space.free_share < WORTHWHILE_SHARE:
        return f"{found}: less than {WORTHWHILE_SHARE:.0%} is not worth compacting for (--force does)"
    return f"{found}: compacting is worth it"


def _as_megabytes(count: int) -> str:
    return f"{count / 1e6:,.1f} MB"


if __name__ == "__main__":
    sys.exit(main())
