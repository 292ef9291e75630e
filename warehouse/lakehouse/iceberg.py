"""Tables of Iceberg: a snapshot a release and table.

    iceberg/SCHEMA/TABLE/data/        the files of data, links to those of the release where they can be
    iceberg/SCHEMA/TABLE/metadata/    the snapshots, and what they consist of
    iceberg/catalog.db                the catalog, unless the environment names another

A snapshot adds the files that are new and removes those that are gone, at once, and names the release. Files of a
release have no ids of columns, so the table says which name is which id (`schema.name-mapping.default`).
"""

from collections.abc import Collection, Mapping, Sequence

from pyiceberg.catalog import Catalog
from pyiceberg.exceptions import (
    CommitFailedException,
    NoSuchTableError,
    ResolveError,
    TableAlreadyExistsError,
    ValidationException,
)
from pyiceberg.io import FileIO
from pyiceberg.io.pyarrow import parquet_file_to_data_file
from pyiceberg.manifest import DataFile
from pyiceberg.schema import Schema, promote
from pyiceberg.table import Table, TableProperties, Transaction
from pyiceberg.table.metadata import TableMetadata
from pyiceberg.types import (
    BinaryType,
    BooleanType,
    DateType,
    DecimalType,
    DoubleType,
    FloatType,
    IcebergType,
    IntegerType,
    LongType,
    NestedField,
    StringType,
    TimestampType,
    TimestamptzType,
)
from sqlalchemy.exc import IntegrityError

from warehouse.lakehouse.columns import Column
from warehouse.lakehouse.commits import ConflictError, State, bring_to_release
from warehouse.lakehouse.data_files import PutFile, TableOfRelease, reading
from warehouse.lakehouse.exported import Exported, ExportError
from warehouse.lakehouse.failures import failures_named
from warehouse.lakehouse.iceberg_catalog import address, opened_catalog, table_location
from warehouse.lakehouse.location import Location
from warehouse.releases import Release, ReleaseTable

# The property of a snapshot that names the release.
RELEASE = "nyc.release"

_COMMENT = "comment"
_PROPERTIES = {
    # Not again by the library, which would commit the same files on top of what the table is by then.
    TableProperties.COMMIT_NUM_RETRIES: "0",
    # What describes the states before: each commit writes one.
    TableProperties.METADATA_DELETE_AFTER_COMMIT_ENABLED: "true",
    TableProperties.METADATA_PREVIOUS_VERSIONS_MAX: "20",
}

_TYPES: dict[str, IcebergType] = {
    "BIGINT": LongType(),
    "BLOB": BinaryType(),
    "BOOLEAN": BooleanType(),
    "DATE": DateType(),
    "DOUBLE": DoubleType(),
    "FLOAT": FloatType(),
    "INTEGER": IntegerType(),
    "TIMESTAMP": TimestampType(),
    "TIMESTAMP WITH TIME ZONE": TimestamptzType(),
    "VARCHAR": StringType(),
}


def export_tables(release: Release, tables: Sequence[ReleaseTable], to: Location) -> list[Exported]:
    """Make tables of Iceberg what they are in a release. A table that is so already is left alone.

    Raises:
        ExportError: a table was not exported. Those before it were. Running the export again mends it.
    """
    exported = []
    with failures_named(f"the catalog of {to.url}"), opened_catalog(to) as catalog, reading(release) as reader:
        for schema in sorted({table.schema for table in tables}):
            _make_namespace(catalog, schema)
        for table in tables:
            location = table_location(to, table.schema, table.name)
            with failures_named(f"{table.full_name} to {location.url}"):
                iceberg = _Table(catalog, (table.schema, table.name), location, release.id)
                exported.append(bring_to_release(iceberg, reader.table(table), reader))
    return exported


def _make_namespace(catalog: Catalog, schema: str) -> None:
    try:
        catalog.create_namespace_if_not_exists(schema)
    except IntegrityError:
        # Somebody else made it at the same time.
        if not catalog.namespace_exists(schema):
            raise


