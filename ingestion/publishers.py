"""What a publisher is: where its files are, how it answers, and how its files are read."""

from abc import ABC, abstractmethod
from pathlib import Path
from typing import ClassVar

import duckdb

from ingestion.fetch.answers import FILE_SERVER, AnswerRules
from ingestion.fetch.file_addresses import file_addresses
from ingestion.partitions import Partition
from ingestion.readers.published import PublishedRows


class Publisher(ABC):
    """One publisher. A subject has a class and an object for each of its publishers.

    `name` is that of its settings (`sources.<name>.base_url`). `has_listing` says whether it lists its files at its
    base address, as an object store does. `answers` says what its answers mean.
    """

    name: ClassVar[str]
    default_base_url: ClassVar[str]
    has_listing: ClassVar[bool] = False
    answers: ClassVar[AnswerRules] = FILE_SERVER

    def locate(self, partition: Partition) -> list[str]:
        """The addresses at which a partition's file may be, in the order to try them."""
        return file_addresses(partition)

    @abstractmethod
    def read(self, partition: Partition, path: Path, connection: duckdb.DuckDBPyConnection) -> PublishedRows:
        """The rows of a file, with the registry's names and types.

        Raises:
            UnreadableFileError: the file is not whole, or not what the feed publishes.
        """

    def __str__(self) -> str:
        return self.name
