"""What is made for files leaves streams out, and what concerns both treats them as one asset without partitions."""

from datetime import date, datetime
from pathlib import Path

import dagster as dg
import pytest

from briefings.feed_days import expected_period
from ingestion.catalog import CATALOG, FEEDS, UnknownSourceError
from ingestion.gap_survey import asked_partitions
from orchestration import defs
from orchestration.checks.staleness import FEEDS_OF_TABLES
from orchestration.jobs.ingestion_config import IngestionOptions
from orchestration.sensors.publication_plan import watched_partitions
from tests.orchestration.streams.conftest import STREAMS
from tests.orchestration.streams.ledger import add_batch
from warehouse.ledger import Fingerprint, Watermark
from warehouse.periods import Grain

DAYS = IngestionOptions(CATALOG, Grain.DAY)
NAMES = {feed.name for feed in STREAMS}
NOW = datetime(2026, 1, 20, 12)
LOADED = Watermark("1", 1, None, None, Fingerprint(url="kafka://raw.trades"))


@pytest.mark.parametrize("sources", ["trades", "minute_aggs,trades", "trades,orderbook"])
def test_a_job_of_files_refuses_a_stream_and_names_its_job(sources: str) -> None:
    with pytest.raises(dg.DagsterInvalidConfigError) as refused:
        DAYS.to_load({"date": "2026-01-14", "sources": sources})
    assert (
        "No run was started: trades is a stream and has no files: run bronze_trades_ingestion for it"
        in str(refused.value).splitlines()[0]
    )


def test_a_subject_stands_for_its_files() -> None:
    assert not {feed.name for feed in DAYS.resolve("markets")} & NAMES
    assert not set(DAYS.default_sources.split(",")) & NAMES
    (partition, *_) = DAYS.partitions(DAYS.to_load({"date": "2026-01-14", "sources": "markets"}))
    assert partition.key == "2026-01-14"


def test_nobody_watches_the_publisher_of_a_stream_for_files() -> None:
    counts = dict.fromkeys(Grain, 10)
    watermarks = {("trades", "2026-01-14"): LOADED, ("minute_aggs", "2026-01-14"): LOADED}
    watched = watched_partitions(CATALOG, watermarks, NOW, counts)
    assert {partition.feed.name for partition in watched} == {"minute_aggs"}


def test_a_stream_has_no_gaps() -> None:
    # A late message of an old day does not make the files of that time missing.
    loaded = [("trades", "2025-06-02"), ("minute_aggs", "2026-01-14")]
    found = asked_partitions(None, None, None, loaded, NOW)
    assert {partition.feed.name for partition in found} == {"minute_aggs"}
    assert min(partition.key for partition in found) == "2026-01-14"
    assert not {one.feed.name for one in asked_partitions("markets", None, None, loaded, NOW)} & NAMES
    with pytest.raises(UnknownSourceError, match="trades: expected a feed of files"):
        asked_partitions("trades", None, None, loaded, NOW)


def test_no_table_warns_of_messages_that_came_since_it_was_built() -> None:
    assert not {name for names in FEEDS_OF_TABLES.values() for name in names} & NAMES


def test_no_day_of_a_briefing_waits_for_a_stream() -> None:
    assert {expected_period(FEEDS[name], date(2026, 1, 14)) for name in NAMES} == {None}


def test_the_ledger_sensor_tells_of_a_stream_once_a_batch(database: Path, instance: dg.DagsterInstance) -> None:
    def told(cursor: str | None) -> tuple[list[tuple[str, str | None]], str | None]:
        data = (
            defs.get_repository_def()
            .get_sensor_def("ledger_sensor")
            .evaluate_tick(dg.build_sensor_context(instance, cursor=cursor))
        )
        for event in data.asset_events:
            instance.report_runless_asset_event(event)
        events = [event for event in data.asset_events if isinstance(event, dg.AssetMaterialization)]
        return [(event.asset_key.path[-1], event.partition) for event in events], data.cursor

    add_batch("orderbook", "2026-01-14")
    add_batch("orderbook", "2026-01-15")
    first, cursor = told(None)
    assert first == [("orderbook_snapshots", None)]
    assert told(cursor)[0] == []
    assert told(None)[0] == []
    add_batch("orderbook", "2026-01-14")
    assert told(cursor)[0] == [("orderbook_snapshots", None)]
    key = dg.AssetKey(["raw_data", "orderbook_snapshots"])
    assert instance.get_latest_materialization_event(key) is not None
