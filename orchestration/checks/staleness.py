"""An asset check for each table that warns of loads that came after its last build.

Dagster itself does not show a table as stale if a feed upstream has a hundred or more partitions.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import dagster as dg
import duckdb

from ingestion.catalog import FEEDS
from orchestration.assets.dbt_assets import dbt_analytics_assets
from orchestration.assets.dbt_manifest import nodes_of_manifest
from orchestration.assets.raw_assets import asset_key
from warehouse.connection import open_for_reading

CHECK_NAME = "built_from_what_is_loaded"
# Metadata with a text that changes whenever the loads since the build change.
STATE = "state of loads"
# A view is never older than what it reads.
_VIEWS = ("view", "ephemeral")
_NAMED = 5

# Nothing is loaded while dbt builds: one process at a time has the file.
_LOADED_SINCE = """
    with builds as (
        select assets.asset, max(runs.started_at) as started_at
        from meta.ingestion_run_assets as assets
        join meta.ingestion_runs as runs using (run_id)
        where runs.kind like 'dbt %' and assets.status = 'built'
        group by all
    )

    select builds.asset, loads.asset, loads.partition_key, loads.load_id
    from builds
    left join meta.asset_watermarks as loads
        on loads.updated_at > builds.started_at and loads.source_url is not null
    order by all
"""


@dataclass(frozen=True)
class Staleness:
    """The loads that came after a table's last build: feed with partition key, and load id."""

    key: dg.AssetKey
    loads: tuple[tuple[str, str], ...]

    @property
    def check_key(self) -> dg.AssetCheckKey:
        return dg.AssetCheckKey(self.key, CHECK_NAME)

    @property
    def state(self) -> str:
        return hashlib.sha256(repr(self.loads).encode()).hexdigest()[:16]

    def message(self) -> str:
        """What the check says."""
        if not self.loads:
            return "Nothing was loaded since it was built."
        named = ", ".join(partition for partition, _ in self.loads[:_NAMED])
        more = f" and {len(self.loads) - _NAMED} more" if len(self.loads) > _NAMED else ""
        return f"Loaded since it was built, and not in it: {named}{more}. Build it: daily_dbt_build_job, or dbt build."

    def outcome(self) -> dict[str, Any]:
        """The arguments of an evaluation and of a result of the check."""
        return {
            "passed": not self.loads,
            "severity": dg.AssetCheckSeverity.WARN,
            "description": self.message(),
            "metadata": {STATE: self.state},
        }


def _feeds_of_tables() -> Mapping[dg.AssetKey, frozenset[str]]:
    """The feeds that each table of dbt is made of, for tables that are built from raw data.

    Streams are left out: a message comes every moment, and how far they are behind is told elsewhere.
    """
    feeds = {asset_key(feed): feed.name for feed in FEEDS.values() if not feed.is_stream}
    deps = dbt_analytics_assets.asset_deps

    def upstream(key: dg.AssetKey) -> Iterable[str]:
        if key in feeds:
            yield feeds[key]
        for dep in deps.get(key, ()):
            yield from upstream(dep)

    materialized = {node["name"]: node["config"].get("materialized") for node in nodes_of_manifest().values()}
    found = {
        key: frozenset(upstream(key)) for key in dbt_analytics_assets.keys if materialized[key.path[-1]] not in _VIEWS
    }
    return {key: names for key, names in found.items() if names}


FEEDS_OF_TABLES = _feeds_of_tables()


def read_staleness(connection: duckdb.DuckDBPyConnection) -> list[Staleness]:
    """What was loaded since each table was built, for tables that dbt has built. Empty without a ledger."""
    try:
        rows = connection.execute(_LOADED_SINCE).fetchall()
    except duckdb.CatalogException:
        return []
    loads: dict[str, list[tuple[str, str, str]]] = {}
    for table, *load in rows:
        loads.setdefault(table, []).extend([(load[0], load[1], load[2])] if load[0] else [])
    return [
        Staleness(key, tuple((f"{feed} {period}", load_id) for feed, period, load_id in loads[name] if feed in feeds))
        for key, feeds in FEEDS_OF_TABLES.items()
        if (name := key.path[-1]) in loads
    ]


def evaluation(staleness: Staleness) -> dg.AssetCheckEvaluation:
    """The event that tells Dagster of it, if not the check itself does."""
    return dg.AssetCheckEvaluation(asset_key=staleness.key, check_name=CHECK_NAME, **staleness.outcome())


def _check(key: dg.AssetKey) -> dg.AssetChecksDefinition:
    @dg.asset_check(
        asset=key,
        name=CHECK_NAME,
        description="Nothing was loaded since the table was built. The ledger sensor evaluates it when something was.",
    )
    def check() -> dg.AssetCheckResult:
        with open_for_reading() as connection:
            found = {staleness.key: staleness for staleness in read_staleness(connection)}
        return dg.AssetCheckResult(**found.get(key, Staleness(key, ())).outcome())

    return check


staleness_checks = [_check(key) for key in FEEDS_OF_TABLES]
