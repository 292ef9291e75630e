"""The Parquet files of a table of the lakehouse: their names, their rows, and how they get there.

A name says what is in the file, so a file is written once and never changed: a partition whose rows are the same in two
releases has the same file in both.
"""

import hashlib
import os
import re
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow.parquet as pq

from warehouse.durable import sync
from warehouse.lakehouse.columns import Column, type_in_lakehouse
from warehouse.lakehouse.exported import ExportError
from warehouse.lakehouse.location import Location
from warehouse.lakehouse.source import Description, open_for_export, read_descriptions, relation
from warehouse.publishing.files import COPY_OPTIONS, is_whole, sha256_of
from warehouse.releases import Part, Release, ReleaseTable
from warehouse.sql import identifier, literal


@dataclass(frozen=True)
class DataFile:
    """A file of a table of the lakehouse. It is the `original` of the release, or made by a query, `select`.

    `part` is what the release says of the file that it comes from, if it comes from one.
    """

    name: str
    original: Path | None
    select: str
    part: Part | None = None


@dataclass(frozen=True)
class PutFile:
    """A file that is now in the lakehouse: its name there, its size in bytes, and the footer of the Parquet file."""

    name: str
    bytes: int
    footer: pq.FileMetaData


@dataclass(frozen=True)
class TableOfRelease:
    """A table of a release, as the lakehouse shall have it."""

    full_name: str
    description: str
    columns: tuple[Column, ...]
    files: tuple[DataFile, ...]
    rows: int


class ReleaseReader:
    """Reads the tables of a release for the lakehouse. Make one with `reading`."""

    def __init__(self, release: Release, connection: duckdb.DuckDBPyConnection) -> None:
        self.release = release
        self._connection = connection
        self._descriptions = read_descriptions(connection)

    def table(self, table: ReleaseTable) -> TableOfRelease:
        """A table, and the files that hold its rows.

        Raises:
            ExportError: a column has a type that the lakehouse has not, or a file of the release cannot be read.
        """
        said = self._descriptions.get(table.full_name, Description())
        columns = tuple(
            Column(name, type_in_lakehouse(table.full_name, name, type_), said.columns.get(name))
            for name, type_ in table.columns
        )
        files = self._files_of_parts(table, columns) if table.is_in_files else self._one_file(table, columns)
        return TableOfRelease(table.full_name, said.table or table.description or "", columns, tuple(files), table.rows)

    def _files_of_parts(self, table: ReleaseTable, columns: tuple[Column, ...]) -> Iterator[DataFile]:
        for part in table.parts:
            if part.rows:
                yield self._file_of_part(table, part, columns)

    def _file_of_part(self, table: ReleaseTable, part: Part, columns: tuple[Column, ...]) -> DataFile:
        path = self.release.folder / str(part.file)
        found = self._columns_of(path, table)
        is_as_it_shall_be = found == [(column.name, column.type) for column in columns]
        return DataFile(
            name=_name(part.partition_key, [part.sha256 or sha256_of(path)], columns, is_original=is_as_it_shall_be),
            original=path if is_as_it_shall_be else None,
            select=_select(columns, _read(path), {name for name, _ in found}),
            part=part,
        )

    def _one_file(self, table: ReleaseTable, columns: tuple[Column, ...]) -> Iterator[DataFile]:
        if table.rows:
            contents = [f"{part.partition_key} {part.rows} {part.content}" for part in table.parts]
            yield DataFile(
                name=_name("all", contents, columns, is_original=False),
                original=None,
                select=_select(columns, relation(table)),
            )

    def _columns_of(self, path: Path, table: ReleaseTable) -> list[tuple[str, str]]:
        try:
            rows = self._connection.execute(f"describe select * from {_read(path)}").fetchall()
        except duckdb.Error as error:
            raise ExportError(
                f"{path}: expected a Parquet file of {table.full_name}, but it cannot be read: {str(error)[:200]}. "
                "Publish, which writes it anew, then export again: nyc publish"
            ) from error
        return [(name, type_) for name, type_, *_ in rows]

    def put(self, file: DataFile, folder: Location) -> PutFile:
        """Put a file into a folder of the lakehouse.

        Readers never find half of it. On the disk of the release it takes no space: it is a link.

        Raises:
            ExportError: the release's file is not as it was published.
        """
        if file.part and not is_whole(path := self.release.folder / str(file.part.file), file.part):
            raise ExportError(
                f"{path}: expected the file as it was published, but it is damaged or gone. "
                "Publish, which writes it anew, then export again: nyc publish"
            )
        return self._upload(file, folder) if folder.is_s3 else self._place(file, folder.path)

    def _place(self, file: DataFile, folder: Path) -> PutFile:
        folder.mkdir(parents=True, exist_ok=True)
        new = folder / f".{uuid.uuid4().hex}.new"
        try:
            self._make(file, new)
            new.replace(folder / file.name)
        finally:
            # Renaming a link to a link of the same file does nothing, so it may still be there.
            new.unlink(missing_ok=True)
        sync(folder)
        return _put(file, folder / file.name)

    def _upload(self, file: DataFile, folder: Location) -> PutFile:
        with tempfile.TemporaryDirectory() as scratch:
            path = file.original or Path(scratch) / file.name
            if not file.original:
                self._copy(file, path)
            folder.filesystem().put_file(str(path), folder.joined(file.name).url)
            return _put(file, path)

    def _make(self, file: DataFile, path: Path) -> None:
        if not file.original:
            self._copy(file, path)
        else:
            try:
                os.link(file.original, path)
            except OSError:
                # Another disk, or one that has no links.
                shutil.copyfile(file.original, path)
        sync(path)

    def _copy(self, file: DataFile, path: Path) -> None:
        self._connection.execute(f"copy ({file.select}) to {literal(path)} ({COPY_OPTIONS})")


@contextmanager
def reading(release: Release) -> Iterator[ReleaseReader]:
    """Open a release to read its tables for the lakehouse."""
    with open_for_export(release) as connection:
        yield ReleaseReader(release, connection)


def _select(columns: tuple[Column, ...], source: str, found: set[str] | None = None) -> str:
    """The rows in an order of their own, so that the same rows make the same bytes."""
    selected = ", ".join(
        column.sql
        if found is None or column.name in found
        else f"cast(null as {column.type}) as {identifier(column.name)}"
        for column in columns
    )
    return f"select {selected} from {source} order by all"


def _read(path: Path) -> str:
    return f"read_parquet({literal(path)}, hive_partitioning = false)"


def _name(partition_key: str, contents: list[str], columns: tuple[Column, ...], *, is_original: bool) -> str:
    """A file's name: its partition for people, and a digest of all that makes its bytes."""
    made_of = [partition_key, *contents, *(f"{column.name} {column.type}" for column in columns)]
    # Other versions and options of DuckDB write other bytes for the same rows.
    made_by = "the release" if is_original else f"DuckDB {duckdb.__version__} {COPY_OPTIONS}"
    digest = hashlib.sha256("\n".join([*made_of, made_by]).encode()).hexdigest()[:32]
    # Readers take a name that begins with a dot or an underscore for a hidden file.
    readable = re.sub(r"[^A-Za-z0-9-]+", "-", partition_key).strip("-")[:80] or "part"
    return f"{readable}-{digest}.parquet"


def _put(file: DataFile, path: Path) -> PutFile:
    return PutFile(file.name, path.stat().st_size, pq.read_metadata(path))
