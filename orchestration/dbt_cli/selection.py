"""Which part of the dbt project is of a subject, and which part to build for what was loaded."""

from collections.abc import Iterable, Mapping
from typing import Any

import duckdb

from ingestion.catalog import Catalog
from ingestion.feeds import Feed
from orchestration.dbt_cli.table_metadata import relation_of

Node = Mapping[str, Any]
"""A node of the dbt manifest."""


def subjects_of_node(node: Node, catalog: Catalog) -> list[str]:
    """The subject that a node is of: a folder that it is in. A shared node is of none."""
    return [folder for folder in node["fqn"][1:-1] if folder in catalog.subjects]


def selection_to_build(
    catalog: Catalog, feeds: Iterable[Feed], nodes: Iterable[Node], connection: duckdb.DuckDBPyConnection
) -> list[str]:
    """The dbt selection of the subjects of these feeds, with what is built from them.

    It is empty, which selects everything, if there is no other subject, or if another one was never built: shared
    models read the tables of all subjects.
    """
    subjects = {catalog.subject_of(feed).name for feed in feeds}
    others = catalog.subjects.keys() - subjects
    if not others or not _is_built(
        [node for node in nodes if others & set(subjects_of_node(node, catalog))], connection
    ):
        return []
    return [
        f"path:{folder}"
        for name in sorted(subjects)
        for folder in (f"models/*/{name}+", f"seeds/{name}+", f"tests/{name}")
    ]


def _is_built(nodes: Iterable[Node], connection: duckdb.DuckDBPyConnection) -> bool:
    """Whether the tables and views of these nodes are there."""
    found = set(
        connection.execute(
            "select table_schema, table_name from information_schema.tables where table_catalog = current_database()"
        ).fetchall()
    )
    return all(
        relation_of(node) in found
        for node in nodes
        if node["resource_type"] in ("model", "seed") and node["config"]["materialized"] != "ephemeral"
    )
