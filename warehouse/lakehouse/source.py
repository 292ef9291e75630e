"""Read a release for an export: its rows, and the descriptions of its tables."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import duckdb

from warehouse.connection import limit_memory, open_in_memory
from warehouse.lakehouse.exported import ExportError
from warehouse.publishing.files import selected
from warehouse.releases import Part, Release, ReleaseTable
from warehouse.sql import identifier, literal

# The name under which a release's DuckDB file is attached.
RELEASE = "release"

# DuckDB writes while it reads, so more memory does not help.
_MEMORY = "1500MB"

_COMMENTS = """
    select schema_name || '.' || table_name, comment from duckdb_tables() where database_name = $database
    union all
    select schema_name || '.' || view_name, comment
    from duckdb_views() where database_name = $database and not internal
"""
_COLUMN_COMMENTS = """
    select schema_name || '.' || table_name, column_name, comment
    from duckdb_columns() where database_name = $database and not internal
    order by all
"""


@dataclass
class Description:
    """What the people who made a table say of it and of its columns; columns without a description are left out."""

    table: str | None = None
    columns: dict[str, str] = field(default_factory=dict)


@contextmanager
def open_for_export(release: Release) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a release beside its readers, as the database `release`. While it is open, the release is not deleted.

    Raises:
        ExportError: its DuckDB file is gone or damaged.
    """
    with open_in_memory() as connection:
        limit_memory(connection, _MEMORY)
        # Times with a zone are written in this one.
        connection.execute("set timezone = 'UTC'")
        try:
            connection.execute(f"attach {literal(release.database)} as {identifier(RELEASE)} (read_only)")
        except duckdb.Error as error:
            raise ExportError(
                f"{release.database}: expected the DuckDB file of release {release.id}, but it cannot be opened: "
                f"{str(error)[:200]}. Publish again, or go back to another release: nyc publish --list"
            ) from error
        yield connection


def relation(table: ReleaseTable) -> str:
    """A table of an open release, quoted."""
    return identifier(RELEASE, table.schema, table.name)


def rows_of(release: Release, table: ReleaseTable, part: Part) -> str:
    """The SQL that reads a part from its file, with the columns and types that the table has."""
    file = literal(release.folder / str(part.file))
    return f"select {selected(table.columns)} from read_parquet({file}, hive_partitioning = false)"


def fingerprint(table: ReleaseTable, parts: Sequence[Part], *more: object) -> str:
    """A text that changes with the rows of parts, and with the columns of their table."""
    held = [table.columns, [(part.partition_key, part.rows, part.content) for part in parts], more]
    return hashlib.sha256(json.dumps(held).encode()).hexdigest()[:32]


def read_descriptions(connection: duckdb.DuckDBPyConnection) -> dict[str, Description]:
    """The descriptions of all tables of an open release, by schema and name."""
    names = {"database": RELEASE}
    found = {table: Description(comment) for table, comment in connection.execute(_COMMENTS, names).fetchall()}
    for table, column, comment in connection.execute(_COLUMN_COMMENTS, names).fetchall():
        if comment is not None:
            found[table].columns[column] = comment
    return found
