"""The backups in a place: a folder, or a prefix of a bucket."""

import hashlib
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from warehouse.backup.manifest import (
    DESCRIPTION,
    FILE,
    Backup,
    BackupError,
    DamagedBackupError,
    NoBackupError,
    read_backup,
)
from warehouse.lakehouse.destination import Bucket, Destination, Folder
from warehouse.lakehouse.errors import clear_errors
from warehouse.lakehouse.location import Location
from warehouse.releases.release import is_release_id
from warehouse.secrets import scrubbed

logger = logging.getLogger(__name__)

# What is read at once, and asked of S3 by one request.
CHUNK_BYTES = 8 * 2**20

LATEST = "latest"


class Backups:
    """The backups in a place. Whoever changes it has locked it."""

    def __init__(self, place: Location) -> None:
        self.place = place
        with clear_errors(place):
            self._files: Destination = Bucket(place, "") if place.is_s3 else Folder(place, "")

    def all(self) -> list[Backup]:
        """Every complete backup that can be read, the oldest first. What cannot be read is named in the log.

        Raises:
            ExportError: the place cannot be read.
        """
        found = []
        for id_ in self._complete():
            try:
                found.append(self._read(id_))
            except BackupError as error:
                logger.warning("%s", error)
        return found

    def find(self, id_: str) -> Backup:
        """A backup by its id; the newest for `latest`, whether or not it can be read.

        Raises:
            NoBackupError: there is none.
            BackupError: it cannot be read.
            ExportError: the place cannot be read.
        """
        complete = self._complete()
        if not complete:
            raise NoBackupError(f"{self.place.url}: expected a backup, but there is none. Make one: nyc backup")
        if id_ == LATEST:
            return self._read(complete[-1])
        if id_ not in complete:
            raise NoBackupError(
                f"{self.place.url}: expected the id of a backup, but got {id_[:50]!r}. There are: "
                f"{', '.join(complete)}."
            )
        return self._read(id_)

    def ids(self) -> set[str]:
        """The ids of all backups, complete or not."""
        with clear_errors(self.place):
            ids = {name.partition("/")[0] for name in self._names()}
            return ids if self.place.is_s3 else ids | {folder.name for folder in self._folders()}

    def remove(self, id_: str) -> None:
        """Remove a backup: first what says that it is complete, so that a crash leaves none that is half there.

        Raises:
            ExportError: it cannot be removed.
        """
        with clear_errors(self.place):
            names = [name for name in self._names() if name.startswith(f"{id_}/")]
            for name in sorted(names, key=lambda name: name != f"{id_}/{DESCRIPTION}"):
                self._files.remove(name)
            if not self.place.is_s3 and (folder := self.place.joined(id_).path).is_dir():
                # A crash may have left it without a file.
                folder.rmdir()

    def remove_half_made(self) -> list[str]:
        """Remove what crashes left, and return the ids.

        Raises:
            ExportError: it cannot be removed.
        """
        left = sorted(self.ids() - set(self._complete()))
        for id_ in left:
            self.remove(id_)
        return left

    def _complete(self) -> list[str]:
        with clear_errors(self.place):
            return sorted(
                id_ for id_, _, name in (each.partition("/") for each in self._names()) if name == DESCRIPTION
            )

    def _read(self, id_: str) -> Backup:
        with clear_errors(self.place):
            text = self._files.read(f"{id_}/{DESCRIPTION}")
        return read_backup(id_, self.place, text)

    def _names(self) -> list[str]:
        """The files of backups. Nothing else in the place is looked at: a person may keep things there."""
        if self.place.is_s3:
            return [name for name in self._files.stored() if is_release_id(name.partition("/")[0])]
        root = self.place.path
        return [path.relative_to(root).as_posix() for folder in self._folders() for path in folder.iterdir()]

    def _folders(self) -> list[Path]:
        root = self.place.path
        folders = root.iterdir() if root.is_dir() else ()
        return [
            folder for folder in folders if is_release_id(folder.name) and folder.is_dir() and not folder.is_symlink()
        ]


def find_backup(text: str) -> Backup:
    """The backup that a person names: by its id or as `latest`, in the usual place, or by its address.

    The address of a place stands for the newest backup there.

    Raises:
        NoBackupError: there is none.
        BackupError: it cannot be read.
        ExportError: it is no address, or the place cannot be read.
    """
    if text == LATEST or is_release_id(text):
        return Backups(Location.of_backups()).find(text)
    address = Location.of(text)
    parent, _, name = address.url.rpartition("/")
    if is_release_id(name):
        return Backups(Location.of(parent)).find(name)
    return Backups(address).find(LATEST)


def chunks(backup: Backup) -> Iterator[bytes]:
    """The file of a backup, piece by piece.

    Raises:
        DamagedBackupError: it is gone.
        BackupError, ExportError: it cannot be read.
    """
    address = backup.place.joined(backup.id, FILE)
    with clear_errors(backup.place):
        try:
            file = _opened(address)
        except FileNotFoundError as error:
            raise DamagedBackupError(
                f"{address.url}: expected the file of a backup, but it is gone. {_ANOTHER}"
            ) from error
    with file:
        while True:
            # Not around `yield`: what goes wrong there is not of this place.
            with clear_errors(backup.place):
                chunk = read_chunk(file, address.url)
            if not chunk:
                return
            yield chunk


def _opened(address: Location) -> Any:
    if not address.is_s3:
        return address.path.open("rb")
    return address.filesystem().open(address.url, "rb", block_size=CHUNK_BYTES, cache_type="readahead")


def read_chunk(file: IO[bytes], called: str) -> bytes:
    """The next piece of a file; empty at its end. `called` is its name in errors.

    Raises:
        BackupError: it cannot be read.
    """
    try:
        return file.read(CHUNK_BYTES)
    except OSError as error:
        said = scrubbed(str(error))[:300]
        raise BackupError(f"{called}: expected to read it, but got: {said}. Check its disk or connection.") from error


def verify(backup: Backup) -> None:
    """Read a backup from where it is, and compare it with what was written.

    Raises:
        DamagedBackupError: it is not the same.
        BackupError, ExportError: it cannot be read.
    """
    found, read = hashlib.sha256(), 0
    for chunk in chunks(backup):
        found.update(chunk)
        read += len(chunk)
    compare(backup, read, found.hexdigest())


def compare(backup: Backup, bytes_: int, sha256: str) -> None:
    """Compare what was read of a backup with what was written.

    Raises:
        DamagedBackupError: it is not the same.
    """
    if (bytes_, sha256) != (backup.bytes, backup.sha256):
        raise DamagedBackupError(
            f"{backup.address}/{FILE}: expected {backup.bytes:,} bytes with the checksum {backup.sha256[:12]}…, but "
            f"got {bytes_:,} with {sha256[:12]}…: the backup is damaged. {_ANOTHER}"
        )


_ANOTHER = "Nothing was changed. Use another backup: nyc backup --list"
