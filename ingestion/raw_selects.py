"""The selects by which rows get into a raw table."""

from collections.abc import Sequence

from ingestion.feeds import Column, Feed
from ingestion.partitions import Partition
from ingestion.raw_data import period_literal
from ingestion.readers.published import PublishedRows
from warehouse.sql import identifier, literal


def partition_columns(feed: Feed) -> tuple[Column, ...]:
    """The columns of a raw table that say where a row is from."""
    return feed.raw_columns[len(feed.columns) :]


def select_of_rows(partition: Partition, published: PublishedRows, columns: Sequence[Column]) -> str:
    """The file's rows with all these columns; null where the file has no such column."""
    values = {column.name: identifier(column.name) for column in published.columns}
    values |= {
        "feed": literal(partition.feed.name),
        partition.feed.period_column.name: period_literal(partition),
        "source_row": "source_row",
    }
    listed = ", ".join(
        f"{values.get(column.name, f'cast(null as {column.type})')} as {identifier(column.name)}" for column in columns
    )
    return f"select {listed} from ({published.query}) as published"


def no_rows(columns: Sequence[Column]) -> str:
    """An empty table with these columns, to select from."""
    values = ", ".join(f"cast(null as {column.type}) as {identifier(column.name)}" for column in columns)
    return f"(select {values} where false) as nothing"
