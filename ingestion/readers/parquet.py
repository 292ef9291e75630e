"""NYC Taxi & Limousine Commission: one Parquet file a month.

Timestamps are New York wall-clock time without a zone and stay so.
Source: TLC trip record data, https://www.nyc.gov/site/tlc/about/tlc-trip-record-data.page
"""

from pathlib import Path

import duckdb

from ingestion.errors import UnreadableFileError
from ingestion.partitions import Partition
from ingestion.raw_data import raw_column_types
from ingestion.readers.columns import MAX_COLUMNS, check_names, select_columns
from ingestion.readers.published import SCRATCH, PublishedRows, beginning, cast_error, notes_on, open_scratch, reason
from warehouse.connection import open_in_memory
from warehouse.sql import identifier, literal

_MAGIC = b"PAR1"
# The footer of 20 million rows has less than a megabyte, and the largest month 21 million rows.
MAX_FOOTER_BYTES = 10_000_000
MAX_ROWS = 100_000_000
# Of nested columns each field counts.
_MAX_FIELDS = 10 * MAX_COLUMNS


def read_parquet(partition: Partition, path: Path, connection: duckdb.DuckDBPyConnection) -> PublishedRows:
    """The file's rows, with the registry's names and types.

    Raises:
        UnreadableFileError: the file is not whole, not Parquet, beyond all bounds, or lacks a required column.
    """
    _check_footer(path)
    types, count = _described(path)
    # Without the last option a folder called month=5 above the file would be a column of it.
    file, options = literal(path), "hive_partitioning = false"
    existing = raw_column_types(partition.feed, connection)
    selection = select_columns(partition.feed, partition.period.first_day, types, path, existing, by_position=True)
    aliases = ", ".join(map(identifier, selection.aliases))
    try:
        if any(name.lower() == "file_row_number" for name in types):
            # DuckDB's own column of that name cannot be had beside it.
            open_scratch(connection, path)
            connection.execute(
                f"create table {SCRATCH}.rows as from read_parquet({file}, {options}) as file({aliases})"
            )
            source, row = f"{SCRATCH}.rows", "rowid"
        else:
            source = f"read_parquet({file}, {options}, file_row_number = true) as file({aliases})"
            row = "file_row_number"
        query = f"select {selection.select_list}, {row} as source_row from {source}"
        connection.execute(f"describe {query}")
        notes = notes_on(selection, source, connection)
    except duckdb.Error as error:
        raise cast_error(path, error) from error
    return PublishedRows(query, selection.columns, count, selection.new_columns, notes)


def _check_footer(path: Path) -> None:
    """Look at the file's two ends before anything reads it: what is no Parquet is said, and a huge footer refused."""
    with path.open("rb") as file:
        begin = file.read(len(_MAGIC))
        file.seek(max(0, path.stat().st_size - 8))
        end = file.read()
    if begin != _MAGIC:
        raise _not_whole(path, beginning(path))
    if end[4:] != _MAGIC:
        raise _not_whole(path, f"it ends with {end!r}: it is broken off")
    if (footer := int.from_bytes(end[:4], "little")) > MAX_FOOTER_BYTES:
        raise _beyond_bounds(path, f"a footer of at most {MAX_FOOTER_BYTES:,} bytes", f"{footer:,}")


def _described(path: Path) -> tuple[dict[str, str], int]:
    """The types of the file's columns by name, and how many rows it has."""
    file = literal(path)
    try:
        # A footer that is broken can end the whole DuckDB that reads it, which must not be the warehouse's.
        with open_in_memory() as connection:
            names = _column_names(path, connection)
            described = connection.execute(f"describe from read_parquet({file}, hive_partitioning = false)").fetchall()
            counted = connection.execute(f"select sum(num_rows)::bigint from parquet_file_metadata({file})").fetchall()
    except duckdb.Error as error:
        raise _not_whole(path, reason(error, path)) from error
    ((count,),) = counted
    if len(described) != len(names) or count is None or count < 0:
        raise _not_whole(path, "its footer contradicts itself")
    if count > MAX_ROWS:
        raise _beyond_bounds(path, f"at most {MAX_ROWS:,} rows", f"{count:,}")
    return {name: type_ for name, (_, type_, *_) in zip(names, described, strict=True)}, count


def _column_names(path: Path, connection: duckdb.DuckDBPyConnection) -> list[str]:
    """The names as published; a description by DuckDB has the second of two that are equal under another name."""
    schema = connection.execute(
        f"select name, num_children from parquet_schema({literal(path)}) limit {_MAX_FIELDS + 2}"
    ).fetchall()
    if len(schema) > _MAX_FIELDS + 1:
        raise _beyond_bounds(path, f"at most {MAX_COLUMNS} columns", f"more than {_MAX_FIELDS}")
    names = []
    position = 1  # after the root; each field is followed by its children
    while position < len(schema):
        names.append(schema[position][0])
        open_fields = 1
        while open_fields and position < len(schema):
            open_fields += (schema[position][1] or 0) - 1
            position += 1
    check_names(names, path.name)
    # A name twice is refused by now, unless it is empty: those are told apart by their places.
    return [name if name.strip() else " " * (position + 1) for position, name in enumerate(names)]


def _not_whole(path: Path, came: str) -> UnreadableFileError:
    return UnreadableFileError(
        f"{path.name}: expected a whole Parquet file, but it cannot be opened ({came}). Load the month again."
    )


def _beyond_bounds(path: Path, expected: str, came: str) -> UnreadableFileError:
    return UnreadableFileError(
        f"{path.name}: expected {expected}, but it has {came}, which no month of trips has. Look at the publisher's "
        "page; load the month again when the file is repaired."
    )
