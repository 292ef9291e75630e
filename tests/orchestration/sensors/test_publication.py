"""The publication sensor, evaluated against published files and a database that has some of them.

The sensor goes by the clock, and so do the months here: the last three that have ended.
"""

import shutil
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest

from ingestion.catalog import FEEDS, resolve_sources
from ingestion.gap_acceptance import accept
from ingestion.pipeline import Result, Status, ingest
from orchestration import defs
from orchestration.sensors import publication
from orchestration.sensors.publication import Patience
from orchestration.sensors.publication_plan import PublicationCursor
from sandbox.faults import Fault
from sandbox.server import SamplePublisher
from tests.partitions import partition_of, partitions_of
from warehouse.paths import DATABASE_VARIABLE
from warehouse.periods import Grain


def _month_before(month: date) -> date:
    return (month - timedelta(days=1)).replace(day=1)


LAST = _month_before(datetime.now(UTC).date().replace(day=1))
MIDDLE = _month_before(LAST)
FIRST = _month_before(MIDDLE)
PUBLICATION_SENSOR = defs.get_sensor_def("publication_sensor")
LOADED = "yellow,green,citibike_jc"
PATIENT = Patience(tick_seconds=120, connect_seconds=30, answer_seconds=30)


@pytest.fixture(scope="module")
def loaded_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with published files and a database in which all but the last month are loaded; for tests to copy."""
    folder = tmp_path_factory.mktemp("publication")
    with (
        SamplePublisher(FIRST, MIDDLE, rows=2000, folder=folder / "published") as server,
        pytest.MonkeyPatch.context() as environment,
    ):
        for name, value in {**server.environment, DATABASE_VARIABLE: str(folder / "loaded.duckdb")}.items():
            environment.setenv(name, value)
        assert {result.status for result in _load(FIRST, MIDDLE)} == {Status.LOADED}
    return folder


@pytest.fixture
def publisher(loaded_once: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SamplePublisher]:
    with SamplePublisher(FIRST, MIDDLE, rows=2000, folder=loaded_once / "published") as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        yield server


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """A good answer may take its time, as it does where the machine has much else to do."""
    monkeypatch.setattr(publication, "PATIENCE", PATIENT)


@pytest.fixture(autouse=True)
def warehouse(loaded_once: Path, publisher: SamplePublisher, database: Path) -> Path:
    """The test's own database, with all of `LOADED` but the last month."""
    shutil.copy(loaded_once / "loaded.duckdb", database)
    return database


def _load(*months: date, sources: str = LOADED) -> list[Result]:
    return ingest(partitions_of(resolve_sources(sources), months))


class _Ticks:
    """The sensor's ticks, each with the cursor that the one before left."""

    def __init__(self, instance: dg.DagsterInstance) -> None:
        self._instance = instance
        self.cursor: str | None = None
        self.said: str | None = None
        self._run_keys: list[str | None] = []

    def tick(self) -> list[tuple[str, str]]:
        """Evaluate the sensor once: the month and the sources of each run that it requests."""
        context = dg.build_sensor_context(self._instance, cursor=self.cursor, repository_def=defs.get_repository_def())
        data = PUBLICATION_SENSOR.evaluate_tick(context)
        self.cursor, self.said = data.cursor, data.skip_message
        requests = data.run_requests or []
        for request in requests:
            assert request.run_key not in self._run_keys, "a run key is used once"
            self._run_keys.append(request.run_key)
            assert request.job_name == "monthly_ingestion"
            assert request.tags["subject"] == "mobility"
            assert dg.validate_run_config(defs.get_job_def("monthly_ingestion"), request.run_config)
        configs = [request.run_config["ops"]["monthly_dlt_ingestion"]["config"] for request in requests]
        return [(f"{config['year']}-{config['month']:02}", config["sources"]) for config in configs]


@pytest.fixture
def ticks(instance: dg.DagsterInstance) -> _Ticks:
    return _Ticks(instance)


def test_nothing_is_requested_when_all_is_loaded_and_only_headers_and_names_are_asked_for(
    publisher: SamplePublisher, ticks: _Ticks
) -> None:
    assert ticks.tick() == []
    assert ticks.said
    assert "none is new or replaced" in ticks.said
    listings = [asked for asked in publisher.requests if asked.path.startswith("/tripdata?list-type=2&prefix=JC-")]
    assert len(listings) == 1
    assert {asked.method for asked in publisher.requests if asked not in listings} == {"HEAD"}
    assert PublicationCursor.from_json(ticks.cursor) == PublicationCursor()


def test_a_new_month_is_requested_once_in_one_run_for_all_feeds(publisher: SamplePublisher, ticks: _Ticks) -> None:
    assert ticks.tick() == []
    publisher.publish(LAST)
    assert ticks.tick() == [(f"{LAST:%Y-%m}", "yellow,green,citibike_jc")]
    assert ticks.tick() == []
    assert ticks.said
    assert f"requested before and not loaded: yellow {LAST:%Y-%m}" in ticks.said
    _load(LAST)
    assert ticks.tick() == []
    assert PublicationCursor.from_json(ticks.cursor) == PublicationCursor()


def test_a_feed_that_publishes_later_is_requested_alone(publisher: SamplePublisher, ticks: _Ticks) -> None:
    publisher.publish(LAST)
    publisher.break_("green", LAST, Fault.UNAVAILABLE)
    assert ticks.tick() == [(f"{LAST:%Y-%m}", "yellow,citibike_jc")]
    publisher.mend("green", LAST)
    assert ticks.tick() == [(f"{LAST:%Y-%m}", "green")]
    assert ticks.tick() == []


