"""Automation: what a load requests, once somebody has started the sensor."""

import dagster as dg

from ingestion.catalog import FEEDS
from orchestration import defs
from orchestration.assets.dbt_assets import dbt_analytics_assets
from orchestration.assets.raw_assets import asset_key
from orchestration.sensors.automation import build_what_is_stale

GRAPH = defs.get_repository_def().asset_graph
GREEN = asset_key(FEEDS["green"])
MODELS = {key for key in GRAPH.get_all_asset_keys() if key.path[0] != "raw_data"}


def test_the_sensor_is_off_and_the_only_one_of_its_kind() -> None:
    assert build_what_is_stale.default_status is dg.DefaultSensorStatus.STOPPED
    kinds = [sensor for sensor in defs.get_repository_def().sensor_defs if type(sensor) is type(build_what_is_stale)]
    assert [sensor.name for sensor in kinds] == ["build_what_is_stale"]


def test_a_load_requests_what_is_downstream_of_it_once(instance: dg.DagsterInstance) -> None:
    for key in GRAPH.toposorted_asset_keys:
        partition = "2025-01-01" if key not in MODELS else None
        instance.report_runless_asset_event(dg.AssetMaterialization(key, partition=partition))
    before = dg.evaluate_automation_conditions(defs, instance)
    assert before.total_requested == 0
    instance.report_runless_asset_event(dg.AssetMaterialization(GREEN, partition="2025-02-01"))
    after = dg.evaluate_automation_conditions(defs, instance, cursor=before.cursor)
    requested = {key for key in MODELS if after.get_num_requested(key)}
    downstream = dg.AssetSelection.assets(GREEN).downstream(include_self=False).resolve(GRAPH)
    # A release is made by a job, after its checks.
    assert requested == downstream & dbt_analytics_assets.keys
    assert dg.AssetKey(["core", "fct_trips"]) in requested
    again = dg.evaluate_automation_conditions(defs, instance, cursor=after.cursor)
    assert again.total_requested == 0
