"""What the engine knows of a publisher: where its files are, which it has, how to fetch and how to read one.

The engine asks for nothing else. `ingestion/fetch/http_publisher.py` does this over HTTP; a publisher with another
way in, such as a bucket or an API, is another class of the same methods.
"""

import threading
from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Protocol, Self, runtime_checkable

import duckdb

from ingestion.fetch.retries import DEFAULT_POLICY, RetryPolicy
from ingestion.partitions import Partition
from ingestion.readers.published import PublishedRows, Read, RowsOfPartitions
from warehouse.ledger import Fingerprint

Progress = Callable[[int, int | None], None]
"""Called with the bytes received so far, and how many there will be if the publisher said so.

The first number starts from 0 again where a download starts over.
"""


@dataclass(frozen=True)
class Downloaded:
    """A published file on disk."""

    path: Path
    fingerprint: Fingerprint
    bytes: int


class Reader(Protocol):
    """Reads a format of files."""

    def __call__(self, partition: Partition, path: Path, connection: duckdb.DuckDBPyConnection) -> PublishedRows:
        """The rows of a file, with the names and types that its feed declares.

        Raises:
            UnreadableFileError: the file is not whole, or not what the feed publishes.
        """
        ...


@runtime_checkable
class UnpackingReader(Protocol):
    """A reader of files that are unpacked first. That needs no connection, so another thread can do it ahead."""

    def unpack(self, partition: Partition, path: Path) -> Read:
        """Unpack a file beside itself, and return what reads its rows then, once.

        Raises:
            UnreadableFileError: the file is not whole, or far larger than the publisher's files are.
        """
        ...


@runtime_checkable
class GroupReader(Protocol):
    """A reader that can read the files of many partitions of a feed in one scan: for feeds of many small files."""

    def read_together(self, files: Sequence[tuple[Partition, Path]]) -> RowsOfPartitions:
        """The rows of all these files; each row says of which period it is. Called from another thread.

        Raises:
            UnreadableFileError: one of the files is not whole, or not what the feed publishes. The partitions are
                then read one by one.
        """
        ...


class Visit(ABC):
    """One round of questions to one publisher, and of downloads from it.

    Connections, and what the publisher lists, are kept until the visit ends. Safe for threads. What an answer means
    is interpreted here: the only errors that leave are those below.
    """

    @property
    def needs_folder(self) -> bool:
        """Whether `fetch` needs its folder. Where it copies nothing, a folder a partition would take most of the time.

        Without one, `fetch` writes a list of files where `readers.file_lists` puts it.
        """
        return True

    @abstractmethod
    def ask(self, partition: Partition) -> Fingerprint | None:
        """The file that `fetch` would fetch, with its publisher's marks; None where there is none. Fetches nothing.

        Raises:
            DownloadError: the publisher could not be reached, or did not answer the question.
        """

    @abstractmethod
    def fetch(
        self,
        partition: Partition,
        folder: Path,
        cancelled: threading.Event,
        *,
        known: Fingerprint | None,
        progress: Progress,
    ) -> Downloaded | None:
        """Fetch a partition's file into the folder; None where it is the known one.

        Raises:
            NotPublishedError: the publisher does not have the file (yet).
            DownloadError: the publisher could not be reached, or its answer is not a whole file.
            UnreadableFileError: the file is far larger than the publisher's files are.
            CancelledError: `cancelled` was set meanwhile.
        """

    @abstractmethod
    def close(self) -> None:
        """Close what is open."""


class Publisher(ABC):
    """One publisher. A subject has a class and an object for each of its publishers.

    `name` is the one that its settings have. `can_be_asked` says whether it tells which files it has without sending
    them, and `has_listing` whether it lists them all. `read` reads its files. `is_own` says that the platform itself
    is the publisher: there is always something new then, made by loading what was new, so nobody watches it and what is
    not loaded is no gap. The daily build loads it. Where a period `grows_until_ended`, it is no gap before that,
    however often it changes.
    """

    name: ClassVar[str]
    can_be_asked: ClassVar[bool] = True
    has_listing: ClassVar[bool] = False
    grows_until_ended: ClassVar[bool] = False
    is_own: ClassVar[bool] = False
    read: ClassVar[Reader]

    @abstractmethod
    def locate(self, partition: Partition) -> list[str]:
        """The addresses at which a partition's file may be, in the order to try them."""

    @abstractmethod
    def visit(self, partitions: Iterable[Partition], policy: RetryPolicy = DEFAULT_POLICY) -> Visit:
        """Begin a visit for these partitions of its feeds. `policy` says how patient it is."""

    def __str__(self) -> str:
        return self.name


class Visits:
    """Visits to the publishers of these partitions. Use it as a context manager."""

    def __init__(self, partitions: Iterable[Partition], policy: RetryPolicy = DEFAULT_POLICY) -> None:
        of_publisher: dict[Publisher, list[Partition]] = defaultdict(list)
        for partition in partitions:
            of_publisher[partition.feed.publisher].append(partition)
        self._visits = {publisher: publisher.visit(asked, policy) for publisher, asked in of_publisher.items()}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for visit in self._visits.values():
            visit.close()

    def to(self, partition: Partition) -> Visit:
        """The visit to the publisher of one of the partitions."""
        return self._visits[partition.feed.publisher]
