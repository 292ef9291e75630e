"""A build that gets ready beforehand: it waits for the word, and nothing is left of it without one."""

import time
from pathlib import Path

import psutil
import pytest

from tests.dbt.small_warehouse import Warehouse, keep_parsed_project
from warehouse.exit_codes import ExitCode
from warehouse.prepared_build import PreparedBuild

SEEDS = ("seed", "--select", "taxi_zone_lookup", "--quiet")


@pytest.fixture
def warehouse(database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Warehouse:
    keep_parsed_project(tmp_path / "target")
    monkeypatch.setenv("DBT_TARGET_PATH", str(tmp_path / "target"))
    monkeypatch.setenv("DBT_LOG_PATH", str(tmp_path))
    return Warehouse(database, tmp_path)


def test_it_builds_what_was_written_while_it_got_ready(warehouse: Warehouse) -> None:
    with PreparedBuild(SEEDS) as build:
        warehouse.create_raw_tables()
        assert build.run() == ExitCode.DONE
    assert warehouse.execute("select count(*) from core_staging.taxi_zone_lookup") == [(265,)]


def test_one_that_fails_says_so(warehouse: Warehouse) -> None:
    with PreparedBuild(("run", "--select", "fct_trips")) as build:
        assert build.run() == ExitCode.FAILED, "nothing was loaded"


def test_nothing_is_left_of_one_that_is_not_told_to_build(
    warehouse: Warehouse, capfd: pytest.CaptureFixture[str]
) -> None:
    before = set(psutil.Process().children())
    with PreparedBuild(SEEDS):
        (process,) = set(psutil.Process().children()) - before
        begun = time.monotonic()
        helpers: list[psutil.Process] = []
        while not helpers and time.monotonic() < begun + 60:
            helpers = process.children()  # Python's, which tells of what a process has left
            time.sleep(0.05)
    assert not process.is_running()
    assert not warehouse.path.exists()
    psutil.wait_procs(helpers, timeout=10)
    assert capfd.readouterr() == ("", "")
