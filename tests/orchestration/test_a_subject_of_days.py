"""A subject with a file a day: its assets, jobs, sensors and freshness come from its feeds alone."""

import os
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pytest

from ingestion.calendars import EVERY_PERIOD
from ingestion.catalog import CATALOG, FEEDS, Catalog
from ingestion.feeds import Feed, Subject, columns
from ingestion.fetch.http_publisher import HttpPublisher
from ingestion.partitions import Partition
from ingestion.pipeline import ingest
from ingestion.readers.csv_files import CsvReader
from orchestration.assets.freshness import freshness_of_feed
from orchestration.assets.partitions import dagster_key, partition_of, partitions_definition
from orchestration.assets.raw_assets import asset_key
from orchestration.definitions import definitions_of
from orchestration.jobs.ingestion_config import IngestionOptions
from tests.toy_feeds import Weekdays
from warehouse.paths import LOG_FOLDER_VARIABLE
from warehouse.periods import Grain, Period, day


class ToyShop(HttpPublisher):
    name = "toy_shop"
    default_base_url = "http://127.0.0.1:9"
    read = CsvReader()


SALES = Feed(
    name="toy_sales",
    publisher=ToyShop(),
    raw_table="toy_sales",
    file_names=("{period:%Y-%m-%d}.csv",),
    columns=columns("sold_at:t price:d"),
    event_time="sold_at",
    first_day=date(2025, 4, 1),
    publication_lag_days=1,
    kind="sale",
    staging_model="stg_toys__sales",
    kept_in="fct_toy_sales",
    grain=Grain.DAY,
    # Good Friday.
    calendar=Weekdays(date(2025, 4, 18)),
)
HOURS = replace(SALES, name="toy_hours", grain=Grain.HOUR, calendar=EVERY_PERIOD, publication_lag_days=0)
OF_MONTHS = [one for one in CATALOG.subjects.values() if all(feed.grain is Grain.MONTH for feed in one.feeds)]
TOYS = Catalog.of(*OF_MONTHS, Subject("toys", (SALES,)))
WITH_TOYS = definitions_of(TOYS)
KEY = dg.AssetKey(["raw_data", "toy_sales"])
OPTIONS = IngestionOptions(TOYS, Grain.DAY)


def _publish(folder: Path, period: Period, rows: int = 3) -> None:
    """Write a day's file. One that is replaced is a second younger each time, for that is all its server tells."""
    path = folder / f"{period.key}.csv"
    last = path.stat().st_mtime if path.exists() else 1_700_000_000
    lines = [f"{period.first_day} {hour:02}:00:00,{hour + 0.5}" for hour in range(rows)]
    path.write_text("\n".join(["sold_at,price", *lines]) + "\n")
    os.utime(path, (last + 1, last + 1))


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *arguments: object) -> None: ...


