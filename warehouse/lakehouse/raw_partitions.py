"""The lakehouse's copy of the raw tables, for engines that cannot read the DuckDB file.

raw_data/TABLE/feed=FEED/PERIOD COLUMN=VALUE/part-0.parquet    a partition; its feed and period are in the path alone
SCHEMA/TABLE/part-0.parquet                                    a table that is kept whole
SCHEMA/_raw_partitions.json                                    what each file was made from
"""

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb

from warehouse.full_disk import is_disk_full
from warehouse.lakehouse.columns import type_in_lakehouse
from warehouse.lakehouse.destination import Destination, destination
from warehouse.lakehouse.exported import ExportError
from warehouse.lakehouse.exporting import locked
from warehouse.lakehouse.files import TableFiles, export_files
from warehouse.lakehouse.location import Location
from warehouse.publishing.files import COPY_OPTIONS
from warehouse.publishing.parts import WHOLE, rows_and_content
from warehouse.sql import identifier, literal

FORMAT = "raw partitions"
MANIFEST = "_raw_partitions.json"
FEED = "feed"
_FILE = "part-0.parquet"

# Partitions of a feed that begin together are one: a row says only when its period begins. The time of the load is part
# of the version, because two DuckDB files may use one lakehouse.
_PARTITIONS = """
    select
        asset,
        period_start,
        min(partition_key),
        string_agg(concat_ws(' ', version, updated_at), ' ' order by partition_key),
        cast(sum(rows) as bigint)
    from meta.asset_watermarks
    where list_contains($feeds, asset)
    group by asset, period_start
    order by asset, period_start
"""

# What Hive escapes in a path, and a blank. Every reader of such paths turns it back.
_NOT_IN_A_PATH = re.compile(r"[^A-Za-z0-9_.\x80-\U0010ffff-]")


class RawTablesError(ExportError):
    """Raw data is not what the ledger says, or cannot be copied. The message says what to do."""


@dataclass(frozen=True)
class RawTable:
    """A table to copy. `columns` are names and DuckDB's types in order, with those of its partitions.

    With `feeds`, it has a partition for each of their watermarks, and `period_column` holds the start of its period.
    Without, it is kept whole. `mends` says what to do where rows are not as the ledger says.
    """

    schema: str
    name: str
    columns: tuple[tuple[str, str], ...]
    feeds: tuple[str, ...] = ()
    period_column: str = ""
    mends: str = ""

    @property
    def full_name(self) -> str:
        return f"{self.schema}.{self.name}"

    @property
    def partition_columns(self) -> tuple[str, ...]:
        """The columns whose values are in the path."""
        return (FEED, self.period_column) if self.feeds else ()

    @property
    def lakehouse_columns(self) -> tuple[tuple[str, str], ...]:
        """The columns with the types that they have in the lakehouse, by DuckDB's names; those of the path are last."""
        columns = [
            (name, type_in_lakehouse(self.full_name, name, type_.upper().strip())) for name, type_ in self.columns
        ]
        return tuple(sorted(columns, key=lambda column: column[0] in self.partition_columns))


@dataclass(frozen=True)
class Partition:
    """A partition as the path has it: the values of its columns as texts, and its folder below that of the table."""

    values: tuple[str, ...]
    folder: str


@dataclass(frozen=True)
class CopiedTable:
    """A table of the lakehouse that is up to date, and what was written for that."""

    table: RawTable
    location: Location
    partitions: tuple[Partition, ...]
    files_written: int
    bytes_written: int


@dataclass(frozen=True)
class _File:
    """A file of `rows` rows, those that fulfil a condition. `partition` is empty for a table that is kept whole."""

    table: RawTable
    connection: duckdb.DuckDBPyConnection
    condition: str
    version: str
    rows: int
    partition: Partition
    key: str = WHOLE

    @property
    def name(self) -> str:
        return "/".join(part for part in (self.table.name, self.partition.folder, _FILE) if part)

    @property
    def source(self) -> str:
        return _hash([self.version, str(self.rows), repr(self.table.lakehouse_columns), COPY_OPTIONS])

    def expected_bytes(self, to: Destination) -> int:
        # Not known before it is written. A disk that is full is told where it happens.
        return 0

    def at(self, scratch: Path) -> Path:
        path = scratch / "file"
        with _clear_errors(self.table):
            ((found,),) = self.connection.execute(
                f"copy (select {self._selected} from {_relation(self.table)} where {self.condition})"
                f" to {literal(path)} ({COPY_OPTIONS})"
            ).fetchall()
        if found != self.rows:
            raise RawTablesError(
                f"expected {self.rows} rows of {self.key} in {self.table.full_name}, as the ledger "
                f"(meta.asset_watermarks) says were loaded, but there are {found}: the table was changed by hand. "
                f"{self.table.mends}".rstrip()
            )
        return path

    @property
    def _selected(self) -> str:
        in_path = self.table.partition_columns
        columns = [(name, type_) for name, type_ in self.table.lakehouse_columns if name not in in_path]
        return ", ".join(f"cast({identifier(name)} as {type_}) as {identifier(name)}" for name, type_ in columns)


