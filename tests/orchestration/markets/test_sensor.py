"""The sensor of minute files, evaluated against a bucket and a database that has some of its days.

The sensor goes by the clock, and so do the days here: the last trading days that have ended.
"""

import shutil
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest

from ingestion.catalog import CATALOG, FEEDS
from ingestion.markets.trading_days import trading_days
from ingestion.pipeline import Status, ingest
from orchestration import defs
from orchestration.jobs.ingestion import ingestion_jobs, shared_ops
from orchestration.markets.sensor import minute_aggs_sensor
from orchestration.sensors import publication
from orchestration.sensors.publication import Patience
from orchestration.sensors.publication_plan import PublicationCursor
from sandbox.faults import Fault
from sandbox.server import SamplePublisher
from tests.partitions import partition_of
from warehouse.paths import DATABASE_VARIABLE

SENSOR = defs.get_sensor_def("massive_minute_aggs_sensor")
MINUTE_AGGS = FEEDS["minute_aggs"]
ROWS = 200

TODAY = datetime.now(UTC).date()
ALL_DAYS = sorted(trading_days(TODAY - timedelta(days=4000), TODAY - timedelta(days=1)))
# A weekend is among them.
*DAYS, LAST = ALL_DAYS[-8:]
FIRST, MIDDLE = DAYS[0], DAYS[3]
SATURDAY = next(day for day in (FIRST + timedelta(days=n) for n in range(7)) if day.weekday() == 5)


@pytest.fixture(scope="module")
def loaded_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a database in which all days are loaded but the middle one, which is late, and the last."""
    folder = tmp_path_factory.mktemp("bucket")
    with (
        SamplePublisher(FIRST, DAYS[-1], rows=ROWS, folder=folder / "published") as server,
        pytest.MonkeyPatch.context() as environment,
    ):
        for name, value in {**server.environment, DATABASE_VARIABLE: str(folder / "loaded.duckdb")}.items():
            environment.setenv(name, value)
        assert _load(*(day for day in DAYS if day != MIDDLE)) == {Status.LOADED}
    return folder


@pytest.fixture
def bucket(loaded_once: Path, database: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SamplePublisher]:
    """The bucket without the middle day, which is late; and the test's own copy of the database."""
    shutil.copy(loaded_once / "loaded.duckdb", database)
    monkeypatch.setattr(publication, "PATIENCE", Patience(tick_seconds=60, connect_seconds=30, answer_seconds=30))
    with SamplePublisher(FIRST, DAYS[-1], rows=ROWS, folder=loaded_once / "published") as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        server.break_("minute_aggs", MIDDLE, Fault.LATE)
        yield server


def _load(*days: date) -> set[Status]:
    return {result.status for result in ingest([partition_of(MINUTE_AGGS, day) for day in days])}


class _Ticks:
    """The sensor's ticks, each with the cursor that the one before left."""

    def __init__(self, instance: dg.DagsterInstance) -> None:
        self._instance = instance
        self.sensor = SENSOR
        self.cursor: str | None = None
        self.said = ""
        self._run_keys: set[str | None] = set()

    def tick(self) -> list[date]:
        """Evaluate the sensor once: the days of the runs that it requests."""
        context = dg.build_sensor_context(self._instance, cursor=self.cursor, repository_def=defs.get_repository_def())
        data = self.sensor.evaluate_tick(context)
        self.cursor, self.said = data.cursor, data.skip_message or ""
        requests = data.run_requests or []
        keys = {request.run_key for request in requests}
        assert len(keys) == len(requests), "a run key is used once"
        assert keys.isdisjoint(self._run_keys)
        self._run_keys |= keys
        configs = [request.run_config["ops"]["daily_dlt_ingestion"]["config"] for request in requests]
        assert {config["sources"] for config in configs} <= {"minute_aggs"}
        assert {request.job_name for request in requests} <= {"daily_ingestion"}
        assert {request.tags["subject"] for request in requests} <= {"markets"}
        for request in requests[:2]:
            assert dg.validate_run_config(defs.get_job_def("daily_ingestion"), request.run_config)
        return [date.fromisoformat(config["date"]) for config in configs]


@pytest.fixture
def ticks() -> Iterator[_Ticks]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield _Ticks(instance)


def test_nothing_is_requested_when_all_is_loaded_and_the_bucket_is_listed_once(
    bucket: SamplePublisher, ticks: _Ticks
) -> None:
    assert ticks.tick() == []
    assert ticks.said == "8 of 8 recent files looked at, none is new or replaced"
    (listing,) = bucket.requests
    assert listing.path.startswith("/flatfiles?list-type=2&prefix=us_stocks_sip%2Fminute_aggs_v1%2F")


def test_a_new_day_is_requested_once(bucket: SamplePublisher, ticks: _Ticks) -> None:
    assert ticks.tick() == []
    bucket.publish(LAST)
    assert ticks.tick() == [LAST]
    assert ticks.tick() == []
    assert ticks.said == f"requested before and not loaded: minute_aggs {LAST}"
    assert _load(LAST) == {Status.LOADED}
    assert ticks.tick() == []
    assert PublicationCursor.from_json(ticks.cursor) == PublicationCursor()


