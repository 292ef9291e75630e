"""What tests of several folders use."""

import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from xdist.scheduler import LoadFileScheduling, Scheduling

from tests.in_memory import keep_temporary_files_in_memory
from tests.times import Measuring
from warehouse.garbage import collect_seldom
from warehouse.paths import DATABASE_VARIABLE

# Tests run dbt and Dagster in their process.
collect_seldom()
keep_temporary_files_in_memory()

# A machine with much to do is no fault of what is tested.
settings.register_profile("without deadlines", deadline=None)
settings.load_profile("without deadlines")

# Folders whose tests share a warehouse, a session of Spark or a browser that takes long to make. One worker has all of
# them, and makes it once.
# Of a folder and one in it, the inner one comes first.
_SHARE_A_WAREHOUSE = (
    "tests/dbt/markets",
    "tests/dbt",
    "tests/metrics",
    "tests/portal/browser",
    "tests/quality",
    "tests/spark",
)

# What takes longest is sent first, so that no worker has it left when the other has nothing more to do. The rest comes
# as it is collected.
_LONGEST_FIRST = (
    "tests/dbt",
    "tests/spark",
    "tests/orchestration/execution/test_queue.py",
    "tests/ingestion/test_hostile_files.py",
    "tests/subjects",
    "tests/end_to_end",
    "tests/orchestration/sensors/test_ledger_results.py",
    "tests/portal/browser",
    "tests/quality",
    "tests/ingestion",
    "tests/orchestration",
)


class _ByWarehouse(LoadFileScheduling):  # type: ignore[misc]
    """A file's tests go to one worker, and a folder's, where they share a warehouse."""

    def _split_scope(self, nodeid: str) -> str:
        file = super()._split_scope(nodeid)
        return next((folder for folder in _SHARE_A_WAREHOUSE if file.startswith(f"{folder}/")), file)


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(Measuring())


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Scheduling | None:
    """Where tests are distributed by file."""
    return _ByWarehouse(config, log) if config.getoption("dist") == "loadfile" else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """In a worker: all of them have to have the same order, by which the files are sent."""

    def rank(item: pytest.Item) -> int:
        found = (place for place, path in enumerate(_LONGEST_FIRST) if item.nodeid.startswith(path))
        return next(found, len(_LONGEST_FIRST))

    if hasattr(config, "workerinput"):
        items.sort(key=rank)


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """Fail a file's last test if a variable still names a folder of its tests: the next file would work there."""
    if nextitem is not None and nextitem.path == item.path:
        return
    left = {name: value for name, value in os.environ.items() if "/pytest-of-" in value and name != "TMPDIR"}
    for name in left:
        del os.environ[name]
    assert not left, f"{item.location[0]}: expected that no variable names a folder of these tests, but some do: {left}"


@pytest.fixture
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A DuckDB file of the test's own, which everything in this process and its children uses."""
    path = tmp_path / "warehouse.duckdb"
    monkeypatch.setenv(DATABASE_VARIABLE, str(path))
    return path
