"""What Dagster loads."""

import resource
import subprocess
import sys
from datetime import UTC, datetime

import dagster as dg
import pytest

from ingestion.catalog import FEEDS
from ingestion.raw_data import RAW_SCHEMA
from orchestration import defs
from orchestration.assets.dbt_assets import dbt_analytics_assets
from orchestration.assets.layers import LAKEHOUSE, layer_of
from orchestration.assets.raw_assets import asset_key
from orchestration.dbt_cli.project import dbt_project, prepare_manifest
from orchestration.execution.retries import RETRIES
from orchestration.schedules.daily import daily_dbt_build, daily_export
from warehouse.paths import PROJECT_ROOT
from warehouse.periods import Grain

GRAPH = defs.get_repository_def().asset_graph


def test_definitions_are_loadable() -> None:
    dg.Definitions.validate_loadable(defs)


def test_every_feed_is_an_asset_of_its_periods_upstream_of_a_staging_model() -> None:
    for feed in FEEDS.values():
        node = GRAPH.get(asset_key(feed))
        assert feed.staging_model in {key.path[-1] for key in node.child_keys}
        if feed.is_stream or feed.is_own:
            # A topic is read in order, whatever day its messages are of. And of the platform's own whatever is new.
            assert node.partitions_def is None
            continue
        assert isinstance(node.partitions_def, dg.TimeWindowPartitionsDefinition)
        assert isinstance(node.partitions_def, dg.MonthlyPartitionsDefinition) == (feed.grain is Grain.MONTH)
        assert node.partitions_def.start.date() == feed.first_period.first_day


def test_lineage_runs_from_publisher_to_what_keeps_its_rows() -> None:
    keys = {key.path[-1]: key for key in GRAPH.get_all_asset_keys() if key.path[0] != LAKEHOUSE}
    pairs = [(feed, feed.kept_in) for feed in FEEDS.values()] + [(FEEDS["weather"], "fct_trips")]
    for feed, model in pairs:
        upstream = dg.AssetSelection.assets(keys[model]).upstream().resolve(GRAPH)
        assert asset_key(feed) in upstream, feed.name


def test_dbt_tests_are_asset_checks() -> None:
    assert {key.asset_key.path[-1] for key in dbt_analytics_assets.check_keys} >= {
        "fct_trips",
        "dim_date",
        "dim_weather",
    }


@pytest.mark.parametrize(
    ("schedule", "hour", "job"), [(daily_dbt_build, 2, "daily_dbt_build_job"), (daily_export, 4, "export_job")]
)
def test_the_daily_build_runs_at_two_utc_and_the_exports_two_hours_later(
    schedule: dg.ScheduleDefinition, hour: int, job: str
) -> None:
    assert (schedule.cron_schedule, schedule.execution_timezone) == (f"0 {hour} * * *", "UTC")
    tick = schedule.evaluate_tick(
        dg.build_schedule_context(
            scheduled_execution_time=datetime(2025, 5, 1, hour, tzinfo=UTC), repository_def=defs.get_repository_def()
        )
    )
    assert len(tick.run_requests or []) == 1
    assert schedule.job_name == job


def test_assets_are_grouped_by_layer() -> None:
    layers = {key.path[-1]: GRAPH.get(key).group_name for key in GRAPH.get_all_asset_keys() if key.path[0] != LAKEHOUSE}
    assert {name: layers[name] for name in ("yellow_taxi", "stg_weather__hourly", "wmo_weather_codes")} == {
        "yellow_taxi": "bronze",
        "stg_weather__hourly": "bronze",
        "wmo_weather_codes": "bronze",
    }
    assert {layers[name] for name in ("int_trips", "dim_date", "fct_trips")} == {"silver"}
    assert layer_of({"resource_type": "model", "fqn": ["nyc_mobility", "semantic", "time_spine"]}) == "gold"
    assert layer_of({"resource_type": "model", "fqn": ["nyc_mobility", "scratch", "trial"]}) == "scratch"


def test_every_asset_says_what_it_is_who_owns_it_what_is_in_it_and_where_its_code_is() -> None:
    for key in GRAPH.get_all_asset_keys():
        node = GRAPH.get(key)
        assert node.description, key
        assert node.owners, key
        # A release holds many tables, and an export has the columns of its query.
        is_table = key in dbt_analytics_assets.keys or key.path[0] == RAW_SCHEMA
        assert {"dagster/code_references", *(["dagster/column_schema"] if is_table else [])} <= set(node.metadata), key


def test_dbt_tests_of_severity_error_block() -> None:
    specs = list(dbt_analytics_assets.check_specs)
    assert {"assert_no_row_is_lost", "assert_hourly_mobility_adds_up_to_the_trips"} <= {spec.name for spec in specs}
    assert {spec.name for spec in specs if not spec.blocking} == {
        "assert_every_month_of_trips_has_weather",
        "assert_few_tickers_of_a_day_are_anomalous",
        "assert_no_day_of_a_loaded_month_is_without_trips",
        "assert_trips_of_a_day_are_like_those_of_its_weekday",
    }


def test_ingestion_is_tried_five_times_more_from_thirty_seconds_and_dbt_twice_from_sixty() -> None:
    policies = [
        (policy.max_retries, policy.delay, policy.backoff, policy.jitter) for policy in (RETRIES.ingestion, RETRIES.dbt)
    ]
    assert policies == [
        (5, 30, dg.Backoff.EXPONENTIAL, dg.Jitter.PLUS_MINUS),
        (2, 60, dg.Backoff.EXPONENTIAL, dg.Jitter.PLUS_MINUS),
    ]
    assert dbt_analytics_assets.op.retry_policy == RETRIES.dbt
    assert {defs.get_assets_def(asset_key(feed)).op.retry_policy for feed in FEEDS.values()} == {RETRIES.ingestion}
    for job in ("backfill_monthly_data", "monthly_ingestion"):
        nodes = {node.name: node for node in defs.resolve_job_def(job).nodes}
        assert nodes.pop("monthly_dlt_ingestion").retry_policy == RETRIES.ingestion
        # What is wrong with the rows or with a check is the same at the next attempt.
        untried = ("validate_month", "check_quality", "publish")
        assert [nodes.pop(name).retry_policy for name in untried] == [None, None, None]
        assert [node.retry_policy for node in nodes.values()] == [RETRIES.dbt]


def test_definitions_load_in_less_than_five_seconds_of_work_without_what_only_runs_need() -> None:
    prepare_manifest(dbt_project)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    loads = "import sys, orchestration.definitions; print({'dbt', 'pandas', 'great_expectations'} & sys.modules.keys())"
    said = subprocess.run([sys.executable, "-c", loads], check=True, cwd=PROJECT_ROOT, capture_output=True, text=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert said.stdout == "set()\n"
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 5
