"""The types of columns in the lakehouse: those that Parquet, Iceberg and Delta all have.

A file of a release is registered as it is if all its types are among them. Other types are cast, which makes a file of
its own. No value is lost by a cast: where it would be, DuckDB refuses it.
"""

import re
from dataclasses import dataclass

from warehouse.lakehouse.exported import ExportError
from warehouse.sql import identifier

_UNCHANGED = {
    "BIGINT",
    "BLOB",
    "BOOLEAN",
    "DATE",
    "DOUBLE",
    "FLOAT",
    "INTEGER",
    "TIMESTAMP",
    "TIMESTAMP WITH TIME ZONE",
    "VARCHAR",
}
_CAST = {
    "HUGEINT": "DECIMAL(38,0)",
    "JSON": "VARCHAR",
    "SMALLINT": "INTEGER",
    "TIME": "VARCHAR",
    "TIMESTAMP_MS": "TIMESTAMP",
    "TIMESTAMP_S": "TIMESTAMP",
    "TINYINT": "INTEGER",
    "UBIGINT": "DECIMAL(20,0)",
    "UHUGEINT": "DECIMAL(38,0)",
    "UINTEGER": "BIGINT",
    "USMALLINT": "INTEGER",
    "UTINYINT": "INTEGER",
    "UUID": "VARCHAR",
}
_DECIMAL = re.compile(r"DECIMAL\((\d+),\s*(\d+)\)")


@dataclass(frozen=True)
class Column:
    """A column in the lakehouse. `type` is DuckDB's name of the type that it has there."""

    name: str
    type: str
    comment: str | None = None

    @property
    def sql(self) -> str:
        """SQL that selects the column, with its type in the lakehouse."""
        return f"cast({identifier(self.name)} as {self.type}) as {identifier(self.name)}"

    @property
    def decimal(self) -> tuple[int, int] | None:
        """Precision and scale, if it is a decimal."""
        found = _DECIMAL.fullmatch(self.type)
        return (int(found[1]), int(found[2])) if found else None


def type_in_lakehouse(table: str, column: str, type_: str) -> str:
    """The type that a column of DuckDB gets in the lakehouse.

    Raises:
        ExportError: it has no such type.
    """
    if type_ in _UNCHANGED or _DECIMAL.fullmatch(type_):
        return type_
    if type_.startswith("ENUM("):
        return "VARCHAR"
    if type_ not in _CAST:
        raise ExportError(
            f"{table}: column {column!r} has the type {type_[:100]}, which tables of Iceberg and Delta made from files "
            "cannot have. Cast it to another in the model that makes the table."
        )
    return _CAST[type_]
