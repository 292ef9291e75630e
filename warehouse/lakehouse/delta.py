"""Tables of Delta: a commit a release and table.

    delta/SCHEMA/TABLE/*.parquet      the files of data, links to those of the release where they can be
    delta/SCHEMA/TABLE/_delta_log/    the commits

A commit adds the files that are new and removes those that are gone, at once. It names the release twice: as the
transaction of an application (`txn`), which checkpoints keep, so that a release is committed once; and in the history.
"""

import time
from collections.abc import Collection, Mapping, Sequence

import pyarrow as pa
from deltalake import DeltaTable, Field, Schema
from deltalake.exceptions import CommitFailedError, DeltaError
from deltalake.schema import PrimitiveType
from deltalake.transaction import (
    AddAction,
    CommitProperties,
    RemoveAction,
    Transaction,
    create_table_with_add_actions,
)

from warehouse.lakehouse.columns import Column
from warehouse.lakehouse.commits import ConflictError, State, bring_to_release
from warehouse.lakehouse.data_files import PutFile, ReleaseReader, TableOfRelease, reading
from warehouse.lakehouse.exported import Exported
from warehouse.lakehouse.failures import failures_named
from warehouse.lakehouse.location import Location
from warehouse.lakehouse.statistics import delta_statistics
from warehouse.releases import Release, ReleaseTable

FOLDER = "delta"

# The name of the release in a commit's history.
RELEASE = "release"
# Whose transaction a commit is. Its version is a number that stands for the release.
_APPLICATION = "nyc-export"

# Old versions end with their files, in `expire_tables`. Until then their commits must stay.
_CONFIGURATION: dict[str, str | None] = {"delta.logRetentionDuration": "interval 365 days"}

# Not again by the library, which would commit the same files on top of what the table is by then.
_AT_ONCE = CommitProperties(max_commit_retries=0)

_TYPES = {
    "BIGINT": "long",
    "BLOB": "binary",
    "BOOLEAN": "boolean",
    "DATE": "date",
    "DOUBLE": "double",
    "FLOAT": "float",
    "INTEGER": "integer",
    "TIMESTAMP": "timestamp_ntz",
    "TIMESTAMP WITH TIME ZONE": "timestamp",
    "VARCHAR": "string",
}


def export_tables(release: Release, tables: Sequence[ReleaseTable], to: Location) -> list[Exported]:
    """Make tables of Delta what they are in a release. A table that is so already is left alone.

    Raises:
        ExportError: a table was not exported. Those before it were. Running the export again mends it.
    """
    with reading(release) as reader:
        return [export_table(reader, table, to.joined(FOLDER, table.schema, table.name)) for table in tables]


def export_table(reader: ReleaseReader, table: ReleaseTable, folder: Location) -> Exported:
    """Make the table of Delta in a folder what a table is in the reader's release.

    Raises:
        ExportError: it was not exported. Running the export again mends it.
    """
    with failures_named(f"{table.full_name} to {folder.url}"):
        delta = _Table(folder, table.full_name, reader.release.id)
        return bring_to_release(delta, reader.table(table), reader)


def release_of(delta: DeltaTable) -> str | None:
    """The id of the release that a table of Delta was last brought to; None if no export did."""
    number = delta.transaction_version(_APPLICATION)
    return _release(number) if number is not None else None


