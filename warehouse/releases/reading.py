"""Open a release for reading. Nobody who reads a release waits for a load or a build."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import duckdb

from warehouse.connection import NotThereYetError, open_for_reading, open_restricted
from warehouse.ledger import utc_now
from warehouse.paths import database_path
from warehouse.releases.release import DATABASE, DESCRIPTION, Release
from warehouse.releases.store import ReleaseError, Releases

# Maintenance marks what rotted on the disk, and a release is made anew only after some other run.
_WHAT_TO_DO = "Write it anew: nyc maintain, nyc build, nyc publish. Until then read the working file: --live"

# What DuckDB raises for a file that it cannot read, and not for what is wrong in SQL.
_UNREADABLE = (duckdb.IOException, duckdb.SerializationException, duckdb.InternalException, duckdb.FatalException)

_UNITS = (("day", timedelta(days=1)), ("hour", timedelta(hours=1)), ("minute", timedelta(minutes=1)))


class NothingPublishedError(NotThereYetError):
    """Nothing has been published yet."""


def current_release(folder: Path | None = None) -> Release:
    """The current release in a folder of releases, by default `PUBLISHED_FOLDER`.

    Raises:
        NothingPublishedError: nothing has been published yet.
        ReleaseError: the current release is not there, or cannot be read.
    """
    releases = Releases(folder)
    release = releases.current()
    if release is None:
        raise NothingPublishedError(
            f"{releases.folder}: nothing has been published yet. Publish what is built: nyc publish. "
            "Or read the working file, which may have to wait for a load or a build: --live"
        )
    return release


@contextmanager
def open_release(release: Release | None = None) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a release, by default the current one; closed when the `with` block ends.

    The connection reads this release and no other file, whatever SQL it is given. It keeps the release that it opened
    when a newer one is published. Several releases may be open in one process, and one of them several times. Threads
    that share a connection use a cursor each.

    Raises:
        NothingPublishedError: nothing has been published yet.
        ReleaseError: the release is not there, or is damaged, as found on opening or by a query in the `with` block.
        WarehouseError: a setting is not valid.
    """
    chosen, connection = _opened(release)
    with closing(connection), naming_damage(chosen):
        yield connection


def _opened(release: Release | None) -> tuple[Release, duckdb.DuckDBPyConnection]:
    """A release, by default the current one, and a connection to it."""
    chosen = release or current_release()
    if connection := _open(chosen):
        return chosen, connection
    if release is None and current_release().id != chosen.id:
        return _opened(None)
    raise ReleaseError(
        f"{chosen.folder}: expected release {chosen.id}, but it is gone, or has no {DATABASE} or {DESCRIPTION}. "
        "Publish again, or go back to another release: nyc publish --list"
    )


def _open(release: Release) -> duckdb.DuckDBPyConnection | None:
    """A connection to a release; None if it was deleted."""
    try:
        with naming_damage(release):
            connection = open_restricted(release.database, release.folder)
    except ReleaseError:
        if release.database.exists():
            raise
        return None
    # Whoever deletes an old release first takes its release.json away, and then looks for readers. So if it is still
    # there now, the release stays.
    if (release.folder / DESCRIPTION).exists():
        return connection
    connection.close()
    return None


@contextmanager
def naming_damage(release: Release) -> Iterator[None]:
    """Let DuckDB's error about a missing or damaged file of a release become one that says which, and what to do.

    Raises:
        ReleaseError: DuckDB could not read a file of the release.
    """
    try:
        yield
    except duckdb.Error as error:
        if damage := _damage(release, error):
            raise ReleaseError(f"{damage}. {_WHAT_TO_DO}") from error
        raise


def _damage(release: Release, error: duckdb.Error) -> str | None:
    """What is wrong with the files of a release after DuckDB raised an error; None if that was not about a file."""
    said = str(error).partition("\n")[0]
    # DuckDB has no class for what its Parquet reader says of a damaged end of a file.
    is_unreadable = isinstance(error, _UNREADABLE) or type(error) is duckdb.Error
    if not release.database.exists():
        return f"{release.database}: expected the DuckDB file of release {release.id}, but there is none"
    if isinstance(error, duckdb.PermissionException) and f"/{release.id}/" in said:
        return (
            f"{release.folder}: expected the files of release {release.id} here, but its views name another folder: "
            f"{said}. If the releases were moved: nyc publish --relink"
        )
    for table, part in release.files():
        path = release.folder / str(part.file)
        expected = f"{path}: expected the rows of {table.full_name} of release {release.id}, but"
        is_named = str(path) in said
        if (is_named or is_unreadable) and not path.exists():
            return f"{expected} there is no such file"
        if is_named or (is_unreadable and part.bytes not in (None, path.stat().st_size)):
            return f"{expected} the file cannot be read: {said}"
    return f"{release.folder}: release {release.id} cannot be read: {said}" if is_unreadable else None


@dataclass(frozen=True)
class Source:
    """What a reader reads: a release, or without one the working file.

    Whoever asks several questions of one state keeps the source. `str()` says in a line what it is, and how old.
    """

    release: Release | None = None

    def open(self) -> AbstractContextManager[duckdb.DuckDBPyConnection]:
        """Open it, for the time of a `with` block; waits for a writer only if it is the working file.

        Raises:
            WarehouseError: it is not there, or cannot be opened.
        """
        return open_release(self.release) if self.release else open_for_reading()

    def __str__(self) -> str:
        if not self.release:
            return f"working file {database_path()}"
        return f"release {self.release.id}, published {ago(utc_now() - self.release.published_at)}"


def source_for_readers(*, live: bool = False) -> Source:
    """What a command that only reads reads: the current release, or with `live` the working file.

    Raises:
        NothingPublishedError: nothing has been published yet.
        ReleaseError: the current release is not there, or cannot be read.
    """
    return Source() if live else Source(current_release())


@contextmanager
def open_for_readers(*, live: bool = False) -> Iterator[tuple[Source, duckdb.DuckDBPyConnection]]:
    """Open what a command that only reads reads: the current release, or with `live` the working file.

    Gives the source and a connection to it, for the time of a `with` block.

    Raises:
        WarehouseError: neither is there, or it cannot be opened; `NothingPublishedError` if nothing is published.
    """
    if live:
        with open_for_reading() as connection:
            yield Source(), connection
    else:
        release, connection = _opened(None)
        with closing(connection), naming_damage(release):
            yield Source(release), connection


def ago(age: timedelta) -> str:
    age = max(age, timedelta())
    for name, length in _UNITS:
        if count := age // length:
            return f"{count} {name}{'' if count == 1 else 's'} ago"
    return "just now"
