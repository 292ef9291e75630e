"""Columns of Arrow made without pandas are what `pa.array` makes."""

import subprocess
import sys
from datetime import datetime

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestion.readers.arrow_columns import numbers, texts, times_without_zone
from warehouse.paths import PROJECT_ROOT

INTEGERS = st.lists(st.none() | st.integers(-(2**63), 2**63 - 1))
DOUBLES = st.lists(st.none() | st.floats(allow_nan=False))
TEXTS = st.lists(st.none() | st.text())


@given(INTEGERS)
def test_integers_and_times(values: list[int | None]) -> None:
    for type_ in (pa.int64(), pa.timestamp("us")):
        made = numbers(values, type_)
        made.validate(full=True)
        assert made == pa.array(values, pa.int64()).cast(type_)


@given(DOUBLES)
def test_doubles(values: list[float | None]) -> None:
    made = numbers(values, pa.float64())
    made.validate(full=True)
    assert made == pa.array(values, pa.float64())


@given(st.lists(st.datetimes()))
def test_times(values: list[datetime]) -> None:
    assert times_without_zone(values) == pa.array(values, pa.timestamp("us"))


@given(TEXTS)
def test_texts(values: list[str | None]) -> None:
    made = texts(values)
    made.validate(full=True)
    assert made == pa.array(values, pa.string())


def test_what_is_no_number_of_64_bits_is_refused() -> None:
    with pytest.raises(OverflowError):
        numbers([2**63], pa.int64())


def test_pandas_is_not_imported() -> None:
    code = (
        "import sys; from ingestion.readers.arrow_columns import numbers, texts; import pyarrow as pa;"
        "pa.table({'a': numbers([1.5, None], pa.float64()), 'b': texts(['x', None])}); print('pandas' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", code], cwd=PROJECT_ROOT, capture_output=True, text=True, check=True)
    assert run.stdout == "False\n"