@pytest.fixture
def shop(tmp_path: Path, database: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder that the publisher serves, and an empty database."""
    folder = tmp_path / "shop"
    folder.mkdir()
    monkeypatch.setenv(LOG_FOLDER_VARIABLE, str(tmp_path / "logs"))
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder))) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        monkeypatch.setenv("SOURCES__TOY_SHOP__BASE_URL", f"http://127.0.0.1:{server.server_address[1]}")
        yield folder
        server.shutdown()


def test_the_feed_is_a_daily_asset_of_its_subject_without_the_days_that_have_no_file() -> None:
    asset = WITH_TOYS.get_repository_def().asset_graph.get(KEY)
    assert asset.tags["subject"] == "toys"
    assert isinstance(asset.partitions_def, dg.DailyPartitionsDefinition)
    keys = asset.partitions_def.get_partition_keys(current_time=datetime(2025, 4, 24, 12, tzinfo=UTC))
    # The 17th is a Thursday; Good Friday and a weekend follow.
    assert [keys[0], *keys[-6:]] == ["2025-04-01", *(f"2025-04-{number}" for number in (16, 17, 21, 22, 23, 24))]


def test_there_are_jobs_of_days_beside_those_of_months_which_stay_as_they_are() -> None:
    jobs = {
        job.name
        for job in WITH_TOYS.get_repository_def().get_all_jobs()
        if "ingestion" in job.name or "backfill" in job.name
    }
    assert jobs == {"backfill_daily_data", "daily_ingestion", "backfill_monthly_data", "monthly_ingestion"}
    without = {job.name for job in definitions_of(Catalog.of(*OF_MONTHS)).get_repository_def().get_all_jobs()}
    assert not without & {"backfill_daily_data", "daily_ingestion"}
    daily = WITH_TOYS.resolve_job_def("daily_ingestion")
    assert [node.name for node in daily.nodes_in_topological_order] == [
        "daily_dlt_ingestion",
        "dbt_build",
        "validate_day",
        "check_quality",
        "publish",
    ]
    assert daily.tags["subject"] == "toys"
    months = IngestionOptions(TOYS, Grain.MONTH)
    assert months.default_sources == IngestionOptions(CATALOG, Grain.MONTH).default_sources
    assert WITH_TOYS.resolve_job_def("monthly_ingestion").tags["subject"] == "mobility"


def test_hours_have_jobs_partitions_and_freshness_too() -> None:
    options = IngestionOptions(Catalog.of(Subject("toys", (HOURS,))), Grain.HOUR)
    asked = {"from": "2025-04-01T22", "to": "2025-04-02T01", "sources": "toys"}
    assert options.to_load(asked).periods == ["2025-04-01T22", "2025-04-01T23", "2025-04-02T00", "2025-04-02T01"]
    assert set(options.prefilled()) == {"hour"}
    partition = Partition(HOURS, Period.parse(Grain.HOUR, "2025-04-01T22"))
    key = dagster_key(partition)
    assert key
    assert partition_of(HOURS, key) == partition
    assert partitions_definition(HOURS).has_partition_key(key)
    assert freshness_of_feed(HOURS) == dg.FreshnessPolicy.time_window(fail_window=timedelta(hours=2))


def test_a_day_is_stale_by_a_day_its_lag_and_grace_or_by_the_longest_weekend() -> None:
    def policy(fail_days: int, warn_days: int) -> dg.FreshnessPolicy:
        return dg.FreshnessPolicy.time_window(timedelta(days=fail_days), timedelta(days=warn_days))

    assert freshness_of_feed(replace(SALES, calendar=EVERY_PERIOD)) == policy(fail_days=3, warn_days=2)
    # From Thursday to the Monday after Good Friday there are four days.
    assert freshness_of_feed(SALES) == policy(fail_days=9, warn_days=8)


@pytest.mark.parametrize(
    ("asked", "days"),
    [
        ({"date": "2025-04-17"}, ["2025-04-17"]),
        ({"from": "2025-04-17", "to": "2025-04-22"}, ["2025-04-17", "2025-04-21", "2025-04-22"]),
    ],
)
def test_a_day_and_a_range_of_days_can_be_asked_for(asked: dict[str, str], days: list[str]) -> None:
    assert OPTIONS.to_load({"sources": OPTIONS.default_sources, **asked}).periods == days


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"date": "2025-04-18"}, "2025-04-18: toy_sales has no file then, by its calendar"),
        ({"date": "2025-04"}, "expected a day as YYYY-MM-DD, such as 2025-01-03, but got '2025-04'"),
        ({"date": "2025-03-31"}, "expected days from 2025-04-01 on, but got 2025-03-31"),
        ({"date": "2999-01-01"}, "2999-01-01 has not begun yet"),
        ({"from": "2025-04-22", "to": "2025-04-17"}, "from must not be after to"),
        ({"date": "2025-04-17", "to": "2025-04-18"}, "expected one of: date; or from and to; but got date and to"),
        ({"date": "2025-04-17", "sources": "green"}, "green has one each month: run monthly_ingestion for it"),
        ({"date": "2025-04-17", "sources": "toy_sale"}, "unknown source 'toy_sale'"),
    ],
)
def test_wrong_values_are_refused_before_there_is_a_run(asked: dict[str, str], said: str) -> None:
    run_config = {"ops": {"daily_dlt_ingestion": {"config": asked}}}
    with dg.DagsterInstance.ephemeral() as instance:
        with pytest.raises(dg.DagsterInvalidConfigError) as refused:
            instance.create_run_for_job(WITH_TOYS.resolve_job_def("daily_ingestion"), run_config=run_config)
        assert said in str(refused.value).splitlines()[0]
        assert instance.get_runs() == []


def _rows(database: Path, query: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(database), read_only=True) as connection:
        return connection.execute(query).fetchall()


def test_a_range_of_days_is_materialized_in_one_run(shop: Path, database: Path) -> None:
    for number in (17, 21):
        _publish(shop, day(2025, 4, number))
    tags = {"dagster/asset_partition_range_start": "2025-04-17", "dagster/asset_partition_range_end": "2025-04-21"}
    with dg.DagsterInstance.ephemeral() as instance:
        assert dg.materialize([WITH_TOYS.get_assets_def(KEY)], instance=instance, tags=tags).success
        assert instance.get_materialized_partitions(KEY) == {"2025-04-17", "2025-04-21"}
    assert _rows(database, "select source_date, count(*) from raw_data.toy_sales group by all order by all") == [
        (date(2025, 4, 17), 3),
        (date(2025, 4, 21), 3),
    ]


def test_the_job_loads_days_and_the_ledger_sensor_tells_of_those_from_the_terminal(shop: Path, database: Path) -> None:
    for number in (15, 16, 17):
        _publish(shop, day(2025, 4, number))
    sensor = WITH_TOYS.get_sensor_def("ledger_sensor")
    run_config = {"ops": {"daily_dlt_ingestion": {"config": {"from": "2025-04-15", "to": "2025-04-16"}}}}
    with dg.DagsterInstance.ephemeral() as instance:
        job = WITH_TOYS.resolve_job_def("daily_ingestion")
        assert job.execute_in_process(run_config, instance=instance, op_selection=["daily_dlt_ingestion"]).success
        ingest([Partition(SALES, day(2025, 4, 17))])
        first = sensor.evaluate_tick(dg.build_sensor_context(instance))
        assert first.skip_message == "told Dagster of toy_sales 2025-04-17"
        for event in first.asset_events:
            instance.report_runless_asset_event(event)
        assert instance.get_materialized_partitions(KEY) == {f"2025-04-{number}" for number in (15, 16, 17)}
        second = sensor.evaluate_tick(dg.build_sensor_context(instance, cursor=None))
        assert (second.asset_events, second.skip_message) == ([], "Dagster knows of everything")


def _last_weekdays(count: int) -> list[Period]:
    """The newest weekdays that have ended, in order."""
    ended = [Period(Grain.DAY, datetime.now(UTC).replace(tzinfo=None) - timedelta(days=back)) for back in range(1, 20)]
    return sorted(period for period in ended if period.start.weekday() < 5)[-count:]


def test_a_new_and_a_replaced_day_are_requested_from_the_job_of_days(shop: Path, database: Path) -> None:
    first, second, third = _last_weekdays(3)
    for period in (first, second):
        _publish(shop, period)
    ingest([Partition(SALES, period) for period in (first, second)])
    _publish(shop, first, rows=5)
    _publish(shop, third)
    sensor = WITH_TOYS.get_sensor_def("publication_sensor")
    assert {target.job_name for target in sensor.targets} == {"daily_ingestion", "monthly_ingestion"}
    with dg.DagsterInstance.ephemeral() as instance:
        context = dg.build_sensor_context(instance, repository_def=WITH_TOYS.get_repository_def())
        requests = sensor.evaluate_tick(context).run_requests or []
    assert [(request.job_name, request.tags["day"], request.tags["subject"]) for request in requests] == [
        ("daily_ingestion", period.key, "toys") for period in (first, third)
    ]
    for request in requests:
        assert dg.validate_run_config(WITH_TOYS.resolve_job_def("daily_ingestion"), request.run_config)


def test_every_feed_of_mobility_is_where_it_was() -> None:
    for feed in FEEDS.values():
        if feed.grain is Grain.MONTH:
            assert asset_key(feed, TOYS) == asset_key(feed)
