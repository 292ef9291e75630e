"""The interpreter whose forks export: what an export imports takes longer than the export of a small release."""

from functools import cache

from tests.forking import Interpreter

EXPORT = ("-m", "warehouse.lakehouse.command")


@cache
def interpreter() -> Interpreter:
    """The one that all tests of this process share."""
    formats = ("csv_files", "delta", "duckdb_file", "iceberg", "parquet")
    return Interpreter(
        "deltalake.table",
        "pyiceberg.catalog.sql",
        "s3fs",
        "warehouse.lakehouse.command",
        *(f"warehouse.lakehouse.{name}" for name in formats),
    )
