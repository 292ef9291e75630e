"""Make a release of what is built, and switch readers to it.

The working file is open for writing meanwhile, so that nobody changes it. What is written goes into a folder of its
own. Its `release.json` is written last: until then, and after a crash, readers have the release before.
"""

import hashlib
import json
import logging
import secrets
import shutil
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb

from warehouse.connection import NotThereYetError, limit_memory, open_for_writing, open_restricted
from warehouse.durable import sync, write_durably
from warehouse.full_disk import clear_write_errors, room_on_disk
from warehouse.ledger import ABANDONED, Ledger, utc_now
from warehouse.paths import database_path
from warehouse.publishing.audit import AuditError, audit, count_checks
from warehouse.publishing.database import attached, write_database
from warehouse.publishing.files import ROWS_FOR_FILES, Written, expected_bytes, write_files
from warehouse.publishing.parts import PublishingError, columns_of, parts_of, rows_and_content
from warehouse.publishing.project import Model, Project, read_project
from warehouse.releases.expiry import clear_half_made, expire_releases, kept_releases
from warehouse.releases.release import DATABASE, DESCRIPTION, SEMANTIC_MANIFEST, Release, ReleaseTable
from warehouse.releases.store import Releases
from warehouse.sql import identifier

logger = logging.getLogger(__name__)

KIND = "publish"

# DuckDB writes while it reads, so more memory does not help.
_MEMORY = "1500MB"

# What a release takes beside its Parquet files, roughly.
_OTHER_BYTES = 20_000_000


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
            publication = _Publisher(connection, releases, run_id, started_by).publish(keep)
        except Exception as error:
            ledger.finish_run(run_id, "failed", str(error))
            raise
        _record(connection, publication)
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


class _Publisher:
    """Makes one release."""

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, releases: Releases, run_id: str, published_by: str
    ) -> None:
        self._connection = connection
        self._releases = releases
        self._run_id = run_id
        self._published_by = published_by
        self._written = Written()

    def publish(self, keep: int) -> Publication:
        project = read_project()
        audit(self._connection, project)
        clear_half_made(self._releases)
        before = self._before()
        tables = self._tables(project, before)
        content = _content(tables)
        self._refuse_withdrawn(content)
        if before and content == before.content and not self._has_anything_happened_since(before):
            return self._unchanged(before)
        limit_memory(self._connection, _MEMORY)
        self._check_disk(tables, before)
        release = self._write(project, tables, content, before)
        self._compare(release)
        write_durably(release.folder / DESCRIPTION, release.write())
        _protect(release.folder)
        sync(release.folder.parent)
        self._releases.switch_to(release)
        expired = expire_releases(self._releases, keep=keep)
        return Publication(
            release,
            is_new=True,
            parts_written=self._written.written,
            parts_reused=self._written.reused,
            bytes_written=self._written.bytes_written,
            expired=tuple(each.id for each in expired),
            damaged=tuple(self._written.damaged),
        )

    def _before(self) -> Release | None:
        """The newest release, whether it is current or withdrawn: most of its files can be used again."""
        return next(reversed(self._releases.all()), None)

    def _tables(self, project: Project, before: Release | None) -> list[tuple[Model, ReleaseTable]]:
        tables = []
        for model in project.models:
            columns = columns_of(self._connection, model)
            if not columns:
                # Only a test's table may be missing; the audit has seen to the others.
                continue
            parts = parts_of(self._connection, model, columns, before.table(model.full_name) if before else None)
            fields = tuple(name for name, _ in model.partition_fields)
            table = ReleaseTable(
                model.schema,
                model.table,
                columns,
                parts,
                model.fingerprint,
                model.key,
                model.money,
                fields,
                model.description,
            )
            tables.append((model, table))
        return tables

    def _refuse_withdrawn(self, content: str) -> None:
        withdrawn = self._releases.withdrawn()
        for release in self._releases.all():
            if release.id in withdrawn and release.content == content:
                at, by = withdrawn[release.id]
                raise AuditError(
                    [
                        f"the working file still holds the rows of release {release.id}, from which {by} rolled back "
                        f"at {at:%Y-%m-%d %H:%M} UTC. Mend the data and build. Or make that release current again: "
                        f"nyc publish --rollback {release.id}"
                    ]
                )

    def _has_anything_happened_since(self, before: Release) -> bool:
        """Whether any other run has ended since a release was made."""
        found = self._connection.execute(
            "select 1 from meta.ingestion_runs where kind <> ? and coalesce(finished_at, started_at) > ? limit 1",
            [KIND, before.published_at],
        ).fetchall()
        return bool(found)

    def _unchanged(self, newest: Release) -> Publication:
        """Keep the newest release, or finish its publication if that was killed just before its end."""
        current = self._releases.current()
        is_new = current is None or current.id != newest.id
        if is_new:
            self._releases.switch_to(newest)
        return Publication(newest, is_new=is_new)

    def _check_disk(self, tables: Sequence[tuple[Model, ReleaseTable]], before: Release | None) -> None:
        needed = _OTHER_BYTES
        for _, table in tables:
            if table.rows >= ROWS_FOR_FILES:
                old = before.table(table.full_name) if before else None
                needed += expected_bytes(len(table.columns), table.parts, old)
        folder = self._releases.folder
        if (available := shutil.disk_usage(folder).free) < needed:
            raise PublishingError(
                f"{folder}: expected about {needed:,} bytes free for the release, but {room_on_disk(folder)}. "
                f"Free {needed - available:,} bytes more, then publish again."
            )

    def _write(
        self, project: Project, tables: Sequence[tuple[Model, ReleaseTable]], content: str, before: Release | None
    ) -> Release:
        published_at = utc_now()
        id_ = f"{published_at:%Y%m%dT%H%M%SZ}-{secrets.token_hex(2)}"
        folder = self._releases.releases_folder / id_
        with clear_write_errors(folder):
            folder.mkdir(parents=True)
        done = tuple(self._with_files(model, table, folder, before) for model, table in tables)
        release = Release(
            id=id_,
            folder=folder,
            published_at=published_at,
            published_by=self._published_by,
            run_id=self._run_id,
            duckdb_version=duckdb.__version__,
            content=content,
            tables=done,
            checks=count_checks(self._connection),
            documents={SEMANTIC_MANIFEST: hashlib.sha256(project.semantic_manifest.encode()).hexdigest()},
        )
        write_database(self._connection, release.database, done)
        self._finish_ledger(release)
        with clear_write_errors(folder):
            write_durably(release.semantic_manifest, project.semantic_manifest)
            sync(release.database)
        return release

    def _with_files(self, model: Model, table: ReleaseTable, folder: Path, before: Release | None) -> ReleaseTable:
        if table.rows < ROWS_FOR_FILES:
            return table
        parts = write_files(self._connection, model, table.columns, table.parts, folder, before, self._written)
        return ReleaseTable(**{**vars(table), "parts": parts})

    def _finish_ledger(self, release: Release) -> None:
        """In the release's own ledger, this publication has ended well."""
        with attached(self._connection, release.database, "storage_version 'v1.5.0'") as (working, attached_as):
            self._connection.execute(f"use {identifier(attached_as)}")
            try:
                ledger = Ledger(self._connection)
                ledger.finish_run(self._run_id, "success")
                _insert_version(self._connection, release, self._written.written, self._written.bytes_written)
                self._connection.execute("checkpoint")
            finally:
                self._connection.execute(f"use {identifier(working)}")

    def _compare(self, release: Release) -> None:
        """Open the release as a reader does, and compare it with what the working file holds.

        Raises:
            PublishingError: they differ.
        """
        # Not as a release: it is none before it has its release.json.
        with closing(open_restricted(release.database, release.folder)) as reader:
            for table in release.tables:
                source = identifier(table.schema, table.name)
                described = reader.execute(f"describe {source}").fetchall()
                found = tuple((name, type_) for name, type_, *_ in described)
                if found != table.columns:
                    raise _other_than(release, table, f"the columns {table.columns}", str(found))
                ((rows,),) = reader.execute(f"select count(*) from {source}").fetchall()
                if rows != table.rows:
                    raise _other_than(release, table, f"{table.rows:,} rows", f"{rows:,}")
                if table.is_in_files:
                    # Each file was compared when it was written.
                    continue
                _, content = rows_and_content(reader, source)
                if content != table.content:
                    raise _other_than(release, table, f"the checksum {table.content}", content)


