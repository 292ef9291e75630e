"""Bring the files of an export up to date: what did not change stays, what is gone is removed.

For each table, first what is gone is removed, then what is new is put in its place, one file at a time. So who lists
the files in between finds no row twice; a partition that moves to another file may be missing until its turn.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import duckdb

from warehouse.lakehouse.destination import Destination, Stored, check_room
from warehouse.lakehouse.exported import Exported, ExportError
from warehouse.lakehouse.manifest import MANIFEST, FileEntry, TableEntry, read_manifest
from warehouse.ledger import utc_now
from warehouse.publishing.files import is_whole
from warehouse.releases import Part
from warehouse.sql import literal

# What is written is noted at least this often, so that an interrupted export need not send all of a table again.
_BYTES_BETWEEN_NOTES = 64 * 2**20


class File(Protocol):
    """A file of an export. `source` is the same if and only if the contents are."""

    @property
    def name(self) -> str:
        """Where it is put, relative to the export."""

    @property
    def source(self) -> str:
        """What it is made from."""

    def expected_bytes(self, to: Destination) -> int:
        """About how much room it takes on this machine's disk."""

    def at(self, scratch: Path) -> Path:
        """The file on this machine, made in `scratch` if there is none.

        Raises:
            ExportError: what it is made from is damaged or gone.
        """


@dataclass(frozen=True)
class ReleaseFile:
    """A file that a release has already."""

    name: str
    path: Path
    part: Part
    source: str

    def expected_bytes(self, to: Destination) -> int:
        return 0 if to.shares(self.path.parent) else self.part.bytes or 0

    def at(self, scratch: Path) -> Path:
        if not is_whole(self.path, self.part):
            raise ExportError(
                f"{self.path}: expected the file as it was published, but it is damaged or gone. "
                "Publish, which writes it anew, then export again: nyc publish"
            )
        return self.path


@dataclass(frozen=True)
class QueryFile:
    """A file that DuckDB writes. `options` are those of its COPY."""

    name: str
    source: str
    connection: duckdb.DuckDBPyConnection
    query: str
    options: str

    def expected_bytes(self, to: Destination) -> int:
        return text_bytes(self.connection, self.query)

    def at(self, scratch: Path) -> Path:
        path = scratch / "file"
        self.connection.execute(f"copy ({self.query}) to {literal(path)} ({self.options})")
        return path


# So many rows say how long the others are.
_SAMPLE_ROWS = 1_000


def text_bytes(connection: duckdb.DuckDBPyConnection, query: str) -> int:
    """About how many bytes the rows of a query take as text, which is more than they take in Parquet."""
    sample = f"(select * from ({query}) limit {_SAMPLE_ROWS})"
    rows, width = connection.execute(
        f"select (select count(*) from ({query})), (select avg(strlen(concat_ws(',', *columns(*))) + 1) from {sample})"
    ).fetchall()[0]
    return int(rows * (width or 0))


@dataclass(frozen=True)
class TableFiles:
    """The files of a table, and where readers find them."""

    table: str
    rows: int
    address: str
    files: Sequence[File]


def export_files(
    format_: str,
    release_id: str,
    tables: Sequence[TableFiles],
    to: Destination,
    *,
    is_everything: bool,
    documents: dict[str, str] | None = None,
    manifest_name: str = MANIFEST,
) -> list[Exported]:
    """Put the files of tables into their place, and say what was written.

    With `is_everything`, tables that are not among them are removed. `documents` are small texts by name, written
    anew whenever one of the tables is.

    Raises:
        ExportError: something was not written. Exporting again mends it.
    """
    run = _Run(format_, release_id, to, manifest_name)
    changed = {each.table: run.changed(each) for each in tables}
    files = [file for each in changed.values() for file in each]
    expected = [file.expected_bytes(to) for file in files]
    # Files on their way to S3 are made one by one; on a folder they stay.
    check_room(to, max(expected, default=0) if to.location.is_s3 else sum(expected))
    if is_everything:
        run.remove_tables_but({each.table for each in tables})
    done = [run.export(each, changed[each.table]) for each in tables]
    run.finish(documents or {})
    return done


class _Run:
    """One export of files to one place."""

    def __init__(self, format_: str, release_id: str, to: Destination, manifest_name: str) -> None:
        self._format = format_
        self._release_id = release_id
        self._to = to
        self._manifest_name = manifest_name
        self._manifest = read_manifest(to, manifest_name)
        self._stored: dict[str, Stored] = to.stored()
        self._is_noted = True

    def changed(self, table: TableFiles) -> list[File]:
        """The files that are not there as they should be."""
        entry = self._entry(table.table)
        return [
            file
            for file in table.files
            if not entry.files.get(file.name, FileEntry()).is_of(file.source, self._stored.get(file.name))
        ]

    def remove_tables_but(self, kept: set[str]) -> None:
        for table in sorted(self._manifest.tables.keys() - kept):
            for name in self._manifest.tables[table].files:
                self._to.remove(name)
            del self._manifest.tables[table]
            self._is_noted = False

    def export(self, table: TableFiles, changed: Sequence[File]) -> Exported:
        entry = self._entry(table.table)
        gone = entry.files.keys() - {file.name for file in table.files}
        bytes_written = 0
        if changed or gone:
            self._begin(table.table, changed)
            for name in sorted(gone):
                self._to.remove(name)
                del entry.files[name]
            bytes_written = self._put(entry, changed)
        if (entry.release, entry.rows) != (self._release_id, table.rows):
            entry.release, entry.rows, entry.exported_at = self._release_id, table.rows, _now()
            self._is_noted = False
        return Exported(
            self._format, table.table, table.rows, len(changed), bytes_written, table.address, self._release_id
        )

    def finish(self, documents: dict[str, str]) -> None:
        """Write the documents and the manifest, unless all is as it was."""
        is_new = self._manifest.release != self._release_id or not self._is_noted
        for name, text in documents.items():
            if self._to.read(name) != text.encode():
                self._write(name, text)
        if is_new:
            self._manifest.release, self._manifest.exported_at = self._release_id, _now()
            self._note()

    def _entry(self, table: str) -> TableEntry:
        return self._manifest.tables.setdefault(table, TableEntry())

    def _begin(self, table: str, changed: Sequence[File]) -> None:
        """Note that a table is about to be of two releases, and which files will be there."""
        entry = self._entry(table)
        entry.release = self._manifest.release = None
        for file in changed:
            entry.files[file.name] = FileEntry()
        self._note()

    def _put(self, entry: TableEntry, changed: Sequence[File]) -> int:
        total = not_noted = 0
        try:
            for file in changed:
                stored = self._to.put(file.at(self._to.scratch), file.name)
                entry.files[file.name] = FileEntry(file.source, stored.bytes, stored.tag)
                self._is_noted = False
                total += stored.bytes
                not_noted += stored.bytes
                if not_noted >= _BYTES_BETWEEN_NOTES:
                    self._note()
                    not_noted = 0
        except Exception as error:
            self._note_before(error)
            raise
        return total

    def _note_before(self, error: Exception) -> None:
        """What was written before an error need not be written again."""
        try:
            self._note()
        except Exception as another:  # noqa: BLE001 - the first error is the one to tell
            error.add_note(f"nor could be noted what was written before: {another}")

    def _note(self) -> None:
        self._write(self._manifest_name, self._manifest.text())
        self._is_noted = True

    def _write(self, name: str, text: str) -> None:
        file = self._to.scratch / "document"
        file.write_text(text)
        self._to.put(file, name)


def _now() -> str:
    return f"{utc_now():%Y-%m-%dT%H:%M:%SZ}"
