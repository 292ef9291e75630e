"""The formats of an export, by name. A format's module, and the library that it needs, are imported when it is used."""

from collections.abc import Sequence
from typing import Protocol

from warehouse.lakehouse.exported import Exported, ExportError
from warehouse.lakehouse.location import Location
from warehouse.releases import Release, ReleaseTable

FORMATS = ("parquet", "iceberg", "delta", "csv", "duckdb")


class Exporter(Protocol):
    """What every format implements, as `export_tables` in a module of its own."""

    def __call__(self, release: Release, tables: Sequence[ReleaseTable], to: Location) -> list[Exported]:
        """Export tables of a release, and say what was written. The caller has locked the place.

        Raises:
            ExportError: something was not exported. Running the export again mends it.
        """


def exporter(name: str) -> Exporter:
    """The function that exports to a format.

    Raises:
        ExportError: there is no such format, or its library is not installed.
    """
    if name not in FORMATS:
        raise ExportError(f"expected a format, but got {name!r}. There are: {', '.join(FORMATS)}.")
    try:
        return _import(name)
    except ModuleNotFoundError as error:
        raise missing_library(f"--format {name}", error) from error


def missing_library(option: str, error: ModuleNotFoundError) -> Exception:
    """What to raise where a module of a format cannot be imported: the error itself if the module is our own."""
    if (error.name or "").startswith(__package__ or ""):
        return error
    return ExportError(
        f"{option}: expected the library {error.name}, but it is not installed. "
        "Install the extra `lakehouse`: poetry install --extras lakehouse"
    )


def _import(name: str) -> Exporter:
    match name:
        case "parquet":
            from warehouse.lakehouse.parquet import export_tables
        case "iceberg":
            from warehouse.lakehouse.iceberg import export_tables
        case "delta":
            from warehouse.lakehouse.delta import export_tables
        case "csv":
            from warehouse.lakehouse.csv_files import export_tables
        case _:
            from warehouse.lakehouse.duckdb_file import export_tables
    return export_tables
