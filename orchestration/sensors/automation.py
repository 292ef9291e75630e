"""The sensor that builds models as soon as their upstream has changed. It is off until somebody starts it."""

import dagster as dg

from orchestration.assets.dbt_assets import dbt_analytics_assets

build_what_is_stale = dg.AutomationConditionSensorDefinition(
    "build_what_is_stale",
    target=dg.AssetSelection.assets(dbt_analytics_assets),
    default_status=dg.DefaultSensorStatus.STOPPED,
    minimum_interval_seconds=60,
    description="Requests a build of the models downstream of each load, once the load is over.",
)
