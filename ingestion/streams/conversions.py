"""From values as Avro has them to columns of the raw table: the same value or an error, but never another value.

A column is converted as a whole. Only where that fails are its values looked at one by one, to tell which are bad.
"""

import base64
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from ingestion.feeds import ColumnType

# The years 1 to 9999, which every reader of the database can show, in microseconds and days.
EARLIEST_US, LATEST_US = -62_135_596_800_000_000, 253_402_300_799_999_000
_EARLIEST_DAY, _LATEST_DAY = -719_162, 2_932_896
# Decimals with more digits than a double holds are kept as text.
_DIGITS_OF_DOUBLE = 15
_US_IN = {"timestamp-millis": 1000, "timestamp-micros": 1, "timestamp-nanos": 0}


class BadValueError(ValueError):
    """A value that its column cannot hold. The message continues "expected"."""


@dataclass(frozen=True)
class Conversion:
    """How to convert a column. `duckdb_type` is what it is then.

    `prepare` makes of each value what `carrier` can hold, and `finish` of the whole column what it shall be.
    """

    duckdb_type: str
    carrier: pa.DataType
    prepare: Callable[[Any], Any] | None = None
    finish: Callable[[pa.Array], pa.Array] | None = None
    expected: str = ""

    def convert(self, values: Sequence[Any]) -> tuple[pa.Array, dict[int, str]]:
        """The column, and by position what was expected of each value that is bad; the column has null there."""
        try:
            return self._whole(values), {}
        except _ERRORS:
            pass
        good: list[Any] = list(values)
        bad = {}
        for position, value in enumerate(values):
            try:
                self._whole([value])
            except _ERRORS as error:
                good[position] = None
                bad[position] = str(error) if isinstance(error, BadValueError) else self.expected
        return self._whole(good), bad

    def _whole(self, values: Sequence[Any]) -> pa.Array:
        if self.prepare is not None:
            values = [value if value is None else self.prepare(value) for value in values]
        array = pa.array(values, self.carrier)
        return self.finish(array) if self.finish else array


_ERRORS = (pa.ArrowException, BadValueError, OverflowError, ValueError, TypeError, RecursionError)


def conversion_to(type_: ColumnType, written: Any) -> Conversion | None:
    """How a declared column is read from a type that a writer writes; None where they have nothing in common."""
    branches = _branches(written)
    if not branches:
        return _ALWAYS_NULL[type_]
    found = [_simple_conversion(type_, branch) for branch in branches]
    # The value does not say which branch of a union it is of, so that all must be read alike.
    return found[0] if all(each == found[0] for each in found) else None


def conversion_of(written: Any) -> Conversion:
    """How a field that the feed does not declare is kept: number, text or time; what is nested as JSON."""
    branches = _branches(written)
    for type_ in (ColumnType.BIGINT, ColumnType.DOUBLE, ColumnType.TIMESTAMP, ColumnType.DATE, ColumnType.VARCHAR):
        if branches and (found := conversion_to(type_, written)):
            return found
    if len(branches) == 1:
        kind, logical = _kind(branches[0])
        if (logical or "").removeprefix("local-") in _US_IN:
            return _TIMES[str(logical).removeprefix("local-")]
        if kind == "boolean":
            return _text("true or false", lambda value: "true" if value else "false")
        if kind in ("bytes", "fixed") and logical == "decimal":
            return _text("a decimal", lambda value: _decimal_text(value, branches[0]))
        if kind in ("bytes", "fixed"):
            return _text("bytes", _base64)
    return _text("values that JSON has", _json)


def _branches(written: Any) -> list[Any]:
    """The types that a field may have, but for null."""
    return [branch for branch in (written if isinstance(written, list) else [written]) if _kind(branch)[0] != "null"]


def _kind(written: Any) -> tuple[str, str | None]:
    """The name of a type, and its logical type."""
    if isinstance(written, dict):
        return str(written["type"]), written.get("logicalType")
    return (str(written), None) if isinstance(written, str) else ("union", None)


def _simple_conversion(type_: ColumnType, written: Any) -> Conversion | None:
    kind, logical = _kind(written)
    match type_:
        case ColumnType.INTEGER if kind == "int" and logical is None:
            return _INTEGER
        case ColumnType.BIGINT if kind in ("int", "long") and not _is_time(logical):
            return _BIGINT
        case ColumnType.DOUBLE if kind in ("int", "long", "float", "double") and logical is None:
            return _DOUBLE
        case ColumnType.DOUBLE if logical == "decimal" and 0 < written.get("precision", 0) <= _DIGITS_OF_DOUBLE:
            return _decimal(written)
        case ColumnType.VARCHAR if kind == "string":
            return _TEXT
        case ColumnType.VARCHAR if kind == "enum":
            return _enum(tuple(written["symbols"]))
        case ColumnType.TIMESTAMP if kind == "long" and logical in _US_IN:
            return _TIMES[logical]
        case ColumnType.DATE if kind == "int" and logical == "date":
            return _DATE
    return None


