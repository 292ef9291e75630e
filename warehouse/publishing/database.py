"""The DuckDB file of a release: small tables, views on the Parquet files, the ledger, and every description."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import duckdb

from warehouse.full_disk import clear_write_errors
from warehouse.ledger import LEDGER_SCHEMA
from warehouse.publishing.files import selected
from warehouse.releases.release import ReleaseTable
from warehouse.sql import identifier, literal

# Clients of DuckDB 1.5 and 2 read this. Blocks are small, because a release has many small tables.
_OPTIONS = "storage_version 'v1.5.0', block_size 16384"

_RELEASE = "release being made"

_COMMENTS = """
    select comment from duckdb_tables() where (database_name, schema_name, table_name) = ($database, $schema, $name)
    union all
    select comment from duckdb_views() where (database_name, schema_name, view_name) = ($database, $schema, $name)
"""
_COLUMN_COMMENTS = """
    select column_name, comment
    from duckdb_columns()
    where (database_name, schema_name, table_name) = ($database, $schema, $name) and comment is not null
"""


def write_database(connection: duckdb.DuckDBPyConnection, path: Path, tables: Sequence[ReleaseTable]) -> None:
    """Write the DuckDB file at `path`. The files of its views are below the folder that it is in.

    Raises:
        WarehouseError: the disk is full, or the folder cannot be written.
    """
    with clear_write_errors(path), attached(connection, path, _OPTIONS) as (working, release):
        schemas = {table.schema for table in tables} | {LEDGER_SCHEMA}
        for schema in sorted(schemas):
            connection.execute(f"create schema {identifier(release, schema)}")
        for table in tables:
            if table.is_in_files:
                connection.execute(view_of(release, table, path.parent))
            else:
                _copy_table(connection, working, release, table.schema, table.name)
            _set_comments(connection, release, table, _comments(connection, working, table.schema, table.name))
        for name in _ledger_tables(connection, working):
            _copy_table(connection, working, release, LEDGER_SCHEMA, name)
        connection.execute(f"checkpoint {identifier(release)}")


def view_of(database: str, table: ReleaseTable, folder: Path) -> str:
    """The SQL of the view on a table's files."""
    files = ", ".join(literal(folder / part.file) for part in table.parts if part.file)
    return (
        f"create or replace view {identifier(database, table.schema, table.name)} as"
        f" select {selected(table.columns)} from read_parquet([{files}])"
    )


@contextmanager
def attached(connection: duckdb.DuckDBPyConnection, path: Path, options: str) -> Iterator[tuple[str, str]]:
    """Attach another DuckDB file; gives the names of the connection's own database and of that one."""
    working: str = connection.execute("select current_database()").fetchall()[0][0]
    connection.execute(f"attach {literal(path)} as {identifier(_RELEASE)} ({options})")
    try:
        yield working, _RELEASE
    finally:
        connection.execute(f"detach {identifier(_RELEASE)}")


def _ledger_tables(connection: duckdb.DuckDBPyConnection, database: str) -> list[str]:
    return [
        name
        for (name,) in connection.execute(
            "select table_name from duckdb_tables() where (database_name, schema_name) = (?, ?) order by table_name",
            [database, LEDGER_SCHEMA],
        ).fetchall()
    ]


def _copy_table(connection: duckdb.DuckDBPyConnection, working: str, release: str, schema: str, name: str) -> None:
    """Copy a table with its constraints, or the rows of a view as a table."""
    found = connection.execute(
        "select sql from duckdb_tables() where (database_name, schema_name, table_name) = (?, ?, ?)",
        [working, schema, name],
    ).fetchall()
    source, target = identifier(working, schema, name), identifier(release, schema, name)
    if not found:
        connection.execute(f"create table {target} as from {source}")
        return
    connection.execute(f"use {identifier(release)}")
    try:
        connection.execute(found[0][0])
    finally:
        connection.execute(f"use {identifier(working)}")
    connection.execute(f"insert into {target} from {source}")


def replace_view(connection: duckdb.DuckDBPyConnection, database: str, table: ReleaseTable, folder: Path) -> None:
    """Have the view on a table's files read them from this folder. Its comments stay."""
    comments = _comments(connection, database, table.schema, table.name)
    connection.execute(view_of(database, table, folder))
    _set_comments(connection, database, table, comments)


_Comments = tuple[str | None, list[tuple[str, str]]]


def _comments(connection: duckdb.DuckDBPyConnection, database: str, schema: str, name: str) -> _Comments:
    """The comment of a table or view, and those of its columns."""
    names = {"database": database, "schema": schema, "name": name}
    found = connection.execute(_COMMENTS, names).fetchall()
    return (found[0][0] if found else None), connection.execute(_COLUMN_COMMENTS, names).fetchall()


def _set_comments(
    connection: duckdb.DuckDBPyConnection, database: str, table: ReleaseTable, comments: _Comments
) -> None:
    target, (comment, of_columns) = identifier(database, table.schema, table.name), comments
    if comment:
        connection.execute(f"comment on {'view' if table.is_in_files else 'table'} {target} is {literal(comment)}")
    for column, text in of_columns:
        connection.execute(f"comment on column {target}.{identifier(column)} is {literal(text)}")
