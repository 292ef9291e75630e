"""What tests of loads and downloads use: above all a file with the raw tables and the ledger, as loads leave them.

A load into no file makes sixty tables first, which takes longer than the rest of it. Files of tests that say nothing of
that ask for `made_tables`; `test_ingest.py` and others load into files that are not there yet.
"""

import os
import shutil
from pathlib import Path

import pytest
from filelock import FileLock

from ingestion.catalog import raw_tables
from ingestion.dlt_runs import DltRuns
from warehouse.connection import open_for_writing
from warehouse.ledger import Ledger


@pytest.fixture(scope="session")
def _tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    own = tmp_path_factory.getbasetemp()
    # Several workers of one run share what one of them makes.
    folder = (own.parent if os.environ.get("PYTEST_XDIST_WORKER") else own) / "tables"
    path = folder / "warehouse.duckdb"
    with FileLock(f"{folder}.lock"):
        if not path.exists():
            folder.mkdir(exist_ok=True)
            half_made = folder / "making.duckdb"
            with open_for_writing(half_made) as connection:
                DltRuns(connection, folder / "dlt").create_tables(raw_tables())
                Ledger(connection)
            half_made.rename(path)
    return path


@pytest.fixture
def made_tables(_tables: Path, database: Path) -> None:
    """The DuckDB file of the test has all tables, and no row."""
    shutil.copy(_tables, database)


@pytest.fixture
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Addresses of this machine are asked for themselves."""
    monkeypatch.setenv("NO_PROXY", "*")
