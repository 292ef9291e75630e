"""NYC Taxi & Limousine Commission: one Parquet file a month.

Timestamps are New York wall-clock time without a zone and stay so.
Source: TLC trip record data, https://www.nyc.gov/site/tlc/about/tlc-trip-record-data.page
"""

from datetime import date
from pathlib import Path

import dlt
import duckdb

from ingestion.errors import UnreadableFileError
from ingestion.feeds import Feed
from ingestion.sources.columns import select_list

DEFAULT_BASE_URL = "https://d37ci6vzurychx.cloudfront.net/trip-data"


def addresses(feed: Feed, month: date) -> list[str]:
    """The addresses at which a month's file may be, in the order to try them."""
    base = dlt.config.get("sources.tlc.base_url", str) or DEFAULT_BASE_URL
    return [f"{base.rstrip('/')}/{name.format(month=month)}" for name in feed.file_names]


def rows(feed: Feed, path: Path, connection: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyRelation:
    """The file's rows in published order, with the registry's names and types.

    Raises:
        UnreadableFileError: the file is not whole, not Parquet, or lacks a required column.
    """
    try:
        published = connection.read_parquet(str(path))
    except duckdb.Error as error:
        raise UnreadableFileError(
            f"{path.name}: expected a whole Parquet file, but it cannot be opened ({error}). Load the month again."
        ) from error
    types = dict(zip(published.columns, map(str, published.types), strict=True))
    return published.project(select_list(feed, types, path))
