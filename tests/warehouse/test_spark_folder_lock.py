"""One process at a time has Spark's folder. Needs no Spark."""

import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from warehouse.connection import LOCK_TIMEOUT_VARIABLE, WarehouseBusyError
from warehouse.spark.folder_lock import lock_folder

# Takes the folder, says so, and has it until it is killed; a child of it has the file, too, for a second longer.
HOLDER = """
import subprocess, sys
from pathlib import Path
from warehouse.spark.folder_lock import lock_folder
file = lock_folder(Path(sys.argv[1]))
child = subprocess.Popen(["sleep", sys.argv[2]], pass_fds=(file.fileno(),), stdout=subprocess.DEVNULL)
print("has it", flush=True)
sys.stdin.read()
"""


def start_holder(folder: Path, child_seconds: float) -> "subprocess.Popen[str]":
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(folder), str(child_seconds)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "has it\n"
    return holder


def test_who_waits_for_too_long_is_told_who_has_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(LOCK_TIMEOUT_VARIABLE, "0.2")
    holder = start_holder(tmp_path, 0)
    try:
        with pytest.raises(WarehouseBusyError, match=rf"python.* \(PID {holder.pid}\) still has it open") as busy:
            lock_folder(tmp_path)
        assert LOCK_TIMEOUT_VARIABLE in str(busy.value)
    finally:
        holder.kill()
        holder.communicate()


def test_who_waits_gets_it_when_the_other_ends(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    holder = start_holder(tmp_path, 0)
    threading.Timer(0.5, holder.kill).start()
    with lock_folder(tmp_path):
        pass
    holder.communicate()
    assert [record.message for record in caplog.records if "waiting for it" in record.message] != []


def test_a_killed_process_whose_java_lives_on_still_has_it(tmp_path: Path) -> None:
    holder = start_holder(tmp_path, 1.5)
    killed = time.monotonic()
    holder.kill()
    holder.communicate()
    with lock_folder(tmp_path):
        assert time.monotonic() - killed > 1


def test_it_is_free_once_it_is_closed(tmp_path: Path) -> None:
    lock_folder(tmp_path, 0).close()
    lock_folder(tmp_path, 0).close()
