"""CSVs in gzip, read with the feed's types whatever is in them: nothing is guessed, rounded or lost."""

import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestion.readers.gzips import BrokenGzipError, unpacked_pieces
from tests.ingestion.bars_by_hand import BARS, HEADER, MONDAY, NINE_THIRTY, bar, in_gzip, refusal

pytestmark = pytest.mark.usefixtures("made_tables")


@contextmanager
def _read(folder: Path, content: bytes) -> Iterator[tuple[Any, duckdb.DuckDBPyConnection]]:
    """What the reader gives of a file, on a connection that can run its query."""
    path = folder / "2026-01-05.csv.gz"
    path.write_bytes(content)
    with duckdb.connect() as connection:
        yield BARS.publisher.read(MONDAY, path, connection), connection


def _rows(folder: Path, content: bytes, columns: str = "ticker, volume, window_start, transactions") -> list[Any]:
    with _read(folder, content) as (published, connection):
        rows = connection.execute(f"select {columns} from ({published.query}) order by source_row").fetchall()
        assert len(rows) == published.count
        return rows


def test_tickers_are_names_whatever_they_look_like(tmp_path: Path) -> None:
    tickers = ["NA", "TRUE", "NULL", "NAN", "nan", "INF", "1E5", "007", "BRK.A", "ABRpD", "N/A", "None"]
    rows = _rows(tmp_path, in_gzip(HEADER + "".join(map(bar, tickers))), "ticker")
    assert rows == [(ticker,) for ticker in tickers]


def test_volume_may_be_fractional_and_a_field_empty(tmp_path: Path) -> None:
    text = HEADER + bar(volume="100.125") + bar(volume="7") + bar(volume="", count="")
    assert _rows(tmp_path, in_gzip(text)) == [
        ("AAPL", 100.125, NINE_THIRTY, 3),
        ("AAPL", 7.0, NINE_THIRTY, 3),
        ("AAPL", None, NINE_THIRTY, None),
    ]


def test_a_ticker_that_is_empty_is_missing_and_kept(tmp_path: Path) -> None:
    assert _rows(tmp_path, in_gzip(HEADER + bar(ticker=""))) == [(None, 100.0, NINE_THIRTY, 3)]


def test_nanoseconds_are_kept_to_the_last_digit(tmp_path: Path) -> None:
    assert _rows(tmp_path, in_gzip(HEADER + bar(start="1767623400000000001")), "window_start")[0][0] % 10 == 1


def test_columns_may_come_in_any_order_and_spelling(tmp_path: Path) -> None:
    text = "Window_Start,TICKER,Transactions,VWAP,Volume\n5,NA,2,1.5,9.5\n"
    with _read(tmp_path, in_gzip(text)) as (published, connection):
        query = f"select ticker, volume, window_start, transactions, open, vwap, source_row from ({published.query})"
        assert connection.execute(query).fetchall() == [("NA", 9.5, 5, 2, None, "1.5", 0)]
        assert [column.name for column in published.new_columns] == ["vwap"]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (bar(count="12.7"), "'12.7' in column transactions is not a whole number"),
        (bar(count="1e3"), "'1e3' in column transactions is not a whole number"),
        (bar(count="1_000"), "'1_000' in column transactions is not a whole number"),
        (bar(start="9:30"), "'9:30' in column window_start is not a whole number"),
        (bar(volume="1_000"), "'1_000' in column volume is not a number"),
        (bar(volume="inf"), "'inf' in column volume is not a number"),
        (bar(volume="1e400"), "'1e400' in column volume is not a number"),
        (bar(volume="nan"), "'nan' in column volume is not a number"),
        (bar(volume="many"), "'many' in column volume is not a number"),
        (bar().replace("10.5,", ""), "expected values of the types"),
        (bar().replace("\n", ",1,2\n"), "expected values of the types"),
        ("\0" * 300, "it has zero bytes"),
    ],
)
def test_no_value_becomes_another_one(tmp_path: Path, database: Path, line: str, said: str) -> None:
    assert said in refusal(tmp_path, in_gzip(HEADER + bar() + line + bar()))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (HEADER.replace("ticker", "symbol") + bar(), "ticker is missing"),
        (HEADER.replace("open", "ticker") + bar(), "ticker is there 2 times"),
        ("", "ticker is missing"),
        ("PK\3\4 a zip, for once", "is missing"),
    ],
)
def test_another_header_is_refused(tmp_path: Path, database: Path, text: str, said: str) -> None:
    assert said in refusal(tmp_path, in_gzip(text))


def test_rows_that_are_no_lines_are_read_all_the_same(tmp_path: Path) -> None:
    text = HEADER + bar(ticker='"A ""B"", C"') + "\n" + bar() + bar().rstrip()
    assert [row[0] for row in _rows(tmp_path, in_gzip(text))] == ['A "B", C', "AAPL", "AAPL"]


def test_a_file_may_have_several_members_and_zeros_at_its_end(tmp_path: Path) -> None:
    members = in_gzip(HEADER + bar("A")) + in_gzip(bar("B")[:10]) + in_gzip(bar("B")[10:])
    assert [row[0] for row in _rows(tmp_path, members + bytes(512))] == ["A", "B"]


WHOLE = in_gzip(HEADER + bar() * 5000)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (WHOLE[: len(WHOLE) // 2], "it breaks off"),
        (WHOLE[:-8], "it breaks off"),
        (WHOLE[:2], "it breaks off"),
        (WHOLE[:-8] + bytes(8), "incorrect data check"),
        (WHOLE + b"and more", "incorrect header check"),
        (WHOLE[:100] + bytes([WHOLE[100] ^ 255]) + WHOLE[101:], "it cannot be unpacked"),
    ],
)
def test_what_is_not_whole_is_refused(tmp_path: Path, database: Path, content: bytes, said: str) -> None:
    message = refusal(tmp_path, content)
    assert "expected a whole file of gzip, but it cannot be unpacked" in message
    assert said in message


@pytest.mark.parametrize("count", [1, 2, 300])
def test_zeros_alone_are_not_gzip(tmp_path: Path, count: int) -> None:
    path = tmp_path / "zeros.gz"
    path.write_bytes(bytes(count))
    with pytest.raises(BrokenGzipError):
        list(unpacked_pieces(path))


def test_a_bomb_is_not_unpacked(tmp_path: Path, database: Path) -> None:
    bomb = in_gzip(HEADER + bar()) + in_gzip(b"0" * 1_000_000) * 130
    assert "expected at most 104,857,600 bytes when unpacked, but it has more" in refusal(tmp_path, bomb)
    assert sum(path.stat().st_size for path in tmp_path.rglob("*.unpacked")) < 110_000_000


@settings(deadline=None, max_examples=60)
@given(st.binary(max_size=3000), st.data())
def test_a_damaged_file_is_what_python_takes_it_for(
    tmp_path_factory: pytest.TempPathFactory, text: bytes, data: st.DataObject
) -> None:
    packed = bytearray(in_gzip(text) + in_gzip(text[::-1]))
    for _ in range(data.draw(st.integers(0, 2))):
        packed[data.draw(st.integers(0, len(packed) - 1))] = data.draw(st.integers(0, 255))
    packed = packed[: data.draw(st.integers(1, len(packed)))]
    path = tmp_path_factory.mktemp("damaged") / "file.gz"
    path.write_bytes(packed)
    try:
        expected: bytes | None = gzip.decompress(bytes(packed))
    except (EOFError, OSError, zlib.error):
        expected = None
    try:
        found: bytes | None = b"".join(unpacked_pieces(path))
    except BrokenGzipError:
        found = None
    assert found == expected
