"""What tests of several folders use."""

import gc
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from xdist.scheduler import LoadFileScheduling, Scheduling

from warehouse.paths import DATABASE_VARIABLE

# Of the time of a test that runs dbt or Dagster, Python spends a seventh on looking through hundreds of thousands of
# objects for cycles, again and again. It finds next to none: the objects are those of libraries, which stay.
gc.set_threshold(50_000, 20, 20)

# A machine with much to do is no fault of what is tested.
settings.register_profile("without deadlines", deadline=None)
settings.load_profile("without deadlines")

# Folders whose tests share a warehouse, or a session of Spark, that takes long to make. One worker has all of them, and
# makes it once.
# Of a folder and one in it, the inner one comes first.
_SHARE_A_WAREHOUSE = ("tests/dbt/markets", "tests/dbt", "tests/metrics", "tests/quality", "tests/spark")


class _ByWarehouse(LoadFileScheduling):  # type: ignore[misc]
    """A file's tests go to one worker, and a folder's, where they share a warehouse."""

    def _split_scope(self, nodeid: str) -> str:
        file = super()._split_scope(nodeid)
        return next((folder for folder in _SHARE_A_WAREHOUSE if file.startswith(f"{folder}/")), file)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Scheduling | None:
    """Where tests are distributed by file."""
    return _ByWarehouse(config, log) if config.getoption("dist") == "loadfile" else None


@pytest.fixture
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A DuckDB file of the test's own, which everything in this process and its children uses."""
    path = tmp_path / "warehouse.duckdb"
    monkeypatch.setenv(DATABASE_VARIABLE, str(path))
    return path