def copy_raw_tables(
    connection: duckdb.DuckDBPyConnection, tables: Sequence[RawTable], to: Location | None = None
) -> list[CopiedTable]:
    """Bring the lakehouse's copy of these tables up to date, by default in `LAKEHOUSE_URL`, from the open DuckDB file.

    Only what changed since is written, by the ledger's versions; what is gone is removed, also tables of the same
    schema that are not among these. A crash is mended by the next call.

    Raises:
        RawTablesError: a partition has other rows than the ledger says, or a table cannot be read.
        WarehouseBusyError: another process writes to the same place for longer than `DUCKDB_LOCK_TIMEOUT_SECONDS`.
        ExportError: the place cannot be written. Calling this again mends it.
    """
    to = to or Location.of()
    schemas = dict.fromkeys(table.schema for table in tables)
    return [
        copied
        for schema in schemas
        for copied in _copy_schema(connection, [table for table in tables if table.schema == schema], to.joined(schema))
    ]


def _copy_schema(
    connection: duckdb.DuckDBPyConnection, tables: Sequence[RawTable], to: Location
) -> Iterator[CopiedTable]:
    files = [list(_files(connection, table)) for table in tables]
    wanted = [
        TableFiles(table.name, sum(file.rows for file in each), to.joined(table.name).url, each)
        for table, each in zip(tables, files, strict=True)
    ]
    state = _hash(f"{file.name} {file.source}" for each in files for file in each)
    with locked(to), destination(to) as folder:
        done = export_files(FORMAT, state, wanted, folder, is_everything=True, manifest_name=MANIFEST)
    for table, each, exported in zip(tables, files, done, strict=True):
        partitions = tuple(file.partition for file in each) if table.feeds else ()
        yield CopiedTable(table, to.joined(table.name), partitions, exported.files_written, exported.bytes_written)


def _files(connection: duckdb.DuckDBPyConnection, table: RawTable) -> Iterator[_File]:
    if not table.feeds:
        with _clear_errors(table):
            rows, content = rows_and_content(connection, _relation(table))
        yield _File(table, connection, "true", content, rows, Partition((), ""))
        return
    type_ = dict(table.columns)[table.period_column].lower()
    if type_ not in ("date", "timestamp"):
        raise RawTablesError(
            f"{table.full_name}: expected {table.period_column} to be a date or timestamp, not {type_}."
        )
    for feed, start, key, version, rows in connection.execute(_PARTITIONS, {"feeds": list(table.feeds)}).fetchall():
        period = _text(start, type_)
        condition = f"{FEED} = {literal(feed)} and {identifier(table.period_column)} = {type_} {literal(period)}"
        folder = f"{FEED}={_escaped(feed)}/{table.period_column}={_escaped(period)}"
        yield _File(table, connection, condition, version, rows, Partition((feed, period), folder), f"{feed}/{key}")


@contextmanager
def _clear_errors(table: RawTable) -> Iterator[None]:
    """Say what to do where a table cannot be read.

    Raises:
        RawTablesError: it cannot.
    """
    try:
        yield
    except (duckdb.CatalogException, duckdb.BinderException) as error:
        raise RawTablesError(
            f"{table.full_name}: expected the table with the columns that its source in dbt has, but got: {error}. "
            "Load one of its periods again, which makes those that are missing."
        ) from error
    except duckdb.Error as error:
        if is_disk_full(error):
            raise
        raise RawTablesError(
            f"{table.full_name}: expected to copy it from the DuckDB file, but got: {error}. Run this again; if that "
            "ends the same way, put a copy of the file back: nyc restore"
        ) from error


def _text(start: datetime, type_: str) -> str:
    # Not strftime: it writes the year 900 with three digits.
    return start.date().isoformat() if type_ == "date" else start.isoformat(" ", "seconds")


def _escaped(value: str) -> str:
    return _NOT_IN_A_PATH.sub(lambda found: f"%{ord(found[0]):02X}", value)


def _relation(table: RawTable) -> str:
    return identifier(table.schema, table.name)


def _hash(texts: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()[:16]
