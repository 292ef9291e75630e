"""Writes a month's Parquet file of a TLC feed."""

from datetime import date
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from sandbox.mobility.for_hire import fhv_query, hvfhv_query
from sandbox.mobility.taxi import taxi_query
from sandbox.mobility.taxi_profiles import GREEN, YELLOW
from sandbox.mobility.tlc_schemas import tlc_format
from sandbox.mobility.yellow_before_2011 import old_yellow_query


def write_tlc_file(feed: str, month: date, path: Path, *, rows: int, key: int) -> None:
    """Write a file of exactly this many rows, one row group at a time to keep memory small."""
    published = tlc_format(feed, month)
    with (
        duckdb.connect() as connection,
        pq.ParquetWriter(path, published.schema, compression=published.codec) as writer,
    ):
        # Keeps rows in the order of their number, on any number of threads.
        connection.execute("set preserve_insertion_order = true")
        for start in range(0, rows, published.row_group_rows):
            stop = min(rows, start + published.row_group_rows)
            made = connection.sql(_query(feed, month, key, rows, start, stop)).to_arrow_table()
            writer.write_table(_as_published(made, published.schema), row_group_size=published.row_group_rows)


def _query(feed: str, month: date, key: int, rows: int, start: int, stop: int) -> str:
    match feed:
        case "yellow":
            query = taxi_query(YELLOW, month, key, rows, start, stop)
            return old_yellow_query(month, query) if month.year < 2011 else query
        case "green":
            return taxi_query(GREEN, month, key, rows, start, stop)
        case "fhv":
            return fhv_query(month, key, rows, start, stop)
        case "hvfhv":
            return hvfhv_query(month, key, rows, start, stop)
    raise ValueError(f"{feed!r} is not a feed of the TLC")


def _as_published(made: pa.Table, schema: pa.Schema) -> pa.Table:
    """The columns of the month's schema, in its order and with its types, whatever their capitals."""
    positions = {name.lower(): position for position, name in enumerate(made.column_names)}
    columns = [
        pa.nulls(made.num_rows) if pa.types.is_null(field.type) else made.column(positions[field.name.lower()])
        for field in schema
    ]
    return pa.table(columns, names=schema.names).cast(schema)
