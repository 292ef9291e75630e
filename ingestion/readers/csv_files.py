"""CSV files of any feed, as they are or compressed by gzip."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import duckdb

from ingestion.feeds import Column, ColumnType
from ingestion.partitions import Partition
from ingestion.raw_data import raw_column_types
from ingestion.readers.casts import DOUBLE_FROM_TEXT
from ingestion.readers.columns import Selection, match_key, select_columns
from ingestion.readers.csv_pieces import UnpackedCsv, unpack_gzip
from ingestion.readers.csvs import Header, Lines, check_rows, read_header
from ingestion.readers.gzips import is_gzip
from ingestion.readers.published import MOST_BYTES_IN_MEMORY, SCRATCH, PublishedRows, Read, notes_on, open_scratch
from ingestion.readers.published_file import PublishedFile
from warehouse.sql import identifier, literal

# DuckDB takes long to plan a statement of more.
_MOST_PIECES = 400

_FORMAT = "auto_detect = false, delim = ',', quote = '\"', escape = '\"', hive_partitioning = false"


class CsvReader:
    """Reads files that are one CSV each, with a header, in UTF-8, plain or compressed by gzip.

    `null_words` are what the publisher writes for a missing value. By default only an empty field is missing, so that
    a name such as NA or TRUE stays what it is.
    """

    def __init__(self, null_words: Sequence[str] = ("",)) -> None:
        self._null_words = tuple(null_words)

    def __call__(self, partition: Partition, path: Path, connection: duckdb.DuckDBPyConnection) -> PublishedRows:
        """The rows of a file in published order, with the names and types that the feed declares.

        Raises:
            UnreadableFileError: the file is not a whole CSV, or lacks a required column.
        """
        return self.unpack(partition, path)(connection)

    def unpack(self, partition: Partition, path: Path) -> Read:
        """Make a plain CSV of a file of gzip, and return what reads its rows then.

        Raises:
            UnreadableFileError: the file cannot be unpacked.
        """
        file = PublishedFile(partition, path)
        if not is_gzip(path):
            return partial(self._read_whole, file, path)
        unpacked = unpack_gzip(file)
        return partial(read_unpacked_csvs, file, [unpacked], null_words=self._null_words)

    def _read_whole(self, file: PublishedFile, csv_path: Path, connection: duckdb.DuckDBPyConnection) -> PublishedRows:
        return read_csv_files(file, [csv_path], connection, self._null_words)


def read_unpacked_csvs(
    file: PublishedFile,
    csvs: Sequence[UnpackedCsv],
    connection: duckdb.DuckDBPyConnection,
    null_words: Sequence[str],
) -> PublishedRows:
    """The rows of all CSVs of a published file that was unpacked, in this order.

    Those of a large file are read by all threads where they are loaded. Where a value is not of its column's type, or
    not every line is a row, they are read otherwise: as text, so that the value can be named, and counted one by one.

    Raises:
        UnreadableFileError: a CSV cannot be read as such, or lacks a required column.
    """

    def as_text(connection: duckdb.DuckDBPyConnection) -> PublishedRows:
        return read_csv_files(file, [unpacked.joined() for unpacked in csvs], connection, null_words)

    in_pieces = None
    is_large = sum(unpacked.bytes for unpacked in csvs) > MOST_BYTES_IN_MEMORY
    if is_large and sum(len(unpacked.pieces) for unpacked in csvs) <= _MOST_PIECES:
        in_pieces = _rows_of_pieces(file, csvs, connection, null_words, as_text)
    return in_pieces or as_text(connection)


def _rows_of_pieces(
    file: PublishedFile,
    csvs: Sequence[UnpackedCsv],
    connection: duckdb.DuckDBPyConnection,
    null_words: Sequence[str],
    otherwise: Read,
) -> PublishedRows | None:
    """The rows of CSVs, piece by piece; None where a line may be no row, or CSVs differ in their columns."""
    existing = raw_column_types(file.partition.feed, connection)
    found: list[_Plain] = []
    queries = []
    notes: dict[str, None] = {}
    for unpacked in csvs:
        first = unpacked.pieces[0].path
        plain = _plain(file, first, unpacked.lines, existing, null_words, has_typed_doubles=True)
        if plain is None or (found and plain.selection.columns != found[0].selection.columns):
            return None
        before = sum(csv.rows for csv in found)
        queries += [
            plain.numbered_rows(piece.path, before + piece.first_row, has_header=piece.path == first)
            for piece in unpacked.pieces
        ]
        notes |= dict.fromkeys(notes_on(plain.selection, _source(first, plain.options), connection))
        found.append(plain)
    return PublishedRows(
        file,
        " union all ".join(queries),
        found[0].selection.columns,
        sum(csv.rows for csv in found),
        tuple(notes),
        pieces=tuple(piece.path for unpacked in csvs for piece in unpacked.pieces),
        otherwise=otherwise,
    )


def read_csv_files(
    file: PublishedFile, csv_paths: Sequence[Path], connection: duckdb.DuckDBPyConnection, null_words: Sequence[str]
) -> PublishedRows:
    """The rows of all CSVs of a published file, in this order. CSVs that were unpacked are removed as
    they are read.

    Everything is read as text and then cast. As numbers, the codes 6498.10 and 6498.1 would be one. DuckDB reads a CSV
    in parallel only where it need not number its rows, so the rows go to a scratch table first, where a row's position
    is its row id.

    Raises:
        UnreadableFileError: a CSV cannot be read as such, or lacks a required column.
    """
    feed = file.partition.feed
    existing = raw_column_types(feed, connection)
    is_small = len(csv_paths) == 1 and csv_paths[0].stat().st_size <= MOST_BYTES_IN_MEMORY
    if is_small and (plain := _plain(file, csv_paths[0], Lines.of(csv_paths[0], file), existing, null_words)):
        return _read_plain(file, csv_paths[0], plain, connection)
    found = {column.name: column for column in feed.columns}
    notes: dict[str, None] = {}
    open_scratch(connection, file.path, sum(csv_path.stat().st_size for csv_path in csv_paths))
    listed = ", ".join(f"{identifier(column.name)} {column.type}" for column in found.values())
    connection.execute(f"create table {SCRATCH}.rows ({listed})")
    for csv_path in csv_paths:
        header = read_header(csv_path, file)
        types = dict.fromkeys(header.names, "VARCHAR")
        selection = select_columns(file, types, existing, by_position=True)
        for column in selection.new_columns:
            if column.name not in found:
                found[column.name] = column
                # So that another spelling in the next CSV is this column.
                existing.setdefault(column.name, column.type)
                connection.execute(f"alter table {SCRATCH}.rows add column {identifier(column.name)} {column.type}")
        source = _source(csv_path, _options(header, selection.aliases, null_words))
        try:
            added = connection.execute(
                f"insert into {SCRATCH}.rows by name select {selection.select_list} from {source}"
            ).fetchall()
        except duckdb.Error as error:
            raise file.wrong_values(error) from error
        check_rows(csv_path, file, added[0][0])
        notes |= dict.fromkeys(notes_on(selection, source, connection))
        # The published file itself may be read a second time.
        if csv_path != file.path:
            csv_path.unlink()
    return _rows(file, found, tuple(notes), connection)


@dataclass(frozen=True)
class _Plain:
    """A CSV in which each line is a row: how to select its columns, DuckDB's options, and how many rows it has."""

    selection: Selection
    options: str
    rows: int

    def numbered_rows(self, csv_path: Path, first_row: int = 0, *, has_header: bool = True) -> str:
        """The rows of the CSV, or of a piece of it that begins with that row, as SQL."""
        source = _source(csv_path, self.options, has_header=has_header)
        return (
            f"select {self.selection.select_list}, row_number() over () + {first_row - 1} as source_row from {source}"
        )