class _Table:
    """A table of Iceberg, to be brought to a release."""

    format = "iceberg"

    def __init__(self, catalog: Catalog, identifier: tuple[str, str], location: Location, release: str) -> None:
        self.address = location.url
        self.data_folder = location.joined("data")
        self._catalog = catalog
        self._identifier = identifier
        self._location = address(location)
        self._release = release
        self._table: Table | None = None
        self._files: dict[str, DataFile] = {}

    def state(self) -> State | None:
        """What readers find; None if there is no table yet.

        Raises:
            ExportError: the catalog has the table in another place.
        """
        self._table, self._files = None, {}
        try:
            self._table = self._catalog.load_table(self._identifier)
        except NoSuchTableError:
            return None
        if self._table.location().rstrip("/") != self._location:
            raise ExportError(
                f"{'.'.join(self._identifier)}: the catalog has this table at {self._table.location()}, which is not "
                f"{self._location}. Export to where it is, or name another catalog: PYICEBERG_CATALOG__LAKEHOUSE__URI"
            )
        self._files = {_name(task.file): task.file for task in self._table.scan().plan_files()}
        snapshot = self._table.current_snapshot()
        release = snapshot.summary[RELEASE] if snapshot and snapshot.summary else None
        return State(release, self._files.keys(), str(snapshot.snapshot_id) if snapshot else "")

    def commit(self, wanted: TableOfRelease, added: Mapping[str, PutFile], removed: Collection[str]) -> str:
        """Add files and remove others. Returns the id of the snapshot.

        Raises:
            ConflictError: somebody else committed since `state`.
        """
        try:
            with self._transaction(wanted) as transaction:
                self._replace(transaction, added, removed)
        except (CommitFailedException, ValidationException, TableAlreadyExistsError) as error:
            raise ConflictError(self.address) from error
        snapshot = self._catalog.load_table(self._identifier).current_snapshot()
        return str(snapshot.snapshot_id) if snapshot else ""

    def _transaction(self, wanted: TableOfRelease) -> Transaction:
        """What begins the commit: the table's columns and description."""
        if self._table is None:
            schema = Schema(*(_field(number, column) for number, column in enumerate(wanted.columns, start=1)))
            mapping = {TableProperties.DEFAULT_NAME_MAPPING: schema.name_mapping.model_dump_json()}
            return self._catalog.create_table_transaction(
                self._identifier,
                schema,
                location=self._location,
                properties={**_PROPERTIES, **mapping, **_comment(wanted)},
            )
        transaction = self._table.transaction()
        if self._table.properties.get(_COMMENT, "") != wanted.description:
            transaction.set_properties({_COMMENT: wanted.description})
        _change_columns(transaction, wanted.columns)
        return transaction

    def _replace(self, transaction: Transaction, added: Mapping[str, PutFile], removed: Collection[str]) -> None:
        # A table that is being made is not yet one of the catalog.
        io = (self._table or transaction._table).io
        with transaction.update_snapshot(snapshot_properties={RELEASE: self._release}).overwrite() as snapshot:
            for name in removed:
                snapshot.delete_data_file(self._files[name])
            for name in added:
                snapshot.append_data_file(self._described(name, transaction.table_metadata, io))

    def _described(self, name: str, metadata: TableMetadata, io: FileIO) -> DataFile:
        """What a snapshot says of a file: counts and bounds of its columns, from the footer of the Parquet file."""
        try:
            return parquet_file_to_data_file(io, metadata, f"{self._location}/data/{name}")
        except OverflowError as error:
            raise ExportError(
                f"{self.address}: {name} has a date or time beyond the years 1 to 9999, perhaps 'infinity', which "
                "pyiceberg cannot hold. Replace it by null in the model that makes the table."
            ) from error


def _comment(wanted: TableOfRelease) -> dict[str, str]:
    return {_COMMENT: wanted.description} if wanted.description else {}


def _change_columns(transaction: Transaction, wanted: tuple[Column, ...]) -> None:
    """Give a table other columns, if they are others."""
    there = {field.name: field for field in transaction.table_metadata.schema().fields}
    types = {column.name: _type(column) for column in wanted}
    gone = [name for name, field in there.items() if name not in types or not _is_wider(field.field_type, types[name])]
    if gone:
        with transaction.update_schema(allow_incompatible_changes=True) as update:
            for name in gone:
                update.delete_column((name,))
    with transaction.update_schema() as update:
        for column in wanted:
            field = there.get(column.name)
            if field is None or column.name in gone:
                update.add_column((column.name,), types[column.name], doc=column.comment)
            elif (field.field_type, field.doc or "") != (types[column.name], column.comment or ""):
                update.update_column((column.name,), types[column.name], doc=column.comment or "")
    names = [column.name for column in wanted]
    if names != [field.name for field in transaction.table_metadata.schema().fields]:
        with transaction.update_schema() as update:
            for name in reversed(names):
                update.move_first((name,))


def _is_wider(there: IcebergType, wanted: IcebergType) -> bool:
    """Whether Iceberg can read values of a type that is there as the type that is wanted."""
    if there == wanted or isinstance(there, (BinaryType, StringType)):
        return there == wanted
    try:
        return promote(there, wanted) == wanted
    except ResolveError:
        return False


def _field(number: int, column: Column) -> NestedField:
    return NestedField(number, column.name, _type(column), required=False, doc=column.comment)


def _type(column: Column) -> IcebergType:
    return DecimalType(*column.decimal) if column.decimal else _TYPES[column.type]


def _name(file: DataFile) -> str:
    return str(file.file_path).rpartition("/")[2]
