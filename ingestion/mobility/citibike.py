"""Citi Bike: one zip a month, of one or several CSVs.

Source: Citi Bike system data, https://citibikenyc.com/system-data
"""

from datetime import date
from pathlib import Path

import duckdb

from ingestion.feeds import Column, Feed, FormerSchema, columns
from ingestion.fetch.http_publisher import HttpPublisher
from ingestion.partitions import Partition
from ingestion.raw_data import raw_column_types
from ingestion.readers.columns import match_key, select_columns
from ingestion.readers.csvs import Header, check_rows, read_header
from ingestion.readers.published import SCRATCH, PublishedRows, cast_error, notes_on, open_scratch
from ingestion.readers.zips import extract_csvs
from warehouse.sql import identifier, literal

# Everything is read as text and cast then: as numbers the station ids 6498.10 and 6498.1 would be one. Empty, or what
# databases, R and pandas write for what they do not know; no station, bike or rider type is called so.
_NULLS = ("", "NULL", "null", r"\N", "NA", "NaN", "nan")
_FORMAT = (
    "auto_detect = false, header = true, delim = ',', quote = '\"', escape = '\"', hive_partitioning = false,"
    f" nullstr = [{', '.join(map(literal, _NULLS))}]"
)


def read(partition: Partition, path: Path, connection: duckdb.DuckDBPyConnection) -> PublishedRows:
    """The rows of all CSVs in published order, with the registry's names and types.

    DuckDB reads a CSV in parallel only where it need not number its rows. So the CSVs go to a scratch
    table first, where a row's position is its row id.

    Raises:
        UnreadableFileError: the file is not a whole zip of CSVs, or a CSV cannot be read as such or
            lacks a required column.
    """
    csv_paths = extract_csvs(path, partition.period.first_day)
    existing = raw_column_types(partition.feed, connection)
    found = {column.name: column for column in partition.feed.columns}
    notes: dict[str, None] = {}
    open_scratch(connection, path)
    listed = ", ".join(f"{identifier(column.name)} {column.type}" for column in found.values())
    connection.execute(f"create table {SCRATCH}.rows ({listed})")
    for csv_path in csv_paths:
        header = read_header(csv_path, path.name)
        types = dict.fromkeys(header.names, "VARCHAR")
        selection = select_columns(partition.feed, partition.period.first_day, types, path, existing, by_position=True)
        for column in selection.new_columns:
            if column.name not in found:
                found[column.name] = column
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
    return _rows(found, partition, tuple(notes), connection)


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


class CitiBike(HttpPublisher):
    """Citi Bike, whose files are in an S3 bucket that anybody may list."""

    name = "citibike"
    default_base_url = "https://s3.amazonaws.com/tripdata"
    has_listing = True
    read = staticmethod(read)


CITIBIKE = CitiBike()

_COLUMNS = columns(
    required="ride_id:s rideable_type:s started_at:t ended_at:t start_station_name:s start_station_id:s"
    " end_station_name:s end_station_id:s start_lat:d start_lng:d end_lat:d end_lng:d member_casual:s",
    optional="",
)

_UNTIL_2021_02 = FormerSchema(
    until=date(2021, 2, 1),
    raw_names=(
        ("starttime", "started_at"),
        ("start time", "started_at"),
        ("stoptime", "ended_at"),
        ("stop time", "ended_at"),
        ("start station id", "start_station_id"),
        ("start station name", "start_station_name"),
        ("start station latitude", "start_lat"),
        ("start station longitude", "start_lng"),
        ("end station id", "end_station_id"),
        ("end station name", "end_station_name"),
        ("end station latitude", "end_lat"),
        ("end station longitude", "end_lng"),
        ("usertype", "member_casual"),
        ("user type", "member_casual"),
    ),
)


FEEDS = (
    Feed(
        name="citibike",
        publisher=CITIBIKE,
        raw_table="citibike_trips",
        # Until 2023 also as archives of a year, with the months' zips in the zip.
        file_names=(
            "{period:%Y%m}-citibike-tripdata.zip",
            "{period:%Y%m}-citibike-tripdata.csv.zip",
            "{period:%Y}-citibike-tripdata.zip",
        ),
        columns=_COLUMNS,
        event_time="started_at",
        first_day=date(2013, 6, 1),
        publication_lag_days=14,
        former_schema=_UNTIL_2021_02,
        kind="trip",
        staging_model="stg_citibike__trips",
        kept_in="fct_trips",
        quarantined_in="quarantined_trips",
        code=5,
    ),
    Feed(
        name="citibike_jc",
        publisher=CITIBIKE,
        raw_table="citibike_trips",
        # Some names are published with a slip: one without its second "i", one with a blank.
        file_names=(
            "JC-{period:%Y%m}-citibike-tripdata.csv.zip",
            "JC-{period:%Y%m}-citibike-tripdata.zip",
            "JC-{period:%Y%m}-citbike-tripdata.csv.zip",
            "JC-{period:%Y%m} citibike-tripdata.csv.zip",
        ),
        columns=_COLUMNS,
        event_time="started_at",
        first_day=date(2015, 9, 21),
        publication_lag_days=14,
        is_default=False,
        former_schema=_UNTIL_2021_02,
        kind="trip",
        staging_model="stg_citibike__trips",
        kept_in="fct_trips",
        quarantined_in="quarantined_trips",
        code=6,
    ),
)
