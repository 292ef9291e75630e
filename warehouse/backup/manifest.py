"""What is known of a backup: the contents of its `backup.json`."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime

from warehouse.connection import NotThereYetError, WarehouseError
from warehouse.lakehouse.location import Location
from warehouse.paths import DATABASE_FILE

FILE = DATABASE_FILE
DESCRIPTION = "backup.json"

# The layout of backup.json. Who restores refuses one that it does not know.
_FORMAT = 1


class BackupError(WarehouseError):
    """A backup was not made, or not restored. The message says why and what to do."""


class NoBackupError(NotThereYetError):
    """There is no such backup, or none at all."""


class DamagedBackupError(BackupError):
    """A backup is not what was written, or is not complete."""


@dataclass(frozen=True)
class Backup:
    """A copy of the working file. `place` is where the backups are; it is not part of backup.json.

    `made_at` is UTC, without zone. `bytes` and `sha256` are those of the file, `modified_ns` is when the working file
    was last changed. `storage_version` is the oldest DuckDB that can open it. `migrations` are those of its ledger,
    `tables` the rows of each table by schema and name.
    """

    id: str
    place: Location
    made_at: datetime
    bytes: int
    sha256: str
    modified_ns: int
    duckdb_version: str
    storage_version: str
    migrations: tuple[str, ...]
    tables: Mapping[str, int]

    @property
    def address(self) -> str:
        """Its folder, or its address in S3."""
        return self.place.joined(self.id).url

    @property
    def rows(self) -> int:
        """The rows of all tables."""
        return sum(self.tables.values())

    def write(self) -> str:
        """The text of backup.json."""
        values = asdict(self)
        del values["place"]
        return json.dumps({"format": _FORMAT, **values, "made_at": self.made_at.isoformat()}, indent=1)


def read_backup(id_: str, place: Location, text: bytes | None) -> Backup:
    """A backup by the text of its backup.json; None if there is none.

    Raises:
        BackupError: it was written by a later version.
        DamagedBackupError: it cannot be read.
    """
    address = place.joined(id_, DESCRIPTION).url
    try:
        values = json.loads(text or b"")
        if (found := values.pop("format")) != _FORMAT:
            raise BackupError(
                f"{address}: expected a backup of format {_FORMAT}, but got {found!r}: a later version of this project "
                "made it. Update the project, then run this again."
            )
        backup = Backup(
            id=id_,
            place=place,
            made_at=datetime.fromisoformat(values["made_at"]),
            bytes=int(values["bytes"]),
            sha256=str(values["sha256"]),
            modified_ns=int(values["modified_ns"]),
            duckdb_version=str(values["duckdb_version"]),
            storage_version=str(values["storage_version"]),
            migrations=tuple(str(name) for name in values["migrations"]),
            tables={str(name): int(rows) for name, rows in values["tables"].items()},
        )
    except (ValueError, TypeError, LookupError, AttributeError) as error:
        raise DamagedBackupError(
            f"{address}: expected the description of a backup, but it cannot be read: {str(error)[:200]}. Restore "
            "another one: nyc backup --list"
        ) from error
    return backup
