"""Folders of files on this machine. Nothing is copied, and no link is followed."""

import logging
import os
import stat
import threading
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from ingestion.errors import DownloadError, SettingError
from ingestion.fetch.many_files import ListedFile, Shelf
from ingestion.partitions import Partition
from ingestion.publishers import Progress
from ingestion.readers.file_lists import SourceFile

logger = logging.getLogger(__name__)


class LocalShelf(Shelf):
    """Folders below a folder of this machine. With `may_be_missing` that folder may not be there, and has no files."""

    copies = False

    def __init__(self, base: Path, *, may_be_missing: bool) -> None:
        self._base = base
        # Of each folder that folders are in: years of hours are asked for, of which most are not there.
        self._known: dict[str, bool] = {"": True}
        if not may_be_missing and not base.is_dir():
            raise SettingError(
                f"{base}: expected the folder that is set for the files, but it is not there. Make it, or set another."
            )

    def list_folder(self, partition: Partition, folder: str) -> list[ListedFile]:
        """The files right in a folder; links, folders and pipes are none."""
        parent, _, _ = folder.rpartition("/")
        if not self._is_there(parent):
            return []
        place = self._base / folder
        _refuse_link(place)
        found: list[ListedFile] = []
        links = 0
        try:
            with os.scandir(place) as entries:
                for entry in entries:
                    links += entry.is_symlink()
                    if entry.is_file(follow_symlinks=False) and (listed := _listed(entry)):
                        found.append(listed)
        except (FileNotFoundError, NotADirectoryError):
            return []
        except OSError as error:
            raise DownloadError(
                f"{place}: expected to list the folder, but {error.strerror or error}. Check who may read it."
            ) from error
        if links:
            logger.warning("%s: left out %d links: files must be there themselves", folder, links)
        return found

    def _is_there(self, folder: str) -> bool:
        """Whether a folder is there. It must be no link."""
        if folder not in self._known:
            is_there = self._is_there(folder.rpartition("/")[0])
            if is_there:
                _refuse_link(self._base / folder)
                is_there = (self._base / folder).is_dir()
            self._known[folder] = is_there
        return self._known[folder]

    def bring(
        self,
        partition: Partition,
        folder: str,
        listed: Sequence[ListedFile],
        into: Path,
        cancelled: threading.Event,
        progress: Progress,
    ) -> list[SourceFile]:
        """The files where they are."""
        return [
            SourceFile(
                f"{folder}/{file.name}", self._base / folder / file.name, file.bytes, file.etag, file.last_modified
            )
            for file in listed
        ]

    def close(self) -> None:
        """Nothing is open."""


def _refuse_link(place: Path) -> None:
    if place.is_symlink():
        raise DownloadError(
            f"{place}: expected a folder, but it is a link, which could lead anywhere. Put the files themselves there."
        )


def _listed(entry: "os.DirEntry[str]") -> ListedFile | None:
    """A file as it is now; None where it has gone meanwhile."""
    try:
        found = entry.stat(follow_symlinks=False)
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(found.st_mode):
        return None
    modified = datetime.fromtimestamp(found.st_mtime, UTC).replace(tzinfo=None)
    return ListedFile(entry.name, found.st_size, str(found.st_mtime_ns), modified)
