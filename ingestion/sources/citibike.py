"""Citi Bike: one zip a month, of one or several CSVs.

Source: Citi Bike system data, https://citibikenyc.com/system-data
"""

import csv
from pathlib import Path

import duckdb

from ingestion.feeds import Column, ColumnType
from ingestion.partitions import Partition
from ingestion.sources.columns import match_key, select_columns
from ingestion.sources.file_addresses import file_addresses
from ingestion.sources.published import SCRATCH, PublishedRows, cast_error, open_scratch, sql_path
from ingestion.sources.zips import extract_csvs

DEFAULT_BASE_URL = "https://s3.amazonaws.com/tripdata"
HAS_LISTING = True

# Declared, never detected: as numbers the station ids 6498.10 and 6498.1 would be one.
_FORMAT = "auto_detect = false, header = true, delim = ',', quote = '\"', escape = '\"'"


_NULLS = "['']"
# Older files write what they do not know in words.
_FORMER_NULLS = r"['', 'NULL', '\N']"


def addresses(partition: Partition) -> list[str]:
    """The addresses at which a month's file may be, in the order to try them."""
    return file_addresses(partition, DEFAULT_BASE_URL)


def read(partition: Partition, path: Path, connection: duckdb.DuckDBPyConnection) -> PublishedRows:
    """The rows of all CSVs in published order, with the registry's names and types.

    DuckDB reads a CSV in parallel only where it need not number its rows. So the CSVs go to a scratch
    table first, where a row's position is its row id.

    Raises:
        UnreadableFileError: the file is not a whole zip of CSVs, or a CSV cannot be read as such or
            lacks a required column.
    """
    csv_paths = extract_csvs(path, partition.month)
    former = partition.feed.former_schema
    nulls = _FORMER_NULLS if former and partition.month < former.until else _NULLS
    open_scratch(connection, path)
    columns: dict[str, Column] = {column.name: column for column in partition.feed.columns}
    new_columns: dict[str, Column] = {}
    declared = {match_key(column.name): column.type for column in columns.values()}
    connection.execute(f"create table {SCRATCH}.rows ({', '.join(f'{c.name} {c.type}' for c in columns.values())})")
    for csv_path in csv_paths:
        names = _header(csv_path)
        types = {name: declared.get(match_key(name), ColumnType.VARCHAR).value for name in names}
        selection = select_columns(partition.feed, partition.month, types, path)
        for column in selection.new_columns:
            if column.name not in new_columns:
                new_columns[column.name] = column
                connection.execute(f"alter table {SCRATCH}.rows add column {column.name} {column.type}")
        listed = ", ".join(f"'{sql_path(Path(name))}': '{type_}'" for name, type_ in types.items())
        try:
            connection.execute(
                f"insert into {SCRATCH}.rows by name select {selection.select_list}"
                f" from read_csv('{sql_path(csv_path)}', columns = {{{listed}}}, nullstr = {nulls}, {_FORMAT})"
            )
        except duckdb.Error as error:
            raise cast_error(path, error) from error
        csv_path.unlink()
    counted = connection.execute(f"select count(*) from {SCRATCH}.rows").fetchone()
    all_columns = (*columns.values(), *new_columns.values())
    return PublishedRows(
        query=f"select {', '.join(column.name for column in all_columns)}, rowid as source_row from {SCRATCH}.rows",
        columns=all_columns,
        count=counted[0] if counted else 0,
        new_columns=tuple(new_columns.values()),
    )


def _header(csv_path: Path) -> list[str]:
    with csv_path.open(encoding="utf-8-sig", newline="") as lines:
        header: list[str] = next(csv.reader([lines.readline()]), [])
    return header
