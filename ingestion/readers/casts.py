"""From a published value to a raw column's type: the same value, a missing one or an error, but never another value."""

import re

from ingestion.feeds import ColumnType
from warehouse.sql import literal

_INTEGERS = {"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER"}
_WIDE_INTEGERS = {"UBIGINT", "HUGEINT", "UHUGEINT"}
_FLOATS = {"FLOAT", "DOUBLE"}
# A double that DuckDB has read from text itself. It reads more as a number than we do, but for underscores only what is
# not finite: `inf`, `nan` and 1e400.
DOUBLE_FROM_TEXT = "DOUBLE FROM TEXT"
_TIMES = {"TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS"}
_NESTED = re.compile(r"(STRUCT|MAP|UNION)\(.*|VARIANT|.*\]", re.DOTALL)
_DECIMAL = re.compile(r"DECIMAL\((\d+),\d+\)")
# Decimals with more digits than a double holds are kept as text.
_DIGITS_OF_DOUBLE = 15

_ISO_DATE = r"[12]\d{3}-\d{1,2}-\d{1,2}"
# Without zone or offset: a published time is what the publisher's clock showed. Another zone's cannot be told from it.
_ISO_TIME = r"[12]\d{3}-\d{1,2}-\d{1,2}([ T]\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?)?"
# As Americans write them.
_AMERICAN_TIME = r"\d{1,2}/\d{1,2}/[12]\d{3}( \d{1,2}:\d{2}(:\d{2})?)?"
_SHORT_AMERICAN_TIME = r"\d{1,2}/\d{1,2}/\d{2}( \d{1,2}:\d{2}(:\d{2})?)?"
_CLOCKS = ("", " %H:%M", " %H:%M:%S")
# A double may have been written for it (2.0). What else DuckDB reads (1_000, 0x1F, 1e3, true) is refused.
_WHOLE_NUMBER = r"[+-]?\d+(\.0*)?"


def raw_type_of(published: str) -> ColumnType:
    """The raw type for a column that the feed does not declare, from its DuckDB type in the file.

    Types without a raw type are kept as text.
    """
    if published in _INTEGERS:
        return ColumnType.BIGINT
    decimal = _DECIMAL.fullmatch(published)
    if published in _FLOATS or (decimal and int(decimal[1]) <= _DIGITS_OF_DOUBLE):
        return ColumnType.DOUBLE
    return ColumnType.TIMESTAMP if published in _TIMES else ColumnType.VARCHAR


def is_always_null(published: str) -> bool:
    """Whether a column of this DuckDB type can have no value."""
    return published.strip('"') == "NULL"


def not_finite(value: str, published: str) -> str | None:
    """The SQL condition of NaN and infinity, which cannot be computed with; None if the type has neither."""
    return f"not isfinite({value})" if published in _FLOATS else None


def cast(value: str, name: str, published: str, type_: ColumnType) -> str | None:
    """The SQL expression of a published value as a raw type, or None where the types have nothing in common.

    `value` is SQL, of the DuckDB type `published`; `name` is for messages. NaN and infinity become null. A value that
    the type cannot hold as it is (a fraction in an integer, a time with an offset) is an error when the rows are read.
    """
    if is_always_null(published):
        return f"cast(null as {type_})"
    match type_:
        case ColumnType.VARCHAR:
            return _as_text(value, published)
        case ColumnType.INTEGER | ColumnType.BIGINT:
            return _as_integer(value, name, published, type_)
        case ColumnType.DOUBLE:
            return _as_double(value, name, published)
        case ColumnType.TIMESTAMP:
            return _as_time(value, name, published)
        case ColumnType.DATE:
            return _as_date(value, name, published)


def _as_text(value: str, published: str) -> str:
    if published == "VARCHAR":
        return value
    if published in _FLOATS:
        return f"case when isfinite({value}) then cast({value} as varchar) end"
    if published == "TIMESTAMP WITH TIME ZONE":
        # Whatever the zone of the session is.
        return f"strftime({value} at time zone 'UTC', '%Y-%m-%d %H:%M:%S.%f+00')"
    return f"cast(to_json({value}) as varchar)" if _NESTED.fullmatch(published) else f"cast({value} as varchar)"