def _is_time(logical: str | None) -> bool:
    return (logical or "").startswith(("timestamp", "local-timestamp", "date"))


def _finite(array: pa.Array) -> pa.Array:
    if pc.all(pc.is_finite(array)).as_py() is False:
        raise BadValueError("a finite number")
    return array


def _within(array: pa.Array, least: int, most: int) -> None:
    extremes = pc.min_max(array)
    if extremes["min"].is_valid and not least <= extremes["min"].as_py() <= extremes["max"].as_py() <= most:
        raise BadValueError("a time in the years 1 to 9999")


def _times(us_in_one: int) -> Callable[[pa.Array], pa.Array]:
    """From numbers since the epoch to times; what is beyond µs is cut off."""

    def finish(array: pa.Array) -> pa.Array:
        if us_in_one:
            _within(array, EARLIEST_US // us_in_one, LATEST_US // us_in_one)
            return pc.multiply(array, us_in_one).cast(pa.timestamp("us"))
        return array.cast(pa.timestamp("ns")).cast(pa.timestamp("us"), safe=False)

    return finish


def _dates(array: pa.Array) -> pa.Array:
    _within(array, _EARLIEST_DAY, _LATEST_DAY)
    return array.cast(pa.date32())


def _text(expected: str, prepare: Callable[[Any], str]) -> Conversion:
    return Conversion("VARCHAR", pa.string(), prepare, expected=expected)


def _enum(symbols: tuple[str, ...]) -> Conversion:
    return Conversion("VARCHAR", pa.string(), _Symbols(symbols), expected="a symbol of the enum")


@dataclass(frozen=True)
class _Symbols:
    symbols: tuple[str, ...]

    def __call__(self, value: int) -> str:
        if not 0 <= value < len(self.symbols):
            raise BadValueError(f"one of the {len(self.symbols)} symbols of the enum")
        return self.symbols[value]


def _decimal(written: dict[str, Any]) -> Conversion:
    decimal = _Decimal(int(written["precision"]), int(written.get("scale") or 0))
    return Conversion("DOUBLE", pa.float64(), decimal, _finite, f"a decimal of {written['precision']} digits")


@dataclass(frozen=True)
class _Decimal:
    precision: int
    scale: int

    def __call__(self, value: bytes) -> float:
        unscaled = int.from_bytes(value[:32], "big", signed=True)
        if len(value) > 32 or abs(unscaled) >= 10**self.precision:
            raise BadValueError(f"a decimal of at most {self.precision} digits")
        return float(unscaled / 10**self.scale)


def _decimal_text(value: bytes, written: dict[str, Any]) -> str:
    if len(value) > 64:
        raise BadValueError("a decimal of at most 64 bytes")
    return f"{Decimal(int.from_bytes(value, 'big', signed=True)).scaleb(-int(written.get('scale') or 0)):f}"


def _base64(value: bytes) -> str:
    return base64.b64encode(value).decode()


def _json(value: Any) -> str:
    return json.dumps(value, default=_base64, allow_nan=False, ensure_ascii=False)


_INTEGER = Conversion("INTEGER", pa.int32(), expected="a whole number of 32 bits")
_BIGINT = Conversion("BIGINT", pa.int64(), expected="a whole number of 64 bits")
_DOUBLE = Conversion("DOUBLE", pa.float64(), None, _finite, "a number that a double holds")
_TEXT = Conversion("VARCHAR", pa.string(), expected="a text")
_DATE = Conversion("DATE", pa.int32(), None, _dates, "a date in the years 1 to 9999")
_TIMES = {
    logical: Conversion("TIMESTAMP", pa.int64(), None, _times(us), "a time in the years 1 to 9999")
    for logical, us in _US_IN.items()
}
_ALWAYS_NULL = {
    ColumnType.INTEGER: _INTEGER,
    ColumnType.BIGINT: _BIGINT,
    ColumnType.DOUBLE: _DOUBLE,
    ColumnType.VARCHAR: _TEXT,
    ColumnType.TIMESTAMP: _TIMES["timestamp-micros"],
    ColumnType.DATE: _DATE,
}
