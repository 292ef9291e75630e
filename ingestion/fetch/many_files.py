"""Publishers of which a partition is all files in one folder: of a disk, or of a bucket of S3.

Files may come, grow and go at any time. So a partition's fingerprint is that of its whole listing: it is another one
as soon as any file is.
"""

import hashlib
import logging
import re
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import ClassVar

from ingestion.errors import NotPublishedError, SettingError, UnreadableFileError, load_again
from ingestion.fetch.file_addresses import registered_names
from ingestion.fetch.retries import DEFAULT_POLICY, RetryPolicy
from ingestion.fetch.s3_publisher import S3AnswerRules
from ingestion.fetch.settings import setting
from ingestion.partitions import Partition
from ingestion.publication import is_same_file
from ingestion.publishers import Downloaded, Progress, Publisher, Visit
from ingestion.readers.file_lists import SourceFile, write_file_list
from warehouse.ledger import Fingerprint
from warehouse.paths import PROJECT_ROOT
from warehouse.secrets import scrubbed

logger = logging.getLogger(__name__)

_BUCKET = re.compile(r"s3://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:/(.*))?")
# Of one folder.
_MOST_FILES = 100_000


@dataclass(frozen=True)
class ListedFile:
    """A file as its folder lists it. `name` is without folders; `etag` tells its states apart."""

    name: str
    bytes: int
    etag: str
    last_modified: datetime | None = None


class Shelf(ABC):
    """Where a publisher's folders are. Safe for threads. `copies` says whether its files are copied to be read."""

    copies: ClassVar[bool] = True

    @abstractmethod
    def list_folder(self, partition: Partition, folder: str) -> list[ListedFile]:
        """The files right in a folder of a partition, in any order; none where there is no such folder.

        Raises:
            DownloadError: the folder cannot be listed.
        """

    @abstractmethod
    def bring(
        self,
        partition: Partition,
        folder: str,
        listed: Sequence[ListedFile],
        into: Path,
        cancelled: threading.Event,
        progress: Progress,
    ) -> list[SourceFile]:
        """Make these files readable on this machine, in this order; `into` is a folder for copies.

        Raises:
            DownloadError: a file cannot be had.
        """

    @abstractmethod
    def close(self) -> None:
        """Close what is open."""


class ManyFilesPublisher(S3AnswerRules, Publisher):
    """A publisher whose partitions are folders with any number of files.

    A feed's one file name is that of the folder, and of what the files' names end with: `events/{period:%Y}/*.jsonl`.
    The setting `sources.<name>.url` is where the folders are: a folder of this machine (relative to the project's
    root), or `s3://bucket/prefix`. The bucket's endpoint, region and keys are as of `S3Publisher`.
    """

    default_url: ClassVar[str]
    default_endpoint_url: ClassVar[str]
    default_region: ClassVar[str] = "us-east-1"
    has_listing = True
    grows_until_ended = True

    def url(self) -> str:
        """Where the folders are, without a slash at its end.

        Raises:
            SettingError: it is neither a folder nor a bucket.
        """
        url = setting(self.name, "url", self.default_url)
        if ("://" in url and not _BUCKET.fullmatch(url)) or not url.isprintable():
            raise SettingError(
                f"SOURCES__{self.name.upper()}__URL: expected a folder, or a bucket such as s3://bucket/prefix, but "
                f"got {scrubbed(url)[:100]!r}. Set it in the environment or in .env."
            )
        return url.rstrip("/")

    def locate(self, partition: Partition) -> list[str]:
        """The address of the partition's folder."""
        folder, _ = folder_and_ending(partition)
        return [f"{self.url()}/{folder}"]

    def visit(self, partitions: Iterable[Partition], policy: RetryPolicy = DEFAULT_POLICY) -> "ManyFilesVisit":
        """Begin a visit for these partitions."""
        # Imported here because they import this module.
        from ingestion.fetch.bucket_shelf import BucketShelf
        from ingestion.fetch.local_shelf import LocalShelf

        def shelf() -> Shelf:
            url = self.url()
            if bucket := _BUCKET.fullmatch(url):
                return BucketShelf(self, bucket[1], (bucket[2] or "").strip("/"), list(partitions), policy)
            is_default = url == self.default_url.rstrip("/")
            return LocalShelf(PROJECT_ROOT / url, may_be_missing=is_default)

        partitions = list(partitions)
        return ManyFilesVisit(self, shelf)


