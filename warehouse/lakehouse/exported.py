"""What an export gives back, and how it fails."""

from dataclasses import dataclass

from warehouse.connection import WarehouseError

# The table of an export that holds all tables in one file.
ALL_TABLES = "*"


class ExportError(WarehouseError):
    """Something was not exported. The message says what, why, and what to do."""


@dataclass(frozen=True)
class Exported:
    """A table that was exported.

    `table` is its schema and name, or `*` where one file holds all tables. `rows` are those that readers now find.
    `files_written` and `bytes_written` count what this export put there, both 0 if all was there already; a hard link
    counts with the size of its file, though it takes no room. `address` is a folder, a file or an address of S3; it
    holds no secret. `version` is what readers call this state: the number of Delta's commit, the id of Iceberg's
    snapshot, and for plain files the id of the release.
    """

    format: str
    table: str
    rows: int
    files_written: int
    bytes_written: int
    address: str
    version: str
