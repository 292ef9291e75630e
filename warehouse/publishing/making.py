"""Making a release: its tables as the working file has them, written into a folder, and compared."""

import hashlib
import json
import os
import shutil
from collections.abc import Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import duckdb

from warehouse.connection import open_restricted
from warehouse.durable import sync, write_durably
from warehouse.full_disk import clear_write_errors, room_on_disk
from warehouse.ledger import Ledger, utc_now
from warehouse.publishing.audit import count_checks
from warehouse.publishing.database import attached, write_database
from warehouse.publishing.files import Written, expected_bytes, sha256_of, write_files
from warehouse.publishing.parts import PublishingError, columns_of_tables, parts_of, rows_and_content
from warehouse.publishing.project import Model, Project
from warehouse.publishing.versions import record_version
from warehouse.releases.release import (
    DATABASE,
    DBT_MANIFEST,
    DESCRIPTION,
    SEMANTIC_MANIFEST,
    Release,
    ReleaseTable,
    next_id,
)
from warehouse.sql import identifier

# A table with fewer rows is kept in the DuckDB file.
ROWS_FOR_FILES = 5_000

# What a release takes beside its Parquet files, roughly.
_OTHER_BYTES = 20_000_000


class Draft(NamedTuple):
    """A table that is to be published, without its files, and the model that it is of."""

    model: Model
    table: ReleaseTable


def drafts_of(connection: duckdb.DuckDBPyConnection, project: Project, before: Release | None) -> list[Draft]:
    """Every table to publish, as the working file has it. Reads only what was built since the release before.

    Raises:
        PublishingError: a table has other rows than the ledger says.
    """
    drafts = []
    columns_of = columns_of_tables(connection)
    for model in project.models:
        columns = columns_of.get(model.full_name)
        if not columns:
            # Only a test's table may be missing; the audit has seen to the others.
            continue
        table = ReleaseTable(
            schema=model.schema,
            name=model.table,
            columns=columns,
            parts=parts_of(connection, model, columns, before.table(model.full_name) if before else None),
            fingerprint=model.fingerprint,
            key=model.key,
            money=model.money,
            partition_fields=tuple(name for name, _ in model.partition_fields),
            description=model.description,
            layer=model.layer,
        )
        drafts.append(Draft(model, table))
    return drafts


def content_of(drafts: Sequence[Draft]) -> str:
    """A checksum of everything that a release holds, but for the ledger."""
    held: Mapping[str, object] = {
        table.full_name: [table.columns, [(part.partition_key, part.rows, part.content) for part in table.parts]]
        for _, table in drafts
    }
    return hashlib.sha256(json.dumps(held, sort_keys=True).encode()).hexdigest()


def check_disk(folder: Path, drafts: Sequence[Draft], before: Release | None) -> None:
    """Look for room before anything is written.

    Raises:
        PublishingError: there is too little.
    """
    needed = _OTHER_BYTES
    for _, table in drafts:
        if table.rows >= ROWS_FOR_FILES:
            needed += expected_bytes(table, before.table(table.full_name) if before else None)
    if (available := shutil.disk_usage(folder).free) < needed:
        raise PublishingError(
            f"{folder}: expected about {needed:,} bytes free for the release, but {room_on_disk(folder)}. "
            f"Free {needed - available:,} bytes more, then publish again."
        )


class Maker:
    """Makes one release in a folder of its own below `releases_folder`. `written` says what became of its files."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        releases_folder: Path,
        before: Release | None,
        *,
        run_id: str,
        published_by: str,
    ) -> None:
        self._connection = connection
        self._releases_folder = releases_folder
        self._before = before
        self._run_id = run_id
        self._published_by = published_by
        self.written = Written()

    def make(self, drafts: Sequence[Draft], content: str, project: Project) -> Release:
        """Write a release, compare it with the working file, and complete it with its `release.json`.

        Raises:
            PublishingError: it is not what the working file holds.
            WarehouseError: the disk is full, or the folder cannot be written.
        """
        published_at = utc_now()
        folder = self._releases_folder / next_id(published_at, (path.name for path in self._releases_folder.glob("*")))
        with clear_write_errors(folder):
            folder.mkdir(parents=True)
        release = Release(
            id=folder.name,
            folder=folder,
            published_at=published_at,
            published_by=self._published_by,
            run_id=self._run_id,
            duckdb_version=duckdb.__version__,
            content=content,
            tables=tuple(self._with_files(draft, folder) for draft in drafts),
            checks=count_checks(self._connection),
        )
        snapshots = {draft.model.full_name: draft.model.snapshot for draft in drafts if draft.model.snapshot}
        write_database(self._connection, release.database, release.tables, snapshots)
        self._finish_ledger(release)
        _compare(release)
        with clear_write_errors(folder):
            sync(release.database)
            write_durably(release.semantic_manifest, project.semantic_manifest)
            self._write_manifest(release, project.dbt_manifest)
            documents = {name: sha256_of(folder / name) for name in (DATABASE, SEMANTIC_MANIFEST, DBT_MANIFEST)}
            release = replace(release, documents=documents)
            write_durably(folder / DESCRIPTION, release.write())
            _protect(folder)
            sync(self._releases_folder)
        return release

    def _with_files(self, draft: Draft, folder: Path) -> ReleaseTable:
        if draft.table.rows < ROWS_FOR_FILES:
            return draft.table
        parts = write_files(self._connection, draft.model, draft.table, folder, self._before, self.written)
        return replace(draft.table, parts=parts)

    def _write_manifest(self, release: Release, manifest: bytes) -> None:
        """As a link to that of the release before, if it is the same and can be."""
        if self._before and self._before.documents.get(DBT_MANIFEST) == hashlib.sha256(manifest).hexdigest():
            same = self._before.dbt_manifest
            with suppress(OSError):
                if same.read_bytes() == manifest:
                    os.link(same, release.dbt_manifest)
                    return
        release.dbt_manifest.write_bytes(manifest)
        sync(release.dbt_manifest)

    def _finish_ledger(self, release: Release) -> None:
        """In the release's own ledger, this publication has ended well."""
        with attached(self._connection, release.database, "storage_version 'v1.5.0'") as (working, attached_as):
            self._connection.execute(f"use {identifier(attached_as)}")
            try:
                Ledger(self._connection).finish_run(self._run_id, "success")
                record_version(self._connection, release, self.written)
                self._connection.execute("checkpoint")
            finally:
                self._connection.execute(f"use {identifier(working)}")


def _compare(release: Release) -> None:
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


def _protect(folder: Path) -> None:
    """Make a release read-only: it never changes. Files of tables are already, each since it was written."""
    for path in folder.iterdir():
        if path.is_file():
            path.chmod(0o444)
    for parent, _, _ in os.walk(folder, topdown=False):
        Path(parent).chmod(0o555)
        sync(Path(parent))
