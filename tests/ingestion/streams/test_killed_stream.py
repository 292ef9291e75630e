"""Show 1: a stream that is killed again and again has each message exactly once.

STREAM_KILLS and STREAM_MESSAGES make more of it: 100 kills during two million messages take about a quarter of an hour.
"""

import logging
import os
import random
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from ingestion.feeds import Feed
from sandbox.kafka_broker import Broker, Message
from sandbox.schema_registry import SchemaRegistry
from tests.forking import Forked, interpreter
from tests.ingestion.streams.avro import MICROS, NOON, encoded
from tests.ingestion.streams.warehouse import STREAMS, assert_all_agrees, places
from tests.seeds import seed_of_today
from warehouse.paths import LOG_FOLDER_VARIABLE

logger = logging.getLogger(__name__)

KILLS = int(os.environ.get("STREAM_KILLS", "6"))
MESSAGES = int(os.environ.get("STREAM_MESSAGES", "30000"))
PARTITIONS = 3
# Other moments each day.
SEED = seed_of_today("KILL_SEED")
# So few that there are more batches than are written before the last kill.
BATCH_ROWS = max(100, MESSAGES // (8 * KILLS))
# So long that most of the messages are read between kills, at 15,000 a second.
_SECONDS_AFTER_A_BATCH = max(0.3, 2 * MESSAGES / KILLS / 15_000)


@pytest.fixture
def produced(broker: Broker, registry: SchemaRegistry) -> Counter[tuple[str, int]]:
    """How many messages each partition gets."""
    counts: Counter[tuple[str, int]] = Counter()
    each = MESSAGES // len(STREAMS)
    for feed in STREAMS:
        assert feed.stream is not None
        topic = feed.stream.topic
        values = _values(feed, registry, each)
        broker.produce(Message(topic, value, partition=number % PARTITIONS) for number, value in enumerate(values))
        counts.update((topic, number % PARTITIONS) for number in range(each))
    return counts


def _values(feed: Feed, registry: SchemaRegistry, count: int) -> Iterator[bytes | None]:
    """Messages of which a thousandth cannot be read. Their schema changes midway."""
    assert feed.event_time is not None
    time_, symbol, later = (
        {"name": feed.event_time, "type": MICROS},
        {"name": "symbol", "type": "string"},
        {"name": "added_later", "type": "string"},
    )
    ways = []
    for fields in ([time_, symbol], [time_, symbol, later]):
        schema = {"type": "record", "name": feed.name, "fields": fields}
        number = registry.register(feed.name, schema)
        ways.append(encoded(schema, number, **{feed.event_time: NOON, "symbol": "A", "added_later": "B"}))
    broken = (b"no avro", None, ways[0][:-2])
    for number in range(count):
        yield broken[number // 1000 % 3] if number % 1000 == 999 else ways[number > count // 2]


def _start() -> Forked:
    environment = {**os.environ, "STREAM_BATCH_ROWS": str(BATCH_ROWS), "STREAM_BATCH_SECONDS": "0.2"}
    return interpreter().start(["-m", "cli", "stream"], environment, stderr=subprocess.DEVNULL)


def _read(database: Path) -> int:
    """How many messages are read; before the first batch none."""
    try:
        with duckdb.connect(str(database), read_only=True) as connection:
            found = connection.execute("select coalesce(sum(next_offset), 0) from meta.stream_offsets").fetchall()
    except duckdb.Error:
        return 0
    return int(found[0][0])


def _batches_logged(folder: Path) -> int:
    return sum(file.read_text().count(" load_id=") for file in folder.glob("ingestion.log*"))


def _kill(dice: random.Random, logs: Path) -> None:
    """Start a stream and kill it: now and then as it starts, else amid its batches."""
    process = _start()
    if dice.random() < 0.2:
        time.sleep(dice.uniform(0.05, 1))
    else:
        before, deadline = _batches_logged(logs), time.monotonic() + 30
        while _batches_logged(logs) == before and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(dice.uniform(0, _SECONDS_AFTER_A_BATCH))
    process.kill()
    process.wait()


def test_whenever_it_is_killed_each_message_is_there_once(
    produced: Counter[tuple[str, int]], database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(LOG_FOLDER_VARIABLE, str(database.parent / "logs"))
    dice = random.Random(SEED)
    killed_midway = 0
    logger.warning("KILL_SEED=%s", SEED)
    for _ in range(KILLS):
        _kill(dice, database.parent / "logs")
        killed_midway += 0 < _read(database) < produced.total()
    assert killed_midway > KILLS / 2, "most kills come amid the messages"
    logger.info("%d of %d messages were read by what was killed", _read(database), produced.total())
    ended = interpreter().run(["-m", "cli", "stream", "--once"])
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert_all_agrees(database, dict(produced))
    rejected = sum(len(places(database, feed)["rejects"]) for feed in STREAMS)
    assert rejected == MESSAGES // len(STREAMS) // 1000 * len(STREAMS)
    with duckdb.connect(str(database), read_only=True) as connection:
        runs = connection.execute("select status, count(*) from meta.ingestion_runs group by all").fetchall()
        kept = connection.execute("select count(*) from raw_data.trades where added_later = 'B'").fetchall()
    assert dict(runs).keys() <= {"success", "failed"}, "none is recorded as running"
    assert kept[0][0] > 0
    assert list((database.parent / "work").iterdir()) == [], "what killed sessions left is cleared away"
