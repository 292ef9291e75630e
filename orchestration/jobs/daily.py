"""The daily jobs: build all models with their tests, and check the outcome with Great Expectations."""

import dagster as dg

from ingestion.catalog import CATALOG
from orchestration.assets.dbt_assets import dbt_analytics_assets
from orchestration.assets.subjects import subject_tags
from orchestration.checks.quality import quality_checks
from orchestration.checks.staleness import staleness_checks

# The priority puts them ahead of the queued runs of a long backfill.
_TAGS = {"dagster/priority": "1", **subject_tags(CATALOG.subjects)}

_quality = dg.AssetSelection.checks(*quality_checks)
# The ledger sensor evaluates these.
_staleness = dg.AssetSelection.checks(*staleness_checks)

daily_dbt_build_job = dg.define_asset_job(
    "daily_dbt_build_job",
    selection=dg.AssetSelection.assets(dbt_analytics_assets) - _quality - _staleness,
    description="dbt build: all models, seeds and tests. Facts rebuild only the partitions whose files changed.",
    tags=_TAGS,
)

# A job of its own, so that a build ends when dbt ends.
daily_quality_job = dg.define_asset_job(
    "daily_quality_job",
    selection=_quality,
    description="Great Expectations: all suites, on the latest build.",
    tags=_TAGS,
)
