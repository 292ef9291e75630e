"""What tests of several folders use."""

from pathlib import Path

import pytest

from warehouse.paths import DATABASE_VARIABLE


@pytest.fixture
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A DuckDB file of the test's own, which everything in this process and its children uses."""
    path = tmp_path / "warehouse.duckdb"
    monkeypatch.setenv(DATABASE_VARIABLE, str(path))
    return path
