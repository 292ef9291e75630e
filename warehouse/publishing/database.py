"""The DuckDB file of a release: small tables, views on the Parquet files, the ledger, and every description."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
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
    select schema_name, table_name, comment from duckdb_tables() where database_name = $database
    union all
    select schema_name, view_name, comment from duckdb_views() where database_name = $database
"""
_COLUMN_COMMENTS = """
    select schema_name, table_name, column_name, comment
    from duckdb_columns()
    where database_name = $database and comment is not null
"""


def write_database(
    connection: duckdb.DuckDBPyConnection,
    path: Path,
    tables: Sequence[ReleaseTable],
    snapshots: Mapping[str, str],
) -> None:
    """Write the DuckDB file at `path`. The files of its views are below the folder that it is in.

    `snapshots` has, for each view of the working file, the table with its rows.

    Raises:
        WarehouseError: the disk is full, or the folder cannot be written.
    """
    with clear_write_errors(path), attached(connection, path, _OPTIONS) as (working, release):
        # One transaction: each of its own would wait for the disk, and every description is a statement.
        connection.begin()
        try:
            _fill(connection, working, release, path.parent, tables, snapshots)
        except BaseException:
            connection.rollback()
            raise
        connection.commit()
        connection.execute(f"checkpoint {identifier(release)}")


def _fill(
    connection: duckdb.DuckDBPyConnection,
    working: str,
    release: str,
    folder: Path,
    tables: Sequence[ReleaseTable],
    snapshots: Mapping[str, str],
) -> None:
    comments = _comments(connection, working)
    for schema in sorted({table.schema for table in tables} | {LEDGER_SCHEMA}):
        connection.execute(f"create schema {identifier(release, schema)}")
    copied = [
        (table.schema, table.name) for table in tables if not table.is_in_files and table.full_name not in snapshots
    ]
    ledger = [(LEDGER_SCHEMA, name) for name in ledger_tables(connection, working)]
    copy_tables(connection, working, release, [*copied, *ledger])
    for table in tables:
        if table.is_in_files:
            connection.execute(view_of(release, table, folder))
        elif snapshot := snapshots.get(table.full_name):
            target = identifier(release, table.schema, table.name)
            connection.execute(f"create table {target} as from {snapshot}")
        _set_comments(connection, release, table, comments)


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


def ledger_tables(connection: duckdb.DuckDBPyConnection, database: str) -> list[str]:
    """The names of the tables of a database's ledger."""
    return [
        name
        for (name,) in connection.execute(
            "select table_name from duckdb_tables() where (database_name, schema_name) = (?, ?) order by table_name",
            [database, LEDGER_SCHEMA],
        ).fetchall()
    ]


def copy_tables(
    connection: duckdb.DuckDBPyConnection, source: str, target: str, tables: Sequence[tuple[str, str]]
) -> None:
    """Copy tables, by schema and name, with their constraints from a database to another, which has their schemas."""
    # Asking for each table would read the whole catalogue each time.
    definitions = {
        (schema, name): sql
        for schema, name, sql in connection.execute(
            "select schema_name, table_name, sql from duckdb_tables() where database_name = ?", [source]
        ).fetchall()
    }
    ((before,),) = connection.execute("select current_database()").fetchall()
    connection.execute(f"use {identifier(target)}")
    try:
        for schema, name in tables:
            connection.execute(definitions[schema, name])
            connection.execute(
                f"insert into {identifier(target, schema, name)} from {identifier(source, schema, name)}"
            )
    finally:
        connection.execute(f"use {identifier(before)}")


def replace_view(connection: duckdb.DuckDBPyConnection, database: str, table: ReleaseTable, folder: Path) -> None:
    """Have the view on a table's files read them from this folder. Its comments stay."""
    comments = _comments(connection, database)
    connection.execute(view_of(database, table, folder))
    _set_comments(connection, database, table, comments)


@dataclass(frozen=True)
class _Comments:
    """Comments of tables and views by schema and name, and those of their columns."""

    tables: Mapping[tuple[str, str], str | None]
    columns: Mapping[tuple[str, str], list[tuple[str, str]]]


def _comments(connection: duckdb.DuckDBPyConnection, database: str) -> _Comments:
    """All comments of a database. Asking for each table would read the whole catalogue each time."""
    names = {"database": database}
    of_tables = connection.execute(_COMMENTS, names).fetchall()
    columns: dict[tuple[str, str], list[tuple[str, str]]] = defaultdict(list)
    for schema, table, column, comment in connection.execute(_COLUMN_COMMENTS, names).fetchall():
        columns[schema, table].append((column, comment))
    return _Comments({(schema, table): comment for schema, table, comment in of_tables}, columns)


def _set_comments(
    connection: duckdb.DuckDBPyConnection, database: str, table: ReleaseTable, comments: _Comments
) -> None:
    target = identifier(database, table.schema, table.name)
    if comment := comments.tables.get((table.schema, table.name)):
        connection.execute(f"comment on {'view' if table.is_in_files else 'table'} {target} is {literal(comment)}")
    for column, text in comments.columns.get((table.schema, table.name), ()):
        connection.execute(f"comment on column {target}.{identifier(column)} is {literal(text)}")
