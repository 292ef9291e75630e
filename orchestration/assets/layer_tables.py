"""Tables of layers as assets: each model whose meta names a bucket and a table, as a table of Delta in that bucket."""

from collections.abc import Iterator, Mapping
from typing import Any

import dagster as dg

from ingestion.catalog import CATALOG
from orchestration.assets.dbt_manifest import nodes_of_manifest
from orchestration.assets.lakehouse import metadata_of
from orchestration.assets.layers import LAYERS, OWNERS, place_in_layers
from orchestration.assets.published import RELEASE
from orchestration.assets.subjects import tags_of_node
from warehouse.connection import WarehouseError
from warehouse.lakehouse import Exported
from warehouse.publishing.project import is_published

_NODES: dict[str, Mapping[str, Any]] = {
    f"{node['schema']}.{node['alias']}": node
    for node in nodes_of_manifest().values()
    if node["resource_type"] == "model" and is_published(node) and place_in_layers(node)
}
_KEYS = {table: dg.AssetKey([LAYERS, *place_in_layers(node)]) for table, node in _NODES.items()}


def write_layers() -> list[Exported]:
    """Write the tables of the current release that are in layers, as `nyc export --format delta --layers` does.

    Raises:
        dagster.Failure: something was not written. It is not tried again: what the message names has to be done first.
    """
    # Imported here because Delta's library is needed by this step alone.
    from warehouse.lakehouse.layers import export_layers

    try:
        return export_layers()
    except WarehouseError as error:
        # Not from the error: Dagster would keep what libraries wrote, addresses with their secrets, too.
        raise dg.Failure(str(error), allow_retries=False) from None


def _spec(table: str) -> dg.AssetSpec:
    node = _NODES[table]
    return dg.AssetSpec(
        _KEYS[table],
        deps=[RELEASE],
        description=f"`{table}` of the release, as a table of Delta in its layer. {node['description']}",
        group_name=LAYERS,
        owners=OWNERS,
        tags=tags_of_node(CATALOG, node),
        kinds={"deltalake"},
        skippable=True,
    )


@dg.multi_asset(name=LAYERS, specs=[_spec(table) for table in sorted(_NODES)])
def layer_assets(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult[None]]:
    """Bring the layers up to date with the current release. Nobody waits for it, and it for nobody."""
    for exported in write_layers():
        if exported.table in _KEYS:
            yield dg.MaterializeResult(asset_key=_KEYS[exported.table], metadata=metadata_of(exported))


@dg.op(
    name="write_layers",
    ins={"published": dg.In(dg.Nothing)},
    description="Write the layers from what was published: `nyc export --format delta --layers`.",
)
def layers_op(context: dg.OpExecutionContext) -> None:
    """The last step of jobs that are not made of assets."""
    for exported in write_layers():
        if exported.table in _KEYS:
            context.log_event(dg.AssetMaterialization(_KEYS[exported.table], metadata=metadata_of(exported)))
