"""Writing rows of the ledger: a few as parameters, many as one Arrow table."""

from collections.abc import Mapping, Sequence

import duckdb

from warehouse.ledger.schema import LEDGER_SCHEMA

# DuckDB takes longer for so many parameters than for an Arrow table, which costs an import.
_MOST_AS_PARAMETERS = 20
_ROWS = "ledger_rows"


def insert_rows(connection: duckdb.DuckDBPyConnection, table: str, rows: Sequence[Mapping[str, object]]) -> None:
    """Insert rows that all have the same columns, in one statement."""
    _write(connection, "insert", table, rows)


def replace_rows(connection: duckdb.DuckDBPyConnection, table: str, rows: Sequence[Mapping[str, object]]) -> None:
    """Insert rows that all have the same columns in place of those with their keys, in one statement."""
    _write(connection, "insert or replace", table, rows)


def _write(connection: duckdb.DuckDBPyConnection, verb: str, table: str, rows: Sequence[Mapping[str, object]]) -> None:
    if not rows:
        return
    insert = f"{verb} into {LEDGER_SCHEMA}.{table} ({', '.join(rows[0])})"
    if len(rows) <= _MOST_AS_PARAMETERS:
        marks = ", ".join("(" + ", ".join("?" for _ in row) + ")" for row in rows)
        connection.execute(f"{insert} values {marks}", [value for row in rows for value in row.values()])
        return
    # Only here, for it takes 0.1 s.
    import pyarrow as pa

    connection.register(_ROWS, pa.Table.from_pylist([dict(row) for row in rows]))
    try:
        connection.execute(f"{insert} select {', '.join(rows[0])} from {_ROWS}")
    finally:
        connection.unregister(_ROWS)
