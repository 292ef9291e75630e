"""The dbt manifest as assets: every model, seed and test."""

from collections.abc import Iterator, Mapping
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DbtCliResource, DbtProject, dbt_assets

from ingestion.feeds import FEEDS
from ingestion.raw_loader import RAW_SCHEMA
from orchestration.assets.raw_assets import asset_key
from orchestration.checks.freshness import freshness_policy_of_model
from orchestration.resources.dbt import dbt_project, prepare_manifest
from orchestration.resources.writer_pool import WRITER_POOL


class FeedTranslator(DagsterDbtTranslator):
    """Lets a model that reads a raw table depend on every feed that is loaded into the table."""

    def get_asset_spec(self, manifest: Mapping[str, Any], unique_id: str, project: DbtProject | None) -> dg.AssetSpec:
        spec = super().get_asset_spec(manifest, unique_id, project)
        read = {dep.asset_key for dep in spec.deps}
        feeds = {asset_key(feed) for feed in FEEDS.values() if dg.AssetKey([RAW_SCHEMA, feed.raw_table]) in read}
        spec = spec.merge_attributes(deps=sorted(feeds - read))
        return spec.replace_attributes(freshness_policy=freshness_policy_of_model(spec.key.path[-1]))


@dbt_assets(
    manifest=prepare_manifest(dbt_project),
    project=dbt_project,
    name="dbt_analytics_assets",
    dagster_dbt_translator=FeedTranslator(),
    pool=WRITER_POOL,
)
def dbt_analytics_assets(context: dg.AssetExecutionContext, dbt: DbtCliResource) -> Iterator[Any]:
    """Build what is selected, with its tests; without a selection all of it."""
    yield from dbt.cli(["build"], context=context).stream()
