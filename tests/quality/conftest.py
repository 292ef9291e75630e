"""A warehouse of sample files, every feed, loaded and built once."""

import shutil
from datetime import date
from pathlib import Path

import pytest

from ingestion.catalog import FEEDS
from ingestion.pipeline import Status, ingest
from sandbox.catalog import FEEDS_SERVED
from sandbox.server import SamplePublisher
from tests.dbt.small_warehouse import Warehouse, parsed_project
from tests.partitions import partitions_of
from warehouse.paths import DATABASE_VARIABLE
from warehouse.periods import Grain
from warehouse.publishing.publish import publish
from warehouse.releases import Release

JANUARY, FEBRUARY = date(2025, 1, 1), date(2025, 2, 1)


@pytest.fixture(scope="session")
def _built(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    folder = tmp_path_factory.mktemp("quality")
    # Of the name that `database` has, too: dbt knows the database by it.
    warehouse = Warehouse(folder / "warehouse.duckdb", folder, parsed_project())
    with pytest.MonkeyPatch.context() as patch, SamplePublisher(JANUARY, FEBRUARY, rows=3000) as publisher:
        for name, value in (publisher.environment | {DATABASE_VARIABLE: str(warehouse.path)}).items():
            patch.setenv(name, value)
        monthly = [FEEDS[name] for name in FEEDS_SERVED if FEEDS[name].grain is Grain.MONTH]
        results = ingest(partitions_of(monthly, [JANUARY, FEBRUARY]))
        assert {result.status for result in results} == {Status.LOADED}
        assert warehouse.dbt("build", "--exclude-resource-type", "unit_test").success, warehouse.said
    return warehouse


@pytest.fixture
def sample(_built: Warehouse, database: Path) -> Path:
    """The test's own copy of the warehouse, which everything in this process uses."""
    shutil.copy(_built.path, database)
    return database


@pytest.fixture
def published(_built: Warehouse, sample: Path, monkeypatch: pytest.MonkeyPatch) -> Release:
    """The test's own release of the same."""
    assert sample.exists()
    monkeypatch.setenv("DBT_TARGET_PATH", str(_built.scratch / "target"))
    return publish().release


@pytest.fixture
def warehouse(_built: Warehouse, sample: Path, tmp_path: Path) -> Warehouse:
    """The same, to run dbt on."""
    return Warehouse(sample, tmp_path, manifest=_built.manifest)
