"""What Dagster loads."""

import dagster as dg
import pytest
from pydantic import ValidationError

from ingestion.feeds import FEEDS
from orchestration import defs
from orchestration.assets.dbt_assets import dbt_analytics_assets
from orchestration.assets.raw_assets import asset_key

GRAPH = defs.get_repository_def().asset_graph


def test_definitions_are_loadable() -> None:
    dg.Definitions.validate_loadable(defs)


def test_every_feed_is_a_monthly_asset_upstream_of_a_staging_model() -> None:
    for feed in FEEDS.values():
        node = GRAPH.get(asset_key(feed))
        assert isinstance(node.partitions_def, dg.MonthlyPartitionsDefinition)
        assert node.partitions_def.start.date() == feed.first_month
        assert {key.path[-1].split("__")[0] for key in node.child_keys} & {"stg_tlc", "stg_citibike", "stg_weather"}


def test_lineage_runs_from_publisher_to_fact() -> None:
    fact = next(key for key in GRAPH.get_all_asset_keys() if key.path[-1] == "fct_trips")
    upstream = dg.AssetSelection.assets(fact).upstream().resolve(GRAPH)
    assert upstream >= {asset_key(feed) for feed in FEEDS.values()}


def test_dbt_tests_are_asset_checks() -> None:
    assert {key.asset_key.path[-1] for key in dbt_analytics_assets.check_keys} >= {
        "fct_trips",
        "dim_date",
        "dim_weather",
    }


def test_the_daily_build_runs_at_two_utc() -> None:
    schedule = defs.get_schedule_def("daily_dbt_build")
    assert (schedule.cron_schedule, schedule.execution_timezone) == ("0 2 * * *", "UTC")
    assert schedule.job_name == "daily_dbt_build_job"


@pytest.mark.parametrize("config", [{"year": 2025, "month": 13}, {"year": 2025}, {"year": 2025, "month": 5, "moth": 6}])
def test_wrong_config_of_the_backfill_is_refused(config: dict[str, int]) -> None:
    with pytest.raises((dg.DagsterError, ValidationError)):
        defs.get_job_def("backfill_monthly_data").execute_in_process(
            run_config={"ops": {"monthly_dlt_ingestion": {"config": config}}}
        )
