"""The published release as an asset: downstream of every table that it holds and of every check that may forbid it."""

import dagster as dg

from ingestion.catalog import CATALOG
from orchestration.assets.dbt_assets import dbt_analytics_assets
from orchestration.assets.dbt_manifest import nodes_of_manifest
from orchestration.assets.freshness import MADE_DAILY
from orchestration.assets.layers import GOLD, OWNERS
from orchestration.assets.subjects import subject_tags
from orchestration.execution.writer_pool import WRITER_POOL
from quality.suites import SUITES
from warehouse.connection import WarehouseError
from warehouse.publishing.project import is_published
from warehouse.publishing.publish import Publication, publish
from warehouse.releases import Releases

RELEASE = dg.AssetKey("published_release")

# The metadata that names the release.
RELEASE_ID = "release"

Metadata = dict[str, dg.MetadataValue]


def _upstream() -> list[dg.AssetKey]:
    """What a release holds, and every other model that a blocking suite checks.

    Dagster holds an asset back only for the blocking checks of its own upstream assets.
    """
    checked = {suite.model for suite in SUITES if suite.is_blocking}
    names = {
        node["name"]
        for node in nodes_of_manifest().values()
        if is_published(node) or (node["resource_type"] == "model" and node["name"] in checked)
    }
    return sorted(key for key in dbt_analytics_assets.keys if key.path[-1] in names)


def publish_release(context: dg.OpExecutionContext) -> Metadata:
    """Publish what is built, as part of a run of Dagster, and say what was published.

    Raises:
        dagster.Failure: the audit forbids it, or the release cannot be made. Readers keep the one before. It is not
            tried again: what the message names has to be done first.
    """
    try:
        publication = publish(started_by="dagster", dagster_run_id=context.run_id)
    except WarehouseError as error:
        raise dg.Failure(str(error), allow_retries=False) from error
    return _described(publication)


def described_release(release_id: str, rows: int, bytes_written: int, parts_written: int) -> Metadata:
    """What Dagster shows of a publication, whoever published."""
    return {
        RELEASE_ID: dg.MetadataValue.text(release_id),
        "dagster/row_count": dg.MetadataValue.int(rows),
        "bytes in new files": dg.MetadataValue.int(bytes_written),
        "parts written": dg.MetadataValue.int(parts_written),
        "open it at": dg.MetadataValue.path(str(Releases().link)),
    }


def _described(publication: Publication) -> Metadata:
    """What Dagster shows of a publication of its own."""
    release = publication.release
    rows = sum(table.rows for table in release.tables)
    shown = described_release(release.id, rows, publication.bytes_written, publication.parts_written)
    shown["parts reused"] = dg.MetadataValue.int(publication.parts_reused)
    if not publication.is_new:
        shown["note"] = dg.MetadataValue.text("Nothing was built since: the release before stays current.")
    if publication.damaged:
        shown["damaged files, written anew"] = dg.MetadataValue.text(", ".join(map(str, publication.damaged)))
    return shown


@dg.asset(
    key=RELEASE,
    deps=_upstream(),
    description="The current release: every mart, seed and check, with the ledger, as one state that readers open. "
    "A blocking check that fails in the run, or failed since the last build, forbids it.",
    group_name=GOLD,
    owners=OWNERS,
    tags=subject_tags(CATALOG.subjects),
    kinds={"duckdb", "parquet"},
    freshness_policy=MADE_DAILY,
    pool=WRITER_POOL,
)
def published_release(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
    """Publish what is built."""
    return dg.MaterializeResult(metadata=publish_release(context.op_execution_context))


@dg.op(
    name="publish",
    ins={"validated": dg.In(dg.Nothing)},
    description="Publish what is built, so that readers get it. Fails if the audit forbids it, and says why: what was "
    "loaded and built before stays as it is.",
    pool=WRITER_POOL,
)
def publish_op(context: dg.OpExecutionContext) -> None:
    """The last step of jobs that are not made of assets."""
    context.log_event(dg.AssetMaterialization(RELEASE, metadata=publish_release(context)))
