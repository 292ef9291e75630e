"""Which files are published, in which revision, and where they lie once made."""

import hashlib
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

from ingestion.catalog import FEEDS
from ingestion.partitions import Partition, partitions_between
from sandbox.broken_files import write_broken_file
from sandbox.catalog import file_stand_in_of
from sandbox.faults import BUCKET_FAULTS, CONNECTION_FAULTS, Fault
from sandbox.files import write_published
from sandbox.stand_ins import ApiStandIn, BucketStandIn, FileStandIn, PagedApiStandIn
from warehouse.periods import Grain, Period

_CHUNK_BYTES = 1 << 20

# A period of any grain, or a date, which stands for the period of each feed that it lies in.
When = Period | date


@dataclass(frozen=True)
class PublishedFile:
    """A file as it is served: its bytes on disk and what the publisher says of them."""

    path: Path
    size: int
    etag: str
    last_modified: datetime


@dataclass(frozen=True)
class Marks:
    """What a bucket says of an object; `size` is None until it is made."""

    etag: str
    last_modified: datetime
    size: int | None


@dataclass(frozen=True)
class _Edition:
    """One of the files that a partition, or an archive of several, has had."""

    partitions: tuple[Partition, ...]
    revision: int
    fault: Fault | None = None


class Store:
    """The published stretch of time and its files, each made when first asked for.

    Safe for threads: requests for one file wait while it is made, requests for others do not.
    """

    def __init__(self, first: When, last: When, *, rows: int, folder: Path) -> None:
        self._first, self._last = _period(first), _period(last)
        if self._last.end < self._first.end:
            raise ValueError(f"the last {last} is before the first {first}")
        if rows < 1:
            raise ValueError(f"expected rows of at least 1, got {rows}")
        self._rows = rows
        self.folder = folder
        self._files: dict[FileStandIn, dict[str, tuple[Partition, ...]]] = {}
        self._added: set[Partition] = set()
        self._revisions: dict[Partition, int] = {}
        self._made: dict[_Edition, PublishedFile] = {}
        self._making: dict[_Edition, threading.Lock] = {}
        self._lock = threading.Lock()

    def available_until(self, stand_in: ApiStandIn | PagedApiStandIn) -> date:
        """The day after the last published period: an API is only days behind, files are months."""
        feed = stand_in.feeds[0]
        return FEEDS[feed].period_of(self._last.last_day).end.date()

    def publish(self, when: When) -> None:
        """Extend the published stretch to the end of a period."""
        period = _period(when)
        with self._lock:
            if period.end > self._last.end:
                self._last = period
                self._files.clear()

    def add(self, partition: Partition) -> None:
        """Publish a file of a period that the feed's calendar does not have.

        Raises:
            ValueError: the feed has no files.
        """
        file_stand_in_of(partition.feed.name)
        with self._lock:
            self._added.add(partition)
            self._files.clear()

    def make(self, feeds: Iterable[str]) -> None:
        """Make every published file of these feeds now.

        Raises:
            ValueError: a feed has no files.
        """
        for feed in feeds:
            stand_in = file_stand_in_of(feed)
            for name in self.names(stand_in, ""):
                partitions = self.partitions_in(stand_in, name)
                if partitions[0].feed.name == feed:
                    self.find(partitions)

    def replace(self, partition: Partition) -> None:
        """Publish the partition's file again, with other content.

        Raises:
            ValueError: the feed has no files.
        """
        file_stand_in_of(partition.feed.name)
        with self._lock:
            self._revisions[partition] = self._revisions.get(partition, 0) + 1

    def names(self, stand_in: FileStandIn, prefix: str) -> list[str]:
        """The names of the publisher's files that begin so, in an object store's order."""
        return sorted(name for name in self._published(stand_in) if name.startswith(prefix))

    def partitions_in(self, stand_in: FileStandIn, name: str) -> tuple[Partition, ...]:
        """The published partitions in the file of this name; none where there is no such file."""
        return self._published(stand_in).get(name, ())

    def _published(self, stand_in: FileStandIn) -> Mapping[str, tuple[Partition, ...]]:
        """The publisher's files by name, each with its partitions."""
        with self._lock:
            if stand_in not in self._files:
                files: dict[str, tuple[Partition, ...]] = {}
                expected = partitions_between(map(FEEDS.__getitem__, stand_in.feeds), self._first, self._last)
                added = (one for one in self._added if one.feed.name in stand_in.feeds)
                for partition in [*(one for one in expected if stand_in.has_file(one)), *added]:
                    if partition.period >= partition.feed.first_period:
                        name = stand_in.published_name(partition)
                        files[name] = (*files.get(name, ()), partition)
                self._files[stand_in] = files
            return self._files[stand_in]

    def find(self, partitions: tuple[Partition, ...], fault: Fault | None = None) -> PublishedFile:
        """The file published with these partitions, made if need be.

        With a fault it is a broken copy, which has an ETag and a later Last-Modified of its own.
        """
        edition = self._edition(partitions, fault)
        whole = self._once_made(replace(edition, fault=None))
        return whole if edition.fault is None else self._once_made(edition)

    def look(self, partitions: tuple[Partition, ...], fault: Fault | None = None) -> Marks:
        """What is said of the object published with these partitions, which need not be made for that."""
        edition = self._edition(partitions, fault)
        with self._lock:
            made = self._made.get(edition)
        return Marks(_made_up_etag(edition), _last_modified(edition), made.size if made else None)

    def _edition(self, partitions: tuple[Partition, ...], fault: Fault | None) -> "_Edition":
        with self._lock:
            revision = sum(self._revisions.get(partition, 0) for partition in partitions)
        if fault is Fault.OTHER_EDITION:
            return _Edition(partitions, revision + 1)
        return _Edition(partitions, revision, fault if fault not in CONNECTION_FAULTS | BUCKET_FAULTS else None)

    def _once_made(self, edition: _Edition) -> PublishedFile:
        with self._lock:
            making = self._making.setdefault(edition, threading.Lock())
        with making:
            if edition not in self._made:
                self._made[edition] = self._make(edition)
            return self._made[edition]

    def _make(self, edition: _Edition) -> PublishedFile:
        last = edition.partitions[-1]
        path = self._path(edition)
        if edition.fault is not None:
            whole = self._path(replace(edition, fault=None))
            path.parent.mkdir(parents=True, exist_ok=True)
            write_broken_file(file_stand_in_of(last.feed.name).file_format, last.feed, whole, path, edition.fault)
        elif not path.exists():
            write_published(edition.partitions, self._folder(edition), rows=self._rows, revision=edition.revision)
        is_in_bucket = isinstance(file_stand_in_of(last.feed.name), BucketStandIn)
        etag = _made_up_etag(edition) if is_in_bucket else f'"{_digest(path)}"'
        return PublishedFile(path, path.stat().st_size, etag, _last_modified(edition))

    def _path(self, edition: _Edition) -> Path:
        first = edition.partitions[0]
        return self._folder(edition) / file_stand_in_of(first.feed.name).published_name(first)

    def _folder(self, edition: _Edition) -> Path:
        # A folder that is kept between runs may hold files of other sizes, revisions and periods.
        first, last = edition.partitions[0], edition.partitions[-1]
        words = [f"{self._rows}-rows-revision-{edition.revision}"]
        words += [f"{first.key}-to-{last.key}"] if first != last else []
        words += [edition.fault] if edition.fault else []
        return self.folder / "-".join(words) / file_stand_in_of(first.feed.name).path


