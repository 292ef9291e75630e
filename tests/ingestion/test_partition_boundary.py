"""Whatever is raised in the work on a partition is its failure; the others are loaded, and the ledger is complete."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import pytest

from ingestion import pipeline
from ingestion.catalog import FEEDS
from ingestion.errors import UnreadableFileError, message_of
from ingestion.mobility import tlc, weather
from ingestion.partitions import Partition
from ingestion.pipeline import Result, RunProgress, Status, ingest
from ingestion.prefetch import Limits, downloads_ahead
from sandbox.server import SamplePublisher
from tests.partitions import partition_of

pytestmark = pytest.mark.usefixtures("made_tables")

MAY = date(2025, 5, 1)
PARTITIONS = [partition_of(FEEDS[name], MAY) for name in ("weather", "green")]


@pytest.fixture(autouse=True)
def publisher(monkeypatch: pytest.MonkeyPatch) -> Iterator[SamplePublisher]:
    with SamplePublisher(MAY, MAY, rows=200) as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        yield server


def _recorded(database: Path) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(database), read_only=True) as connection:
        return connection.execute(
            "select asset, a.status, a.error, r.status from meta.ingestion_run_assets as a"
            " join meta.ingestion_runs as r using (run_id) order by asset"
        ).fetchall()


def _assert_only_the_weather_failed(results: list[Result], database: Path) -> str:
    assert [result.status for result in results] == [Status.FAILED, Status.LOADED]
    error = results[0].error or ""
    assert _recorded(database) == [("green", "loaded", None, "failed"), ("weather", "failed", error, "failed")]
    assert len(error) < 600
    assert "expected" in error
    return error


@pytest.mark.parametrize(
    "error",
    [
        RecursionError("too deep"),
        MemoryError(),
        AttributeError("'NoneType' object has no attribute 'get'"),
        duckdb.InternalException("INTERNAL Error"),
        UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte"),
        OSError(5, "Input/output error"),
        UnreadableFileError("expected " + "x" * 5000),
    ],
)
@pytest.mark.parametrize("place", ["read", "locate"])
def test_any_error_of_a_partition_is_its_failure(
    error: Exception, place: str, database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*arguments: object) -> None:
        raise error

    monkeypatch.setattr(weather.OPEN_METEO, place, fail)
    _assert_only_the_weather_failed(ingest(PARTITIONS), database)


def test_the_partition_and_what_to_do_are_named(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*arguments: object) -> None:
        raise RecursionError("too deep at http://a:s3cret@example.org")

    monkeypatch.setattr(weather.OPEN_METEO, "read", fail)
    error = _assert_only_the_weather_failed(ingest(PARTITIONS), database)
    assert error.startswith("weather 2025-05: expected the file to be fetched and loaded, but got RecursionError: too")
    assert "Load the month again" in error
    assert "s3cret" not in error


@pytest.mark.parametrize("stops", [KeyboardInterrupt, SystemExit])
def test_who_ends_the_run_ends_it_and_it_is_recorded(
    stops: type[BaseException], database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*arguments: object) -> None:
        raise stops

    monkeypatch.setattr(weather.OPEN_METEO, "read", stop)
    with pytest.raises(stops):
        ingest(PARTITIONS)
    with duckdb.connect(str(database), read_only=True) as connection:
        assert connection.execute("select status, error from meta.ingestion_runs").fetchall() == [
            ("failed", "interrupted")
        ]
    assert list((database.parent / "work").iterdir()) == []


def test_an_interrupt_of_a_statement_ends_the_run(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """DuckDB makes a RuntimeError of Ctrl-C, and of Dagster's termination."""
    read: list[Partition] = []

    def read_for_ever(partition: Partition, path: Path, connection: duckdb.DuckDBPyConnection) -> None:
        read.append(partition)
        threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT)).start()
        connection.execute("select count(*) from range(1_000_000_000_000) as numbers (n) where n % 7 = 3")

    monkeypatch.setattr(weather.OPEN_METEO, "read", read_for_ever)
    monkeypatch.setattr(tlc.TLC, "read", read_for_ever)
    with pytest.raises(KeyboardInterrupt):
        ingest(PARTITIONS)
    assert len(read) == 1
    with duckdb.connect(str(database), read_only=True) as connection:
        assert connection.execute("select status, error from meta.ingestion_runs").fetchall() == [
            ("failed", "interrupted")
        ]


def test_what_cannot_be_recorded_at_once_is_recorded_with_the_next(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process takes the DuckDB file when the first partition has come, and gives it back a little later."""
    hold = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('has it', flush=True); sys.stdin.read()"
    holders: list[subprocess.Popen[str]] = []
    monkeypatch.setenv("DUCKDB_LOCK_TIMEOUT_SECONDS", "0.2")
    monkeypatch.setattr(pipeline, "downloads_ahead", partial(downloads_ahead, limits=Limits(batch_files=1)))

    class TakesTheFile(RunProgress):
        def partition_started(self, partition: Partition) -> None:
            if holders:
                holders[0].communicate()
                return
            holder = subprocess.Popen(
                [sys.executable, "-c", hold, str(database)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            )
            assert holder.stdout
            holder.stdout.readline()
            holders.append(holder)

    results = ingest(PARTITIONS, progress=TakesTheFile())
    error = _assert_only_the_weather_failed(results, database)
    assert "still has it open" in error


@pytest.mark.parametrize(
    "sql",
    [
        "from read_csv('{file}', types = {{'a': 'BIGINT'}})",
        "select sum(a) from read_csv('{file}')",
        "from read_csv('{file}', auto_detect = false, header = true, columns = {{'a': 'INT', 'b': 'INT'}})",
        "from read_json('{file}.json')",
        "select cast('x' as int) from range(1)",
    ],
)
def test_duckdbs_advice_is_left_out(sql: str, tmp_path: Path) -> None:
    file = tmp_path / "file.csv"
    file.write_text("a,b\n" + "1,2\n" * 30_000 + "x,3\n")
    Path(f"{file}.json").write_text('{"a": 1}\n' * 30_000 + '{"a": "x", "c": 2}')
    with pytest.raises(duckdb.Error) as raised:
        duckdb.execute(sql.format(file=file)).fetchall()
    message = message_of(
        UnreadableFileError(f"f.csv: expected numbers, but {raised.value}. Load again."), "green 2025-05"
    )
    assert "x" in message
    assert message.endswith("Load again.")
    for advice in ("sample_size", "sample size", "ignore_errors", "Possible solutions", "all_varchar", "LINE 1", "\n"):
        assert advice not in message


def test_a_message_commands_no_terminal() -> None:
    message = message_of(UnreadableFileError("f.csv: expected numbers, but got \x1b[31m\x00\u202eé"), "green 2025-05")
    assert message == "f.csv: expected numbers, but got ?[31m??é"


def test_a_long_message_keeps_its_beginning_and_what_to_do() -> None:
    message = message_of(UnreadableFileError("f.csv: expected " + "a, " * 9999 + "Load it again."), "green 2025-05")
    assert len(message) < 600
    assert message.startswith("f.csv: expected")
    assert message.endswith("Load it again.")