def _as_integer(value: str, name: str, published: str, type_: ColumnType) -> str | None:
    is_fraction = f"{_error(value, name, 'is not a whole number')}"
    if published in _INTEGERS | _WIDE_INTEGERS | {"BOOLEAN"}:
        return f"cast({value} as {type_})"
    if published in _FLOATS:
        return (
            f"case when not isfinite({value}) then null when {value} = floor({value}) then cast({value} as {type_})"
            f" when {value} is not null then {is_fraction} end"
        )
    if _DECIMAL.fullmatch(published):
        return (
            f"case when {value} = floor({value}) then cast({value} as {type_})"
            f" when {value} is not null then {is_fraction} end"
        )
    if published == "VARCHAR":
        return (
            f"case when regexp_full_match({value}, {literal(_WHOLE_NUMBER)}) then cast({value} as {type_})"
            f" when {value} is not null then {is_fraction} end"
        )
    return None


def _as_double(value: str, name: str, published: str) -> str | None:
    if published in _INTEGERS | _WIDE_INTEGERS | {"BOOLEAN"} or _DECIMAL.fullmatch(published):
        return f"cast({value} as double)"
    if published in _FLOATS:
        return f"case when isfinite({value}) then cast({value} as double) end"
    if published == DOUBLE_FROM_TEXT:
        is_not = _error(value, name, "is not a number that can be computed with")
        return f"case when {value} is null or isfinite({value}) then {value} else {is_not} end"
    if published == "VARCHAR":
        # 1e400 reads as infinity, which is not what was published.
        number = f"try_cast({value} as double)"
        return (
            f"case when isfinite({number}) and not contains({value}, '_') then {number}"
            f" when {value} is not null then {_error(value, name, 'is not a number that can be computed with')} end"
        )
    return None


def _as_time(value: str, name: str, published: str) -> str | None:
    """Times in the years 1 to 9999, which every reader of the database can show."""
    if published in _TIMES | {"DATE"}:
        time = value if published == "TIMESTAMP" else f"cast({value} as timestamp)"
        return (
            f"case when {time} between timestamp '0001-01-01' and timestamp '9999-12-31 23:59:59.999' then {time}"
            f" when {value} is not null then {_error(value, name, 'is not a time')} end"
        )
    if published == "VARCHAR":
        # A date that does not exist, such as February 30, is null here, and so an error.
        read = (
            f"case when regexp_full_match({value}, {literal(_ISO_TIME)}) then try_cast({value} as timestamp)"
            f" when regexp_full_match({value}, {literal(_AMERICAN_TIME)}) then"
            f" try_strptime({value}, {_formats('%m/%d/%Y')})"
            f" when regexp_full_match({value}, {literal(_SHORT_AMERICAN_TIME)}) then"
            f" try_strptime({value}, {_formats('%m/%d/%y')}) end"
        )
        expected = "is not a time without a zone, such as 2025-01-31 13:45:00"
        return f"case when {value} <> '' then coalesce({read}, {_error(value, name, expected)}) end"
    return None


def _as_date(value: str, name: str, published: str) -> str | None:
    if published == "DATE":
        return (
            f"case when {value} between date '0001-01-01' and date '9999-12-31' then {value}"
            f" when {value} is not null then {_error(value, name, 'is not a date')} end"
        )
    if published == "VARCHAR":
        read = f"case when regexp_full_match({value}, {literal(_ISO_DATE)}) then try_cast({value} as date) end"
        expected = "is not a date such as 2025-01-31"
        return f"case when {value} <> '' then coalesce({read}, {_error(value, name, expected)}) end"
    return None


def _formats(day: str) -> str:
    return "[" + ", ".join(literal(day + clock) for clock in _CLOCKS) + "]"


def _error(value: str, name: str, what: str) -> str:
    """SQL that fails and names the value. It is never a constant: DuckDB would evaluate that before it reads a row."""
    return f"error('''' || left(cast({value} as varchar), 60) || ''' in column {name} {what}')"
