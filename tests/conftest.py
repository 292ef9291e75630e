"""What tests of several folders use."""

import gc
from pathlib import Path

import pytest

from warehouse.paths import DATABASE_VARIABLE

# Of the time of a test that runs dbt or Dagster, Python spends a seventh on looking through hundreds of thousands of
# objects for cycles, again and again. It finds next to none: the objects are those of libraries, which stay.
gc.set_threshold(50_000, 20, 20)


@pytest.fixture
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A DuckDB file of the test's own, which everything in this process and its children uses."""
    path = tmp_path / "warehouse.duckdb"
    monkeypatch.setenv(DATABASE_VARIABLE, str(path))
    return path
