"""The dbt manifest from which the definitions were loaded, even if its file has changed since."""

from collections.abc import Mapping
from typing import Any

from dagster_dbt.asset_utils import get_manifest_and_translator_from_dbt_assets

from orchestration.assets.dbt_assets import dbt_analytics_assets


def nodes_of_manifest() -> Mapping[str, Mapping[str, Any]]:
    """The nodes of the manifest by unique id."""
    manifest, *_ = get_manifest_and_translator_from_dbt_assets([dbt_analytics_assets])
    nodes: Mapping[str, Mapping[str, Any]] = manifest["nodes"]
    return nodes