def test_a_late_day_is_requested_once_though_later_ones_are_loaded(bucket: SamplePublisher, ticks: _Ticks) -> None:
    assert ticks.tick() == []
    bucket.mend("minute_aggs", MIDDLE)
    assert ticks.tick() == [MIDDLE]
    assert ticks.tick() == []


def test_a_replaced_day_is_requested_once_for_each_replacement(bucket: SamplePublisher, ticks: _Ticks) -> None:
    for _ in range(2):
        bucket.replace("minute_aggs", FIRST)
        assert ticks.tick() == [FIRST]
        assert ticks.tick() == []
    assert _load(FIRST) == {Status.LOADED}
    assert ticks.tick() == []


def test_after_a_restart_nothing_is_requested_again(bucket: SamplePublisher, ticks: _Ticks) -> None:
    bucket.publish(LAST)
    bucket.replace("minute_aggs", FIRST)
    assert ticks.tick() == [FIRST, LAST]
    # Dagster keeps the cursor. All else is made anew.
    ticks.sensor = minute_aggs_sensor(CATALOG, ingestion_jobs(shared_ops(CATALOG)))
    assert ticks.tick() == []
    bucket.mend("minute_aggs", MIDDLE)
    assert ticks.tick() == [MIDDLE]


def test_a_file_of_a_day_that_the_calendar_does_not_have_is_not_requested(
    bucket: SamplePublisher, ticks: _Ticks
) -> None:
    bucket.break_("minute_aggs", SATURDAY, Fault.UNEXPECTED)
    bucket.replace("minute_aggs", FIRST)
    assert ticks.tick() == [FIRST]
    assert ticks.tick() == []


def test_a_day_outside_the_subscription_is_requested_once_and_its_load_says_so_and_goes_on(
    bucket: SamplePublisher, ticks: _Ticks
) -> None:
    bucket.mend("minute_aggs", MIDDLE)
    bucket.break_("minute_aggs", MIDDLE, Fault.FORBIDDEN)
    bucket.publish(LAST)
    assert ticks.tick() == [MIDDLE, LAST]
    forbidden, loaded = ingest([partition_of(MINUTE_AGGS, day) for day in (MIDDLE, LAST)])
    assert loaded.status is Status.LOADED
    assert forbidden.status is Status.REFUSED
    assert "403 AccessDenied): it is outside their subscription" in str(forbidden.error)
    assert ticks.tick() == []
    assert ticks.said == f"requested before and not loaded: minute_aggs {MIDDLE}"
    bucket.replace("minute_aggs", FIRST)
    assert ticks.tick() == [FIRST]


def test_wrong_keys_are_said_and_the_next_tick_looks_again(
    bucket: SamplePublisher, ticks: _Ticks, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket.publish(LAST)
    monkeypatch.setenv("MASSIVE_SECRET_KEY", "wrong")
    assert ticks.tick() == []
    assert "flat_files could not be asked: " in ticks.said
    assert "the publisher does not know these keys (SignatureDoesNotMatch). Check MASSIVE_ACCESS_KEY" in ticks.said
    assert "wrong" not in ticks.said
    for name, value in bucket.environment.items():
        monkeypatch.setenv(name, value)
    assert ticks.tick() == [LAST]


def test_before_anything_is_loaded_it_says_so(bucket: SamplePublisher, ticks: _Ticks, database: Path) -> None:
    said = "nothing is loaded yet, so there is no feed to watch; load a file first"
    database.unlink()
    assert (ticks.tick(), ticks.said) == ([], said)
    assert _load(SATURDAY) == {Status.NOT_PUBLISHED}
    assert (ticks.tick(), ticks.said) == ([], said)


def test_two_thousand_keys_are_listed_and_requested_in_one_tick(
    ticks: _Ticks, database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a fraction of the 60 seconds that Dagster gives a tick, with the patience that a tick has."""
    first = ALL_DAYS[-2000]
    with SamplePublisher(first, ALL_DAYS[-1], rows=ROWS, folder=tmp_path) as bucket:
        for name, value in bucket.environment.items():
            monkeypatch.setenv(name, value)
        assert _load(first) == {Status.LOADED}
        before = len(bucket.requests)
        begun = time.monotonic()
        assert ticks.tick() == ALL_DAYS[-1999:]
        assert time.monotonic() - begun < 30
        assert len(bucket.requests) - before == 2, "pages of the listing"
        assert ticks.tick() == []
        bucket.replace("minute_aggs", first)
        assert ticks.tick() == [first]
    assert database.exists()


def test_the_sensor_waits_to_be_started_and_looks_every_minute() -> None:
    assert SENSOR.default_status is dg.DefaultSensorStatus.STOPPED
    assert SENSOR.minimum_interval_seconds == 60
    assert SENSOR.job_name == "daily_ingestion"
