"""Schema drift: published columns that a feed does not declare, and files that lack columns or have other types.

A new column is kept in the raw table, and nobody's figures change. A file that lacks a required column, or whose values
cannot be of the declared type, is not loaded.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

import duckdb

from ingestion.attempts import Attempt
from ingestion.catalog import FEEDS
from ingestion.feeds import Feed
from ingestion.raw_data import RAW_SCHEMA
from ingestion.readers.columns import RESERVED_NAMES, is_about_columns
from warehouse.sql import identifier, literal
from warehouse.verdict import Level, Trouble, counted

_LONGEST_REASON = 300


@dataclass(frozen=True)
class NewColumn:
    """A column of a feed's raw table that the feed does not declare, and that has values."""

    feed: str
    name: str
    type: str


def new_columns(connection: duckdb.DuckDBPyConnection, feeds: Mapping[str, Feed] = FEEDS) -> list[NewColumn]:
    """The columns that the feeds do not declare, of those that have raw tables, in a working file."""
    found = connection.execute(
        "select table_name, column_name, data_type from duckdb_columns()"
        " where database_name = current_database() and schema_name = ? order by table_name, column_index",
        [RAW_SCHEMA],
    ).fetchall()
    by_table: dict[str, list[tuple[str, str]]] = {}
    for table, column, type_ in found:
        by_table.setdefault(table, []).append((column, type_))
    return [
        NewColumn(feed.name, column, type_)
        for feed in feeds.values()
        for column, type_ in by_table.get(feed.raw_table, ())
        if column not in RESERVED_NAMES
        and column not in {declared.name for declared in feed.columns}
        and _has_values(connection, feed, column)
    ]


def _has_values(connection: duckdb.DuckDBPyConnection, feed: Feed, column: str) -> bool:
    """Whether a row of the feed has a value. DuckDB stops at the first; of an empty column it reads next to nothing."""
    return bool(
        connection.execute(
            f"select 1 from {identifier(RAW_SCHEMA, feed.raw_table)}"
            f" where {identifier(column)} is not null and feed = {literal(feed.name)} limit 1"
        ).fetchall()
    )


def is_drift(attempt: Attempt) -> bool:
    """Whether a load failed because the file lacks a column, or has one of another type."""
    return is_about_columns(attempt.error or "")


def troubles_of_new_columns(found: Sequence[NewColumn]) -> Iterator[Trouble]:
    """What to do about columns that feeds do not declare, if there are any."""
    if not found:
        return
    reasons = tuple(
        f"{feed}: {', '.join(f'{column.name} ({column.type})' for column in group)}"[:_LONGEST_REASON]
        for feed, group in groupby(found, key=lambda column: column.feed)
    )
    modules = ", ".join(dict.fromkeys(FEEDS[column.feed].declared_in for column in found if column.feed in FEEDS))
    yield Trouble(
        Level.ATTENTION,
        f"{counted(len(found), 'new column')} published",
        reasons,
        "They are kept in the raw tables, and no figure changes. Read what the publisher says of them; to use one, "
        f"declare it in {modules}, write the catalog, and load again.",
        ("nyc catalog",),
    )
