"""Parquet files of any feed. Timestamps without a zone stay without one."""

from pathlib import Path

import duckdb

from ingestion.errors import UnreadableFileError
from ingestion.partitions import Partition
from ingestion.raw_data import raw_column_types
from ingestion.readers.columns import MAX_COLUMNS, check_names, select_columns
from ingestion.readers.published import SCRATCH, PublishedRows, notes_on, open_scratch
from ingestion.readers.published_file import PublishedFile
from warehouse.connection import open_in_memory
from warehouse.sql import identifier, literal

_MAGIC = b"PAR1"
# The largest real file has 21 million rows, and the footer of 20 million has less than a megabyte.
MAX_FOOTER_BYTES = 10_000_000
MAX_ROWS = 100_000_000
# Of nested columns each field counts.
_MAX_FIELDS = 10 * MAX_COLUMNS


def read_parquet(partition: Partition, path: Path, connection: duckdb.DuckDBPyConnection) -> PublishedRows:
    """The file's rows, with the names and types that the feed declares.

    Raises:
        UnreadableFileError: the file is not whole, not Parquet, beyond all bounds, or lacks a required column.
    """
    file = PublishedFile(partition, path)
    _check_footer(file)
    types, count = _described(file)
    # Without this option a folder called month=5 above the file would become a column.
    read = f"read_parquet({literal(path)}, hive_partitioning = false"
    existing = raw_column_types(partition.feed, connection)
    selection = select_columns(file, types, existing, by_position=True)
    aliases = ", ".join(map(identifier, selection.aliases))
    try:
        if any(name.lower() == "file_row_number" for name in types):
            # DuckDB's own column of that name cannot be selected beside it.
            open_scratch(connection, path, path.stat().st_size)
            connection.execute(f"create table {SCRATCH}.rows as from {read}) as file({aliases})")
            source, row = f"{SCRATCH}.rows", "rowid"
        else:
            source = f"{read}, file_row_number = true) as file({aliases})"
            row = "file_row_number"
        query = f"select {selection.select_list}, {row} as source_row from {source}"
        connection.execute(f"describe {query}")
        notes = notes_on(selection, source, connection)
    except duckdb.Error as error:
        raise file.wrong_values(error) from error
    return PublishedRows(file, query, selection.columns, count, notes)


def _check_footer(file: PublishedFile) -> None:
    """Look at both ends of the file before anything reads it, and refuse other formats and a huge footer."""
    with file.path.open("rb") as opened:
        begin = opened.read(len(_MAGIC))
        opened.seek(max(0, file.path.stat().st_size - 8))
        end = opened.read()
    if begin != _MAGIC:
        raise _not_whole(file, file.beginning())
    if end[4:] != _MAGIC:
        raise _not_whole(file, f"it ends with {end!r}: it is broken off")
    if (footer := int.from_bytes(end[:4], "little")) > MAX_FOOTER_BYTES:
        raise file.beyond_bounds(f"a footer of at most {MAX_FOOTER_BYTES:,} bytes", f"it has {footer:,}")


def _described(file: PublishedFile) -> tuple[dict[str, str], int]:
    """The types of the file's columns by name, and how many rows it has."""
    path = literal(file.path)
    try:
        # A broken footer can end the whole DuckDB that reads it, so this must not be the warehouse's.
        with open_in_memory() as connection:
            names = _column_names(file, connection)
            described = connection.execute(f"describe from read_parquet({path}, hive_partitioning = false)").fetchall()
            counted = connection.execute(f"select sum(num_rows)::bigint from parquet_file_metadata({path})").fetchall()
    except duckdb.Error as error:
        raise _not_whole(file, file.reason(error)) from error
    ((count,),) = counted
    if len(described) != len(names) or count is None or count < 0:
        raise _not_whole(file, "its footer contradicts itself")
    if count > MAX_ROWS:
        raise file.beyond_bounds(f"at most {MAX_ROWS:,} rows", f"it has {count:,}")
    return {name: type_ for name, (_, type_, *_) in zip(names, described, strict=True)}, count


def _column_names(file: PublishedFile, connection: duckdb.DuckDBPyConnection) -> list[str]:
    """The names as published. (DuckDB's own description renames the second of two that are equal.)"""
    schema = connection.execute(
        f"select name, num_children from parquet_schema({literal(file.path)}) limit {_MAX_FIELDS + 2}"
    ).fetchall()
    if len(schema) > _MAX_FIELDS + 1:
        raise file.beyond_bounds(f"at most {MAX_COLUMNS} columns", f"it has more than {_MAX_FIELDS}")
    names = []
    position = 1  # after the root; each field is followed by its children
    while position < len(schema):
        names.append(schema[position][0])
        open_fields = 1
        while open_fields and position < len(schema):
            open_fields += (schema[position][1] or 0) - 1
            position += 1
    check_names(names, file)
    # No name is there twice by now but the empty one, which gets as many blanks as its place says.
    return [name if name.strip() else " " * (position + 1) for position, name in enumerate(names)]


def _not_whole(file: PublishedFile, came: str) -> UnreadableFileError:
    return file.unreadable("a whole Parquet file", f"it cannot be opened ({came})")
