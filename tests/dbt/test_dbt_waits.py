"""dbt while another process has the DuckDB file open."""

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.dbt.small_warehouse import Warehouse
from warehouse.connection import connect_when_free

HOLD_THE_FILE = """
import sys, duckdb
connection = duckdb.connect(sys.argv[1])
print("held", flush=True)
sys.stdin.read()
"""


@contextmanager
def held(path: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that has the file open until its input ends."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD_THE_FILE, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout
        assert holder.stdout.readline() == "held\n"
        yield holder
        holder.kill()


def waited_for(warehouse: Warehouse, holder: subprocess.Popen[str]) -> int:
    """How often dbt said that it waits for this process."""
    return sum(f"(PID {holder.pid}): waiting for it" in said for said in warehouse.said)


def test_dbt_says_for_whom_it_waits_and_goes_on(warehouse: Warehouse) -> None:
    with held(warehouse.path) as holder:
        is_over = threading.Event()

        def let_go() -> None:
            # Only once dbt waits, however long it takes to get there.
            while waited_for(warehouse, holder) == 0 and not is_over.wait(0.05):
                pass
            assert holder.stdin
            holder.stdin.close()

        thread = threading.Thread(target=let_go)
        thread.start()
        try:
            assert warehouse.dbt("seed").success, warehouse.said
        finally:
            is_over.set()
            thread.join()
        assert waited_for(warehouse, holder) == 1


def test_dbt_waits_once_for_the_timeout_and_names_the_holder(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DUCKDB_LOCK_TIMEOUT_SECONDS", "0.3")
    with held(warehouse.path) as holder:
        failed = warehouse.dbt("seed")
        assert waited_for(warehouse, holder) == 1
    assert not failed.success
    assert f"(PID {holder.pid}) still has it open" in str(failed.exception)
    assert "DUCKDB_LOCK_TIMEOUT_SECONDS" in str(failed.exception)


@pytest.mark.parametrize("command", ["build", "run", "test", "compile"])
def test_every_command_waits_once(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    timeout = 1.0
    monkeypatch.setenv("DUCKDB_LOCK_TIMEOUT_SECONDS", str(timeout))
    with held(warehouse.path) as holder:
        refused: list[float] = []

        def timed(*arguments: Any, **options: Any) -> Any:
            begun = time.monotonic()
            try:
                return connect_when_free(*arguments, **options)
            finally:
                refused.append(time.monotonic() - begun)

        monkeypatch.setattr("warehouse.dbt_plugin.connect_when_free", timed)
        assert not warehouse.dbt(command).success
        assert waited_for(warehouse, holder) == 1
    assert len(refused) == 1
    assert timeout * 0.5 < refused[0]


def test_a_refusal_is_forgotten_by_the_next_run(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DUCKDB_LOCK_TIMEOUT_SECONDS", "0.3")
    with held(warehouse.path):
        assert not warehouse.dbt("seed").success
    assert warehouse.dbt("seed").success, warehouse.said
