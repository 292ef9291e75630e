"""What the raw tables hold, as DuckDB says."""

from dataclasses import dataclass
from datetime import datetime

import duckdb

from ingestion.feeds import Feed
from ingestion.partitions import Partition
from warehouse.sql import identifier, literal

RAW_SCHEMA = "raw_data"


@dataclass(frozen=True)
class LoadedPartition:
    """What a partition holds after a load."""

    load_id: str
    rows: int
    min_event_time: datetime | None
    max_event_time: datetime | None


def current_state(partition: Partition, connection: duckdb.DuckDBPyConnection) -> LoadedPartition | None:
    """What a partition holds now, read from the raw table itself; None where it holds no row."""
    feed = partition.feed
    time, table = identifier(feed.event_time), identifier(RAW_SCHEMA, feed.raw_table)
    try:
        row = connection.execute(
            f"select max(_dlt_load_id), count(*), min({time}), max({time}) from {table} where {scope(partition)}"
        ).fetchone()
    except duckdb.CatalogException:
        return None  # there is no such table yet
    return LoadedPartition(*row) if row and row[1] else None


def scope(partition: Partition) -> str:
    """The SQL condition of a partition's rows in its raw table."""
    return f"feed = {literal(partition.feed.name)} and {period_condition(partition)}"


def period_condition(partition: Partition) -> str:
    """The SQL condition of the rows of a period, whichever their feed."""
    return f"{identifier(partition.feed.period_column.name)} = {period_literal(partition)}"


def period_literal(partition: Partition) -> str:
    """The start of a partition's period, in SQL."""
    return f"cast({literal(str(partition.period.value))} as {partition.feed.period_column.type})"


def raw_column_types(feed: Feed, connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """The columns that a feed's raw table has now, in its order, with their DuckDB types; none without the table."""
    found = connection.execute(
        "select column_name, data_type from information_schema.columns"
        " where table_catalog = current_database() and table_schema = ? and table_name = ? order by ordinal_position",
        [RAW_SCHEMA, feed.raw_table],
    ).fetchall()
    return dict(found)


def existing_tables(connection: duckdb.DuckDBPyConnection) -> set[str]:
    """The names of the raw tables that are there."""
    found = connection.execute(
        "select table_name from information_schema.tables where table_schema = ?", [RAW_SCHEMA]
    ).fetchall()
    return {name for (name,) in found}
