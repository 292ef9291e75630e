"""Whenever a backup or a restore is killed, what was there is there, and the next one clears up."""

import itertools
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.warehouse.backup.working_files import change, everything
from warehouse.backup import Backups, back_up, restore
from warehouse.backup.store import verify
from warehouse.lakehouse import Location
from warehouse.paths import PROJECT_ROOT

Kill = Callable[..., int]


@pytest.fixture
def run_killed(working_file: Path) -> Iterator[Kill]:
    """Runs a command that is killed before its n-th change to the test's folder; gives its exit code."""
    script = Path(__file__).with_name("kill_at.py")
    server = subprocess.Popen(
        [sys.executable, str(script), str(working_file.parent)],
        cwd=PROJECT_ROOT,
        env={**os.environ, "PYTHONPATH": str(PROJECT_ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )

    def run(number: int, module: str, *arguments: str) -> int:
        assert server.stdin
        assert server.stdout
        server.stdin.write(json.dumps([number, module, arguments]) + "\n")
        server.stdin.flush()
        return int(server.stdout.readline())

    with server:
        yield run
        assert server.stdin
        server.stdin.close()


def test_a_killed_backup_leaves_a_whole_one_and_the_next_clears_up(
    working_file: Path, place: Location, run_killed: Kill
) -> None:
    back_up(place, keep=1)
    kills = 0
    for number in itertools.count(1):
        change(working_file, number)
        if run_killed(number, "warehouse.backup.command", "--keep", "1") != -9:
            break
        kills += 1
        found = Backups(place).all()
        assert found
        for backup in found:
            verify(backup)
        back_up(place, keep=1)
        (newest,) = Backups(place).all()
        assert newest.tables["core_core.counted"] == number
        verify(newest)
        left = {path.name for path in place.path.iterdir()} - {newest.id, ".export.lock"}
        assert not left, number
    assert kills > 8
    assert Backups(place).all()[-1].tables["core_core.counted"] == number


def test_a_killed_restore_leaves_the_file_before_or_the_restored_one(
    working_file: Path, place: Location, run_killed: Kill
) -> None:
    backup = back_up(place).backup
    then = everything(working_file, without_restores=True)
    kills = 0
    for number in itertools.count(1):
        change(working_file, number)
        now = everything(working_file)
        status = run_killed(number, "warehouse.backup.restore_command", "--from", "latest", "--force")
        kept = list(working_file.parent.glob("*.before-restore-*"))
        is_restored = everything(working_file, without_restores=True) == then
        assert is_restored or everything(working_file) == now
        assert not is_restored or everything(kept[0]) == now, "what was there is kept"
        if status != -9:
            break
        kills += 1
        restore(backup, force=True)
        assert everything(working_file, without_restores=True) == then
        assert list(working_file.parent.glob("*.restoring*")) == []
        for path in working_file.parent.glob("*.before-restore-*"):
            path.unlink()
    assert kills > 4
    assert status == 0
