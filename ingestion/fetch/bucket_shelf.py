"""Folders of files in a bucket: the keys that begin alike. Objects are downloaded, and read from there."""

import logging
import os.path
import threading
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from email.utils import parsedate_to_datetime
from pathlib import Path

from ingestion.errors import DownloadError, NotPublishedError, load_again
from ingestion.fetch.bucket_listing import TooManyObjectsError, list_bucket
from ingestion.fetch.download import download
from ingestion.fetch.file_addresses import file_address
from ingestion.fetch.keys import keys_from_environment
from ingestion.fetch.many_files import ListedFile, ManyFilesPublisher, Shelf, folder_and_ending
from ingestion.fetch.retries import RetryPolicy
from ingestion.fetch.session_pool import SessionPool
from ingestion.fetch.settings import address_setting, setting
from ingestion.fetch.signing import Signer
from ingestion.fetch.watched_session import WatchedSession
from ingestion.partitions import Partition
from ingestion.publishers import Progress
from ingestion.readers.file_lists import SourceFile
from warehouse.ledger import Fingerprint

logger = logging.getLogger(__name__)

# More are not asked for one by one: it would take minutes.
_MOST_FOLDERS = 200


class BucketShelf(Shelf):
    """Folders below a prefix of a bucket.

    All that a visit needs of a feed is listed at once, by what its folders' names have in common. Where that is too
    much, each folder is listed by itself.
    """

    def __init__(
        self,
        publisher: ManyFilesPublisher,
        bucket: str,
        prefix: str,
        partitions: Sequence[Partition],
        policy: RetryPolicy,
    ) -> None:
        self._publisher = publisher
        self._bucket = bucket
        self._prefix = f"{prefix}/" if prefix else ""
        self._policy = policy
        self._sessions = SessionPool(self._session)
        self._lock = threading.Lock()
        self._listed: dict[str, dict[str, list[ListedFile]] | None] = {}
        folders: dict[str, list[str]] = defaultdict(list)
        for partition in partitions:
            folders[partition.feed.name].append(f"{self._prefix}{folder_and_ending(partition)[0]}/")
        self._folders = {feed: len(of_feed) for feed, of_feed in folders.items()}
        # Letter by letter: these are not paths.
        self._common = {feed: os.path.commonprefix(of_feed) for feed, of_feed in folders.items()}  # noqa: RUF071

    def list_folder(self, partition: Partition, folder: str) -> list[ListedFile]:
        """The objects right in a folder."""
        feed = partition.feed.name
        with self._lock:
            if feed not in self._listed:
                try:
                    self._listed[feed] = self._list(self._common[feed])
                except TooManyObjectsError as error:
                    if self._folders[feed] > _MOST_FOLDERS:
                        raise
                    logger.info("folders of %s are listed one by one: %s", feed, error)
                    self._listed[feed] = None
            listed = self._listed[feed]
        if listed is None:
            listed = self._list(f"{self._prefix}{folder}/")
        return listed.get(folder, [])

    def bring(
        self,
        partition: Partition,
        folder: str,
        listed: Sequence[ListedFile],
        into: Path,
        cancelled: threading.Event,
        progress: Progress,
    ) -> list[SourceFile]:
        """Download the objects, each into a folder of its own: two keys may be one name on a disk."""
        found: list[SourceFile] = []
        expected = sum(file.bytes for file in listed)
        received = 0

        def tell(of_file: int, _: int | None) -> None:
            progress(received + of_file, expected)

        with self._sessions.borrowed() as session:
            for number, file in enumerate(listed):
                place = into / str(number)
                place.mkdir(exist_ok=True)
                address = file_address(self._address(), f"{self._prefix}{folder}/{file.name}")
                try:
                    downloaded = download(
                        [address],
                        place,
                        session,
                        known=None,
                        progress=tell,
                        rules=self._publisher,
                        again=load_again(partition.feed.grain),
                        policy=self._policy,
                        cancelled=cancelled,
                    )
                except NotPublishedError as error:
                    raise DownloadError(
                        f"{address}: expected the file, which was listed, but it is gone. "
                        f"{load_again(partition.feed.grain).capitalize()}."
                    ) from error
                assert downloaded is not None, "only a known file is not downloaded"
                received += downloaded.bytes
                found.append(
                    SourceFile(
                        f"{folder}/{file.name}", downloaded.path, downloaded.bytes, file.etag, file.last_modified
                    )
                )
        return found

    def close(self) -> None:
        """Close the sessions."""
        self._sessions.close()

    def _list(self, prefix: str) -> dict[str, list[ListedFile]]:
        """What begins with a prefix, by folder."""
        with self._sessions.borrowed() as session:
            objects = list_bucket(self._address(), prefix, session, self._publisher, self._policy)
        found: dict[str, list[ListedFile]] = defaultdict(list)
        for key, listed in objects.items():
            folder, _, name = key.removeprefix(self._prefix).rpartition("/")
            if name:
                found[folder].append(_listed_file(name, listed))
        return found

    def _address(self) -> str:
        publisher = self._publisher
        return f"{address_setting(publisher.name, 'endpoint_url', publisher.default_endpoint_url)}/{self._bucket}"

    def _session(self) -> WatchedSession:
        keys = keys_from_environment(self._publisher.key_names, self._address())
        session = WatchedSession()
        session.auth = Signer(keys, setting(self._publisher.name, "region", self._publisher.default_region))
        return session


def _listed_file(name: str, listed: Fingerprint) -> ListedFile:
    return ListedFile(
        name, listed.content_length or 0, listed.etag or listed.last_modified or "", _time(listed.last_modified)
    )


def _time(text: str | None) -> datetime | None:
    return parsedate_to_datetime(text).replace(tzinfo=None) if text else None
