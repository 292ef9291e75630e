"""The selects by which rows get into a raw table."""

from collections.abc import Mapping, Sequence

from ingestion.feeds import Column, Feed
from ingestion.partitions import Partition
from ingestion.raw_data import period_literal
from ingestion.readers.published import PublishedRows, RowsOfPartitions
from warehouse.sql import identifier, literal


def partition_columns(feed: Feed) -> tuple[Column, ...]:
    """The columns of a raw table that say where a row is from."""
    return feed.raw_columns[len(feed.columns) :]


def select_of_rows(partition: Partition, published: PublishedRows, columns: Sequence[Column]) -> str:
    """The file's rows with all these columns; null where the file has no such column."""
    period = {partition.feed.period_column.name: period_literal(partition)}
    return _select(partition.feed, published.query, published.columns, columns, period)


def select_of_groups(feed: Feed, rows: RowsOfPartitions, columns: Sequence[Column]) -> str:
    """The rows of many partitions of a feed, with all these columns; null where the files have no such column."""
    period = feed.period_column
    starts = {period.name: f"cast(period_start as {period.type})"}
    return _select(feed, rows.query, rows.columns, columns, starts)


def _select(feed: Feed, query: str, found: Sequence[Column], columns: Sequence[Column], more: Mapping[str, str]) -> str:
    values = {column.name: identifier(column.name) for column in found}
    values |= {"feed": literal(feed.name), "source_row": "source_row", **more}
    listed = ", ".join(
        f"{values.get(column.name, f'cast(null as {column.type})')} as {identifier(column.name)}" for column in columns
    )
    return f"select {listed} from ({query}) as published"
