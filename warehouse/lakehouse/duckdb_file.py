"""One DuckDB file that needs no other: all rows and descriptions are in it. DuckDB 1.5 and 2 open it.

duckdb/nyc_mobility.duckdb, duckdb/_export.json      in a folder or a bucket
SOME.duckdb, SOME.duckdb.export.json                 if the address ends with .duckdb
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from warehouse.lakehouse.destination import Destination, destination
from warehouse.lakehouse.exported import ALL_TABLES, Exported, ExportError
from warehouse.lakehouse.files import TableFiles, export_files
from warehouse.lakehouse.location import Location
from warehouse.lakehouse.manifest import MANIFEST, FileEntry, read_manifest
from warehouse.lakehouse.source import RELEASE, Description, fingerprint, open_for_export, read_descriptions
from warehouse.ledger import LEDGER_SCHEMA
from warehouse.publishing.parts import rows_and_content
from warehouse.releases import Release, ReleaseTable
from warehouse.releases.release import DATABASE
from warehouse.sql import identifier, literal

FORMAT = "duckdb"

# Clients of DuckDB 1.5 and 2 read this.
_OPTIONS = "storage_version 'v1.5.0'"
_NEW = "file being made"

# DuckDB's own tables take at most about so many times the room of the same rows in a release's Parquet files.
_TIMES_PARQUET = 2

_LEDGER_TABLES = """
    select table_name from duckdb_tables() where (database_name, schema_name) = ($database, $schema) order by all
"""


def export_tables(release: Release, tables: Sequence[ReleaseTable], to: Location) -> list[Exported]:
    """Export tables as one DuckDB file; all of them, and then also the ledger, or some. See `Exporter`."""
    place, name, manifest = _place(to)
    is_file = manifest != MANIFEST
    with open_for_export(release) as connection, destination(place, name if is_file else "") as folder:
        if is_file:
            _refuse_what_is_not_ours(folder, name, manifest)
        has_ledger = len(tables) == len(release.tables)
        source = _source(connection, tables, has_ledger=has_ledger)
        file = _DatabaseFile(name, source, connection, release, tables, has_ledger)
        rows = sum(table.rows for table in tables)
        wanted = TableFiles(ALL_TABLES, rows, place.joined(name).url, [file])
        return export_files(FORMAT, release.id, [wanted], folder, is_everything=True, manifest_name=manifest)


def _place(to: Location) -> tuple[Location, str, str]:
    """The folder, the name of the file in it, and that of the manifest beside."""
    if not to.is_duckdb_file:
        return to.joined(FORMAT), DATABASE, MANIFEST
    folder, _, name = to.url.rpartition("/")
    return Location(folder or "/"), name, f"{name}.export.json"


def _refuse_what_is_not_ours(folder: Destination, name: str, manifest: str) -> None:
    """A person may name the working file, or any other.

    Raises:
        ExportError: the file is there, and no export wrote it.
    """
    there = folder.stored().get(name)
    entry = read_manifest(folder, manifest).tables.get(ALL_TABLES)
    known = entry.files.get(name) if entry else None
    is_ours = known is not None and (known == FileEntry() or known.is_of(known.source or "", there))
    # A link, such as that to the current release, is not followed.
    is_link = not folder.location.is_s3 and folder.location.joined(name).path.is_symlink()
    if is_link or (there and not is_ours):
        raise ExportError(
            f"{folder.location.joined(name).url}: expected no file there, or one that an export wrote, but this is "
            "another, or was changed since. Export to another name, or delete it first."
        )


@dataclass(frozen=True)
class _DatabaseFile:
    """The DuckDB file."""

    name: str
    source: str
    connection: duckdb.DuckDBPyConnection
    release: Release
    tables: Sequence[ReleaseTable]
    has_ledger: bool

    def expected_bytes(self, to: Destination) -> int:
        in_files = sum(part.bytes or 0 for table in self.tables for part in table.parts)
        return in_files * _TIMES_PARQUET + self.release.database.stat().st_size

    def at(self, scratch: Path) -> Path:
        path = scratch / self.name
        self.connection.execute(f"attach {literal(path)} as {identifier(_NEW)} ({_OPTIONS})")
        try:
            self._fill()
            self.connection.execute(f"checkpoint {identifier(_NEW)}")
        finally:
            self.connection.execute(f"detach {identifier(_NEW)}")
        self._compare(path)
        return path

    def _fill(self) -> None:
        names = [(table.schema, table.name) for table in self.tables]
        if self.has_ledger:
            names += _ledger(self.connection)
        for schema in sorted({schema for schema, _ in names}):
            self.connection.execute(f"create schema if not exists {identifier(_NEW, schema)}")
        descriptions = read_descriptions(self.connection)
        for schema, name in dict.fromkeys(names):
            target = identifier(_NEW, schema, name)
            self.connection.execute(f"create table {target} as from {identifier(RELEASE, schema, name)}")
            _describe(self.connection, target, descriptions.get(f"{schema}.{name}") or Description())

    def _compare(self, path: Path) -> None:
        """Open the file again, and compare its rows with what was published.

        Raises:
            ExportError: they differ.
        """
        self.connection.execute(f"attach {literal(path)} as {identifier(_NEW)} (read_only)")
        try:
            for table in self.tables:
                found = rows_and_content(self.connection, identifier(_NEW, table.schema, table.name))
                if found != (expected := _published(table)):
                    raise ExportError(
                        f"{table.full_name}: expected {expected[0]:,} rows with the checksum {expected[1]}, as "
                        f"published, but the export has {found[0]:,} with {found[1]}. Nothing was exported. Check the "
                        "disk, publish, then export again."
                    )
        finally:
            self.connection.execute(f"detach {identifier(_NEW)}")


def _published(table: ReleaseTable) -> tuple[int, str]:
    """The rows and the checksum of a whole table: checksums of parts are sums."""
    return table.rows, f"{sum(int(part.content, 16) for part in table.parts):x}"


def _source(connection: duckdb.DuckDBPyConnection, tables: Sequence[ReleaseTable], *, has_ledger: bool) -> str:
    descriptions = read_descriptions(connection)
    held: list[object] = []
    for table in tables:
        said = descriptions.get(table.full_name) or Description()
        held.append([table.full_name, fingerprint(table, table.parts), said.table, said.columns])
    if has_ledger:
        held += [
            [name, *rows_and_content(connection, identifier(RELEASE, schema, name))]
            for schema, name in _ledger(connection)
        ]
    return hashlib.sha256(json.dumps([_OPTIONS, held]).encode()).hexdigest()[:32]


def _ledger(connection: duckdb.DuckDBPyConnection) -> list[tuple[str, str]]:
    found = connection.execute(_LEDGER_TABLES, {"database": RELEASE, "schema": LEDGER_SCHEMA}).fetchall()
    return [(LEDGER_SCHEMA, name) for (name,) in found]


def _describe(connection: duckdb.DuckDBPyConnection, target: str, description: Description) -> None:
    if description.table:
        connection.execute(f"comment on table {target} is {literal(description.table)}")
    for column, text in description.columns.items():
        connection.execute(f"comment on column {target}.{identifier(column)} is {literal(text)}")
