"""Publish what is built, if the ledger allows it, and switch readers to it.

The working file is open for writing meanwhile, so that nobody changes it. What is written goes into a folder of its
own. Its `release.json` is written last: until then, and after a crash, readers have the release before.
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import duckdb

from warehouse.accepted_gaps import read_accepted_gaps
from warehouse.connection import NotThereYetError, limit_memory, open_for_writing
from warehouse.ledger import ABANDONED, INTERRUPTED, Ledger
from warehouse.paths import database_path
from warehouse.publishing.audit import AuditError, audit
from warehouse.publishing.files import is_whole, sha256_of
from warehouse.publishing.making import Maker, check_disk, content_of, drafts_of
from warehouse.publishing.project import read_project
from warehouse.publishing.snapshots import with_snapshots
from warehouse.publishing.versions import record_version
from warehouse.releases import open_release
from warehouse.releases.expiry import clear_half_made, expire_releases, kept_releases
from warehouse.releases.release import DBT_MANIFEST, Release
from warehouse.releases.store import Releases

KIND = "publish"

# DuckDB writes while it reads, so more memory does not help.
_MEMORY = "1500MB"


@dataclass(frozen=True)
class Publication:
    """What became of a publication.

    `is_new` is false where nothing at all has happened since the current release was made. `expired` are the releases
    that were deleted for it, `damaged` the files of the release before that were written anew. `bytes_written` are of
    Parquet files.
    """

    release: Release
    is_new: bool
    parts_written: int = 0
    parts_reused: int = 0
    bytes_written: int = 0
    expired: tuple[str, ...] = ()
    damaged: tuple[Path, ...] = ()


def publish(*, started_by: str = "terminal", dagster_run_id: str | None = None) -> Publication:
    """Publish what is built, if the ledger allows it. Waits for whoever has the working file.

    Raises:
        NotThereYetError: there is no working file.
        AuditError: what is built may not be published; the message says why.
        PublishingError: the release cannot be made, or is not what the working file holds.
        WarehouseError: the disk is full, or somebody else kept the working file for too long.
    """
    keep = kept_releases()
    releases = Releases()
    # First the working file: who waits for it must not keep others from the releases.
    with _open_working_file() as connection, releases.lock():
        ledger = Ledger(connection)
        for run_id in ledger.running(KIND):
            # Only one process at a time gets here.
            ledger.finish_run(run_id, "failed", ABANDONED)
        run_id = ledger.start_run(KIND, {}, started_by=started_by, dagster_run_id=dagster_run_id)
        try:
            publication = _publish(connection, releases, run_id, started_by, keep)
        except BaseException as error:
            # Ctrl-C and Dagster's *Terminate* are not Exceptions.
            ledger.finish_run(run_id, "failed", str(error) if isinstance(error, Exception) else INTERRUPTED)
            raise
        ledger.finish_run(run_id, "success")
    return publication


def check_publication() -> None:
    """Only look whether what is built may be published.

    Raises:
        NotThereYetError: there is no working file.
        AuditError: it may not; the message says why.
        WarehouseError: somebody else kept the working file for too long.
    """
    with _open_working_file() as connection:
        Ledger(connection)
        audit(connection, read_project())


def _open_working_file() -> AbstractContextManager[duckdb.DuckDBPyConnection]:
    if not database_path().exists():
        raise NotThereYetError(
            f"{database_path()}: expected a DuckDB file, but there is none. Load a month first: "
            "nyc load --year 2025 --months 1"
        )
    return open_for_writing()


def _publish(
    connection: duckdb.DuckDBPyConnection, releases: Releases, run_id: str, started_by: str, keep: int
) -> Publication:
    project = with_snapshots(connection, read_project())
    audit(connection, project)
    clear_half_made(releases)
    kept = releases.all()
    # The newest, whether it is current or withdrawn: most of its files can be used again.
    before = kept[-1] if kept else None
    drafts = drafts_of(connection, project, before)
    content = content_of(drafts)
    _refuse_withdrawn(releases, kept, content)
    is_unchanged = before and content == before.content and DBT_MANIFEST in before.documents and _is_whole(before)
    if before and is_unchanged and not _has_anything_happened_since(before, connection):
        return _unchanged(releases, before)
    limit_memory(connection, _MEMORY)
    check_disk(releases.folder, drafts, before)
    maker = Maker(connection, releases.releases_folder, before, run_id=run_id, published_by=started_by)
    release = maker.make(drafts, content, project)
    releases.switch_to(release)
    record_version(connection, release, maker.written)
    expired = expire_releases(releases, keep=keep)
    return Publication(
        release,
        is_new=True,
        parts_written=maker.written.written,
        parts_reused=maker.written.reused,
        bytes_written=maker.written.bytes_written,
        expired=tuple(each.id for each in expired),
        damaged=tuple(maker.written.damaged),
    )


def _refuse_withdrawn(releases: Releases, kept: Sequence[Release], content: str) -> None:
    withdrawn = releases.withdrawn()
    for release in kept:
        if release.id in withdrawn and release.content == content:
            at, by = withdrawn[release.id]
            raise AuditError(
                [
                    f"the working file still holds the rows of release {release.id}, from which {by} rolled back at "
                    f"{at:%Y-%m-%d %H:%M} UTC. Mend the data and build. Or make that release current again: "
                    f"nyc publish --rollback {release.id}"
                ]
            )


def _has_anything_happened_since(release: Release, connection: duckdb.DuckDBPyConnection) -> bool:
    """Whether any run but a publication has ended since a release was made, or a person has accepted other gaps."""
    found = connection.execute(
        "select 1 from meta.ingestion_runs where kind <> ? and coalesce(finished_at, started_at) > ? limit 1",
        [KIND, release.published_at],
    ).fetchall()
    if found:
        return True
    with open_release(release) as published:
        return read_accepted_gaps(published) != read_accepted_gaps(connection)


def _is_whole(release: Release) -> bool:
    """Whether no file is damaged or gone. Maintenance marks by their time those that rotted unseen."""
    try:
        documents = {name: sha256_of(release.folder / name) for name in release.documents}
    except OSError:
        return False
    files = ((release.folder / str(part.file), part) for _, part in release.files())
    return documents == dict(release.documents) and all(is_whole(*each) for each in files)


def _unchanged(releases: Releases, newest: Release) -> Publication:
    """Keep the newest release, or finish its publication if that was killed just before its end."""
    current = releases.current()
    # Also where it is current already: the link says when readers last got all that there is.
    releases.switch_to(newest)
    return Publication(newest, is_new=current is None or current.id != newest.id)
