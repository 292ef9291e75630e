"""Streams: messages a second from broker to raw table, latency and memory.

`python -m benchmarks.streams` starts the sandbox's broker and registry, and measures

- the rate: a million messages on three topics, read by a plain loop of confluent-kafka that only decodes, and by
  `nyc stream`, in turns, each in a process of its own with the same messages;
- latency and memory: messages produced at a steady rate, from the time that the broker has of a message to the time
  at which the DuckDB file is closed with its row in it; and the stream's memory meanwhile.
"""

import argparse
import json
import os
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import psutil

from benchmarks.stream_messages import avro_schema, messages
from ingestion.catalog import FEEDS
from sandbox.kafka_broker import Broker, Message
from sandbox.schema_registry import SchemaRegistry

_STREAMS = [feed for feed in FEEDS.values() if feed.stream is not None]
_PARTITIONS = 4
_SECONDS_TO_START = 10

_PLAIN = """
import io, json, os, sys, time
import requests
from confluent_kafka import Consumer, TopicPartition
from fastavro import parse_schema, schemaless_reader
places, total = json.loads(sys.argv[1]), int(sys.argv[2])
consumer = Consumer({"bootstrap.servers": os.environ["KAFKA_BOOTSTRAP_SERVERS"], "group.id": "plain",
                     "enable.auto.commit": False, "log_level": 0})
schemas = {}
begun, cpu = time.monotonic(), time.process_time()
consumer.assign([TopicPartition(topic, partition, 0) for topic, partition in places])
count = 0
while count < total:
    for message in consumer.consume(1000, 1.0):
        value = message.value()
        number = int.from_bytes(value[1:5], "big")
        if number not in schemas:
            answer = requests.get(f"{os.environ['SCHEMA_REGISTRY_URL']}/schemas/ids/{number}", timeout=10)
            schemas[number] = parse_schema(json.loads(answer.json()["schema"]))
        schemaless_reader(io.BytesIO(value[5:]), schemas[number], None)
        count += 1
print(json.dumps({"wall": time.monotonic() - begun, "cpu": time.process_time() - cpu, "messages": count}))
consumer.close()
"""

_STREAM = """
import json, resource, sys, time
from ingestion.catalog import FEEDS
from ingestion.log import configure_logging
from ingestion.streams.consume import stream
configure_logging()
begun, cpu = time.monotonic(), time.process_time()
results = stream([feed for feed in FEEDS.values() if feed.is_stream], once=True)
print(json.dumps({"wall": time.monotonic() - begun, "cpu": time.process_time() - cpu,
                  "messages": sum(result.rows for result in results),
                  "batches": sum(result.batches for result in results),
                  "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))
"""

_TABLES = """
import tempfile
from pathlib import Path
from ingestion.raw_loader import RawLoader
from warehouse.connection import open_for_writing
with tempfile.TemporaryDirectory() as folder, open_for_writing() as connection:
    RawLoader(connection, Path(folder)).create_missing_tables([])
"""

_PRODUCER = """
import json, sys, time
from confluent_kafka import Producer
from benchmarks.stream_messages import messages
from ingestion.catalog import FEEDS
servers, rate, seconds, partitions, ids = (json.loads(argument) for argument in sys.argv[1:])
producer = Producer({"bootstrap.servers": servers, "linger.ms": 50, "log_level": 0})
count, first_us = int(rate * seconds) + rate, int((time.time() - 86400) * 1e6)
made = [(FEEDS[name].stream.topic, messages(FEEDS[name], number, count, first_us)) for name, number in ids.items()]
begun, sent = time.monotonic(), 0
while (now := time.monotonic() - begun) < seconds:
    while sent < now * rate:
        topic, values = made[sent % len(made)]
        value = next(values)
        while True:
            try:
                producer.produce(topic, value, partition=sent // len(made) % partitions)
                break
            except BufferError:
                producer.poll(0.1)
        sent += 1
        if sent % 1000 == 0:
            producer.poll(0)
    producer.poll(0)
    time.sleep(0.002)
producer.flush(30)
print(json.dumps({"sent": sent}))
"""


def _run(code: str, *arguments: str) -> dict[str, Any]:
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stdout + done.stderr)
    return json.loads(done.stdout.splitlines()[-1]) if done.stdout.strip() else {}


def _new_warehouse(folder: Path, name: str) -> Path:
    """An empty warehouse with its raw tables, so that making them is in no figure."""
    (folder / name).mkdir()
    os.environ["DUCKDB_DATABASE_PATH"] = str(folder / name / "streams.duckdb")
    os.environ["LOG_FOLDER"] = str(folder / name)
    _run(_TABLES)
    return folder / name / "streams.duckdb"


