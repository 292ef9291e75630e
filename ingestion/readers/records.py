"""From records, as a reader takes them out of JSON, to the rows of a file.

JSON has numbers, texts and nothing for times. So each value is read as the type that the feed declares, strictly: the
same value, a missing one or an error. Nothing of it becomes SQL.
"""

import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

import duckdb
import pyarrow as pa

from ingestion.errors import UnreadableFileError
from ingestion.feeds import Column, ColumnType
from ingestion.raw_data import raw_column_types
from ingestion.readers.columns import check_names, match_key, select_columns
from ingestion.readers.published import SCRATCH, PublishedRows, notes_on, open_scratch
from ingestion.readers.published_file import PublishedFile

Record = Mapping[str, Any]
"""A row: values as JSON has them, by raw names; those that the feed does not declare by their published names."""

LONGEST_TEXT = 10_000
_NUMBER = re.compile(r"[+-]?\d{1,30}(\.\d{1,30})?")
_BIG_INTEGERS = range(-(2**63), 2**63)
_ARROW_TYPES = {
    ColumnType.INTEGER: pa.int64(),
    ColumnType.BIGINT: pa.int64(),
    ColumnType.DOUBLE: pa.float64(),
    ColumnType.VARCHAR: pa.string(),
    ColumnType.TIMESTAMP: pa.timestamp("us"),
    ColumnType.DATE: pa.date32(),
}
_SQL_TYPES = {
    pa.int64(): "BIGINT",
    pa.float64(): "DOUBLE",
    pa.string(): "VARCHAR",
    pa.timestamp("us"): "TIMESTAMP",
    pa.date32(): "DATE",
}


class BadValueError(ValueError):
    """A value that is not of its type. The message continues "expected"."""


def read_records(
    file: PublishedFile, records: Iterable[Record], connection: duckdb.DuckDBPyConnection, notes: Sequence[str] = ()
) -> PublishedRows:
    """The rows of a file: each record a row, in this order. `notes` are read after the last record.

    Fields that the feed does not declare are kept as columns of their own.

    Raises:
        UnreadableFileError: a value is not of its type, or a field has no name that a column can have.
    """
    table = _table(file, records)
    check_names(table.column_names, file)
    open_scratch(connection, file.path, file.path.stat().st_size)
    types = {name: _SQL_TYPES[table.schema.field(name).type] for name in table.column_names}
    existing = raw_column_types(file.partition.feed, connection)
    selection = select_columns(file, types, existing, by_position=True)
    # Under names of our own: a field called rowid would hide the position of the rows.
    connection.register("records_read", table.rename_columns(list(selection.aliases)))
    connection.execute(f"create table {SCRATCH}.rows as from records_read")
    connection.unregister("records_read")
    return PublishedRows(
        file,
        query=f"select {selection.select_list}, rowid as source_row from {SCRATCH}.rows",
        columns=selection.columns,
        count=table.num_rows,
        notes=(*notes, *notes_on(selection, f"{SCRATCH}.rows", connection)),
    )


def as_time(value: Any) -> datetime:
    """A time with a zone, such as 2026-01-05T21:00:00.123456789Z, in UTC without zone; what is beyond µs is cut off.

    Raises:
        BadValueError: it is none.
    """
    try:
        if not isinstance(value, str) or len(value) > 40:
            raise ValueError(value)
        time = datetime.fromisoformat(value)
        if time.tzinfo is None:
            raise ValueError(value)
        return time.astimezone(UTC).replace(tzinfo=None)
    except (ValueError, OverflowError) as error:
        raise BadValueError("a time with a zone, such as 2026-01-05T21:00:00Z") from error


