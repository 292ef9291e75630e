"""Views are computed once a publication: the audit, the checksum and the release see the same rows."""

from dataclasses import replace

import duckdb

from warehouse.publishing.project import Model, Project
from warehouse.sql import identifier

_VIEWS = "select schema_name || '.' || view_name from duckdb_views() where database_name = current_database()"


def with_snapshots(connection: duckdb.DuckDBPyConnection, project: Project) -> Project:
    """The project, whose views have their rows in temporary tables of this connection."""
    views = {name for (name,) in connection.execute(_VIEWS).fetchall()}
    models = (_with_snapshot(connection, model) if model.full_name in views else model for model in project.models)
    return replace(project, models=tuple(models))


def _with_snapshot(connection: duckdb.DuckDBPyConnection, model: Model) -> Model:
    snapshot = identifier("temp", "main", model.full_name)
    try:
        connection.execute(f"create or replace temp table {snapshot} as from {model.relation}")
    except (duckdb.CatalogException, duckdb.BinderException):
        # It reads what is not built. The audit says so.
        return model
    return replace(model, snapshot=snapshot)
