"""Short columns of Arrow from Python's values, without pandas.

`pa.array` imports pandas whatever it is given, if pandas is installed, to see whether that is a series. For the hours
of a month that takes a hundred times as long as the rest.
"""

from array import array
from calendar import timegm
from collections.abc import Sequence
from datetime import datetime

import pyarrow as pa

# What `array` calls the types of numbers that columns are made of.
_CODES = {pa.int64(): "q", pa.float64(): "d", pa.timestamp("us"): "q"}


def numbers(values: Sequence[int | float | None], type_: pa.DataType) -> pa.Array:
    """A column of 64-bit integers, doubles, or times as microseconds since 1970.

    Raises:
        OverflowError: an integer has more than 64 bits.
        TypeError: a value is of another type.
    """
    filled = array(_CODES[type_], [0 if value is None else value for value in values])
    return pa.Array.from_buffers(type_, len(values), [_validity(values), pa.py_buffer(filled)])


def times_without_zone(values: Sequence[datetime]) -> pa.Array:
    """A column of times in microseconds."""
    micros = [timegm(value.timetuple()) * 1_000_000 + value.microsecond for value in values]
    return numbers(micros, pa.timestamp("us"))


def texts(values: Sequence[str | None]) -> pa.Array:
    """A column of texts."""
    encoded = [b"" if value is None else value.encode() for value in values]
    offsets = array("i", [0])
    for text in encoded:
        offsets.append(offsets[-1] + len(text))
    buffers = [_validity(values), pa.py_buffer(offsets), pa.py_buffer(b"".join(encoded))]
    return pa.Array.from_buffers(pa.string(), len(values), buffers)


def _validity(values: Sequence[object]) -> pa.Buffer | None:
    """A bit for each value, the first the lowest: whether there is one. None where all are there."""
    if not any(value is None for value in values):
        return None
    bits = "".join("0" if value is None else "1" for value in reversed(values))
    return pa.py_buffer(int(bits, 2).to_bytes((len(values) + 7) // 8, "little"))
