"""A disk without room for the DuckDB file is told in one message: which, how much is free, and what to do."""

import os
import subprocess
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from sandbox.server import SamplePublisher
from tests.forking import interpreter
from warehouse.paths import DATABASE_VARIABLE, LOG_FOLDER_VARIABLE

MAY = date(2025, 5, 1)


@pytest.fixture(scope="module")
def publisher() -> Iterator[SamplePublisher]:
    with SamplePublisher(MAY, MAY, rows=20_000) as server:
        yield server


@pytest.fixture
def small_disk(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    """A disk of the size that the test asks for."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={request.param}", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("only root may mount a small disk")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def _load(database: Path, logs: Path, publisher: SamplePublisher, before_it: str = "pass") -> tuple[int, str]:
    code = (
        f"import resource, sys; from ingestion.run_pipeline import main; {before_it};"
        "sys.exit(main(['--year', '2025', '--months', '5', '--sources', 'yellow,citibike,weather']))"
    )
    run = interpreter().run(
        ["-c", code],
        os.environ
        | publisher.environment
        | {DATABASE_VARIABLE: str(database), LOG_FOLDER_VARIABLE: str(logs), "COLUMNS": "1000"},
    )
    return run.returncode, run.stdout + run.stderr


@pytest.mark.parametrize("small_disk", ["64k", "300k", "1100k", "1984k"], indirect=True)
def test_a_full_disk_is_told_whenever_it_fills(small_disk: Path, tmp_path: Path, publisher: SamplePublisher) -> None:
    status, said = _load(small_disk / "w.duckdb", small_disk / "logs", publisher)
    assert status == 1
    assert "Traceback" not in said
    assert "Logging error" not in said
    assert "bytes are free" in said
    assert "Make room, then " in said
    assert said.count("cannot be recorded yet: ") <= 2  # once of a month, once of the run


def test_a_file_that_may_not_grow_is_told(tmp_path: Path, publisher: SamplePublisher) -> None:
    limit = "resource.setrlimit(resource.RLIMIT_FSIZE, (8192, 8192))"
    status, said = _load(tmp_path / "w.duckdb", tmp_path / "logs", publisher, limit)
    assert status == 1
    assert "Traceback" not in said
    assert f"{tmp_path}/w.duckdb: expected " in said
    assert "bytes are free on the disk at " in said
