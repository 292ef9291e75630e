"""Parquet: the files of a release as they are, and its small tables written as files.

parquet/SCHEMA/TABLE/PARTITION KEY.parquet     such as …/2025-01.parquet; all.parquet without partitions
parquet/_descriptions.json                     types and descriptions of tables and columns
parquet/_export.json                           which release each table is of
"""

import json
from collections.abc import Mapping, Sequence

import duckdb

from warehouse.lakehouse.destination import Destination, destination
from warehouse.lakehouse.exported import Exported, ExportError
from warehouse.lakehouse.files import File, QueryFile, ReleaseFile, TableFiles, export_files
from warehouse.lakehouse.location import Location
from warehouse.lakehouse.source import Description, fingerprint, open_for_export, read_descriptions, relation
from warehouse.publishing.files import COPY_OPTIONS, selected, sha256_of
from warehouse.publishing.parts import WHOLE
from warehouse.releases import Part, Release, ReleaseTable

FORMAT = "parquet"
DESCRIPTIONS = "_descriptions.json"


def export_tables(release: Release, tables: Sequence[ReleaseTable], to: Location) -> list[Exported]:
    """Export tables as Parquet, on a folder by hard links where it can. See `Exporter`."""
    with open_for_export(release) as connection, destination(to.joined(FORMAT)) as folder:
        is_everything = len(tables) == len(release.tables)
        return export_files(
            FORMAT,
            release.id,
            [_files_of(connection, release, table, folder.location) for table in tables],
            folder,
            is_everything=is_everything,
            documents={DESCRIPTIONS: _descriptions(connection, tables, folder, is_everything=is_everything)},
        )


def _files_of(
    connection: duckdb.DuckDBPyConnection, release: Release, table: ReleaseTable, folder: Location
) -> TableFiles:
    where = f"{table.schema}/{table.name}"
    files: list[File] = [_file(release, table, part, where) for part in table.parts if part.file]
    if not files:
        query = f"select {selected(table.columns)} from {relation(table)}"
        source = fingerprint(table, table.parts, COPY_OPTIONS)
        files = [QueryFile(f"{where}/{WHOLE}.parquet", source, connection, query, COPY_OPTIONS)]
    return TableFiles(table.full_name, table.rows, folder.joined(where).url, files)


def _file(release: Release, table: ReleaseTable, part: Part, where: str) -> ReleaseFile:
    path = release.folder / str(part.file)
    try:
        source = part.sha256 or sha256_of(path)
    except OSError as error:
        raise ExportError(
            f"{path}: expected a file of release {release.id}, but it cannot be read: {error}. "
            "Publish, which writes it anew, then export again: nyc publish"
        ) from error
    return ReleaseFile(f"{where}/{part.partition_key}.parquet", path, part, source)


def _descriptions(
    connection: duckdb.DuckDBPyConnection, tables: Sequence[ReleaseTable], folder: Destination, *, is_everything: bool
) -> str:
    """The text of `_descriptions.json`. Tables that are not exported now keep what it says of them."""
    known = read_descriptions(connection)
    described = {} if is_everything else _described_before(folder)
    for table in tables:
        described[table.full_name] = _describe(table, known.get(table.full_name) or Description())
    return json.dumps(dict(sorted(described.items())), indent=1, ensure_ascii=False)


def _described_before(folder: Destination) -> dict[str, object]:
    try:
        described = json.loads(folder.read(DESCRIPTIONS) or "{}")
    except ValueError:
        # Somebody else's, or damaged: it is written anew.
        return {}
    return described if isinstance(described, dict) else {}


def _describe(table: ReleaseTable, description: Description) -> Mapping[str, object]:
    return {
        "description": description.table or table.description,
        "key": table.key,
        "columns": {
            name: {"type": type_, "description": description.columns.get(name)} for name, type_ in table.columns
        },
    }
