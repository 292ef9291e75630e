"""Two that publish at once, one that is interrupted, and a disk that is really full."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from tests.dbt.small_warehouse import FEBRUARY, Warehouse, yellow_month
from warehouse.connection import WarehouseError
from warehouse.ledger import INTERRUPTED
from warehouse.paths import PROJECT_ROOT
from warehouse.publishing import making
from warehouse.publishing.parts import PublishingError
from warehouse.publishing.publish import publish
from warehouse.releases import Releases, current_release, open_release


@pytest.fixture
def built(warehouse: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Warehouse:
    monkeypatch.setenv("PUBLISHED_FOLDER", str(tmp_path / "published"))
    monkeypatch.setenv("DBT_TARGET_PATH", str(warehouse.scratch / "target"))
    monkeypatch.setattr(making, "ROWS_FOR_FILES", 2)
    return warehouse


@pytest.fixture
def small_disk(built: Warehouse, tmp_path: Path) -> Iterator[Path]:
    """A disk of 300 kB for the releases."""
    folder = tmp_path / "published"
    folder.mkdir()
    mount = ("mount", "-t", "tmpfs", "-o", "size=300k", "tmpfs", str(folder))
    if os.geteuid() or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("only an administrator may mount a disk")
    yield folder
    subprocess.run(("umount", "--lazy", str(folder)), check=True)


def test_of_two_that_publish_at_once_one_waits(built: Warehouse) -> None:
    command = (sys.executable, "-m", "tests.dbt.killed", "publish")
    both = [subprocess.Popen(command, cwd=PROJECT_ROOT, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    said = [process.communicate()[1] for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    assert built.execute("select status from meta.ingestion_runs where kind = 'publish'") == [("success",)] * 2
    # The second found nothing new.
    assert [each.id for each in Releases().all()] == [current_release().id]


def test_one_that_is_interrupted_ends_in_the_ledger(built: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr("warehouse.publishing.publish.check_disk", interrupted)
        with pytest.raises(KeyboardInterrupt):
            publish()
    runs = "select status, error, finished_at is not null from meta.ingestion_runs where kind = 'publish'"
    assert built.execute(runs) == [("failed", INTERRUPTED, True)]
    publish()
    assert [status for status, *_ in built.execute(f"{runs} order by started_at")] == ["failed", "success"]


def test_too_small_a_disk_is_said_before_anything_is_written(built: Warehouse, small_disk: Path) -> None:
    with pytest.raises(PublishingError, match=rf"{small_disk}: expected about [\d,]+ bytes free .* Free [\d,]+ bytes"):
        publish()
    assert not Releases().releases_folder.exists()


def test_a_disk_that_fills_up_leaves_the_release_before(
    built: Warehouse, small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(making, "check_disk", lambda *_: None)
    monkeypatch.setattr("warehouse.publishing.publish.check_disk", lambda *_: None)
    _resize(small_disk, "20m")
    first = publish().release
    built.load("yellow", FEBRUARY, yellow_month(FEBRUARY))
    built.build()
    (small_disk / "taken").write_bytes(bytes(_free(small_disk) - 100_000))
    with pytest.raises(WarehouseError, match=f"(?i){small_disk}.*(space|full)"):
        publish()
    assert current_release().id == first.id
    with open_release() as connection:
        assert connection.execute("select count(*) from core_core.fct_trips").fetchall() == [(10,)]
    (small_disk / "taken").unlink()
    second = publish().release
    with duckdb.connect(str(built.path), read_only=True) as working, open_release(second) as published:
        query = "select count(*), sum(hash(t)) from core_core.fct_trips as t"
        assert published.execute(query).fetchall() == working.execute(query).fetchall()
    assert {each.name for each in Releases().releases_folder.iterdir()} == {first.id, second.id}


def _resize(disk: Path, size: str) -> None:
    subprocess.run(("mount", "-o", f"remount,size={size}", str(disk)), check=True)


def _free(disk: Path) -> int:
    state = os.statvfs(disk)
    return state.f_bavail * state.f_frsize
