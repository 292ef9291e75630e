"""A broker and a registry for each test.

The broker is the sandbox's, in memory. Where KAFKA_BOOTSTRAP_SERVERS is set it is that one. The feeds' topics must not
be there then: a test makes them and deletes them, and would mix its messages into somebody's own.
"""

import os
import time
from collections.abc import Iterator, Mapping

import pytest
from confluent_kafka.admin import AdminClient

from ingestion.catalog import FEEDS
from sandbox.kafka_broker import Broker, BrokerError, create_topic
from sandbox.schema_registry import SchemaRegistry

_SERVERS = "KAFKA_BOOTSTRAP_SERVERS"
_PARTITIONS = 3
TOPICS = {feed.stream.topic: _PARTITIONS for feed in FEEDS.values() if feed.stream is not None}


class OtherBroker(Broker):
    """A broker that runs already."""

    def __init__(self, topics: Mapping[str, int], servers: str) -> None:
        super().__init__()
        self._servers = servers
        self._wanted = topics
        self._made: list[str] = []
        self._admin = AdminClient({"bootstrap.servers": servers})

    @property
    def bootstrap_servers(self) -> str:
        return self._servers

    def start(self) -> None:
        there = sorted(self._wanted.keys() & self._admin.list_topics(timeout=10).topics.keys())
        if there:
            raise BrokerError(
                f"{self._servers} has the topics {', '.join(there)}, and a test would add messages to them. "
                f"Delete them, or let {_SERVERS} name a broker for tests only."
            )
        for topic, partitions in self._wanted.items():
            self.create_topic(topic, partitions)

    def create_topic(self, topic: str, partitions: int = 1) -> None:
        # A topic of the test before may still be on its way out.
        deadline = time.monotonic() + 30
        while True:
            try:
                create_topic({"bootstrap.servers": self._servers}, topic, partitions)
            except BrokerError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.5)
            else:
                self._made.append(topic)
                return

    def stop(self) -> None:
        if self._made:
            for deleted in self._admin.delete_topics(self._made, operation_timeout=30).values():
                deleted.result(30)
            self._made.clear()


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch) -> Iterator[Broker]:
    """A broker with the topics of all streams, three partitions each. The environment names it."""
    servers = os.environ.get(_SERVERS)
    with OtherBroker(TOPICS, servers) if servers else Broker(TOPICS) as running:
        monkeypatch.setenv(_SERVERS, running.bootstrap_servers)
        yield running


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> Iterator[SchemaRegistry]:
    """A registry without schemas. The environment names it."""
    with SchemaRegistry() as running:
        monkeypatch.setenv("SCHEMA_REGISTRY_URL", running.url)
        yield running
