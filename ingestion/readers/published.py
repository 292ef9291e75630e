"""What a publisher's reader gives: the rows of a file, as SQL."""

import re
from dataclasses import dataclass
from pathlib import Path

import duckdb

from ingestion.errors import UnreadableFileError
from ingestion.feeds import Column
from ingestion.readers.columns import Selection, shortened
from warehouse.sql import identifier, literal

_MAX_NOTE_LENGTH = 600


@dataclass(frozen=True)
class PublishedRows:
    """A file's rows, to be read by DuckDB where they are loaded.

    `query` selects `columns` and `source_row`, the row's position in the published file from 0 on;
    `count` is how many rows the file has. `new_columns` are those that the registry does not know;
    `notes` say what else is not as usual.
    """

    query: str
    columns: tuple[Column, ...]
    count: int
    new_columns: tuple[Column, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def note(self) -> str | None:
        """What somebody should know who uses these rows; None if all is as usual."""
        named = ", ".join(f"{column.name} ({column.type})" for column in self.new_columns)
        kept = (f"kept columns that ingestion/feeds.py does not know: {named}",) if named else ()
        return shortened("; ".join((*self.notes, *kept)), _MAX_NOTE_LENGTH) or None


SCRATCH = "published_file"


def open_scratch(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
    """Attach an empty database beside a file, for rows that take more than one step to read."""
    connection.execute(f"attach {literal(path.with_name('published_file.duckdb'))} as {identifier(SCRATCH)}")


def close_scratch(connection: duckdb.DuckDBPyConnection) -> None:
    """Detach the database of `open_scratch`, if there is one."""
    connection.execute(f"detach database if exists {identifier(SCRATCH)}")


def notes_on(selection: Selection, source: str, connection: duckdb.DuckDBPyConnection) -> tuple[str, ...]:
    """What is not as usual in the rows of `source`: columns kept under other names, numbers that are none."""
    notes = [f"kept under other names: {', '.join(selection.renamed)}"] if selection.renamed else []
    if selection.not_finite:
        counts = ", ".join(f"count_if({condition})" for condition in selection.not_finite.values())
        counted = connection.execute(f"select {counts} from {source}").fetchone() or ()
        found = [f"{count:,} of {name}" for name, count in zip(selection.not_finite, counted, strict=True) if count]
        notes += [f"NaN and infinite values taken for missing: {', '.join(found)}"] if found else []
    return tuple(notes)


def beginning(path: Path) -> str:
    """How a file begins, for whoever is to find out what it is."""
    with path.open("rb") as file:
        start = file.read(40)
    return f"it begins with {start!r}" if start else "it is empty"


def reason(error: Exception, path: Path | None = None) -> str:
    """What DuckDB says is wrong, without its advice and the statement; and without the folder of a downloaded file."""
    text = re.split(r"\n\*|\nLINE |\n?Possible |\n?Candidate |\n\s*file ?=", str(error))[0]
    # It is gone when somebody reads this.
    text = text.replace(f"{path.parent}/", "") if path and path.is_absolute() else text
    text = re.sub(r"(Original Line: .{60}).*", r"\1…", re.sub(r"^[A-Z][A-Za-z ]+ Error: ", "", text))
    return shortened(re.sub(r"\s+", " ", text).strip(), 250)


def cast_error(path: Path, error: Exception) -> UnreadableFileError:
    """The error for values that are not of the type that the registry declares."""
    return UnreadableFileError(
        f"{path.name}: expected values of the types in ingestion/feeds.py, but {reason(error, path)}. "
        "Load the month again; if it stays so, the publisher's file is broken, or has changed for good and the feed "
        "must follow."
    )