def _other_than(release: Release, table: ReleaseTable, expected: str, found: str) -> PublishingError:
    return PublishingError(
        f"release {release.id}: expected {table.full_name} to have {expected}, as in the working file, but it has "
        f"{found}. Readers keep the release before. Publish again; if that ends the same way, check the disk."
    )


def _content(tables: Sequence[tuple[Model, ReleaseTable]]) -> str:
    """A checksum of everything that a release holds, but for the ledger."""
    held: Mapping[str, object] = {
        table.full_name: [table.columns, [(part.partition_key, part.rows, part.content) for part in table.parts]]
        for _, table in tables
    }
    return hashlib.sha256(json.dumps(held, sort_keys=True).encode()).hexdigest()


def _protect(folder: Path) -> None:
    """Make a release read-only: it never changes."""
    for path in sorted(folder.rglob("*"), reverse=True):
        path.chmod(0o555 if path.is_dir() else 0o444)
        if path.is_dir():
            sync(path)
    folder.chmod(0o555)
    sync(folder)


def _record(connection: duckdb.DuckDBPyConnection, publication: Publication) -> None:
    if publication.is_new:
        _insert_version(connection, publication.release, publication.parts_written, publication.bytes_written)


def _insert_version(
    connection: duckdb.DuckDBPyConnection, release: Release, parts_written: int, bytes_written: int
) -> None:
    values: list[str | int | datetime] = [
        release.id,
        release.published_at,
        release.published_by,
        release.run_id,
        sum(table.rows for table in release.tables),
        parts_written,
        bytes_written,
        release.content,
    ]
    connection.execute("insert or replace into meta.published_versions values (?, ?, ?, ?, ?, ?, ?, ?)", values)


__all__ = ["DATABASE", "KIND", "AuditError", "Publication", "PublishingError", "check_publication", "publish"]
