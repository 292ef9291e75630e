"""Everything that Dagster loads."""

import dagster as dg

from ingestion.catalog import CATALOG, Catalog
from orchestration.assets.dbt_assets import dbt_analytics_assets
from orchestration.assets.exports import export_assets
from orchestration.assets.lakehouse import lakehouse_assets
from orchestration.assets.layer_tables import layer_assets
from orchestration.assets.own_feeds import own_assets_of
from orchestration.assets.published import published_release
from orchestration.assets.raw_assets import raw_assets_of
from orchestration.assets.streams import stream_assets_of
from orchestration.checks.quality import quality_checks
from orchestration.checks.staleness import staleness_checks
from orchestration.execution.executor import terminable_in_process_executor
from orchestration.jobs.daily import daily_dbt_build_job, daily_quality_job
from orchestration.jobs.exports import export_job
from orchestration.jobs.ingestion import ingestion_jobs, shared_ops
from orchestration.jobs.maintenance import maintenance_job
from orchestration.jobs.streams import stream_jobs
from orchestration.own import own_definitions
from orchestration.resources.dbt import configured_dbt
from orchestration.schedules.daily import daily_dbt_build, daily_export
from orchestration.schedules.weekly import weekly_maintenance
from orchestration.sensors.alerts import alert_sensor
from orchestration.sensors.automation import build_what_is_stale
from orchestration.sensors.conditions import condition_alert_sensor
from orchestration.sensors.ledger import ledger_sensor_of
from orchestration.sensors.publication import publication_sensor_of
from orchestration.sensors.push import push_sensors
from orchestration.sensors.streams import stream_sensors


def definitions_of(catalog: Catalog) -> dg.Definitions:
    """The definitions for the feeds of a catalog. Models, tests and suites are those that are in their folders."""
    shared = shared_ops(catalog)
    of_streams = stream_jobs(catalog)
    jobs = [*ingestion_jobs(shared), *of_streams]
    own = own_definitions(shared, jobs)
    return dg.Definitions(
        assets=dg.with_source_code_references(
            [
                *raw_assets_of(catalog),
                *own_assets_of(catalog),
                *stream_assets_of(catalog),
                dbt_analytics_assets,
                published_release,
                *lakehouse_assets,
                layer_assets,
                *export_assets,
                *(asset for one in own for asset in one.assets),
            ]
        ),
        asset_checks=[*quality_checks, *staleness_checks],
        jobs=[
            *jobs,
            *(job for one in own for job in one.jobs),
            daily_dbt_build_job,
            daily_quality_job,
            export_job,
            maintenance_job,
        ],
        schedules=[
            *(schedule for one in own for schedule in one.schedules),
            daily_dbt_build,
            daily_export,
            weekly_maintenance,
        ],
        sensors=[
            publication_sensor_of(catalog, jobs),
            *stream_sensors(catalog, of_streams),
            *(sensor for one in own for sensor in one.sensors),
            ledger_sensor_of(catalog),
            alert_sensor,
            condition_alert_sensor,
            *push_sensors,
            build_what_is_stale,
        ],
        resources={"dbt": configured_dbt},
        # DuckDB has one writer: a process for each step would only cost its start.
        executor=terminable_in_process_executor,
    )


defs = definitions_of(CATALOG)
