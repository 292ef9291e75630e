"""One writer at a time; the second one waits and says so."""

import logging
import subprocess
import sys
from pathlib import Path

import pytest

from warehouse.connection import WarehouseBusyError, WarehouseError, limit_memory, open_for_reading, open_for_writing

HOLD_THE_FILE = """
import sys, time, duckdb
connection = duckdb.connect(sys.argv[1])
connection.execute("create table if not exists held as select 1 as x")
print("held", flush=True)
time.sleep(float(sys.argv[2]))
"""


def _hold(database: Path, seconds: float) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD_THE_FILE, str(database), str(seconds)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout
    assert process.stdout.readline() == "held\n"
    return process


def test_a_second_writer_waits_for_the_first_and_says_for_whom(
    database: Path, caplog: pytest.LogCaptureFixture
) -> None:
    holder = _hold(database, 1.5)
    with caplog.at_level(logging.WARNING), open_for_writing() as connection:
        assert connection.sql("select x from held").fetchall() == [(1,)]
    assert holder.wait() == 0
    assert [f"(PID {holder.pid}): waiting for it" in message for message in caplog.messages] == [True]


def test_a_writer_that_waited_too_long_names_file_holder_and_remedy(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DUCKDB_LOCK_TIMEOUT_SECONDS", "0.3")
    holder = _hold(database, 60)
    try:
        with pytest.raises(WarehouseBusyError, match=rf"warehouse\.duckdb.*PID {holder.pid}.*TIMEOUT_SECONDS"):
            open_for_writing()
    finally:
        holder.kill()
        holder.wait()


def test_a_reader_that_will_not_wait_learns_at_once_who_writes(database: Path) -> None:
    holder = _hold(database, 60)
    try:
        with pytest.raises(WarehouseBusyError) as busy:
            open_for_reading(timeout_seconds=0)
        assert f"(PID {holder.pid})" in busy.value.holder
    finally:
        holder.kill()
        holder.wait()


def test_reading_a_database_that_is_not_there_says_what_to_run(database: Path) -> None:
    with pytest.raises(WarehouseError, match=r"python ingestion/run_pipeline\.py"):
        open_for_reading()


def test_a_file_that_is_no_database_is_named(database: Path) -> None:
    database.write_bytes(b"something else" * 1000)
    with pytest.raises(WarehouseError, match=r"warehouse\.duckdb: cannot be opened as a DuckDB file"):
        open_for_writing()


def test_what_is_opened_keeps_to_the_memory_limit(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DUCKDB_MEMORY_LIMIT", "512MiB")
    with open_for_writing() as connection:
        limit_memory(connection, "1GiB")
        assert connection.execute("select current_setting('memory_limit')").fetchone() == ("512.0 MiB",)
        monkeypatch.delenv("DUCKDB_MEMORY_LIMIT")
        limit_memory(connection, "1GiB")
        assert connection.execute("select current_setting('memory_limit')").fetchone() == ("1.0 GiB",)


def test_a_memory_limit_that_is_none_is_named(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DUCKDB_MEMORY_LIMIT", "much")
    with pytest.raises(WarehouseError, match=r"DUCKDB_MEMORY_LIMIT .* such as 4GB, but got 'much'"):
        open_for_writing()
