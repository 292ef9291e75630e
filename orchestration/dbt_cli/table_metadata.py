"""Row counts and columns of what dbt built, as Dagster shows them.

dagster-dbt's own `fetch_row_counts` and `fetch_column_metadata` open the DuckDB file in this process and keep it open,
so that the next step, or a retry of dbt, cannot open it.
"""

from collections.abc import Mapping
from typing import Any

import dagster as dg
import duckdb

Relation = tuple[str, str]
"""Schema and name."""

Metadata = dict[str, dg.MetadataValue]


def relation_of(node: Mapping[str, Any]) -> Relation:
    """Where a node of the manifest is built."""
    return node["schema"], node["alias"]


def table_metadata(
    connection: duckdb.DuckDBPyConnection, nodes: Mapping[str, Mapping[str, Any]]
) -> dict[str, Metadata]:
    """The columns of these manifest nodes with descriptions, and the row counts of tables, by unique id.

    A node that is not in the database is left out.
    """
    columns = _columns(connection)
    rows = _row_counts(connection, {relation_of(node) for node in nodes.values()})
    return {
        unique_id: _metadata(node, columns[relation_of(node)], rows.get(relation_of(node)))
        for unique_id, node in nodes.items()
        if relation_of(node) in columns
    }


def _columns(connection: duckdb.DuckDBPyConnection) -> dict[Relation, list[tuple[str, str]]]:
    found: dict[Relation, list[tuple[str, str]]] = {}
    for schema, table, column, data_type in connection.execute(
        "select schema_name, table_name, column_name, data_type from duckdb_columns()"
        " where database_name = current_database() order by schema_name, table_name, column_index"
    ).fetchall():
        found.setdefault((schema, table), []).append((column, data_type))
    return found


def _row_counts(connection: duckdb.DuckDBPyConnection, relations: set[Relation]) -> dict[Relation, int]:
    """The row counts of tables. DuckDB knows them, whereas a view would have to be computed."""
    tables = connection.execute(
        "select schema_name, table_name from duckdb_tables() where database_name = current_database()"
    ).fetchall()
    counted = [(schema, name) for schema, name in tables if (schema, name) in relations]
    if not counted:
        return {}
    counts = ", ".join(f'(select count(*) from "{schema}"."{name}")' for schema, name in counted)
    (values,) = connection.execute(f"select {counts}").fetchall()
    return dict(zip(counted, values, strict=True))


def _metadata(node: Mapping[str, Any], columns: list[tuple[str, str]], rows: int | None) -> Metadata:
    documented = node["columns"]
    schema = dg.TableSchema(
        columns=[
            dg.TableColumn(name, data_type, description=documented.get(name, {}).get("description"))
            for name, data_type in columns
        ]
    )
    shown: Metadata = {"dagster/column_schema": dg.MetadataValue.table_schema(schema)}
    if rows is not None:
        shown["dagster/row_count"] = dg.MetadataValue.int(rows)
    return shown
