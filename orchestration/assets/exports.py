"""Exports as assets: one for each saved query whose meta says that its answer is written as a file."""

import dagster as dg

from ingestion.catalog import CATALOG
from metrics.exports import Export, ExportedFile, NothingToExportError, declared_exports, write_export
from orchestration.assets.dbt_manifest import dbt_manifest
from orchestration.assets.layers import EXPORTS, OWNERS
from orchestration.assets.published import RELEASE
from orchestration.assets.subjects import subject_tags
from warehouse.connection import WarehouseError
from warehouse.releases import Release, Source, current_release


def _asset(export: Export) -> dg.AssetsDefinition:
    @dg.asset(
        key=["exports", export.name],
        deps=[RELEASE],
        description=export.description,
        group_name=EXPORTS,
        owners=OWNERS,
        tags=subject_tags(folder for folder in export.folders if folder in CATALOG.subjects),
        kinds={export.format},
    )
    def write(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        try:
            release = current_release()
            written = write_export(export, Source(release))
        except NothingToExportError as error:
            # Whoever has other subjects alone still wants their files.
            context.log.info("Nothing is written: %s", error)
            return dg.MaterializeResult(
                metadata={"nothing written": dg.MetadataValue.text(str(error)), "release": release.id}
            )
        except WarehouseError as error:
            # Not from the error: Dagster would keep what libraries wrote, addresses with their secrets, too.
            raise dg.Failure(str(error), allow_retries=False) from None
        return dg.MaterializeResult(metadata=_metadata(written, release))

    return write


def _metadata(written: ExportedFile, release: Release) -> dict[str, dg.MetadataValue]:
    return {
        "file": dg.MetadataValue.path(written.address),
        "days": dg.MetadataValue.text(f"{written.first} to {written.last}"),
        "dagster/row_count": dg.MetadataValue.int(written.rows),
        "bytes": dg.MetadataValue.int(written.bytes),
        "release": dg.MetadataValue.text(release.id),
    }


export_assets = [_asset(export) for export in declared_exports(dbt_manifest())]
