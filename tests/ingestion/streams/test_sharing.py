"""A stream and a build share the one DuckDB file: neither waits for the other for longer than is said."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sandbox.kafka_broker import Broker, Message
from sandbox.schema_registry import SchemaRegistry
from tests.forking import interpreter
from tests.ingestion.streams.avro import SCHEMA, TRADES, encoded
from tests.ingestion.streams.warehouse import assert_all_agrees
from warehouse.connection import LONGEST_POLL_SECONDS, open_for_writing
from warehouse.paths import LOG_FOLDER_VARIABLE
from warehouse.waiting import is_waited_for, waiting_for

TOPIC = "raw.trades"
# A batch, and what a waiting process takes to look again; the rest is for a machine that is busy.
SECONDS_AT_MOST = 1.0 + LONGEST_POLL_SECONDS + 5.0


@pytest.fixture
def logs(database: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = database.parent / "logs"
    monkeypatch.setenv(LOG_FOLDER_VARIABLE, str(folder))
    return folder


def _batches(logs: Path) -> int:
    return sum(file.read_text().count(" load_id=") for file in logs.glob("ingestion.log*"))


@contextmanager
def _streaming(batch_rows: int) -> Iterator[None]:
    environment = {**os.environ, "STREAM_BATCH_ROWS": str(batch_rows), "STREAM_BATCH_SECONDS": "0.2"}
    process = interpreter().start(["-m", "cli", "stream", "trades"], environment)
    try:
        yield
    finally:
        process.terminate()
        process.wait(30)


def _wait_for_batches(logs: Path, more: int) -> float:
    """Wait until so many more batches are written, and return the seconds it took."""
    begun, wanted = time.monotonic(), _batches(logs) + more
    while _batches(logs) < wanted:
        assert time.monotonic() - begun < 60, "no batch is written"
        time.sleep(0.02)
    return time.monotonic() - begun


def test_a_build_gets_the_file_while_a_stream_runs_at_full_speed_and_the_stream_goes_on_after_it(
    broker: Broker, registry: SchemaRegistry, database: Path, logs: Path
) -> None:
    schema_id = registry.register(TOPIC, SCHEMA)
    value = encoded(SCHEMA, schema_id, symbol="A", price=1.0)
    count = 60_000
    broker.produce(Message(TOPIC, value, partition=number % 3) for number in range(count))
    waited, behind = [], []
    # Batches so small that the file is open most of the time.
    with _streaming(batch_rows=200):
        _wait_for_batches(logs, 3)
        for _ in range(3):
            begun = time.monotonic()
            # As a build does: it holds the file for as long as it takes.
            with open_for_writing(timeout_seconds=60):
                waited.append(time.monotonic() - begun)
                before = _batches(logs)
                time.sleep(1)
                assert _batches(logs) <= before + 1, "the file is not shared"
            behind.append(_wait_for_batches(logs, 1))
    assert max(waited) < SECONDS_AT_MOST, waited
    assert max(behind) < SECONDS_AT_MOST, behind
    assert interpreter().run(["-m", "cli", "stream", "trades", "--once"]).returncode == 0
    assert_all_agrees(database, {(TOPIC, partition): count // 3 for partition in range(3)}, [TRADES])


def test_who_waits_is_known_until_it_has_the_file(tmp_path: Path) -> None:
    path = tmp_path / "warehouse.duckdb"
    assert not is_waited_for(path)
    with waiting_for(path), waiting_for(path):
        assert is_waited_for(path)
    assert not is_waited_for(path)