class ManyFilesVisit(Visit):
    """A visit to folders of files. Each is listed once."""

    def __init__(self, publisher: ManyFilesPublisher, open_shelf: Callable[[], Shelf]) -> None:
        self._publisher = publisher
        self._open_shelf = open_shelf
        self._shelf: Shelf | None = None
        self._lock = threading.Lock()

    @property
    def needs_folder(self) -> bool:
        """Whether files are copied."""
        return self._opened().copies

    def ask(self, partition: Partition) -> Fingerprint | None:
        """What the folder of a partition holds; None where it has no file with anything in it."""
        return self._fingerprint(partition, self._listed(partition))

    def fetch(
        self,
        partition: Partition,
        folder: Path,
        cancelled: threading.Event,
        *,
        known: Fingerprint | None,
        progress: Progress,
    ) -> Downloaded | None:
        """Make the files readable, and list them in the folder; None where all are as they were."""
        listed = self._listed(partition)
        fingerprint = self._fingerprint(partition, listed)
        if fingerprint is None:
            raise NotPublishedError(f"{self._publisher.locate(partition)[0]}: no file there (yet)")
        if known is not None and known.etag and is_same_file(known, fingerprint):
            return None
        self._refuse_if_too_large(partition, listed)
        within, _ = folder_and_ending(partition)
        files = self._opened().bring(partition, within, listed, folder, cancelled, progress)
        return Downloaded(write_file_list(files, folder), fingerprint, sum(file.bytes for file in files))

    def close(self) -> None:
        """Close what is open."""
        if self._shelf is not None:
            self._shelf.close()

    def _opened(self) -> Shelf:
        with self._lock:
            if self._shelf is None:
                self._shelf = self._open_shelf()
            return self._shelf

    def _listed(self, partition: Partition) -> list[ListedFile]:
        """The partition's files by name."""
        folder, ending = folder_and_ending(partition)
        found, strange = [], 0
        for file in self._opened().list_folder(partition, folder):
            if not file.name.endswith(ending):
                continue
            if is_plain_name(file.name):
                found.append(file)
            else:
                strange += 1
        if strange:
            logger.warning("%s: left out %d files whose names have characters that cannot be shown", folder, strange)
        return sorted(found, key=lambda file: file.name)

    def _fingerprint(self, partition: Partition, listed: Sequence[ListedFile]) -> Fingerprint | None:
        if not any(file.bytes for file in listed):
            return None
        digest = hashlib.sha256()
        for file in listed:
            digest.update(f"{file.name}\n{file.bytes}\n{file.etag}\n".encode())
        return Fingerprint(
            url=self._publisher.locate(partition)[0],
            etag=f'"{digest.hexdigest()[:32]}"',
            content_length=sum(file.bytes for file in listed),
        )

    def _refuse_if_too_large(self, partition: Partition, listed: Sequence[ListedFile]) -> None:
        most = self._publisher.largest_bytes
        large = next((file for file in listed if file.bytes > most), None)
        if large is None and len(listed) <= _MOST_FILES:
            return
        came = f"{large.name[-100:]} has {large.bytes:,}" if large else f"there are {len(listed):,} files"
        raise UnreadableFileError(
            f"{self._publisher.locate(partition)[0]}: expected at most {_MOST_FILES:,} files of at most {most:,} "
            f"bytes, but {came}. Take it away or split it, then {load_again(partition.feed.grain)}."
        )


def folder_and_ending(partition: Partition) -> tuple[str, str]:
    """The folder of a partition's files below the address, and what their names end with."""
    folder, _, pattern = registered_names(partition)[0].rpartition("/")
    return folder, pattern.removeprefix("*")


def is_plain_name(name: str) -> bool:
    """Whether a file's name is one that can be shown and stored."""
    return name.isprintable() and "/" not in name and 0 < len(name.encode()) <= 255
