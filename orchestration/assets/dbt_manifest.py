"""The dbt manifest from which the definitions were loaded, even if its file has changed since."""

from collections.abc import Mapping
from typing import Any

from orchestration.assets.dbt_assets import dbt_analytics_assets
from orchestration.dbt_cli.integration import get_manifest_and_translator_from_dbt_assets


def dbt_manifest() -> Mapping[str, Any]:
    """The manifest."""
    manifest, *_ = get_manifest_and_translator_from_dbt_assets([dbt_analytics_assets])
    return manifest


def nodes_of_manifest() -> Mapping[str, Mapping[str, Any]]:
    """The nodes of the manifest by unique id."""
    nodes: Mapping[str, Mapping[str, Any]] = dbt_manifest()["nodes"]
    return nodes
