"""What is built from less than is there: tables that do not fit to the others of a release."""

from collections.abc import Iterator, Sequence
from datetime import datetime

import duckdb

from warehouse.publishing.project import Model
from warehouse.reconciliation import PartitionRows

# Of each model the last run that built it: when that began, and when it ended.
_BUILT_AT = """
    select
        assets.asset,
        max(runs.started_at),
        arg_max(coalesce(runs.finished_at, timestamp 'infinity'), runs.started_at)
    from meta.ingestion_run_assets as assets
    inner join meta.ingestion_runs as runs using (run_id)
    where runs.kind like 'dbt %' and assets.status = 'built'
    group by assets.asset
"""

_LOADED_AT = "select feed, max(updated_at) from meta.asset_watermarks where source_url is not null group by feed"

# When a partition of a model was last written.
_CHANGED_AT = "select asset, max(updated_at) from meta.asset_watermarks where source_url is null group by asset"


def waiting(partitions: Sequence[PartitionRows]) -> list[PartitionRows]:
    """What has to be built before a publication. Of a stream nothing, once anything of it was built."""
    flowing = {rows.feed for rows in partitions if rows.is_stream and rows.kept + rows.quarantined > 0}
    return [rows for rows in partitions if rows.is_waiting and rows.feed not in flowing]


def stale_models(
    connection: duckdb.DuckDBPyConnection, models: Sequence[Model], partitions: Sequence[PartitionRows]
) -> Iterator[str]:
    """Name models that were last built before a file of their subject was loaded, or before what they read changed."""
    built: dict[str, tuple[datetime, datetime]] = {
        name: (started_at, ended_at) for name, started_at, ended_at in connection.execute(_BUILT_AT).fetchall()
    }
    behind = dict(_behind_their_loads(connection, models, partitions, built))
    yield from behind.values()
    changed: dict[str, datetime] = dict(connection.execute(_CHANGED_AT).fetchall())
    for model in models:
        if model.subject in behind or model.name not in built:
            continue
        later = sorted(name for name in model.reads if name in changed and changed[name] > built[model.name][1])
        if later:
            yield (
                f"{model.table}: last built before {', '.join(later[:3])}, which it reads, changed "
                f"({max(changed[name] for name in later):%Y-%m-%d %H:%M} UTC). Build everything: nyc build"
            )


def _behind_their_loads(
    connection: duckdb.DuckDBPyConnection,
    models: Sequence[Model],
    partitions: Sequence[PartitionRows],
    built: dict[str, tuple[datetime, datetime]],
) -> Iterator[tuple[str, str]]:
    """Subjects with models that were last built before the last load of a file, and what to say of them."""
    loaded: dict[str, datetime] = dict(connection.execute(_LOADED_AT).fetchall())
    unbuilt = {rows.subject for rows in waiting(partitions)}
    for subject in sorted({rows.subject for rows in partitions if rows.subject} - unbuilt):
        feeds = {rows.feed for rows in partitions if rows.subject == subject and not rows.is_stream} & loaded.keys()
        if not feeds:
            continue
        last = max(feeds, key=lambda feed: loaded[feed])
        stale = [
            model.table
            for model in models
            if model.subject == subject and (model.name not in built or built[model.name][0] < loaded[last])
        ]
        if stale:
            yield (
                subject,
                f"{', '.join(stale)}: last built before the last load of {subject} ({last}, "
                f"{loaded[last]:%Y-%m-%d %H:%M} UTC). Build everything: nyc build",
            )