def measure_rate(broker: Broker, ids: dict[str, int], count: int, turns: int, folder: Path) -> None:
    """Print messages a second of both ways, turn by turn."""
    each = count // len(_STREAMS)
    first_us = int((time.time() - 86_400) * 1e6)
    for feed in _STREAMS:
        assert feed.stream is not None
        topic = feed.stream.topic
        values = messages(feed, ids[feed.name], each, first_us)
        broker.produce(Message(topic, value, partition=number % _PARTITIONS) for number, value in enumerate(values))
    places = [(feed.stream.topic, partition) for feed in _STREAMS if feed.stream for partition in range(_PARTITIONS)]
    ratios = []
    for turn in range(turns):
        plain = _run(_PLAIN, json.dumps(places), str(each * len(_STREAMS)))
        _new_warehouse(folder, f"rate{turn}")
        ours = _run(_STREAM)
        assert ours["messages"] == plain["messages"], (ours, plain)
        rates = [done["messages"] / done["wall"] for done in (plain, ours)]
        ratios.append(rates[1] / rates[0])
        print(
            f"rate: plain {rates[0]:,.0f}/s (CPU {plain['cpu']:.1f} s), nyc stream {rates[1]:,.0f}/s (CPU "
            f"{ours['cpu']:.1f} s, {ours['batches']} batches of a feed, peak {ours['peak_mb']:,.0f} MB), ratio "
            f"{ratios[-1]:.2f}, load {psutil.getloadavg()[0]:.1f}",
            flush=True,
        )
    print(f"rate: median ratio {statistics.median(ratios):.2f}")


def measure_steady(broker: Broker, ids: dict[str, int], rate: int, seconds: float, folder: Path) -> None:
    """Print latency and memory of a stream while messages come at a steady rate."""
    path = _new_warehouse(folder, "steady")
    stream = subprocess.Popen([sys.executable, "-m", "cli", "stream"], stdout=subprocess.DEVNULL)
    # Its start is in no figure.
    time.sleep(_SECONDS_TO_START)
    producer = subprocess.Popen(
        [
            sys.executable,
            "-c",
            _PRODUCER,
            *map(json.dumps, (broker.bootstrap_servers, rate, seconds, _PARTITIONS, ids)),
        ],
        stdout=subprocess.PIPE,
    )
    memory = []
    process = psutil.Process(stream.pid)
    while producer.poll() is None:
        memory.append(process.memory_info().rss / 1e6)
        time.sleep(1)
    assert producer.stdout is not None
    sent = json.loads(producer.stdout.read())["sent"]
    time.sleep(3)
    stream.send_signal(signal.SIGTERM)
    code = stream.wait(60)
    latencies, rows = _latencies(path)
    print(f"steady: {sent:,} sent at {rate:,}/s, {rows:,} rows, exit code {code}, load {psutil.getloadavg()[0]:.1f}")
    print(
        f"latency: p50 {latencies[len(latencies) // 2]:.2f} s, p95 {latencies[int(len(latencies) * 0.95)]:.2f} s, "
        f"max {latencies[-1]:.2f} s"
    )
    a_minute = [statistics.median(memory[start : start + 60]) for start in range(0, len(memory), 60)]
    print(f"memory: peak {max(memory):,.0f} MB; median of each minute {', '.join(f'{mb:,.0f}' for mb in a_minute)} MB")


def _latencies(path: Path) -> tuple[list[float], int]:
    """From the broker's time of each row to the time at which the log says that its batch is in, sorted."""
    visible = {}
    for file in sorted(path.parent.glob("ingestion.log*")):
        for line in file.read_text().splitlines():
            found = re.match(r"(\S+ \S+) INFO \S+ feed=(\S+) load_id=(\S+) ", line)
            if found:
                visible[found[2], found[3]] = datetime.strptime(found[1], "%Y-%m-%d %H:%M:%S,%f").astimezone()
    latencies: list[float] = []
    with duckdb.connect(str(path), read_only=True) as connection:
        for feed in _STREAMS:
            rows = connection.execute(
                f"select _dlt_load_id, epoch_ms(kafka_timestamp) from raw_data.{feed.raw_table}"
            ).fetchall()
            latencies += [visible[feed.name, load].timestamp() - ms / 1000 for load, ms in rows]
    return sorted(latencies), len(latencies)


def main(argv: Sequence[str] | None = None) -> None:
    """Measure, and print the figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.streams", description=__doc__.splitlines()[0])
    parser.add_argument("--messages", type=int, default=1_000_000, help="of the rate (default: %(default)s)")
    parser.add_argument("--turns", type=int, default=3, help="of the rate (default: %(default)s)")
    parser.add_argument("--rate", type=int, default=5_000, help="messages a second (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=600, help="of the steady rate (default: %(default)s)")
    parser.add_argument("--only", choices=("rate", "steady"))
    options = parser.parse_args(argv)
    topics = {feed.stream.topic: _PARTITIONS for feed in _STREAMS if feed.stream is not None}
    for part in ("rate", "steady"):
        if options.only not in (None, part):
            continue
        with Broker(topics) as broker, SchemaRegistry() as registry, tempfile.TemporaryDirectory() as folder:
            os.environ |= {"KAFKA_BOOTSTRAP_SERVERS": broker.bootstrap_servers, "SCHEMA_REGISTRY_URL": registry.url}
            ids = {feed.name: registry.register(f"{feed.name}-value", avro_schema(feed)) for feed in _STREAMS}
            if part == "rate":
                measure_rate(broker, ids, options.messages, options.turns, Path(folder))
            else:
                measure_steady(broker, ids, options.rate, options.seconds, Path(folder))


if __name__ == "__main__":
    main()
