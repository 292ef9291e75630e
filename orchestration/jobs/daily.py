"""The jobs of every day: build all models with their tests, and look at what came of it."""

import dagster as dg

from orchestration.assets.dbt_assets import dbt_analytics_assets
from orchestration.checks.quality import quality_checks
from orchestration.checks.staleness import staleness_checks

# Ahead of the runs of a long backfill that wait for the same pool.
_TAGS = {"dagster/priority": "1"}

_quality = dg.AssetSelection.checks(*quality_checks)
# The ledger sensor evaluates these.
_staleness = dg.AssetSelection.checks(*staleness_checks)

daily_dbt_build_job = dg.define_asset_job(
    "daily_dbt_build_job",
    selection=dg.AssetSelection.assets(dbt_analytics_assets) - _quality - _staleness,
    description="dbt build: all models, seeds and tests. Facts rebuild only the months whose files changed.",
    tags=_TAGS,
)

# By itself, so that a build costs what dbt costs, and is over when dbt is.
daily_quality_job = dg.define_asset_job(
    "daily_quality_job",
    selection=_quality,
    description="Great Expectations: all suites, on what was built last.",
    tags=_TAGS,
)
