"""Streams are read exactly once, whatever happens to topics, partitions and the registry meanwhile."""

import json
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import duckdb
import pytest
from confluent_kafka import Consumer, KafkaError, TopicPartition
from confluent_kafka import Message as KafkaMessage
from confluent_kafka.admin import AdminClient

from ingestion.catalog import FEEDS
from ingestion.streams import ends, session, source
from ingestion.streams.consume import stream
from ingestion.streams.lag import lag
from ingestion.streams.results import StreamResult
from ingestion.streams.settings import BatchBounds, KafkaSettings
from sandbox.kafka_broker import Broker, Message
from sandbox.schema_registry import SchemaRegistry
from tests.forking import Forked, interpreter
from tests.ingestion.streams.avro import SCHEMA, TRADES, encoded, schema_of
from tests.ingestion.streams.warehouse import assert_all_agrees, places
from warehouse.connection import open_for_writing

TOPIC = "raw.trades"
ORDERBOOK = FEEDS["orderbook"]


@pytest.fixture(autouse=True)
def _a_warehouse_of_its_own(database: Path, broker: Broker, registry: SchemaRegistry) -> None:
    """Each test has one, and a broker and a registry."""


@pytest.fixture
def schema_id(registry: SchemaRegistry) -> int:
    return registry.register(f"{TOPIC}-value", SCHEMA)


def _produce(broker: Broker, schema_id: int, numbers: range) -> None:
    """Trades, by turns on the three partitions; every tenth is no Avro."""

    def value(number: int) -> bytes:
        if number % 10 == 9:
            return b"no avro"
        return encoded(SCHEMA, schema_id, trade_id=f"T{number}", symbol="A", price=number / 4)

    broker.produce(Message(TOPIC, value(number), partition=number % 3) for number in numbers)


def _read(*, feeds: str = "trades", skip_lost: bool = False, start_over: bool = False) -> dict[str, StreamResult]:
    named = [FEEDS[name] for name in feeds.split(",")]
    results = stream(named, once=True, skip_lost=skip_lost, start_over=start_over)
    return {result.feed: result for result in results}


def _query(database: Path, sql: str) -> list[tuple[object, ...]]:
    with open_for_writing(database, timeout_seconds=10) as connection:
        return connection.execute(sql).fetchall()


def test_each_message_is_read_once_in_as_many_sessions_as_it_takes(
    broker: Broker, schema_id: int, database: Path
) -> None:
    for first in (0, 300, 300, 600):
        _produce(broker, schema_id, range(first, first + 300))
        (result,) = stream([TRADES], once=True, bounds=BatchBounds(rows=70))
        assert (result.rows, result.rejected, result.error) == (270, 30, None)
        assert result.batches > 1
    assert_all_agrees(database, {(TOPIC, partition): 400 for partition in range(3)}, [TRADES])
    assert [each.messages for each in lag([TRADES])] == [0, 0, 0]
    again = _read()["trades"]
    assert (again.rows, again.batches) == (0, 0), "nothing is left"
    runs = _query(database, "select kind, status from meta.ingestion_runs")
    assert runs == [("stream", "success")] * 5
    # Rows of a partition are in the order of the topic.
    prices = _query(database, "select price from raw_data.trades where kafka_partition = 0 order by rowid")
    in_order = _query(database, "select price from raw_data.trades where kafka_partition = 0 order by kafka_offset")
    assert prices == in_order


def test_a_topic_that_is_not_there_is_said_and_the_others_go_on(broker: Broker, schema_id: int) -> None:
    admin = AdminClient({"bootstrap.servers": broker.bootstrap_servers})
    admin.delete_topics(["raw.orderbook"])["raw.orderbook"].result(10)
    _produce(broker, schema_id, range(9))
    results = _read(feeds="trades,orderbook")
    assert (results["trades"].rows, results["orderbook"].is_missing) == (9, True)


# Tansu cannot add partitions to a topic. So one is hidden as long as there is no file that says otherwise.
HIDE_A_PARTITION = """
from pathlib import Path
from ingestion.streams.ends import Topic, describe_topics
def some_topics(settings, names):
    found = describe_topics(settings, names)
    if not Path("{shown}").exists():
        found = {{name: Topic(name, topic.id, topic.partitions[:2]) for name, topic in found.items()}}
    return found
source.describe_topics = some_topics
"""


def test_new_partitions_are_read_from_their_first_offset(
    broker: Broker, schema_id: int, database: Path, tmp_path: Path
) -> None:
    _produce(broker, schema_id, range(30))
    shown = tmp_path / "shown"
    with _streaming(HIDE_A_PARTITION.format(shown=shown)):
        _wait_for(lambda: _count(database) == 20)
        shown.touch()
        _wait_for(lambda: _count(database) == 30)
    assert_all_agrees(database, {(TOPIC, partition): 10 for partition in range(3)}, [TRADES])


