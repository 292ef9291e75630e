"""The job of every day: all models and all their tests."""

import dagster as dg

from orchestration.assets.dbt_assets import dbt_analytics_assets

daily_dbt_build_job = dg.define_asset_job(
    "daily_dbt_build_job",
    selection=dg.AssetSelection.assets(dbt_analytics_assets),
    description="dbt build: all models, seeds and tests. Facts rebuild only the months whose files changed.",
    # Ahead of the runs of a long backfill that wait for the same pool.
    tags={"dagster/priority": "1"},
)
