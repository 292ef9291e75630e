"""What the tests of the portal share: releases with one and two months of the monthly feeds, and of one feed each."""

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path

import duckdb
import pytest
from filelock import FileLock
from streamlit.components.v2 import manifest_scanner

from ingestion.catalog import FEEDS
from ingestion.run_pipeline import main as load
from sandbox.server import SamplePublisher
from tests.dbt.small_warehouse import Warehouse, parsed_project
from tests.portal.little_data import make_little
from warehouse.paths import DATABASE_VARIABLE, LOG_FOLDER_VARIABLE
from warehouse.periods import Grain
from warehouse.publishing.publish import publish
from warehouse.releases import Release, Releases, open_release

# In March the clocks change.
FEBRUARY, MARCH = date(2025, 2, 1), date(2025, 3, 1)

# Those of days have a release of their own, in the folder of their subject.
_MONTHLY = [name for name, feed in FEEDS.items() if feed.grain is Grain.MONTH]


@dataclass(frozen=True)
class Sample:
    """The built DuckDB file, with its releases beside it, and the target folder of dbt."""

    database: Path
    target: Path

    @property
    def unpublished(self) -> Path:
        """A folder with a copy of it from before the second publication: March is built, and only February published.

        To be copied with symbolic links kept, by those who publish it.
        """
        return self.database.parent / "unpublished"

    def releases(self) -> Releases:
        """The releases: the older one has February, the current one both months."""
        return Releases(self.database.parent / "published")


@pytest.fixture(scope="session", autouse=True)
def _look_for_components_once() -> Iterator[None]:
    """Streamlit looks through all installed packages for components, each time that a test opens a page."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(manifest_scanner, "scan_component_manifests", cache(manifest_scanner.scan_component_manifests))
        yield


@pytest.fixture(scope="session")
def _sample(tmp_path_factory: pytest.TempPathFactory) -> Sample:
    own = tmp_path_factory.getbasetemp()
    # Several workers of one run share what one of them makes.
    scratch = (own.parent if os.environ.get("PYTEST_XDIST_WORKER") else own) / "portal"
    sample = Sample(scratch / "nyc_mobility.duckdb", scratch / "target")
    with FileLock(f"{scratch}.lock"):
        if len(sample.releases().all()) < 2:
            scratch.mkdir(exist_ok=True)
            _make(sample)
    return sample


def _make(sample: Sample) -> None:
    scratch = sample.database.parent
    warehouse = Warehouse(sample.database, scratch, parsed_project())
    with SamplePublisher(FEBRUARY, MARCH, rows=3000) as publisher, pytest.MonkeyPatch.context() as patch:
        own = {
            DATABASE_VARIABLE: str(sample.database),
            LOG_FOLDER_VARIABLE: str(scratch / "logs"),
            "DBT_TARGET_PATH": str(sample.target),
        }
        for name, value in (publisher.environment | own).items():
            patch.setenv(name, value)
        # Some tables in Parquet files, as those of many trips are.
        patch.setattr("warehouse.publishing.making.ROWS_FOR_FILES", 1000)
        for month in (FEBRUARY, MARCH):
            period = f"{month:%Y-%m}"
            assert load(["--from", period, "--to", period, "--sources", ",".join(_MONTHLY)]) == 0
            # Pages show the checks of the current release.
            left_out = ["--exclude-resource-type", "unit_test"]
            left_out += ["--exclude-resource-type", "test"] if month == FEBRUARY else []
            assert warehouse.dbt("build", *left_out).success, warehouse.said
            if month == MARCH:
                _keep_unpublished(sample)
            publish()


def _keep_unpublished(sample: Sample) -> None:
    """Keep a copy of what is built and not yet published, for tests that publish it themselves."""
    sample.unpublished.mkdir()
    for path in sample.database.parent.glob(f"{sample.database.name}*"):
        shutil.copy(path, sample.unpublished)
    shutil.copytree(sample.database.parent / "published", sample.unpublished / "published", symlinks=True)


@pytest.fixture(scope="session")
def little(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the releases of one feed each: see `little_data.py`."""
    own = tmp_path_factory.getbasetemp()
    scratch = (own.parent if os.environ.get("PYTEST_XDIST_WORKER") else own) / "little"
    with FileLock(f"{scratch}.lock"):
        if not (scratch / "published").exists():
            scratch.mkdir(exist_ok=True)
            make_little(scratch)
    return scratch


@pytest.fixture
def sample(_sample: Sample, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Sample:
    """The sample, as what the portal shows."""
    monkeypatch.setenv(DATABASE_VARIABLE, str(_sample.database))
    monkeypatch.setenv(LOG_FOLDER_VARIABLE, str(tmp_path / "logs"))
    monkeypatch.setenv("DBT_TARGET_PATH", str(_sample.target))
    return _sample


@pytest.fixture
def release(sample: Sample) -> Release:
    """The current release."""
    current = sample.releases().current()
    assert current
    return current


@pytest.fixture
def connection(release: Release) -> Iterator[duckdb.DuckDBPyConnection]:
    """The current release, open for SQL that what a page shows is compared with."""
    with open_release(release) as opened:
        yield opened