def test_what_the_broker_deleted_is_an_error_until_it_is_skipped_and_then_counted(
    broker: Broker, schema_id: int, database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _produce(broker, schema_id, range(30))
    _read()
    _produce(broker, schema_id, range(30))

    # Tansu does not delete old messages: partition 1 says that it has.
    def without_the_oldest(settings: KafkaSettings, asked: list[tuple[str, int]]) -> dict[tuple[str, int], ends.Extent]:
        found = ends.extents(settings, asked)
        return {place: ends.Extent(15, of.end) if place == (TOPIC, 1) else of for place, of in found.items()}

    monkeypatch.setattr(source, "extents", without_the_oldest)
    result = _read()["trades"]
    assert (result.rows + result.rejected, result.skipped) == (20, 0), "the other partitions go on"
    assert result.error is not None
    assert "raw.trades 1" in result.error
    assert "offset 10" in result.error
    assert "before 15" in result.error
    assert "nyc stream trades --skip-lost" in result.error
    result = _read(skip_lost=True)["trades"]
    assert (result.rows + result.rejected, result.skipped, result.error) == (5, 5, None)
    counts = _query(database, "select next_offset, first_offset, rows + rejected, skipped from meta.stream_offsets")
    assert sorted(counts) == [(20, 0, 15, 5), (20, 0, 20, 0), (20, 0, 20, 0)]


def _make_anew(broker: Broker, topic: str, partitions: int = 3) -> None:
    admin = AdminClient({"bootstrap.servers": broker.bootstrap_servers})
    admin.delete_topics([topic])[topic].result(10)
    broker.create_topic(topic, partitions)


def test_a_topic_made_anew_is_not_mixed_with_the_old_one(broker: Broker, schema_id: int, database: Path) -> None:
    _produce(broker, schema_id, range(30))
    _read()
    before = places(database, TRADES)
    _make_anew(broker, TOPIC)
    # More than before, so that no offset tells.
    _produce(broker, schema_id, range(1000, 1060))
    result = _read(feeds="trades,orderbook")["trades"]
    assert (result.rows, places(database, TRADES)) == (0, before)
    assert result.error is not None
    assert "made anew" in result.error
    assert "nyc stream trades --start-over" in result.error
    assert _query(database, "select status from meta.ingestion_runs order by started_at") == [("success",), ("failed",)]
    result = _read(start_over=True)["trades"]
    assert (result.rows, result.rejected, result.error) == (54, 6, None)
    assert_all_agrees(database, {(TOPIC, partition): 20 for partition in range(3)}, [TRADES])
    assert _query(database, "select count(*) from raw_data.trades where trade_id = 'T1'") == [(0,)]


# librdkafka crashes where Tansu deletes a topic that it reads. So one is said to be another once a file is there.
ANOTHER_TOPIC = """
from pathlib import Path
from ingestion.streams.ends import Topic, describe_topics
def another_topic(settings, names):
    found = describe_topics(settings, names)
    if Path("{made_anew}").exists():
        found = {{name: Topic(name, "another", topic.partitions) for name, topic in found.items()}}
    return found
source.describe_topics = another_topic
"""


def test_a_topic_made_anew_while_it_is_read_is_noticed(
    broker: Broker, schema_id: int, database: Path, tmp_path: Path
) -> None:
    _produce(broker, schema_id, range(30))
    made_anew = tmp_path / "made_anew"
    with _streaming(ANOTHER_TOPIC.format(made_anew=made_anew)) as process:
        _wait_for(lambda: _count(database) == 30)
        made_anew.touch()
        # It has nothing left to read.
        assert process.wait(30) == 1
    assert process.stdout is not None
    assert "made anew" in process.stdout.read()


def test_a_new_column_comes_with_the_rows_that_have_it(
    broker: Broker, registry: SchemaRegistry, database: Path
) -> None:
    later = schema_of(("symbol", "string"), ("venueCode", "string"), ("depth", "long"), ("feed", "string"))
    first, second = (registry.register("x", schema) for schema in (SCHEMA, later))
    broker.produce([Message(TOPIC, encoded(SCHEMA, first, symbol="A", price=1.0), partition=0)])
    _read()
    newer = encoded(later, second, symbol="B", venueCode="X", depth=3, feed="theirs")
    broker.produce([Message(TOPIC, newer, partition=0), Message(TOPIC, newer, partition=1)])
    assert _read()["trades"].error is None
    rows = _query(database, "select symbol, feed, venue_code, depth, feed_published from raw_data.trades order by all")
    assert rows == [("A", "trades", None, None, None), *[("B", "trades", "X", 3, "theirs")] * 2]
    # Another type of the same name has a column of its own.
    again = schema_of(("symbol", "string"), ("depth", "string"))
    third = registry.register("x", again)
    broker.produce([Message(TOPIC, encoded(again, third, symbol="C", depth="deep"), partition=2)])
    _read()
    assert _query(database, "select depth_as_varchar from raw_data.trades where symbol = 'C'") == [("deep",)]
    assert_all_agrees(database, {(TOPIC, 0): 2, (TOPIC, 1): 1, (TOPIC, 2): 1}, [TRADES])


def test_a_registry_that_is_down_is_waited_for(
    broker: Broker, registry: SchemaRegistry, schema_id: int, database: Path
) -> None:
    _produce(broker, schema_id, range(30))
    registry.stop()
    threading.Timer(1.0, registry.start).start()
    result = _read()["trades"]
    assert (result.rows, result.rejected) == (27, 3), "nothing is rejected for it"
    assert registry.asked == 1, "a schema is asked for once"


def test_a_registry_that_stays_down_ends_a_session_to_the_current_end(
    broker: Broker, registry: SchemaRegistry, schema_id: int, database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "_PATIENCE_SECONDS", 0.5)
    _produce(broker, schema_id, range(30))
    registry.stop()
    result = _read()["trades"]
    assert (result.rows, result.rejected, result.is_transient) == (0, 0, True)
    assert "expected the registry to answer" in str(result.error)
    registry.start()
    assert _read()["trades"].rows == 27


def test_two_sessions_at_once_read_each_message_once(broker: Broker, schema_id: int, database: Path) -> None:
    _produce(broker, schema_id, range(600))
    command = ["-m", "cli", "stream", "trades", "--once"]
    environment = {**os.environ, "STREAM_BATCH_ROWS": "50"}
    both = [interpreter().start(command, environment) for _ in range(2)]
    assert [process.wait(60) for process in both] == [0, 0]
    assert_all_agrees(database, {(TOPIC, partition): 200 for partition in range(3)}, [TRADES])


def test_sigterm_ends_it_cleanly(broker: Broker, schema_id: int, database: Path) -> None:
    process = interpreter().start(["-m", "cli", "stream", "trades", "--json"])
    _produce(broker, schema_id, range(300))
    _wait_for(lambda: len(places(database, TRADES)["rows"]) == 270)
    process.send_signal(signal.SIGTERM)
    printed, code = process.stdout.read(), process.wait(20)
    (result,) = json.loads(printed)
    assert (code, result["rows"], result["rejected"]) == (0, 270, 30)
    assert _query(database, "select status from meta.ingestion_runs") == [("success",)]
    assert list((database.parent / "work").iterdir()) == []


def test_a_stream_that_waits_for_the_file_goes_on_with_what_it_holds(
    broker: Broker, schema_id: int, database: Path
) -> None:
    process = interpreter().start(["-m", "cli", "stream", "trades"])
    _produce(broker, schema_id, range(30))
    _wait_for(lambda: len(places(database, TRADES)["rows"]) == 27)
    with open_for_writing(timeout_seconds=5):
        _produce(broker, schema_id, range(30))
        time.sleep(1)
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0, "also while it waits"
    assert len(places(database, TRADES)["rows"]) == 27, "the batch in hand is dropped"
    assert _read()["trades"].rows == 27, "and read again"


STREAM = """
import sys
from ingestion.streams import source
source._SECONDS_BETWEEN_LOOKS = 0.2
{before}
from ingestion.streams.command import main
sys.exit(main(["{feed}", "--json"]))
"""


@contextmanager
def _streaming(before: str = "") -> Iterator[Forked]:
    """A process reads trades until the block ends; `before` is code that it runs first."""
    code = STREAM.format(before=before, feed=TRADES.name)
    process = interpreter().start(["-c", code])
    try:
        yield process
    finally:
        process.terminate()
        process.wait(30)


def _count(database: Path) -> int:
    """How many messages of trades are rows or rejects."""
    return sum(map(len, places(database, TRADES).values()))


def _wait_for(holds: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while True:
        try:
            if holds():
                return
        except duckdb.Error:
            pass  # the table is not there yet
        assert time.monotonic() < deadline, "it took too long"
        time.sleep(0.05)


class _LosesItsOffset:
    """A consumer of whose first partition the broker deletes what comes next, amid a batch. Tansu deletes nothing."""

    def __init__(self, consumer: Consumer, value: bytes) -> None:
        self._consumer = consumer
        self._answers = [
            [KafkaMessage(topic=TOPIC, partition=partition, offset=0, value=value) for partition in (0, 1)],
            [KafkaMessage(topic=TOPIC, partition=0, offset=1, error=KafkaError(KafkaError._AUTO_OFFSET_RESET))],
        ]

    def consume(self, count: int, seconds: float) -> list[KafkaMessage]:
        return self._answers.pop(0) if self._answers else []

    def assign(self, places: list[TopicPartition]) -> None:
        self._consumer.assign(places)

    def close(self) -> None:
        self._consumer.close()


def test_what_is_read_of_a_partition_that_is_left_out_then_is_not_written(broker: Broker, schema_id: int) -> None:
    _produce(broker, schema_id, range(6))
    reading = source.Source(KafkaSettings.from_environment(), [TRADES], {})
    with closing(reading):
        reading.look(now=True)
        value = encoded(SCHEMA, schema_id, symbol="A", price=1.0)
        reading._consumer = _LosesItsOffset(reading._consumer, value)  # type: ignore[assignment]
        taken = reading.take(BatchBounds(seconds=0.3), threading.Event(), until_done=False)
    # Its offset would not be written with it, so that it would be read again.
    assert [message.partition() for message in taken[TOPIC]] == [1]
    assert [position.partition for position in reading.unwritten] == [1]