def test_a_replaced_month_is_requested_once_for_each_replacement(publisher: SamplePublisher, ticks: _Ticks) -> None:
    publisher.replace("green", MIDDLE)
    assert ticks.tick() == [(f"{MIDDLE:%Y-%m}", "green")]
    assert ticks.tick() == []
    publisher.replace("green", MIDDLE)
    assert ticks.tick() == [(f"{MIDDLE:%Y-%m}", "green")]
    _load(MIDDLE, sources="green")
    assert ticks.tick() == []


def test_what_a_person_accepted_is_not_requested(publisher: SamplePublisher, ticks: _Ticks) -> None:
    publisher.publish(LAST)
    publisher.replace("green", MIDDLE)
    accepted = [partition_of(FEEDS["yellow"], LAST), partition_of(FEEDS["green"], MIDDLE)]
    accept(accepted, "moved", now=datetime.now(UTC).date(), is_offline=False)
    assert ticks.tick() == [(f"{LAST:%Y-%m}", "green,citibike_jc")]
    publisher.replace("green", MIDDLE)
    assert ticks.tick() == [(f"{MIDDLE:%Y-%m}", "green")]


@pytest.mark.parametrize("fault", [Fault.UNAVAILABLE, Fault.HANGS])
def test_a_file_that_cannot_be_asked_for_holds_up_neither_other_publishers_nor_for_long_its_own(
    fault: Fault, publisher: SamplePublisher, ticks: _Ticks, monkeypatch: pytest.MonkeyPatch
) -> None:
    if fault is Fault.HANGS:
        monkeypatch.setattr(publication, "PATIENCE", replace(PATIENT, answer_seconds=4))
    publisher.break_("yellow", FIRST, fault)
    publisher.replace("green", FIRST)
    publisher.replace("citibike_jc", FIRST)
    assert ticks.tick() == [(f"{FIRST:%Y-%m}", "citibike_jc")]
    assert PublicationCursor.from_json(ticks.cursor).next == f"green {FIRST:%Y-%m}"
    assert ticks.tick() == [(f"{FIRST:%Y-%m}", "green")]
    assert ticks.tick() == []
    assert ticks.said
    assert "tlc could not be asked" in ticks.said
    assert f"yellow_tripdata_{FIRST:%Y-%m}.parquet" in ticks.said


def test_a_tick_that_runs_out_of_time_leaves_the_rest_to_the_next(
    publisher: SamplePublisher, ticks: _Ticks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publication, "PATIENCE", replace(PATIENT, tick_seconds=1, answer_seconds=2))
    publisher.break_("yellow", FIRST, Fault.HANGS, times=1)
    publisher.replace("citibike_jc", FIRST)
    begun = time.monotonic()
    assert ticks.tick() == []
    assert time.monotonic() - begun < 60
    assert PublicationCursor.from_json(ticks.cursor).next == f"green {FIRST:%Y-%m}"
    monkeypatch.setattr(publication, "PATIENCE", PATIENT)
    assert ticks.tick() == [(f"{FIRST:%Y-%m}", "citibike_jc")]


def test_a_busy_database_ends_the_tick_at_once_and_says_for_whom(
    busy_database: Path, publisher: SamplePublisher, ticks: _Ticks
) -> None:
    begun = time.monotonic()
    assert ticks.tick() == []
    # Who waits for the file waits for half an hour.
    assert time.monotonic() - begun < 60
    assert ticks.said
    assert "the DuckDB file is in use by python" in ticks.said
    assert publisher.requests == []


def test_without_a_database_there_is_nothing_to_watch(warehouse: Path, ticks: _Ticks) -> None:
    warehouse.unlink()
    assert ticks.tick() == []
    assert ticks.said
    assert "load a file first" in ticks.said


def test_an_invalid_cursor_is_started_over(publisher: SamplePublisher, ticks: _Ticks) -> None:
    publisher.replace("green", MIDDLE)
    ticks.cursor = "yellow"
    assert ticks.tick() == [(f"{MIDDLE:%Y-%m}", "green")]


def test_how_many_periods_are_watched_is_a_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PUBLICATION_MONTHS_WATCHED", "12")
    monkeypatch.delenv("PUBLICATION_DAYS_WATCHED", raising=False)
    assert publication.counts_watched() == {Grain.MONTH: 12, Grain.DAY: 10, Grain.HOUR: 48}
    monkeypatch.setenv("PUBLICATION_MONTHS_WATCHED", "a few")
    with pytest.raises(ValueError, match="PUBLICATION_MONTHS_WATCHED: expected a number of months"):
        publication.counts_watched()


def test_how_often_publishers_are_asked_is_a_setting() -> None:
    assert publication.interval_seconds({}) == 3600
    assert publication.interval_seconds({"PUBLICATION_INTERVAL_SECONDS": "60"}) == 60
    with pytest.raises(ValueError, match="PUBLICATION_INTERVAL_SECONDS: expected a number of seconds"):
        publication.interval_seconds({"PUBLICATION_INTERVAL_SECONDS": "0"})


def test_the_sensor_waits_to_be_started_and_asks_hourly() -> None:
    assert PUBLICATION_SENSOR.default_status is dg.DefaultSensorStatus.STOPPED
    assert PUBLICATION_SENSOR.minimum_interval_seconds == 3600
    assert {target.job_name for target in PUBLICATION_SENSOR.targets} == {
        "hourly_ingestion",
        "daily_ingestion",
        "monthly_ingestion",
    }
