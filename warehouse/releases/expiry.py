"""Delete releases that are past their time, and what crashes left. What somebody reads stays.

To be called only with the lock of the releases. A crash leaves a release that is complete, or one without release.json,
which `clear_half_made` deletes.
"""

import logging
import os
import shutil
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from warehouse.connection import WarehouseError
from warehouse.durable import sync
from warehouse.releases.readers import being_read
from warehouse.releases.release import DATABASE, DESCRIPTION, Release
from warehouse.releases.store import ReleaseError, Releases

logger = logging.getLogger(__name__)

KEEP_VARIABLE = "PUBLISHED_RELEASES"
_DEFAULT_KEEP = 5

# The release.json of a release that is about to be deleted.
_SET_ASIDE = f".{DESCRIPTION}.expired"


def kept_releases() -> int:
    """How many releases are kept: `PUBLISHED_RELEASES`, by default 5.

    Raises:
        WarehouseError: the setting is not a whole number of at least 1.
    """
    text = os.environ.get(KEEP_VARIABLE) or str(_DEFAULT_KEEP)
    if not (text.isascii() and text.isdecimal() and int(text) >= 1):
        raise WarehouseError(f"expected {KEEP_VARIABLE} to be a whole number of at least 1, but got {text!r}")
    return int(text)


def expired_releases(releases: Releases, *, keep: int) -> list[Release]:
    """The releases that `expire_releases` would delete, the oldest first.

    Raises:
        WarehouseError: `keep` is less than 1, or what is current or read cannot be told.
    """
    if keep < 1:
        raise WarehouseError(f"expected to keep at least 1 release, but got {keep}")
    current = releases.current()
    old = [
        release
        for release in releases.all()[:-keep]
        if not release.folder.is_symlink() and (current is None or release.folder.name != current.folder.name)
    ]
    read = being_read(release.database for release in old)
    return [release for release in old if release.database not in read]


def expire_releases(releases: Releases, *, keep: int) -> list[Release]:
    """Delete all but the newest `keep` releases, and return those that it deleted, the oldest first.

    The current release stays, and so does one that somebody reads, in any process of this machine. The next call
    deletes it if it is free then.

    Raises:
        WarehouseError: `keep` is less than 1, or what is current or read cannot be told.
        ReleaseError: a release cannot be deleted.
    """
    deleted = []
    for release in expired_releases(releases, keep=keep):
        try:
            if _is_deleted(release):
                deleted.append(release)
        except OSError as error:
            raise _cannot_delete(release.folder, error) from error
    if deleted:
        logger.info("deleted releases: %s", ", ".join(release.id for release in deleted))
    return deleted


def half_made_folders(releases: Releases) -> list[Path]:
    """The folders that `clear_half_made` would delete.

    Raises:
        WarehouseError: what is read cannot be told.
    """
    current = Path(os.path.realpath(releases.link)).parent
    left = [folder for folder in releases.half_made() if folder.resolve() != current]
    read = being_read(folder / DATABASE for folder in left)
    return [folder for folder in left if folder / DATABASE not in read]


def clear_half_made(releases: Releases) -> list[Path]:
    """Delete what crashes left, and return its folders. What somebody reads stays, and what the link leads to.

    Raises:
        WarehouseError: what is read cannot be told.
        ReleaseError: a folder cannot be deleted.
    """
    cleared = half_made_folders(releases)
    for folder in cleared:
        try:
            _remove(folder)
        except OSError as error:
            raise _cannot_delete(folder, error) from error
    if cleared:
        logger.info("deleted what was left half-made: %s", ", ".join(folder.name for folder in cleared))
    return cleared


def bytes_of(folders: Iterable[Path]) -> int:
    """The bytes that the disk gets back when folders are deleted: files that other releases share do not count."""
    files = [
        file.stat() for folder in folders for file in folder.rglob("*") if file.is_file() and not file.is_symlink()
    ]
    found = Counter(file.st_ino for file in files)
    sizes = {file.st_ino: file.st_size for file in files if file.st_nlink == found[file.st_ino]}
    return sum(sizes.values())


def _is_deleted(release: Release) -> bool:
    """Delete a release, unless a reader opened it just now.

    A reader opens the DuckDB file, which locks it, and then looks for release.json. Here it is taken away before the
    lock is looked for. So one of both notices the other.
    """
    description, aside = release.folder / DESCRIPTION, release.folder / _SET_ASIDE
    mode = release.folder.stat().st_mode
    release.folder.chmod(0o755)
    description.rename(aside)
    sync(release.folder)
    is_free = False
    try:
        is_free = not being_read([release.database])
    finally:
        if not is_free:
            aside.rename(description)
            release.folder.chmod(mode)
    if is_free:
        _remove(release.folder)
    return is_free


def _remove(folder: Path) -> None:
    """Delete a folder with all that is in it. Links in it are deleted, and not followed."""
    for parent, _, _ in os.walk(folder):
        # A release is read-only, and only from a folder that may be written to can files be deleted.
        Path(parent).chmod(0o755)
    shutil.rmtree(folder)
    sync(folder.parent)


def _cannot_delete(folder: Path, error: OSError) -> ReleaseError:
    return ReleaseError(
        f"{folder}: expected to delete it, but got: {error}. Delete it as the user who owns it, or as an administrator."
    )
