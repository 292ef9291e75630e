"""NYC Taxi & Limousine Commission: one Parquet file a month.

Timestamps are New York wall-clock time without a zone and stay so.
Source: TLC trip record data, https://www.nyc.gov/site/tlc/about/tlc-trip-record-data.page
"""

from pathlib import Path

import duckdb

from ingestion.errors import UnreadableFileError
from ingestion.partitions import Partition
from ingestion.sources.columns import select_columns
from ingestion.sources.file_addresses import file_addresses
from ingestion.sources.published import PublishedRows, sql_path

DEFAULT_BASE_URL = "https://d37ci6vzurychx.cloudfront.net/trip-data"
HAS_LISTING = False


def addresses(partition: Partition) -> list[str]:
    """The addresses at which a month's file may be, in the order to try them."""
    return file_addresses(partition, DEFAULT_BASE_URL)


def read(partition: Partition, path: Path, connection: duckdb.DuckDBPyConnection) -> PublishedRows:
    """The file's rows, with the registry's names and types.

    Raises:
        UnreadableFileError: the file is not whole, not Parquet, or lacks a required column.
    """
    source = f"read_parquet('{sql_path(path)}', file_row_number = true)"
    try:
        described = connection.execute(f"describe from read_parquet('{sql_path(path)}')").fetchall()
        counted = connection.execute(f"select sum(num_rows)::bigint from parquet_file_metadata('{sql_path(path)}')")
        ((count,),) = counted.fetchall()
    except duckdb.Error as error:
        raise UnreadableFileError(
            f"{path.name}: expected a whole Parquet file, but it cannot be opened ({error}). Load the month again."
        ) from error
    selection = select_columns(partition.feed, partition.month, {name: type_ for name, type_, *_ in described}, path)
    return PublishedRows(
        query=f"select {selection.select_list}, file_row_number as source_row from {source}",
        columns=selection.columns,
        count=count,
        new_columns=selection.new_columns,
    )