def _plain(
    file: PublishedFile,
    csv_path: Path,
    lines: Lines,
    existing: dict[str, str],
    null_words: Sequence[str],
    *,
    has_typed_doubles: bool = False,
) -> _Plain | None:
    """How to read a CSV in which each line is a row; None of another one.

    With `has_typed_doubles` DuckDB itself reads the doubles, which is faster, unless something in the file is a number
    to it and not to us.

    Raises:
        UnreadableFileError: it cannot be read as a CSV, or lacks a required column.
    """
    header = read_header(csv_path, file)
    if lines.rows is None or header.new_line:
        return None
    types = dict.fromkeys(header.names, "VARCHAR")
    selection = select_columns(file, types, existing, by_position=True)
    if any(match_key(column.name).startswith("unnamed") for column in selection.columns):
        return None
    doubles = {column.name for column in file.partition.feed.columns if column.type is ColumnType.DOUBLE}
    doubles &= set(selection.aliases) if has_typed_doubles and not lines.has_underscore else set()
    if doubles:
        aliases = zip(header.names, selection.aliases, strict=True)
        types |= {name: DOUBLE_FROM_TEXT for name, alias in aliases if alias in doubles}
        selection = select_columns(file, types, existing, by_position=True)
    return _Plain(selection, _options(header, selection.aliases, null_words, doubles), lines.rows)


def _read_plain(
    file: PublishedFile, csv_path: Path, plain: _Plain, connection: duckdb.DuckDBPyConnection
) -> PublishedRows:
    """The rows of a small CSV, read where they are loaded and numbered as they are read."""
    return PublishedRows(
        file,
        query=plain.numbered_rows(csv_path),
        columns=plain.selection.columns,
        count=plain.rows,
        notes=notes_on(plain.selection, _source(csv_path, plain.options), connection),
    )


def _options(header: Header, aliases: tuple[str, ...], null_words: Sequence[str], doubles: Collection[str] = ()) -> str:
    """How DuckDB reads a CSV, its columns called by their aliases: as text, but for those that are read as doubles."""
    types = {alias: ColumnType.DOUBLE if alias in doubles else ColumnType.VARCHAR for alias in aliases}
    listed = ", ".join(f"{literal(alias)}: {literal(type_)}" for alias, type_ in types.items())
    nulls = f"nullstr = [{', '.join(map(literal, null_words))}]"
    new_line = f", new_line = {literal(header.new_line)}" if header.new_line else ""
    return f"columns = {{{listed}}}, {_FORMAT}, {nulls}{new_line}"


def _source(csv_path: Path, options: str, *, has_header: bool = True) -> str:
    """The CSV in SQL."""
    return f"read_csv({literal(csv_path)}, header = {str(has_header).lower()}, {options})"


def _rows(
    file: PublishedFile, columns: dict[str, Column], notes: tuple[str, ...], connection: duckdb.DuckDBPyConnection
) -> PublishedRows:
    """What is in the scratch table, without columns that have neither a name nor a value: lines may end in a comma."""
    counts = {
        name: connection.execute(f"select count({identifier(name)}) from {SCRATCH}.rows").fetchall()[0][0]
        for name in columns
        if match_key(name).startswith("unnamed")
    }
    kept = tuple(column for name, column in columns.items() if counts.get(name) != 0)
    ((count,),) = connection.execute(f"select count(*) from {SCRATCH}.rows").fetchall()
    return PublishedRows(
        file,
        query=f"select {', '.join(identifier(c.name) for c in kept)}, rowid as source_row from {SCRATCH}.rows",
        columns=kept,
        count=count,
        notes=notes,
    )
