"""Where the files of an export are put: a folder, or a prefix of a bucket.

A file is there whole or not at all, under a name that does not change: on a folder it is made beside and renamed, and
S3 shows an object when all of it has arrived. So who lists the files finds each partition once, the old or the new.
"""

import hashlib
import logging
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from warehouse.durable import sync
from warehouse.full_disk import room_on_disk
from warehouse.lakehouse.errors import clear_errors
from warehouse.lakehouse.exported import ExportError
from warehouse.lakehouse.location import Location
from warehouse.paths import published_folder

logger = logging.getLogger(__name__)

# Of larger files, parts of this size are sent, so many at once.
_UPLOAD_PART_BYTES = 16 * 2**20
_UPLOAD_PARTS_AT_ONCE = 4


@dataclass(frozen=True)
class Stored:
    """What is there under a name. `tag` changes when somebody writes it anew: a time on a folder, S3's ETag."""

    bytes: int
    tag: str


class Destination(Protocol):
    """A folder or a prefix. Names are relative to it; `prefix` is what all of them begin with."""

    location: Location
    prefix: str
    # Where files are made before they are put. It is emptied before and removed after.
    scratch: Path

    def stored(self) -> dict[str, Stored]:
        """What is there, by name."""

    def put(self, file: Path, name: str) -> Stored:
        """Put a file under a name. One in `scratch` is moved; another stays, and must never change."""

    def remove(self, name: str) -> None:
        """Remove a file, if it is there."""

    def read(self, name: str) -> bytes | None:
        """The contents of a small file; None if there is none."""

    def shares(self, file: Path) -> bool:
        """Whether `put` takes no space on a disk for a file that stays."""

    def clear(self) -> None:
        """Remove what a crash left."""


@contextmanager
def destination(location: Location, prefix: str = "") -> Iterator[Destination]:
    """Files below a place whose names begin with `prefix`. The caller has locked it.

    Raises:
        ExportError: it cannot be reached or written; anything within the block fails likewise.
    """
    with clear_errors(location):
        to: Destination = Bucket(location, prefix) if location.is_s3 else Folder(location, prefix)
        to.clear()
        to.scratch.mkdir(parents=True)
        try:
            yield to
        finally:
            shutil.rmtree(to.scratch, ignore_errors=True)


def check_room(to: Destination, needed_bytes: int) -> None:
    """Refuse what has no room on the disk where files are made.

    Raises:
        ExportError: there is not enough.
    """
    if (available := shutil.disk_usage(to.scratch).free) < needed_bytes:
        what = "to make the files before they are sent" if to.location.is_s3 else "for the export"
        raise ExportError(
            f"{to.scratch.parent}: expected about {needed_bytes:,} bytes free {what}, but {room_on_disk(to.scratch)}. "
            f"Free {needed_bytes - available:,} bytes more, or select fewer tables (--select). Nothing was written."
        )


def place_hash(location: Location) -> str:
    """A name for what this machine keeps of a place in S3."""
    return hashlib.sha256(location.url.encode()).hexdigest()[:16]


def exports_folder() -> Path:
    """Where locks of places in S3 are, and files on their way there."""
    return published_folder() / ".exports"


