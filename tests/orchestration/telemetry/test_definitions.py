"""What telemetry has in Dagster: assets from feeds to gold, the job, what starts it, its place in the daily build."""

from datetime import timedelta
from typing import Any

import dagster as dg
import pytest

from ingestion.catalog import CATALOG, FEEDS, Catalog
from orchestration import defs
from orchestration.assets.dbt_assets import dbt_analytics_assets
from orchestration.assets.dbt_manifest import nodes_of_manifest
from orchestration.assets.freshness import freshness_of_feed
from orchestration.assets.partitions import dagster_key, partition_of, partitions_definition
from orchestration.assets.raw_assets import asset_key
from orchestration.definitions import definitions_of
from orchestration.execution.retries import RETRIES
from tests.orchestration.streams.conftest import add_run
from tests.partitions import partition_of as partition_at
from warehouse.periods import Grain, Period

GRAPH = defs.get_repository_def().asset_graph
EVENTS, CRAWLS, RUNS = (FEEDS[name] for name in ("pipeline_events", "crawler_results", "platform_runs"))
# Made before any test opens an instance on disk: Dagster would look for that one's state here.
OTHERS = definitions_of(
    Catalog.of(*(subject for name, subject in CATALOG.subjects.items() if name != "telemetry"))
).get_repository_def()
META: dict[str, dict[str, Any]] = {
    node["name"]: node["config"]["meta"]
    for node in nodes_of_manifest().values()
    if node["resource_type"] == "model" and "telemetry" in node["fqn"]
}


def test_feeds_are_assets_of_their_subject_named_as_raw_tables_and_feeds() -> None:
    keys = [asset_key(feed).to_user_string() for feed in (EVENTS, CRAWLS, RUNS)]
    assert keys == ["raw_data/pipeline_events", "raw_data/crawler_results", "raw_data/platform_runs"]
    for feed in (EVENTS, CRAWLS, RUNS):
        assert GRAPH.get(asset_key(feed)).tags["subject"] == "telemetry"
        assert GRAPH.get(asset_key(feed)).group_name == "bronze"


def test_a_decade_of_hours_is_a_definition_that_lists_none() -> None:
    definition = partitions_definition(EVENTS)
    assert isinstance(definition, dg.HourlyPartitionsDefinition)
    assert definition.exclusions is None, "listing 100,000 hours would take longer than all the rest"
    assert definition.get_num_partitions() > 100_000
    hour = partition_at(EVENTS, Period.parse(Grain.HOUR, "2025-03-01T07").start)
    key = dagster_key(hour)
    assert key == "2025-03-01T07"
    assert definition.has_partition_key(key)
    assert partition_of(EVENTS, key) == hour


def test_what_the_platform_did_has_no_partitions_to_choose() -> None:
    assert GRAPH.get(asset_key(RUNS)).partitions_def is None
    assert dagster_key(partition_at(RUNS, Period.parse(Grain.HOUR, "2025-03-01T07").start)) is None


def test_no_irregular_feed_is_stale_before_a_year_is_over() -> None:
    for feed in (EVENTS, CRAWLS):
        assert freshness_of_feed(feed) == dg.FreshnessPolicy.time_window(fail_window=timedelta(days=366 + 7))


def test_models_are_grouped_by_the_layer_of_their_table_and_lineage_goes_through_all() -> None:
    keys = {key.path[-1]: key for key in dbt_analytics_assets.keys}
    of_layers = {name: meta["layer"]["bucket"] for name, meta in META.items() if "layer" in meta}
    assert set(of_layers.values()) == {"bronze", "silver", "gold"}
    for name, bucket in of_layers.items():
        assert name.startswith(bucket)
        assert GRAPH.get(keys[name]).group_name == bucket, name
        assert GRAPH.get(keys[name]).tags["subject"] == "telemetry"
        upstream = dg.AssetSelection.assets(keys[name]).upstream().resolve(GRAPH)
        feeds = (CRAWLS,) if "crawler" in name or "profile" in name else (EVENTS, RUNS)
        assert {asset_key(feed) for feed in feeds} <= upstream, name


def test_tables_of_layers_are_assets_downstream_of_the_release() -> None:
    assert {key.to_user_string() for key in GRAPH.get_all_asset_keys() if key.path[0] == "layers"} == {
        "layers/bronze/raw_pipeline_events",
        "layers/bronze/raw_crawler_results",
        "layers/silver/pipeline_events",
        "layers/silver/crawler_results",
        "layers/gold/pipeline_metrics",
        "layers/gold/user_profiles",
    }
    node = GRAPH.get(dg.AssetKey(["layers", "silver", "pipeline_events"]))
    assert node.parent_keys == {dg.AssetKey("published_release")}
    assert node.tags["subject"] == "telemetry"


def test_the_job_loads_builds_validates_checks_and_publishes() -> None:
    job = defs.resolve_job_def("telemetry_job")
    steps = [node.name for node in job.nodes_in_topological_order]
    assert steps == [
        "load_new_telemetry",
        "build_telemetry",
        "validate_telemetry",
        "check_quality",
        "publish",
        "write_layers",
    ]
    assert job.tags["subject"] == "telemetry"
    policies = {node.name: node.retry_policy for node in job.nodes}
    assert (policies["load_new_telemetry"], policies["build_telemetry"]) == (RETRIES.ingestion, RETRIES.dbt)


def test_schedule_and_sensor_wait_to_be_started_and_request_the_job() -> None:
    schedule, sensor = defs.resolve_schedule_def("telemetry_hourly"), defs.get_sensor_def("event_files_sensor")
    assert (schedule.cron_schedule, schedule.execution_timezone) == ("10 * * * *", "UTC")
    assert schedule.default_status is dg.DefaultScheduleStatus.STOPPED
    assert sensor.default_status is dg.DefaultSensorStatus.STOPPED
    assert schedule.job_name == sensor.job_name == "telemetry_job"


@pytest.mark.parametrize("status", [dg.DagsterRunStatus.NOT_STARTED, dg.DagsterRunStatus.STARTED])
def test_the_schedule_requests_no_second_run_while_one_is_on_its_way(status: dg.DagsterRunStatus) -> None:
    schedule = defs.resolve_schedule_def("telemetry_hourly")
    # With storage on disk: a schedule opens its instance anew.
    with (
        dg.instance_for_test() as instance,
        dg.build_schedule_context(instance, repository_def=defs.get_repository_def()) as context,
    ):
        assert len(schedule.evaluate_tick(context).run_requests or []) == 1
        run_id = add_run(instance, "telemetry_job", status)
        assert f"run {run_id[:8]} of telemetry_job is" in str(schedule.evaluate_tick(context).skip_message)


def test_the_daily_build_loads_what_the_platform_did_before_it_builds() -> None:
    job = defs.resolve_job_def("daily_dbt_build_job")
    order = [node.name for node in job.nodes_in_topological_order]
    own = asset_key(RUNS).to_python_identifier()
    assert order.index(own) < order.index("dbt_analytics_assets") < order.index("published_release")
    # Nobody is asked for anything but the platform itself.
    assert not {asset_key(feed).to_python_identifier() for feed in FEEDS.values() if feed is not RUNS} & set(order)


def test_without_telemetry_the_daily_build_is_as_it_was() -> None:
    names = {node.name for node in OTHERS.get_job("daily_dbt_build_job").nodes_in_topological_order}
    assert asset_key(RUNS).to_python_identifier() not in names
    assert "dbt_analytics_assets" in names
