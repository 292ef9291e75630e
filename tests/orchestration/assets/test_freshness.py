"""When Dagster calls assets stale."""

from datetime import timedelta

import dagster as dg
import pytest

from ingestion.catalog import FEEDS
from orchestration import defs
from orchestration.assets.raw_assets import asset_key

GRAPH = defs.get_repository_def().asset_graph


@pytest.mark.parametrize(
    ("feed", "warn_days", "fail_days"), [("weather", 38, 45), ("citibike", 38, 52), ("yellow", 38, 99)]
)
def test_a_raw_table_is_stale_by_its_feeds_publication_lag(feed: str, warn_days: int, fail_days: int) -> None:
    assert GRAPH.get(asset_key(FEEDS[feed])).freshness_policy == dg.FreshnessPolicy.time_window(
        warn_window=timedelta(days=warn_days), fail_window=timedelta(days=fail_days)
    )


def test_every_feed_has_a_policy_but_streams_whose_messages_come_when_something_happens() -> None:
    without = {feed.name for feed in FEEDS.values() if not GRAPH.get(asset_key(feed)).freshness_policy}
    assert without == {feed.name for feed in FEEDS.values() if feed.is_stream}


def test_facts_are_to_be_built_every_day_and_other_models_are_not() -> None:
    policies = {node.key.path[-1]: node.freshness_policy for node in GRAPH.asset_nodes if node.key.path[0] == "core"}
    facts = {name: policy for name, policy in policies.items() if policy}
    assert (
        facts.keys() == {name for name in policies if name.startswith("fct_")} >= {"fct_trips", "fct_hourly_mobility"}
    )
    built_daily = dg.FreshnessPolicy.cron("0 4 * * *", lower_bound_delta=timedelta(days=1))
    assert all(policy == built_daily for policy in facts.values())
