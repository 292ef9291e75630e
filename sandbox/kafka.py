"""A broker and a registry together, with the topics of every stream: what `nyc stream` needs."""

from collections.abc import Iterator
from contextlib import contextmanager

from ingestion.catalog import FEEDS
from sandbox.kafka_broker import Broker
from sandbox.schema_registry import SchemaRegistry

_PARTITIONS = 3


@contextmanager
def kafka(*, port: int = 0, registry_port: int = 0) -> Iterator[dict[str, str]]:
    """Run both, and give the environment variables that name them. Port 0 is any free one.

    Raises:
        BrokerError: the broker cannot run.
        OSError: the registry's port is not free.
    """
    topics = {feed.stream.topic: _PARTITIONS for feed in FEEDS.values() if feed.stream is not None}
    with SchemaRegistry(port=registry_port) as registry, Broker(topics, port=port) as broker:
        yield {"KAFKA_BOOTSTRAP_SERVERS": broker.bootstrap_servers, "SCHEMA_REGISTRY_URL": registry.url}
