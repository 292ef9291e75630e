"""The tables of the lakehouse as assets: each published table in each format that clients read as tables."""

from collections.abc import Iterator, Mapping
from typing import Any

import dagster as dg

from ingestion.catalog import CATALOG
from orchestration.assets.dbt_manifest import nodes_of_manifest
from orchestration.assets.layers import LAKEHOUSE, OWNERS
from orchestration.assets.published import RELEASE
from orchestration.assets.subjects import tags_of_node
from warehouse.connection import WarehouseError
from warehouse.lakehouse import FORMATS, Exported, export
from warehouse.publishing.project import is_published

# What Dagster calls each format. The others are single files, which a person asks for: nyc export.
_KINDS = {"parquet": "parquet", "iceberg": "iceberg", "delta": "deltalake"}


def _published_tables() -> dict[str, Mapping[str, Any]]:
    """The models and seeds that a release holds, by schema and table."""
    nodes = nodes_of_manifest().values()
    return {
        f"{node['schema']}.{node['alias']}": node
        for node in nodes
        if is_published(node) and node["resource_type"] != "test"
    }


_TABLES = _published_tables()


def _key(format_: str, table: str) -> dg.AssetKey:
    return dg.AssetKey([LAKEHOUSE, format_, _TABLES[table]["name"]])


def _spec(format_: str, table: str) -> dg.AssetSpec:
    node = _TABLES[table]
    return dg.AssetSpec(
        _key(format_, table),
        deps=[RELEASE],
        description=f"`{table}` of the release, as {format_}. {node['description']}",
        group_name=LAKEHOUSE,
        owners=OWNERS,
        tags=tags_of_node(CATALOG, node),
        kinds={_KINDS[format_]},
        skippable=True,
    )


def _assets(format_: str) -> dg.AssetsDefinition:
    @dg.multi_asset(
        name=f"{LAKEHOUSE}_{format_}", specs=[_spec(format_, table) for table in sorted(_TABLES)], can_subset=True
    )
    def write(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult[None]]:
        """Bring the tables up to date with the current release. Nobody waits for it, and it for nobody."""
        selected = [table for table in sorted(_TABLES) if _key(format_, table) in context.selected_asset_keys]
        try:
            done = export(format_, selected)
        except WarehouseError as error:
            # Not from the error: Dagster would keep what libraries wrote, addresses with their secrets, too.
            raise dg.Failure(str(error), allow_retries=False) from None
        for exported in done:
            yield dg.MaterializeResult(asset_key=_key(format_, exported.table), metadata=metadata_of(exported))

    return write


def metadata_of(exported: Exported) -> dict[str, dg.MetadataValue]:
    """What Dagster shows of a table that was exported."""
    return {
        "at": dg.MetadataValue.path(exported.address),
        "dagster/row_count": dg.MetadataValue.int(exported.rows),
        "files written": dg.MetadataValue.int(exported.files_written),
        "bytes written": dg.MetadataValue.int(exported.bytes_written),
        "version": dg.MetadataValue.text(exported.version),
    }


lakehouse_assets = [_assets(format_) for format_ in FORMATS if format_ in _KINDS]
