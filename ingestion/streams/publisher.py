"""A publisher of streams: it has topics of Kafka and no files."""

import threading
from collections.abc import Iterable
from pathlib import Path
from typing import ClassVar

import duckdb

from ingestion.errors import NotPublishedError
from ingestion.fetch.retries import DEFAULT_POLICY, RetryPolicy
from ingestion.partitions import Partition
from ingestion.publishers import Downloaded, Progress, Publisher, Visit
from ingestion.readers.published import PublishedRows
from warehouse.ledger import Fingerprint


class KafkaPublisher(Publisher):
    """One cluster of Kafka. Its feeds are loaded by `nyc stream`, never file by file."""

    can_be_asked: ClassVar[bool] = False

    def locate(self, partition: Partition) -> list[str]:
        """The topic, as an address for people."""
        assert partition.feed.stream is not None
        return [f"kafka://{partition.feed.stream.topic}"]

    def visit(self, partitions: Iterable[Partition], policy: RetryPolicy = DEFAULT_POLICY) -> Visit:
        """A visit that finds no files."""
        return _NoFiles()

    def read(self, partition: Partition, path: Path, connection: duckdb.DuckDBPyConnection) -> PublishedRows:
        """Never called: there are no files to read."""
        raise _no_file(partition)


class _NoFiles(Visit):
    def ask(self, partition: Partition) -> Fingerprint | None:
        return None

    def fetch(
        self,
        partition: Partition,
        folder: Path,
        cancelled: threading.Event,
        *,
        known: Fingerprint | None,
        progress: Progress,
    ) -> Downloaded | None:
        raise _no_file(partition)

    def close(self) -> None:
        """Nothing is open."""


def _no_file(partition: Partition) -> NotPublishedError:
    name = partition.feed.name
    return NotPublishedError(f"{name} is a stream and has no files. Load it: nyc stream {name}")
