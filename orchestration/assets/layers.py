"""The layers that assets are grouped by, and who owns an asset if dbt does not say."""

from collections.abc import Mapping
from typing import Any

BRONZE, SILVER, GOLD = "bronze", "silver", "gold"

# What is made of a release for others: files of metrics, tables of the lakehouse, and those in buckets of their layers.
EXPORTS, LAKEHOUSE, LAYERS = "exports", "lakehouse", "layers"

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
    if place := place_in_layers(node):
        return place[0]
    folder: str = node["fqn"][1]
    return _LAYER_OF_MODELS.get(folder, folder)


def place_in_layers(node: Mapping[str, Any]) -> tuple[str, ...]:
    """The bucket and the table as which a model is written into layers, by its meta; empty if it is in none."""
    layer = node.get("config", {}).get("meta", {}).get("layer")
    return (layer["bucket"], layer["table"]) if layer else ()
