"""What an export wrote, kept beside it as JSON: which release each table is of, and every file.

Names are written down before the files, so that the next export knows what a crash left.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from warehouse.lakehouse.destination import Destination, Stored
from warehouse.lakehouse.exported import ExportError

MANIFEST = "_export.json"

# The layout. Another one counts as nothing known, so everything is written again.
_FORMAT = 1


@dataclass(frozen=True)
class FileEntry:
    """A file. `source` names what it was made from; without it, the file was about to be written."""

    source: str | None = None
    bytes: int | None = None
    tag: str | None = None

    def is_of(self, source: str, stored: Stored | None) -> bool:
        """Whether the file holds this, and nobody has written or removed it since."""
        return self.source == source and stored == Stored(self.bytes or 0, self.tag or "")


@dataclass
class TableEntry:
    """A table. `release` is the id of the release that it is of; None while some of its files may be of another."""

    release: str | None = None
    exported_at: str | None = None
    rows: int = 0
    files: dict[str, FileEntry] = field(default_factory=dict)


@dataclass
class Manifest:
    """All tables of a place. `release` and `exported_at` (UTC) are those of the last export that ended well."""

    release: str | None = None
    exported_at: str | None = None
    tables: dict[str, TableEntry] = field(default_factory=dict)

    def text(self) -> str:
        """The JSON."""
        return json.dumps({"format": _FORMAT, **asdict(self)}, indent=1)


def read_manifest(to: Destination, name: str) -> Manifest:
    """What the last export wrote down; an empty manifest if there was none.

    Raises:
        ExportError: the file cannot be understood.
    """
    contents = to.read(name)
    if contents is None:
        return Manifest()
    try:
        values = json.loads(contents)
        if values.pop("format") != _FORMAT:
            return Manifest()
        tables = {table: _table_entry(each) for table, each in values.pop("tables").items()}
        manifest = Manifest(**values, tables=tables)
        for entry in manifest.tables.values():
            for file in entry.files:
                to.location.joined(file)
        return manifest
    except (ValueError, TypeError, LookupError, AttributeError, ExportError) as error:
        raise ExportError(
            f"{to.location.joined(name).url}: expected what the last export wrote down, but it cannot be read: "
            f"{str(error)[:100]}. Delete it and export again: all files are then written anew."
        ) from error


def _table_entry(values: Mapping[str, Any]) -> TableEntry:
    files = {name: FileEntry(**each) for name, each in values["files"].items()}
    return TableEntry(**{**values, "files": files})
