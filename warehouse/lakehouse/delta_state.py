"""What is in the folder of a table of Delta: whether its log opens, and whether every file of data is there whole."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import pyarrow as pa
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError, TableNotFoundError

from warehouse.lakehouse.exported import ExportError
from warehouse.lakehouse.failures import failures_named, said
from warehouse.lakehouse.location import Location

_LOG = "_delta_log"
_LONGEST_REASON = 160


class DamagedTableError(ExportError):
    """A table of Delta that no reader can open. The message says why, and what to do."""


def open_table(folder: Location) -> DeltaTable | None:
    """Open a table of Delta as its readers do; None if there is none.

    Raises:
        DamagedTableError: it cannot be opened.
        ExportError: the place cannot be read.
    """
    options = folder.delta_options()
    with failures_named(f"looking at {folder.url}"), _damage_named(folder):
        try:
            return DeltaTable(folder.url, storage_options=options)
        except TableNotFoundError:
            if _files_below(folder.joined(_LOG)):
                raise
            return None


@contextmanager
def _damage_named(folder: Location) -> Iterator[None]:
    try:
        yield
    except DeltaError as error:
        raise DamagedTableError(
            f"{folder.url}: expected a table of Delta, but its log in {_LOG} does not open: "
            f"{said(error, _LONGEST_REASON)}. Nobody can read the table. Delete its folder, and write it anew: "
            "nyc export --format delta --layers"
        ) from error


def files_not_there(table: DeltaTable, folder: Location) -> dict[str, str]:
    """The files of a table's state that are not there whole, by name, with what is wrong with each."""
    there = _files_below(folder)
    found = {}
    for file in pa.table(table.get_add_actions(flatten=True)).to_pylist():
        name, expected = file["path"], file["size_bytes"]
        if name not in there:
            found[name] = "is not there"
        elif there[name] != expected:
            found[name] = f"has {there[name]:,} bytes, not {expected:,}"
    return found


def count_rows(table: DeltaTable) -> int:
    """How many rows a table has, by the footer of each file.

    Raises:
        OSError, pyarrow.ArrowInvalid: a file cannot be read.
    """
    return int(table.to_pyarrow_dataset().count_rows())


def _files_below(folder: Location) -> Mapping[str, int]:
    """The sizes of the files in a folder, by name; none if there is no such folder."""
    try:
        entries = folder.filesystem().ls(folder.url, detail=True, refresh=True)
    except (FileNotFoundError, NotADirectoryError):
        return {}
    files = (entry for entry in entries if entry["type"] == "file")
    return {entry["name"].rpartition("/")[2]: int(entry["size"]) for entry in files}