def file_partitions(feeds: list[str], first: Period, last: Period) -> list[tuple[Partition, ...]]:
    """The files of these feeds from the first to the last period, by time: the partitions of each.

    Raises:
        ValueError: a feed has no files here, or none in that time.
    """
    files: dict[tuple[str, str], tuple[Partition, ...]] = {}
    known = [FEEDS[feed] for feed in feeds]
    partitions = [
        partition
        for partition in partitions_between(known, first, last)
        if partition.period >= partition.feed.first_period and file_stand_in_of(partition.feed.name).has_file(partition)
    ]
    for feed in known:
        if all(partition.feed != feed for partition in partitions):
            raise ValueError(
                f"{feed.name} has no file from {first} to {last}: its first {feed.grain} is {feed.first_period}"
            )
    for partition in partitions:
        stand_in = file_stand_in_of(partition.feed.name)
        name = (stand_in.path, stand_in.published_name(partition))
        files[name] = (*files.get(name, ()), partition)
    return list(files.values())


def _last_modified(edition: _Edition) -> datetime:
    last = edition.partitions[-1]
    published_on = last.period.end.date() + timedelta(days=last.feed.publication_lag_days + edition.revision)
    return datetime.combine(published_on, time(12 if edition.fault is None else 13), UTC)


def _made_up_etag(edition: _Edition) -> str:
    """An ETag that follows from which edition it is, as of an object that came in parts: it is no hash of its bytes.

    So a bucket can be listed before its objects are made, which at real size takes seconds for each.
    """
    words = [*map(str, edition.partitions), str(edition.revision), str(edition.fault)]
    return f'"{hashlib.md5(" ".join(words).encode(), usedforsecurity=False).hexdigest()}-1"'


def _period(when: When) -> Period:
    return when if isinstance(when, Period) else Period(Grain.DAY, datetime.combine(when, time()))


def _digest(path: Path) -> str:
    """The content's MD5, which object stores give as the ETag."""
    digest = hashlib.md5(usedforsecurity=False)
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()
