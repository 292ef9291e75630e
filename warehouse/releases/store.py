"""The folder of releases, and the link that names the current one.

    published/nyc_mobility.duckdb      a link to the DuckDB file of the current release
    published/releases/ID/             a release: DuckDB file, Parquet files, release.json

A release is complete when it has its `release.json`, which is written last. A folder without one was left by a crash.
"""

import getpass
import json
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from filelock import FileLock, Timeout

from warehouse.connection import WarehouseBusyError, WarehouseError, lock_timeout
from warehouse.durable import sync, write_durably
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

_WITHDRAWN = "withdrawn.json"


class ReleaseError(WarehouseError):
    """A release is not there, or is damaged. The message says which, and what to do."""


class UnknownReleaseError(ReleaseError):
    """There is no release of this id."""


class Withdrawal(NamedTuple):
    """Who has rolled back from a release, and when (UTC)."""

    at: datetime
    by: str


class Releases:
    """The releases in a folder, by default `PUBLISHED_FOLDER`."""

    def __init__(self, folder: Path | None = None) -> None:
        # Resolved, because the views of a release name their files by absolute paths.
        self.folder = (folder or published_folder()).resolve()
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
            UnknownReleaseError: there is none.
            ReleaseError: it cannot be read.
        """
        if is_release_id(id_) and (self.releases_folder / id_ / DESCRIPTION).exists():
            return _read(self.releases_folder / id_)
        there = ", ".join(folder.name for folder in self._folders()) or "none"
        raise UnknownReleaseError(f"expected the id of a release, but got {id_[:50]!r}. There are: {there}.")

    def before(self, release: Release) -> Release | None:
        """What readers had before a release; a release that was withdrawn does not count. None if it is the first.

        Raises:
            ReleaseError: which releases were withdrawn cannot be read.
        """
        withdrawn = self.withdrawn()
        earlier = [each for each in self.all() if each.id < release.id and each.id not in withdrawn]
        return earlier[-1] if earlier else None

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

    def switched_at(self) -> datetime | None:
        """When readers last got all that there was: the last publication, also one that found nothing new, or rollback.

        UTC, without zone; None if nothing is published.
        """
        try:
            return datetime.fromtimestamp(self.link.lstat().st_mtime, UTC).replace(tzinfo=None)
        except FileNotFoundError:
            return None

    def withdrawn(self) -> dict[str, Withdrawal]:
        """The releases that a person has rolled back from, by id.

        Raises:
            ReleaseError: the file that says so cannot be read.
        """
        try:
            found = json.loads((self.folder / _WITHDRAWN).read_bytes())
            return {id_: Withdrawal(datetime.fromisoformat(each["at"]), each["by"]) for id_, each in found.items()}
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, TypeError, LookupError) as error:
            raise ReleaseError(
                f"{self.folder / _WITHDRAWN}: expected the releases that were withdrawn, but it cannot be read: "
                f"{error}. Delete it, if none were."
            ) from error

    def roll_back(self, id_: str) -> Release:
        """Make a release current again. Those that are newer count as withdrawn: the same rows are not published again.

        To be called with the lock.

        Raises:
            ReleaseError: there is no such release, or one of its files is gone or of another size.
        """
        release = self.find(id_)
        for table, part in release.files():
            file = release.folder / str(part.file)
            if not file.exists() or file.stat().st_size != part.bytes:
                raise ReleaseError(
                    f"{file}: expected the {part.bytes:,} bytes of {table.full_name} that were published, but the file "
                    "is damaged or gone. Go back to another release: nyc publish --list"
                )
        now, user = datetime.now(UTC).replace(tzinfo=None, microsecond=0), getpass.getuser()
        there = {each.id for each in self.all()}
        withdrawn = {each: known for each, known in self.withdrawn().items() if each in there and each <= id_}
        withdrawn |= {each: Withdrawal(now, user) for each in there if each > id_}
        withdrawn.pop(id_, None)
        known = {each: {"at": one.at.isoformat(), "by": one.by} for each, one in sorted(withdrawn.items())}
        # First the link: readers wait for nothing.
        self.switch_to(release)
        write_durably(self.folder / _WITHDRAWN, json.dumps(known, indent=1))
        return release

    @contextmanager
    def lock(self, timeout_seconds: float | None = None) -> Iterator[None]:
        """Let nobody else change the folder; waits for whoever does. A crash releases the lock.

        Raises:
            WarehouseBusyError: somebody else had the lock for longer than the timeout, by default
                `DUCKDB_LOCK_TIMEOUT_SECONDS`.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self.folder / ".lock")
        try:
            lock.acquire(blocking=False)
        except Timeout:
            seconds = lock_timeout() if timeout_seconds is None else timeout_seconds
            if seconds:
                logger.warning("%s is being published to: waiting for it", self.folder)
            _wait_for(lock, self.folder, seconds)
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


def _wait_for(lock: FileLock, folder: Path, seconds: float) -> None:
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
