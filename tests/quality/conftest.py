"""Warehouses of sample files, one a subject, with every feed loaded and built once."""

import shutil
from collections.abc import Callable, Iterable, Sequence
from datetime import date
from pathlib import Path

import pytest

from ingestion.catalog import FEEDS
from ingestion.partitions import Partition
from ingestion.pipeline import Status, ingest
from sandbox.catalog import FEEDS_SERVED
from sandbox.server import SamplePublisher
from tests.dbt.small_warehouse import Warehouse, parsed_project
from tests.dbt.telemetry.lines import CRAWLS, DAYS, EVENTS, HOURS, RUNS, Line, rows_of
from tests.partitions import partitions_of
from tests.quality.messages import bring_messages
from warehouse.paths import DATABASE_VARIABLE
from warehouse.periods import Grain
from warehouse.publishing.publish import publish
from warehouse.releases import Release

# Of dbt's tests, reports need those of the subject that they are of. Suites need none: that sample data passes them is
# for `tests/dbt/telemetry` and `tests/end_to_end` to say.
_TESTS_OF_MOBILITY = (
    *("--exclude-resource-type", "unit_test"),
    *("--exclude", "resource_type:test,path:models/*/markets", "resource_type:test,path:models/*/telemetry"),
    # Else those across tables are left out as well, of which a release has the lists.
    *("--indirect-selection", "empty"),
)
_NO_TESTS = ("--exclude-resource-type", "unit_test", "--exclude-resource-type", "test")

JANUARY, FEBRUARY = date(2025, 1, 1), date(2025, 2, 1)

TUESDAY, WEDNESDAY = date(2026, 1, 20), date(2026, 1, 21)
# The days of reference files.
SYMBOL_FILES, EXCHANGE_FILES = (date(2026, 1, 13), date(2026, 1, 17)), (TUESDAY,)
TRADER_FILES, ACCOUNT_FILES = (date(2026, 1, 15),), (date(2026, 1, 14),)


def _loaded(
    folder: Path,
    publisher: SamplePublisher,
    partitions: Iterable[Partition],
    *without: str,
    message_days: Sequence[date] = (),
    **settings: str,
) -> Warehouse:
    """A new warehouse with these partitions, and the exchange's messages of these days, built.

    `without` are dbt's arguments for what is not built.
    """
    # Of the name that `database` has, too: dbt knows the database by it.
    warehouse = Warehouse(folder / "warehouse.duckdb", folder, parsed_project())
    with pytest.MonkeyPatch.context() as patch, publisher:
        own = {DATABASE_VARIABLE: str(warehouse.path), **settings}
        for name, value in (publisher.environment | own).items():
            patch.setenv(name, value)
        results = ingest(list(partitions))
        assert {result.status for result in results} == {Status.LOADED}
        if message_days:
            bring_messages(warehouse, message_days)
        assert warehouse.dbt("build", *without).success, warehouse.said
    return warehouse


@pytest.fixture(scope="session")
def _built(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    monthly = [FEEDS[name] for name in FEEDS_SERVED if FEEDS[name].grain is Grain.MONTH]
    publisher = SamplePublisher(JANUARY, FEBRUARY, rows=3000)
    partitions = partitions_of(monthly, [JANUARY, FEBRUARY])
    return _loaded(tmp_path_factory.mktemp("quality"), publisher, partitions, *_TESTS_OF_MOBILITY)


@pytest.fixture(scope="session")
def _built_of_days(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    daily = [FEEDS[name] for name in ("minute_aggs", "candles_daily", "options_bars", "options_snapshots")]
    partitions = [
        *partitions_of([FEEDS["symbols"]], SYMBOL_FILES),
        *partitions_of([FEEDS["exchanges"]], EXCHANGE_FILES),
        *partitions_of([FEEDS["traders"]], TRADER_FILES),
        *partitions_of([FEEDS["accounts"]], ACCOUNT_FILES),
        *partitions_of(daily, [TUESDAY, WEDNESDAY]),
    ]
    # So many rows that a day has 500 sessions of tickers: days of fewer are not compared.
    publisher = SamplePublisher(SYMBOL_FILES[0], WEDNESDAY, rows=30_000)
    folder = tmp_path_factory.mktemp("days")
    days, watched = (TUESDAY, WEDNESDAY), "AAPL,SPY"
    return _loaded(folder, publisher, partitions, *_NO_TESTS, message_days=days, MARKETS_WATCHLIST=watched)


@pytest.fixture(scope="session")
def _built_of_lines(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """Events of three hours, the platform's own runs of one, and profiles of two days."""
    folder = tmp_path_factory.mktemp("lines")
    warehouse = Warehouse(folder / "warehouse.duckdb", folder, parsed_project())
    # None has a fault, and none is said again.
    lines = [Line(number, number % 60, number % 4) for number in range(200)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(DATABASE_VARIABLE, str(warehouse.path))
        warehouse.create_raw_tables()
        for feed, hour in ((EVENTS, 0), (EVENTS, 1), (EVENTS, 2), (RUNS, 1)):
            here = [Line(line.thing + 200 * hour, line.minute + 60 * hour, line.version) for line in lines]
            warehouse.load(feed, HOURS[hour], rows_of(feed, here))
        for number, day in enumerate(DAYS):
            here = [Line(line.thing, line.minute + 120 * number, line.version) for line in lines]
            warehouse.load(CRAWLS, day, rows_of(CRAWLS, here))
        assert warehouse.dbt("build", *_NO_TESTS).success, warehouse.said
    return warehouse


@pytest.fixture
def sample(_built: Warehouse, database: Path) -> Path:
    """The test's own copy of the warehouse of months, which everything in this process uses."""
    shutil.copy(_built.path, database)
    return database


@pytest.fixture
def sample_of_days(_built_of_days: Warehouse, database: Path) -> Path:
    """The same of that of days."""
    shutil.copy(_built_of_days.path, database)
    return database


@pytest.fixture
def sample_of_lines(_built_of_lines: Warehouse, database: Path) -> Path:
    """The same of that of lines."""
    shutil.copy(_built_of_lines.path, database)
    return database


@pytest.fixture
def sample_of(request: pytest.FixtureRequest) -> Callable[[str], Path]:
    """The test's own copy of the warehouse of a subject."""
    fixtures = {"mobility": "sample", "markets": "sample_of_days", "telemetry": "sample_of_lines"}
    return lambda subject: request.getfixturevalue(fixtures[subject])


@pytest.fixture
def published(_built: Warehouse, sample: Path, monkeypatch: pytest.MonkeyPatch) -> Release:
    """The test's own release of the warehouse of months."""
    assert sample.exists()
    monkeypatch.setenv("DBT_TARGET_PATH", str(_built.scratch / "target"))
    return publish().release


@pytest.fixture
def warehouse(_built: Warehouse, sample: Path, tmp_path: Path) -> Warehouse:
    """The warehouse of months, to run dbt on."""
    return Warehouse(sample, tmp_path, manifest=_built.manifest)


@pytest.fixture
def warehouse_of_days(_built_of_days: Warehouse, sample_of_days: Path, tmp_path: Path) -> Warehouse:
    """That of days, to run dbt on."""
    return Warehouse(sample_of_days, tmp_path, manifest=_built_of_days.manifest)
