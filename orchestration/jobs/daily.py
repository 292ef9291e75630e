"""The daily jobs: load what the platform did itself, build all models with their tests, check and publish them."""

import dagster as dg

from ingestion.catalog import CATALOG
from orchestration.assets.dbt_assets import dbt_analytics_assets
from orchestration.assets.own_feeds import own_selection
from orchestration.assets.published import published_release
from orchestration.assets.subjects import subject_tags
from orchestration.checks.quality import quality_checks
from orchestration.checks.staleness import staleness_checks

# The priority puts them ahead of the queued runs of a long backfill.
_TAGS = {"dagster/priority": "1", **subject_tags(CATALOG.subjects)}

_quality = dg.AssetSelection.checks(*quality_checks)
# The ledger sensor evaluates these.
_staleness = dg.AssetSelection.checks(*staleness_checks)

# All in one run: within a run, Dagster holds the release back if a blocking check fails.
daily_dbt_build_job = dg.define_asset_job(
    "daily_dbt_build_job",
    selection=(own_selection() | dg.AssetSelection.assets(dbt_analytics_assets, published_release) | _quality)
    - _staleness,
    description="Load what the platform did itself, dbt build, all suites of Great Expectations, publish. "
    "Facts rebuild only the partitions whose files changed. If a blocking check fails, nothing is published.",
    tags=_TAGS,
)

daily_quality_job = dg.define_asset_job(
    "daily_quality_job",
    selection=_quality,
    description="Great Expectations: all suites, on the latest build. The daily build runs them, too.",
    tags=_TAGS,
)
