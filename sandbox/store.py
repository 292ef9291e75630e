"""Which files are published, in which revision, and where they lie once made."""

import hashlib
import threading
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

from ingestion.catalog import FEEDS
from sandbox.broken_files import write_broken_file
from sandbox.faults import Fault
from sandbox.files import (
    FILE_FEEDS,
    PUBLISHER_FOLDERS,
    months_of_name,
    published_name,
    write_archive,
    write_file,
)
from sandbox.mobility.citibike_archive import is_archived
from sandbox.mobility.months import month_range, next_month

_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True)
class PublishedFile:
    """A file as it is served: its bytes on disk and what the publisher says of them."""

    path: Path
    size: int
    etag: str
    last_modified: datetime


@dataclass(frozen=True)
class _Edition:
    """One of the files that a month of a feed, or an archive of months, has had."""

    feed: str
    months: tuple[date, ...]
    revision: int
    fault: Fault | None = None


class Store:
    """The published range of months and their files, each made when first asked for.

    Safe for threads: requests for one file wait while it is made, requests for others do not.
    """

    def __init__(self, first: date, last: date, *, rows: int, folder: Path) -> None:
        self._first, self._last = first.replace(day=1), last.replace(day=1)
        if self._last < self._first:
            raise ValueError(f"the last month {last:%Y-%m} is before the first month {first:%Y-%m}")
        if rows < 1:
            raise ValueError(f"expected rows of at least 1, got {rows}")
        self._rows = rows
        self.folder = folder
        self._revisions: dict[tuple[str, date], int] = {}
        self._made: dict[_Edition, PublishedFile] = {}
        self._making: dict[_Edition, threading.Lock] = {}
        self._lock = threading.Lock()

    @property
    def available_until(self) -> date:
        """The last day of weather: the archive is only days behind, the trips' publishers are months."""
        return next_month(self._last)

    def publish(self, month: date) -> None:
        """Extend the published range to the month."""
        with self._lock:
            self._last = max(self._last, month.replace(day=1))

    def replace(self, feed: str, month: date) -> None:
        """Publish the month's file of the feed again, with other content.

        Raises:
            ValueError: the feed has no files.
        """
        if feed not in FILE_FEEDS:
            raise ValueError(f"{feed!r} has no files to replace: expected one of {', '.join(FILE_FEEDS)}")
        with self._lock:
            key = (feed, month.replace(day=1))
            self._revisions[key] = self._revisions.get(key, 0) + 1

    def names(self, folder: str, prefix: str) -> list[str]:
        """The names of the files published in the folder that begin so, in an object store's order."""
        with self._lock:
            first, last = self._first, self._last
        names = {
            published_name(feed, month)
            for feed in FILE_FEEDS
            if PUBLISHER_FOLDERS[FEEDS[feed].publisher.name] == folder
            for month in month_range(max(first, FEEDS[feed].first_period.first_day), last)
        }
        return sorted(name for name in names if name.startswith(prefix))

    def find(self, folder: str, name: str, fault: Fault | None = None) -> PublishedFile | None:
        """The file published as `<folder>/<name>`, made if need be; None where there is none.

        With a fault it is a broken copy, which has an ETag and a later Last-Modified of its own.
        """
        found = months_of_name(folder, name)
        if found is None:
            return None
        feed, months = found
        with self._lock:
            first, last = max(self._first, FEEDS[feed].first_period.first_day), self._last
            published = tuple(month for month in months if first <= month <= last)
            if not published:
                return None
            edition = _Edition(feed, published, sum(self._revisions.get((feed, month), 0) for month in published))
        whole = self._once_made(edition)
        return whole if fault is None else self._once_made(replace(edition, fault=fault))

    def _once_made(self, edition: _Edition) -> PublishedFile:
        with self._lock:
            making = self._making.setdefault(edition, threading.Lock())
        with making:
            if edition not in self._made:
                self._made[edition] = self._make(edition)
            return self._made[edition]

    def _make(self, edition: _Edition) -> PublishedFile:
        feed, months = edition.feed, edition.months
        path = self._path(edition)
        if edition.fault is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_broken_file(feed, self._path(replace(edition, fault=None)), path, edition.fault)
        elif not path.exists() and is_archived(feed, months[0]):
            write_archive(months, path.parent, rows=self._rows, revision=edition.revision)
        elif not path.exists():
            write_file(feed, months[0], path.parent, rows=self._rows, revision=edition.revision)
        published_on = next_month(months[-1]) + timedelta(days=FEEDS[feed].publication_lag_days + edition.revision)
        last_modified = datetime.combine(published_on, time(12 if edition.fault is None else 13), UTC)
        return PublishedFile(path, path.stat().st_size, f'"{_digest(path)}"', last_modified)

    def _path(self, edition: _Edition) -> Path:
        # A folder that is kept between runs may hold files of other sizes, revisions and months.
        first, last = edition.months[0], edition.months[-1]
        words = [f"{self._rows}-rows-revision-{edition.revision}"]
        words += [f"{first:%Y-%m}-to-{last:%Y-%m}"] if first != last else []
        words += [edition.fault] if edition.fault else []
        publisher = PUBLISHER_FOLDERS[FEEDS[edition.feed].publisher.name]
        return self.folder / "-".join(words) / publisher / published_name(edition.feed, first)


def _digest(path: Path) -> str:
    """The content's MD5, which is what these publishers' object store gives as the ETag."""
    digest = hashlib.md5(usedforsecurity=False)
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()