def as_number(value: Any) -> float:
    """A finite number; one that is written as text counts as well.

    Raises:
        BadValueError: it is none.
    """
    if isinstance(value, str) and _NUMBER.fullmatch(value) and value.isascii():
        return float(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        try:
            number = float(value)
        except OverflowError:
            number = math.inf
        if math.isfinite(number):
            return number
    raise BadValueError("a finite number")


def _table(file: PublishedFile, records: Iterable[Record]) -> pa.Table:
    declared = {column.name: column for column in file.partition.feed.columns}
    columns: dict[str, list[Any]] = {name: [] for name in declared}
    for row, record in enumerate(records):
        for name, value in record.items():
            if name not in columns:
                columns[name] = [None] * row
                check_names(list(columns), file)
            columns[name].append(_value(file, declared.get(name), name, value, row))
        for name in columns.keys() - record.keys():
            columns[name].append(None)
    taken = {match_key(name) for name in declared}
    arrays = {name: pa.array(columns[name], _ARROW_TYPES[column.type]) for name, column in declared.items()}
    for name, values in columns.items():
        if name not in declared:
            # A field must not be taken for the column of ours that is called alike.
            arrays[f"{name}_published" if match_key(name) in taken else name] = _new_column(values)
    return pa.table(arrays)


def _value(file: PublishedFile, column: Column | None, name: str, value: Any, row: int) -> Any:
    """A value as its column's type; one without a column stays what it is."""
    if value is None:
        return None
    try:
        if column is None:
            return _undeclared(value)
        match column.type:
            case ColumnType.TIMESTAMP:
                return value if isinstance(value, datetime) else as_time(value)
            case ColumnType.DATE:
                return value if isinstance(value, date) else _as_date(value)
            case ColumnType.DOUBLE:
                return as_number(value)
            case ColumnType.INTEGER | ColumnType.BIGINT:
                return _as_integer(value)
            case ColumnType.VARCHAR:
                return _as_text(value)
    except BadValueError as error:
        raise _wrong(file, name, value, row, error) from error


def _wrong(file: PublishedFile, name: str, value: Any, row: int, error: BadValueError) -> UnreadableFileError:
    feed = file.partition.feed
    return file.unreadable(
        f"{error} as {name[:60]!a}",
        f"got {str(value)[:50]!a} in record {row + 1}",
        f"{file.load_again.capitalize()}; if it stays so, the API has changed, and {feed.declared_in} must follow.",
    )


def _as_date(value: Any) -> date:
    try:
        if not isinstance(value, str) or len(value) != len("2026-01-05"):
            raise ValueError(value)
        return date.fromisoformat(value)
    except ValueError as error:
        raise BadValueError("a date such as 2026-01-05") from error


def _as_integer(value: Any) -> int:
    number = as_number(value)
    # A text or an integer has more digits than a double keeps.
    exact = int(value) if isinstance(value, int) or (isinstance(value, str) and "." not in value) else number
    if exact != int(exact) or int(exact) not in _BIG_INTEGERS:
        raise BadValueError("a whole number")
    return int(exact)


def _as_text(value: Any) -> str:
    if not isinstance(value, str) or len(value) > LONGEST_TEXT or not _is_encodable(value):
        raise BadValueError(f"a text of at most {LONGEST_TEXT:,} letters")
    return value


def _is_encodable(text: str) -> bool:
    """Whether a text can be stored: JSON may have halves of a character, and zero bytes."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return "\0" not in text


def _undeclared(value: Any) -> Any:
    if isinstance(value, int | float):
        return value
    return _as_text(value if isinstance(value, str) else json.dumps(value))


def _new_column(values: list[Any]) -> pa.Array:
    """The values of a field that the feed does not declare: whole numbers, numbers, or else texts."""
    given = [value for value in values if value is not None]
    if given and all(type(value) is int and value in _BIG_INTEGERS for value in given):
        return pa.array(values, pa.int64())
    if given and all(_is_number(value) for value in given):
        return pa.array([None if value is None else float(value) for value in values], pa.float64())
    texts = [value if value is None or isinstance(value, str) else json.dumps(value) for value in values]
    return pa.array(texts, pa.string())


def _is_number(value: Any) -> bool:
    try:
        return not isinstance(value, str) and math.isfinite(as_number(value))
    except BadValueError:
        return False
