"""What the tests of the orchestration share."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from dagster._core.storage.defs_state.base import DefsStateStorage, set_defs_state_storage

from sandbox.server import SamplePublisher
from warehouse.paths import LOG_FOLDER_VARIABLE

APRIL, MAY = date(2025, 4, 1), date(2025, 5, 1)


@pytest.fixture(autouse=True)
def no_instance_stays_open() -> Iterator[None]:
    """Fail a test that leaves an instance of Dagster open: later ones would load their definitions from it.

    A context of a schedule opens its instance on first use: `with dg.build_schedule_context(…) as context` closes it.
    """
    with set_defs_state_storage(None):
        yield
        assert DefsStateStorage.get() is None


@pytest.fixture
def publisher(monkeypatch: pytest.MonkeyPatch) -> Iterator[SamplePublisher]:
    """April and May are published."""
    with SamplePublisher(APRIL, MAY, rows=2000) as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        yield server


@pytest.fixture
def logs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where dbt's artifacts go."""
    monkeypatch.setenv(LOG_FOLDER_VARIABLE, str(tmp_path / "logs"))
    return tmp_path / "logs"
