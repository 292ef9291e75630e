"""What a reader gives: the rows of a file, as SQL."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa

from ingestion.feeds import Column
from ingestion.readers.columns import Selection
from ingestion.readers.file_lists import SourceFile
from ingestion.readers.published_file import PublishedFile, shortened
from warehouse.sql import identifier, literal

_MAX_NOTE_LENGTH = 600
MOST_BYTES_IN_MEMORY = 16_000_000
# What the rows of `PublishedRows.rows` are called in a query.
ROWS_READ = "rows_read_ahead"


@dataclass(frozen=True)
class PublishedRows:
    """A file's rows, which DuckDB reads where they are loaded.

    `query` selects `columns` and `source_row`, the row's position in the published file from 0 on. `count` is how
    many rows the file has. `rows` are the rows themselves where they were read already. `pieces` are files that the
    query reads side by side, so that rows come in any order, and that nobody needs afterwards. `otherwise` reads the
    rows in a slower way, where a value is none or rows are not as many: so that the value is named, or the rows are
    counted. `files` are those that the rows are from, where a partition has several. `new_columns` are those that the
    feed does not declare, and `notes` say what else is not as usual.
    """

    file: PublishedFile
    query: str
    columns: tuple[Column, ...]
    count: int
    notes: tuple[str, ...] = ()
    rows: pa.Table | None = None
    pieces: tuple[Path, ...] = ()
    otherwise: "Read | None" = None
    files: tuple[SourceFile, ...] = ()

    @property
    def new_columns(self) -> tuple[Column, ...]:
        """The columns that the feed does not declare."""
        declared = {column.name for column in self.file.partition.feed.columns}
        return tuple(column for column in self.columns if column.name not in declared)

    @property
    def note(self) -> str | None:
        """What the users of these rows should know; None if everything is as usual."""
        named = ", ".join(f"{column.name} ({column.type})" for column in self.new_columns)
        kept = (f"kept columns that {self.file.partition.feed.declared_in} does not declare: {named}",) if named else ()
        return shortened("; ".join((*self.notes, *kept)), _MAX_NOTE_LENGTH) or None


@dataclass(frozen=True)
class RowsOfPartitions:
    """The rows of the files of many partitions of one feed, which DuckDB reads in one scan.

    `query` selects `columns`, `source_row` (as in `PublishedRows`) and `period_start`, the start of the row's
    partition. `counts` are how many rows each partition has, in the order in which the files were given. `rows` are
    the rows themselves, called `ROWS_READ` in the query. `files` are those of each partition that has several.
    """

    query: str
    columns: tuple[Column, ...]
    counts: Sequence[int]
    rows: pa.Table | None = None
    files: Sequence[Sequence[SourceFile]] = ()


Read = Callable[[duckdb.DuckDBPyConnection], PublishedRows]
"""Gives the rows of a file, over a connection that has the file's raw table."""

SCRATCH = "published_file"


def open_scratch(connection: duckdb.DuckDBPyConnection, path: Path, content_bytes: int) -> None:
    """Attach an empty database, for rows that take more than one step to read.

    It is in memory for content of a few megabytes, because a file would take as long as the reading does; else it is
    beside the published file.
    """
    beside = path.with_name("published_file.duckdb")
    # A file may be read twice: the first time to see its columns.
    beside.unlink(missing_ok=True)
    place = ":memory:" if content_bytes <= MOST_BYTES_IN_MEMORY else beside
    connection.execute(f"attach {literal(place)} as {identifier(SCRATCH)}")


def close_scratch(connection: duckdb.DuckDBPyConnection) -> None:
    """Detach the database of `open_scratch`, if there is one."""
    connection.execute(f"detach database if exists {identifier(SCRATCH)}")


def notes_on(selection: Selection, source: str, connection: duckdb.DuckDBPyConnection) -> tuple[str, ...]:
    """What is not as usual in the rows of `source`: columns under other names, and numbers without a value."""
    notes = [f"kept under other names: {', '.join(selection.renamed)}"] if selection.renamed else []
    if selection.not_finite:
        counts = ", ".join(f"count_if({condition})" for condition in selection.not_finite.values())
        counted = connection.execute(f"select {counts} from {source}").fetchone() or ()
        found = [f"{count:,} of {name}" for name, count in zip(selection.not_finite, counted, strict=True) if count]
        notes += [f"NaN and infinite values taken for missing: {', '.join(found)}"] if found else []
    return tuple(notes)
