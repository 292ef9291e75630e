"""The jobs that load the new messages of a stream: one for each stream of the catalog."""

from collections.abc import Sequence

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from ingestion.catalog import Catalog
from orchestration.assets.raw_assets import asset_key
from orchestration.assets.streams import streams_of
from orchestration.assets.subjects import tags_of_feeds
from orchestration.jobs.ingestion_config import stream_job_name

Job = dg.JobDefinition | UnresolvedAssetJobDefinition


def stream_jobs(catalog: Catalog) -> Sequence[Job]:
    """The jobs, in the order of the catalog."""
    return [
        dg.define_asset_job(
            stream_job_name(feed),
            selection=dg.AssetSelection.assets(asset_key(feed, catalog)),
            description=f"Load the messages of {feed.name} that are not loaded yet, to the present end of its topic.",
            tags=tags_of_feeds(catalog, [feed]),
        )
        for feed in streams_of(catalog)
    ]
