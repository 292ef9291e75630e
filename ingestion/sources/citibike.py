"""Citi Bike: one zip a month, of one or several CSVs.

Source: Citi Bike system data, https://citibikenyc.com/system-data
"""

from pathlib import Path

import duckdb

from ingestion.feeds import Column
from ingestion.partitions import Partition
from ingestion.raw_data import raw_column_types
from ingestion.sources.columns import match_key, select_columns
from ingestion.sources.csvs import Header, check_rows, read_header
from ingestion.sources.file_addresses import file_addresses
from ingestion.sources.published import SCRATCH, PublishedRows, cast_error, notes_on, open_scratch
from ingestion.sources.zips import extract_csvs
from warehouse.sql import identifier, literal

DEFAULT_BASE_URL = "https://s3.amazonaws.com/tripdata"
HAS_LISTING = True

# Everything is read as text and cast then: as numbers the station ids 6498.10 and 6498.1 would be one. Empty, or what
# databases, R and pandas write for what they do not know; no station, bike or rider type is called so.
_NULLS = ("", "NULL", "null", r"\N", "NA", "NaN", "nan")
_FORMAT = (
    "auto_detect = false, header = true, delim = ',', quote = '\"', escape = '\"', hive_partitioning = false,"
    f" nullstr = [{', '.join(map(literal, _NULLS))}]"
)


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
    existing = raw_column_types(partition.feed, connection)
    columns = {column.name: column for column in partition.feed.columns}
    notes: dict[str, None] = {}
    open_scratch(connection, path)
    listed = ", ".join(f"{identifier(column.name)} {column.type}" for column in columns.values())
    connection.execute(f"create table {SCRATCH}.rows ({listed})")
    for csv_path in csv_paths:
        header = read_header(csv_path, path.name)
        types = dict.fromkeys(header.names, "VARCHAR")
        selection = select_columns(partition.feed, partition.month, types, path, existing, by_position=True)
        for column in selection.new_columns:
            if column.name not in columns:
                columns[column.name] = column
                # So that another spelling in the next CSV is this column.
                existing.setdefault(column.name, column.type)
                connection.execute(f"alter table {SCRATCH}.rows add column {identifier(column.name)} {column.type}")
        source = _source(csv_path, header, selection.aliases)
        try:
            added = connection.execute(
                f"insert into {SCRATCH}.rows by name select {selection.select_list} from {source}"
            ).fetchall()
        except duckdb.Error as error:
            raise cast_error(path, error) from error
        check_rows(csv_path, path.name, added[0][0])
        notes |= dict.fromkeys(notes_on(selection, source, connection))
        csv_path.unlink()
    return _rows(columns, partition, tuple(notes), connection)


def _source(csv_path: Path, header: Header, aliases: tuple[str, ...]) -> str:
    listed = ", ".join(f"{literal(alias)}: 'VARCHAR'" for alias in aliases)
    new_line = f", new_line = {literal(header.new_line)}" if header.new_line else ""
    return f"read_csv({literal(csv_path)}, columns = {{{listed}}}, {_FORMAT}{new_line})"


def _rows(
    columns: dict[str, Column], partition: Partition, notes: tuple[str, ...], connection: duckdb.DuckDBPyConnection
) -> PublishedRows:
    """What is in the scratch table, but for columns without a name and without a value: every line ends in a comma."""
    counts = {
        name: connection.execute(f"select count({identifier(name)}) from {SCRATCH}.rows").fetchall()[0][0]
        for name in columns
        if match_key(name).startswith("unnamed")
    }
    kept = tuple(column for name, column in columns.items() if counts.get(name) != 0)
    declared = {column.name for column in partition.feed.columns}
    ((count,),) = connection.execute(f"select count(*) from {SCRATCH}.rows").fetchall()
    return PublishedRows(
        query=f"select {', '.join(identifier(c.name) for c in kept)}, rowid as source_row from {SCRATCH}.rows",
        columns=kept,
        count=count,
        new_columns=tuple(column for column in kept if column.name not in declared),
        notes=notes,
    )
