"""The export job: what clients outside get from the current release."""

import dagster as dg

from ingestion.catalog import CATALOG
from orchestration.assets.layers import EXPORTS, LAKEHOUSE, LAYERS
from orchestration.assets.subjects import subject_tags

export_job = dg.define_asset_job(
    "export_job",
    selection=dg.AssetSelection.groups(EXPORTS, LAKEHOUSE, LAYERS),
    description="Write the exports, the lakehouse and the layers from the current release, for clients outside.",
    tags=subject_tags(CATALOG.subjects),
)
