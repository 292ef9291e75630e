"""CSV as RFC 4180 has it, but that lines end with a line feed: UTF-8, a header, times in ISO 8601.

    csv/SCHEMA/TABLE.csv                        a table
    csv/SCHEMA/TABLE/PARTITION KEY.csv          a big table, a file a partition
    csv/_export.json                            which release each table is of

What is missing is empty, an empty text is `""`. Times with a zone are in UTC and end with Z; others have no zone.
"""

from collections.abc import Sequence

import duckdb

from warehouse.lakehouse.destination import destination
from warehouse.lakehouse.exported import Exported
from warehouse.lakehouse.files import QueryFile, TableFiles, export_files
from warehouse.lakehouse.location import Location
from warehouse.lakehouse.source import fingerprint, open_for_export, relation, rows_of
from warehouse.releases import Release, ReleaseTable
from warehouse.sql import identifier

FORMAT = "csv"
_OPTIONS = """format csv, header true, delimiter ',', quote '"', escape '"'"""


def export_tables(release: Release, tables: Sequence[ReleaseTable], to: Location) -> list[Exported]:
    """Export tables as CSV. See `Exporter`."""
    with open_for_export(release) as connection, destination(to.joined(FORMAT)) as folder:
        return export_files(
            FORMAT,
            release.id,
            [_files_of(connection, release, table, folder.location) for table in tables],
            folder,
            is_everything=len(tables) == len(release.tables),
        )


def _files_of(
    connection: duckdb.DuckDBPyConnection, release: Release, table: ReleaseTable, folder: Location
) -> TableFiles:
    columns = ", ".join(_as_text(name, type_) for name, type_ in table.columns)
    where = f"{table.schema}/{table.name}"
    if not table.is_in_files:
        name, query = f"{where}.csv", f"select {columns} from {relation(table)}"
        files = [QueryFile(name, fingerprint(table, table.parts, columns), connection, query, _OPTIONS)]
        return TableFiles(table.full_name, table.rows, folder.joined(name).url, files)
    files = [
        QueryFile(
            f"{where}/{part.partition_key}.csv",
            fingerprint(table, [part], columns),
            connection,
            f"select {columns} from ({rows_of(release, table, part)})",
            _OPTIONS,
        )
        for part in table.parts
        if part.file
    ]
    return TableFiles(table.full_name, table.rows, folder.joined(where).url, files)


def _as_text(name: str, type_: str) -> str:
    """A column as CSV has it: DuckDB's own form, but times in ISO 8601, and lists and structures in JSON."""
    column = identifier(name)
    if type_ == "TIMESTAMP WITH TIME ZONE":
        text = f"replace(cast({column} at time zone 'UTC' as varchar), ' ', 'T') || 'Z'"
    elif type_.startswith("TIMESTAMP"):
        text = f"replace(cast({column} as varchar), ' ', 'T')"
    elif type_.endswith("]") or type_.startswith(("STRUCT", "MAP", "UNION")):
        text = f"to_json({column})"
    else:
        return column
    return f"{text} as {column}"
