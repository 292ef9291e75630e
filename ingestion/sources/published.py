"""What a publisher's reader gives: the rows of a file, as SQL."""

from dataclasses import dataclass
from pathlib import Path

import duckdb

from ingestion.errors import UnreadableFileError
from ingestion.feeds import Column


@dataclass(frozen=True)
class PublishedRows:
    """A file's rows, to be read by DuckDB where they are loaded.

    `query` selects `columns` and `source_row`, the row's position in the published file from 0 on;
    `count` is how many rows the file has. `new_columns` are those that the registry does not know.
    """

    query: str
    columns: tuple[Column, ...]
    count: int
    new_columns: tuple[Column, ...] = ()


SCRATCH = "published_file"


def open_scratch(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
    """Attach an empty database beside a file, for rows that take more than one step to read."""
    connection.execute(f"attach '{sql_path(path.with_name('published_file.duckdb'))}' as {SCRATCH}")


def close_scratch(connection: duckdb.DuckDBPyConnection) -> None:
    """Detach the database of `open_scratch`, if there is one."""
    connection.execute(f"detach database if exists {SCRATCH}")


def sql_path(path: Path) -> str:
    """A path between single quotes in SQL."""
    return str(path).replace("'", "''")


def cast_error(path: Path, error: Exception) -> UnreadableFileError:
    """The error for values that are not of the type that the registry declares."""
    return UnreadableFileError(
        f"{path.name}: expected values of the types in ingestion/feeds.py, but {error}. Load the month again; "
        "if it stays so, the publisher's file is broken, or has changed for good and the feed must follow."
    )