class _Table:
    """A table of Delta, to be brought to a release."""

    format = "delta"

    def __init__(self, folder: Location, name: str, release: str) -> None:
        self.data_folder = folder
        self.address = folder.url
        self._name = name
        self._options = folder.delta_options()
        self._properties = CommitProperties(
            custom_metadata={RELEASE: release},
            max_commit_retries=0,
            app_transactions=[Transaction(_APPLICATION, _number(release))],
        )
        self._delta: DeltaTable | None = None
        self._sizes: dict[str, int] = {}

    def state(self) -> State | None:
        """What readers find; None if there is no table yet."""
        self._delta = None
        if not DeltaTable.is_deltatable(self.address, self._options):
            return None
        self._delta = DeltaTable(self.address, storage_options=self._options)
        files = pa.table(self._delta.get_add_actions(flatten=True)).to_pylist()
        self._sizes = {file["path"]: file["size_bytes"] for file in files}
        return State(release_of(self._delta), self._sizes.keys(), str(self._delta.version()))

    def commit(self, wanted: TableOfRelease, added: Mapping[str, PutFile], removed: Collection[str]) -> str:
        """Add files and remove others. Returns the number of the commit.

        Raises:
            ConflictError: somebody else committed since `state`.
        """
        schema = Schema([_field(column) for column in wanted.columns])
        adds = [_add(file, wanted.columns) for file in added.values()]
        try:
            if self._delta is None:
                self._create(wanted, schema, adds)
            elif _types(self._delta.schema()) == _types(schema):
                self._describe(self._delta, wanted)
                removes = [self._remove(name) for name in removed]
                self._delta.create_write_transaction(
                    [*adds, *removes], mode="append", schema=schema, commit_properties=self._properties
                )
            else:
                # Replaces the schema too. It removes every file that was there, and all of them are to go: the name of
                # a file depends on the types of its columns.
                self._delta.create_write_transaction(
                    [*adds], mode="overwrite", schema=schema, commit_properties=self._properties
                )
        except CommitFailedError as error:
            raise ConflictError(self.address) from error
        return str(DeltaTable(self.address, storage_options=self._options).version())

    def _create(self, wanted: TableOfRelease, schema: Schema, adds: list[AddAction]) -> None:
        try:
            create_table_with_add_actions(
                self.address,
                schema,
                adds,
                name=self._name,
                description=wanted.description,
                configuration=_CONFIGURATION,
                storage_options=self._options,
                commit_properties=self._properties,
            )
        except DeltaError as error:
            if not DeltaTable.is_deltatable(self.address, self._options):
                raise
            raise ConflictError(self.address) from error

    def _describe(self, delta: DeltaTable, wanted: TableOfRelease) -> None:
        """Change descriptions, each by a commit of its own that changes no row: Delta's library has no other way."""
        if (delta.metadata().description or "") != wanted.description:
            delta.alter.set_table_description(wanted.description, commit_properties=_AT_ONCE)
        there = {field.name: (field.metadata or {}).get("comment", "") for field in delta.schema().fields}
        for column in wanted.columns:
            if there[column.name] != (column.comment or ""):
                comment = {"comment": column.comment or ""}
                delta.alter.set_column_metadata(column.name, comment, commit_properties=_AT_ONCE)

    def _remove(self, name: str) -> RemoveAction:
        return RemoveAction(name, True, int(time.time() * 1000), size=self._sizes[name], partition_values={})


def _add(file: PutFile, columns: tuple[Column, ...]) -> AddAction:
    return AddAction(
        path=file.name,
        size=file.bytes,
        partition_values={},
        modification_time=int(time.time() * 1000),
        data_change=True,
        stats=delta_statistics(file.footer, columns),
    )


def _field(column: Column) -> Field:
    type_ = f"decimal({column.decimal[0]},{column.decimal[1]})" if column.decimal else _TYPES[column.type]
    return Field(column.name, PrimitiveType(type_), metadata={"comment": column.comment} if column.comment else None)


def _types(schema: Schema) -> list[tuple[str, str]]:
    return [(field.name, str(field.type)) for field in schema.fields]


def _number(release: str) -> int:
    """A number for a release, as the version of a transaction must be one. Later releases have greater numbers."""
    time_, _, rest = release.partition("Z-")
    return int(time_.replace("T", "")) << 16 | int(rest, 16)


def _release(number: int) -> str:
    digits = str(number >> 16)
    return f"{digits[:8]}T{digits[8:]}Z-{number & 0xFFFF:04x}"