class Folder:
    """A folder. Files of a release are hard links, or copies where the file system has none."""

    def __init__(self, location: Location, prefix: str) -> None:
        self.location = location
        self.prefix = prefix
        self.scratch = location.path / f".{prefix or 'export'}.making"

    def stored(self) -> dict[str, Stored]:
        root = self.location.path
        # With a prefix the folder is a person's own, of whatever size: what is below it is not looked at.
        found = (path for path in root.iterdir() if path.name.startswith(self.prefix))
        files = (path for path in (found if self.prefix else root.rglob("*")) if path.is_file())
        return {path.relative_to(root).as_posix(): _stored(path) for path in files if self.scratch not in path.parents}

    def put(self, file: Path, name: str) -> Stored:
        target = self._path(name)
        target.parent.mkdir(parents=True, exist_ok=True)
        new = file
        if self.scratch not in file.parents:
            new = self.scratch / "link"
            new.unlink(missing_ok=True)
            _link_or_copy(file, new)
        else:
            sync(new)
        new.replace(target)
        # Renaming one link to another of the same file does nothing.
        new.unlink(missing_ok=True)
        sync(target.parent)
        return _stored(target)

    def remove(self, name: str) -> None:
        path = self._path(name)
        path.unlink(missing_ok=True)
        for folder in path.parents:
            if folder == self.location.path or not folder.is_dir() or any(folder.iterdir()):
                break
            folder.rmdir()

    def read(self, name: str) -> bytes | None:
        path = self._path(name)
        return path.read_bytes() if path.exists() else None

    def shares(self, file: Path) -> bool:
        return file.stat().st_dev == self.scratch.stat().st_dev

    def clear(self) -> None:
        if self.scratch.exists():
            shutil.rmtree(self.scratch)

    def _path(self, name: str) -> Path:
        return self.location.joined(name).path


class Bucket:
    """A prefix of a bucket in S3. Files are sent one by one."""

    def __init__(self, location: Location, prefix: str) -> None:
        self.location = location
        self.prefix = prefix
        self.scratch = exports_folder() / place_hash(location.joined(prefix) if prefix else location)
        self._files: Any = location.filesystem()
        # The answer to this says why a bucket cannot be used.
        self._ask("list_objects_v2", Prefix=self._key_prefix, MaxKeys=1)

    def stored(self) -> dict[str, Stored]:
        stored: dict[str, Stored] = {}
        page: dict[str, Any] = {"NextContinuationToken": None}
        while "NextContinuationToken" in page:
            token = page["NextContinuationToken"]
            more = {"ContinuationToken": token} if token else {}
            page = self._ask("list_objects_v2", Prefix=self._key_prefix, **more)
            for each in page.get("Contents", ()):
                name = each["Key"].removeprefix(self.location.key).lstrip("/")
                stored[name] = Stored(each["Size"], each["ETag"])
        return stored

    def put(self, file: Path, name: str) -> Stored:
        url = self.location.joined(name).url
        options = {"chunksize": _UPLOAD_PART_BYTES, "max_concurrency": _UPLOAD_PARTS_AT_ONCE}
        self._files.put_file(str(file), url, **options)
        if self.scratch in file.parents:
            file.unlink()
        there = self._ask("head_object", Key=self.location.joined(name).key)
        return Stored(there["ContentLength"], there["ETag"])

    def remove(self, name: str) -> None:
        self._ask("delete_object", Key=self.location.joined(name).key)

    def read(self, name: str) -> bytes | None:
        try:
            contents: bytes = self._files.cat_file(self.location.joined(name).url)
        except FileNotFoundError:
            return None
        return contents

    def shares(self, file: Path) -> bool:
        return True

    def clear(self) -> None:
        shutil.rmtree(self.scratch, ignore_errors=True)
        try:
            uploads = self._ask("list_multipart_uploads", Prefix=self._key_prefix).get("Uploads", ())
            for upload in uploads:
                self._ask("abort_multipart_upload", Key=upload["Key"], UploadId=upload["UploadId"])
        except OSError as error:
            # Readers do not see them; not every server or key can list them.
            logger.warning("%s: uploads that a crash left cannot be removed: %s", self.location.url, error)

    @property
    def _key_prefix(self) -> str:
        return f"{self.location.key}/{self.prefix}".lstrip("/")

    def _ask(self, operation: str, **values: object) -> dict[str, Any]:
        answer: dict[str, Any] = self._files.call_s3(operation, Bucket=self.location.bucket, **values)
        return answer


def _stored(path: Path) -> Stored:
    state = path.stat()
    return Stored(state.st_size, str(state.st_mtime_ns))


def _link_or_copy(file: Path, new: Path) -> None:
    try:
        os.link(file, new)
    except OSError:
        # Another disk, too many links, or a file system without links.
        shutil.copy2(file, new)
        sync(new)
