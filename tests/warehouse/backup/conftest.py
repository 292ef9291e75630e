"""A small working file, a place for its backups, and a server of S3."""

from pathlib import Path

import pytest

from tests.lakehouse.conftest import bucket, refuse, s3_endpoint, s3_environment
from tests.warehouse.backup.working_files import make_working_file
from warehouse.lakehouse import Location
from warehouse.paths import PUBLISHED_FOLDER_VARIABLE

__all__ = ["bucket", "refuse", "s3_endpoint", "s3_environment"]


@pytest.fixture
def working_file(database: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The warehouse of the test, with raw rows, a mart and a ledger."""
    monkeypatch.setenv(PUBLISHED_FOLDER_VARIABLE, str(database.parent / "published"))
    make_working_file(database)
    return database


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Location:
    """Where backups go by default."""
    monkeypatch.setenv("BACKUP_URL", str(tmp_path / "backups"))
    return Location.of_backups()
