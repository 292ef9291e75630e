"""A release of six trading days, between which the clocks changed."""

import os
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import duckdb
import pytest
from filelock import FileLock

from ingestion.catalog import FEEDS
from ingestion.run_pipeline import main as load
from ingestion.streams.consume import stream
from sandbox.__main__ import main as sandbox
from sandbox.kafka import kafka
from sandbox.server import SamplePublisher
from tests.dbt.small_warehouse import Warehouse, parsed_project
from warehouse.paths import DATABASE_VARIABLE, LOG_FOLDER_VARIABLE
from warehouse.publishing.publish import publish
from warehouse.releases import open_release

FIRST, LAST = date(2025, 3, 5), date(2025, 3, 12)


@pytest.fixture(scope="session")
def _days(tmp_path_factory: pytest.TempPathFactory) -> Path:
    own = tmp_path_factory.getbasetemp()
    # Several workers of one run share what one of them makes.
    scratch = (own.parent if os.environ.get("PYTEST_XDIST_WORKER") else own) / "markets"
    with FileLock(f"{scratch}.lock"):
        if not (scratch / "published").exists():
            scratch.mkdir(exist_ok=True)
            _make(scratch)
    return scratch


def settings_of(scratch: Path) -> dict[str, str]:
    return {
        DATABASE_VARIABLE: str(scratch / "nyc_mobility.duckdb"),
        LOG_FOLDER_VARIABLE: str(scratch / "logs"),
        "DBT_TARGET_PATH": str(scratch / "target"),
    }


def _make(scratch: Path) -> None:
    warehouse = Warehouse(scratch / "nyc_mobility.duckdb", scratch, parsed_project())
    with SamplePublisher(FIRST, LAST, rows=4000) as publisher, pytest.MonkeyPatch.context() as patch:
        for name, value in (publisher.environment | settings_of(scratch)).items():
            patch.setenv(name, value)
        # Some tables in Parquet files, as those of real days are.
        patch.setattr("warehouse.publishing.making.ROWS_FOR_FILES", 1000)
        assert load(["--from", str(FIRST), "--to", str(LAST), "--sources", "markets"]) == 0
        _read_streams(patch)
        built = warehouse.dbt("build", "--exclude-resource-type", "unit_test", "--exclude-resource-type", "test")
        assert built.success, warehouse.said
        publish()


def _read_streams(patch: pytest.MonkeyPatch) -> None:
    """Trades, snapshots of the order book and prices by minute of the same days, with duplicates and broken ones."""
    with kafka() as environment:
        for name, value in environment.items():
            patch.setenv(name, value)
        assert sandbox(["trades", "--historical", f"{FIRST}..{LAST}", "--messages", "1500"]) == 0
        results = stream([feed for feed in FEEDS.values() if feed.is_stream], once=True)
    assert [one.error for one in results] == [None, None, None]


@pytest.fixture
def days(_days: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the six days, as what the portal shows."""
    for name, value in settings_of(_days).items():
        monkeypatch.setenv(name, value)
    return _days


@pytest.fixture
def connection(days: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """The release, open for SQL that what a page shows is compared with."""
    with open_release() as opened:
        yield opened
