"""Everything that Dagster loads."""

import dagster as dg

from orchestration.assets.dbt_assets import dbt_analytics_assets
from orchestration.assets.raw_assets import raw_assets
from orchestration.checks.quality import quality_checks
from orchestration.checks.staleness import staleness_checks
from orchestration.execution.executor import terminable_in_process_executor
from orchestration.jobs.daily import daily_dbt_build_job, daily_quality_job
from orchestration.jobs.ingestion import all_ingestion_jobs
from orchestration.resources.dbt import configured_dbt
from orchestration.schedules.daily import daily_dbt_build, daily_quality
from orchestration.sensors.alerts import alert_sensor
from orchestration.sensors.automation import build_what_is_stale
from orchestration.sensors.ledger import ledger_sensor
from orchestration.sensors.publication import publication_sensor

defs = dg.Definitions(
    assets=dg.with_source_code_references([*raw_assets, dbt_analytics_assets]),
    asset_checks=[*quality_checks, *staleness_checks],
    jobs=[*all_ingestion_jobs, daily_dbt_build_job, daily_quality_job],
    schedules=[daily_dbt_build, daily_quality],
    sensors=[publication_sensor, ledger_sensor, alert_sensor, build_what_is_stale],
    resources={"dbt": configured_dbt},
    # DuckDB has one writer: a process for each step would only cost its start.
    executor=terminable_in_process_executor,
)
