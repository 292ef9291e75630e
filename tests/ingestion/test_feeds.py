"""The registry and what may be asked of it by name."""

import pytest

from ingestion.catalog import DEFAULT_SOURCES, FEEDS, UnknownSourceError, raw_tables, resolve_sources


def test_default_sources_are_the_feeds_marked_as_default() -> None:
    assert resolve_sources(DEFAULT_SOURCES) == [feed for feed in FEEDS.values() if feed.is_default]


def test_taxi_stands_for_yellow_green_and_fhv() -> None:
    assert [feed.name for feed in resolve_sources("taxi")] == ["yellow", "green", "fhv"]


def test_a_feed_named_twice_is_loaded_once() -> None:
    assert [feed.name for feed in resolve_sources("weather, yellow,taxi,yellow")] == [
        "yellow",
        "green",
        "fhv",
        "weather",
    ]


@pytest.mark.parametrize("sources", ["uber", "taxi,uber", "", " , "])
def test_an_unknown_source_is_refused_with_the_known_ones(sources: str) -> None:
    with pytest.raises(UnknownSourceError, match=r"expected a comma-separated list of taxi, .*yellow, green"):
        resolve_sources(sources)


def test_feeds_of_one_raw_table_have_the_same_columns() -> None:
    for feed in FEEDS.values():
        assert raw_tables()[feed.raw_table] == feed.raw_columns


def test_event_time_is_a_required_column_of_feeds_whose_rows_have_a_time() -> None:
    """Minute bars have theirs in nanoseconds, which is no time to a raw table; lines of files have all as text."""
    without = {feed.name for feed in FEEDS.values() if feed.event_time is None}
    lines = {"pipeline_events", "platform_runs", "crawler_results"}
    assert without == lines | {"taxi_zones", "symbols", "exchanges", "traders", "accounts", "minute_aggs"}
    for feed in FEEDS.values():
        assert not feed.is_reference or feed.event_time is None
        assert feed.name in without or feed.event_time in {column.name for column in feed.columns if column.required}
