"""Everything that Dagster loads."""

import dagster as dg

from orchestration.assets.dbt_assets import dbt_analytics_assets
from orchestration.assets.raw_assets import raw_assets
from orchestration.checks.quality import quality_checks
from orchestration.jobs.backfill import backfill_monthly_data
from orchestration.jobs.build import daily_dbt_build_job
from orchestration.resources.dbt import dbt_resource
from orchestration.schedules.daily import daily_dbt_build

defs = dg.Definitions(
    assets=[*raw_assets, dbt_analytics_assets],
    asset_checks=quality_checks,
    jobs=[backfill_monthly_data, daily_dbt_build_job],
    schedules=[daily_dbt_build],
    resources={"dbt": dbt_resource},
    # DuckDB has one writer: a process for each step would only cost its start.
    executor=dg.in_process_executor,
)
