"""Which files are published, in which revision, and where they lie once made."""

import hashlib
import threading
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

from ingestion.feeds import FEEDS
from ingestion.partitions import next_month
from ingestion.sample_publisher.files import FILE_FEEDS, PUBLISHER_FOLDERS, file_name, file_of_name, write_file

_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True)
class PublishedFile:
    """A file as it is served: its bytes on disk and what the publisher says of them."""

    path: Path
    size: int
    etag: str
    last_modified: datetime


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
        self._made: dict[tuple[str, date, int], PublishedFile] = {}
        self._making: dict[tuple[str, date, int], threading.Lock] = {}
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

    def find(self, folder: str, name: str) -> PublishedFile | None:
        """The file published as `<folder>/<name>`, made if need be; None where there is none."""
        found = file_of_name(folder, name)
        if found is None:
            return None
        feed, month = found
        with self._lock:
            if not (self._first <= month <= self._last and month >= FEEDS[feed].first_month):
                return None
            key = (feed, month, self._revisions.get(found, 0))
            making = self._making.setdefault(key, threading.Lock())
        with making:
            if key not in self._made:
                self._made[key] = self._make(*key)
            return self._made[key]

    def _make(self, feed: str, month: date, revision: int) -> PublishedFile:
        # A folder that is kept between runs may hold files of other sizes and revisions.
        folder = self.folder / f"{self._rows}-rows-revision-{revision}" / PUBLISHER_FOLDERS[FEEDS[feed].publisher]
        path = folder / file_name(feed, month)
        if not path.exists():
            write_file(feed, month, folder, rows=self._rows, revision=revision)
        published_on = next_month(month) + timedelta(days=FEEDS[feed].publication_lag_days + revision)
        last_modified = datetime.combine(published_on, time(12), UTC)
        return PublishedFile(path, path.stat().st_size, f'"{_digest(path)}"', last_modified)


def _digest(path: Path) -> str:
    """The content's MD5, which is what these publishers' object store gives as the ETag."""
    digest = hashlib.md5(usedforsecurity=False)
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()
