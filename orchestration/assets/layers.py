"""The layers that assets are grouped by, and who owns an asset if dbt does not say."""

from collections.abc import Mapping
from typing import Any

BRONZE, SILVER, GOLD = "bronze", "silver", "gold"

# What is made of a release for others: files of metrics, and tables of the lakehouse.
EXPORTS, LAKEHOUSE = "exports", "lakehouse"

OWNERS = ["team:analytics-engineering"]

# By the folder below models/.
_LAYER_OF_MODELS = {"staging": BRONZE, "intermediate": SILVER, "marts": SILVER, "semantic": GOLD}


def layer_of(node: Mapping[str, Any]) -> str:
    """The layer of a model or seed of the dbt manifest.

    A model whose meta says in which layer's bucket its table is written is in that layer. Seeds are published data, as
    raw tables are. A model in a folder without a layer is in a group of the folder's name, so that it is noticed.
    """
    if node["resource_type"] != "model":
        return BRONZE
    if bucket := node.get("config", {}).get("meta", {}).get("layer", {}).get("bucket"):
        return str(bucket)
    folder: str = node["fqn"][1]
    return _LAYER_OF_MODELS.get(folder, folder)
