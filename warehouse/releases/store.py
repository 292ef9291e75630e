"""The folder of releases, and the link that names the current one.

    published/nyc_mobility.duckdb      a link to the DuckDB file of the current release
    published/releases/ID/             a release: DuckDB file, Parquet files, release.json

A release is complete when it has its `release.json`, which is written last. A folder without one was left by a crash.
"""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from warehouse.connection import WarehouseBusyError, WarehouseError, lock_timeout
from warehouse.durable import sync
from warehouse.paths import published_folder
from warehouse.releases.release import (
    DATABASE,
    DESCRIPTION,
    Release,
    bears_release_id,
    is_release_id,
    read_release,
)

logger = logging.getLogger(__name__)


class ReleaseError(WarehouseError):
    """A release is not there, or is damaged. The message says which, and what to do."""


class Releases:
    """The releases in a folder, by default `PUBLISHED_FOLDER`."""

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or published_folder()
        self.releases_folder = self.folder / "releases"

    @property
    def link(self) -> Path:
        """The one address that readers follow."""
        return self.folder / DATABASE

    def current(self) -> Release | None:
        """The release that the link names; None if nothing is published.

        Raises:
            ReleaseError: the link leads to nothing, or the release cannot be read.
        """
        if not self.link.is_symlink():
            return None
        target = Path(os.path.realpath(self.link)).parent
        if not (target / DESCRIPTION).exists():
            raise ReleaseError(
                f"{self.link}: expected a link to a release, but {target} is gone. "
                "Publish again, or go back to a release that is there: nyc publish --list"
            )
        return _read(target)

    def all(self) -> list[Release]:
        """Every complete release that can be read, the oldest first. What cannot be read is named in the log."""
        found = []
        for folder in self._folders():
            try:
                found.append(_read(folder))
            except ReleaseError as error:
                logger.warning("%s", error)
        return found

    def find(self, id_: str) -> Release:
        """A release by its id.

        Raises:
            ReleaseError: there is none, or it cannot be read.
        """
        if is_release_id(id_) and (self.releases_folder / id_ / DESCRIPTION).exists():
            return _read(self.releases_folder / id_)
        there = ", ".join(folder.name for folder in self._folders()) or "none"
        raise ReleaseError(f"expected the id of a release, but got {id_!r}. There are: {there}.")

    def half_made(self) -> list[Path]:
        """Folders that a crash left. Only what bears a release's id in its name: a person may keep things here."""
        if not self.releases_folder.is_dir():
            return []
        return [
            folder
            for folder in self.releases_folder.iterdir()
            if bears_release_id(folder.name)
            and folder.is_dir()
            and not folder.is_symlink()
            and not (folder / DESCRIPTION).exists()
        ]

    def switch_to(self, release: Release) -> None:
        """Make a release the current one, by one atomic rename. Readers of another keep it."""
        new = self.folder / f".{DATABASE}.new"
        new.unlink(missing_ok=True)
        # Relative, so that the folder can be moved.
        new.symlink_to(release.database.relative_to(self.folder))
        new.replace(self.link)
        sync(self.folder)

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Let nobody else change the folder; waits for whoever does. A crash releases the lock.

        Raises:
            WarehouseBusyError: somebody else had the lock for longer than `DUCKDB_LOCK_TIMEOUT_SECONDS`.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self.folder / ".lock")
        try:
            lock.acquire(blocking=False)
        except Timeout:
            logger.warning("%s is being published to: waiting for it", self.folder)
            _wait_for(lock, self.folder)
        try:
            yield
        finally:
            lock.release()

    def _folders(self) -> list[Path]:
        if not self.releases_folder.is_dir():
            return []
        return sorted(
            folder
            for folder in self.releases_folder.iterdir()
            if is_release_id(folder.name) and (folder / DESCRIPTION).exists()
        )


def _wait_for(lock: FileLock, folder: Path) -> None:
    seconds = lock_timeout()
    try:
        lock.acquire(timeout=seconds, poll_interval=0.1)
    except Timeout as error:
        raise WarehouseBusyError(
            f"{folder}: expected it to be free within {seconds:g} seconds, but another process is still publishing to "
            "it. Wait until it has ended, then run this again.",
            holder="another process",
        ) from error


def _read(folder: Path) -> Release:
    try:
        return read_release(folder)
    except (OSError, ValueError, TypeError, LookupError) as error:
        raise ReleaseError(
            f"{folder / DESCRIPTION}: expected the description of a release, but it cannot be read: {error}. "
            "Delete the folder and publish again, or go back to another release: nyc publish --list"
        ) from error
