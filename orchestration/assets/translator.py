"""How a node of the dbt manifest becomes an asset: its layer, owner, subject, freshness and upstream assets."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import dagster as dg

from ingestion.catalog import CATALOG
from ingestion.raw_data import RAW_SCHEMA
from orchestration.assets.freshness import freshness_of_model
from orchestration.assets.layers import OWNERS, layer_of
from orchestration.assets.raw_assets import asset_key
from orchestration.assets.subjects import tags_of_node
from orchestration.dbt_cli.integration import DagsterDbtTranslator, DagsterDbtTranslatorSettings, DbtProject
from warehouse.ledger import LEDGER_SCHEMA

# Used by `build_what_is_stale` (orchestration/sensors/automation.py). Dagster's own `eager` waits until every partition
# of a raw table is there. Some never are.
_WHEN_UPSTREAM_CHANGED = dg.AutomationCondition.eager().without(~dg.AutomationCondition.any_deps_missing())

# The dbt source of messages that could not be read. Every stream writes to it.
_REJECTS = dg.AssetKey(["streams", "stream_rejects"])


@cache
def _feeds_by_source() -> Mapping[dg.AssetKey, Sequence[dg.AssetKey]]:
    """The assets of feeds by each source of dbt that has rows of theirs."""
    found: dict[dg.AssetKey, list[dg.AssetKey]] = {_REJECTS: []}
    for feed in CATALOG.feeds.values():
        found.setdefault(dg.AssetKey([RAW_SCHEMA, feed.raw_table]), []).append(asset_key(feed))
        if feed.is_stream:
            found[_REJECTS].append(asset_key(feed))
    return found


class FeedTranslator(DagsterDbtTranslator):
    """Names layers, owners and subjects, says when a fact is stale, and makes models depend on every feed they read.

    A raw table that several feeds are loaded into is the asset of one of them. A model that reads it depends on all.
    """

    def get_asset_spec(self, manifest: Mapping[str, Any], unique_id: str, project: DbtProject | None) -> dg.AssetSpec:
        spec = super().get_asset_spec(manifest, unique_id, project)
        read = {dep.asset_key for dep in spec.deps}
        feeds = {feed for key in read for feed in _feeds_by_source().get(key, ())}
        # Models read the ledger, too, to know what changed. It is not an asset, and neither is what streams reject.
        deps = [dg.AssetDep(key) for key in sorted((read | feeds) - {_REJECTS}) if key.path[0] != LEDGER_SCHEMA]
        node = self.get_resource_props(manifest, unique_id)
        return spec.replace_attributes(deps=deps, freshness_policy=freshness_of_model(node))

    def get_tags(self, dbt_resource_props: Mapping[str, Any]) -> Mapping[str, str]:
        return {**super().get_tags(dbt_resource_props), **tags_of_node(CATALOG, dbt_resource_props)}

    def get_automation_condition(self, dbt_resource_props: Mapping[str, Any]) -> dg.AutomationCondition[Any] | None:
        return super().get_automation_condition(dbt_resource_props) or _WHEN_UPSTREAM_CHANGED

    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str | None:
        return super().get_group_name(dbt_resource_props) or layer_of(dbt_resource_props)

    def get_owners(self, dbt_resource_props: Mapping[str, Any]) -> Sequence[str] | None:
        return super().get_owners(dbt_resource_props) or OWNERS


TRANSLATOR = FeedTranslator(settings=DagsterDbtTranslatorSettings(enable_code_references=True))
