"""dbt while another process has the DuckDB file open."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.dbt.small_warehouse import Warehouse

HOLD_THE_FILE = """
import sys, time, duckdb
connection = duckdb.connect(sys.argv[1])
print("held", flush=True)
time.sleep(float(sys.argv[2]))
"""


@contextmanager
def held(path: Path, seconds: float) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-c", HOLD_THE_FILE, str(path), str(seconds)], stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout
        assert holder.stdout.readline() == "held\n"
        yield holder
        holder.kill()


def waited_for(warehouse: Warehouse, holder: subprocess.Popen[str]) -> int:
    """How often dbt said that it waits for this process."""
    return sum(f"(PID {holder.pid}): waiting for it" in said for said in warehouse.said)


def test_dbt_says_for_whom_it_waits_and_goes_on(warehouse: Warehouse) -> None:
    with held(warehouse.path, 1.5) as holder:
        assert warehouse.dbt("seed").success, warehouse.said
        assert waited_for(warehouse, holder) == 1


def test_dbt_waits_once_for_the_timeout_and_names_the_holder(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DUCKDB_LOCK_TIMEOUT_SECONDS", "0.3")
    with held(warehouse.path, 60) as holder:
        failed = warehouse.dbt("seed")
        assert waited_for(warehouse, holder) == 1
    assert not failed.success
    assert f"(PID {holder.pid}) still has it open" in str(failed.exception)
    assert "DUCKDB_LOCK_TIMEOUT_SECONDS" in str(failed.exception)
