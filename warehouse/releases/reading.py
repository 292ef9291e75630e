"""Open a release for reading. Nobody who reads a release waits for a load or a build."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager

import duckdb

from warehouse.connection import WarehouseError, open_for_reading, open_restricted
from warehouse.paths import published_folder
from warehouse.releases.release import DATABASE, DESCRIPTION, Release
from warehouse.releases.store import ReleaseError, Releases


class NothingPublishedError(WarehouseError):
    """Nothing has been published yet."""


def current_release() -> Release:
    """The current release.

    Raises:
        NothingPublishedError: nothing has been published yet.
        ReleaseError: the current release is not there, or cannot be read.
    """
    release = Releases().current()
    if release is None:
        raise NothingPublishedError(
            f"{published_folder()}: nothing has been published yet. Publish what is built: nyc publish. "
            "Or read the working file, which may have to wait for a load or a build: --live"
        )
    return release


def open_release(release: Release | None = None) -> AbstractContextManager[duckdb.DuckDBPyConnection]:
    """Open a release, by default the current one; closed when the `with` block ends.

    The connection reads this release and no other file, whatever SQL it is given. It keeps the release that it opened
    when a newer one is published. Several releases may be open in one process.

    Raises:
        NothingPublishedError: nothing has been published yet.
        ReleaseError: the release is not there, or is damaged.
    """
    chosen = release or current_release()
    try:
        connection = open_restricted(chosen.database, chosen.folder)
    except WarehouseError:
        if chosen.database.exists():
            raise
    else:
        # Whoever deletes an old release first takes its release.json away, and then looks for readers. So if it is
        # still there now, the release stays.
        if (chosen.folder / DESCRIPTION).exists():
            return closing(connection)
        connection.close()
    if release is None and current_release().id != chosen.id:
        return open_release()
    raise ReleaseError(
        f"{chosen.folder}: expected release {chosen.id}, but it is gone, or has no {DATABASE} or {DESCRIPTION}. "
        "Publish again, or go back to another release: nyc publish --list"
    )


@contextmanager
def open_for_readers(*, live: bool = False) -> Iterator[duckdb.DuckDBPyConnection]:
    """What a command that only reads opens: the current release, or with `live` the working file.

    Raises:
        WarehouseError: neither is there, or it cannot be opened; `NothingPublishedError` if nothing is published.
    """
    with open_for_reading() if live else open_release() as connection:
        yield connection
