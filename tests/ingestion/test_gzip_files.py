"""CSVs in gzip, read with the feed's types whatever is in them: nothing is guessed, rounded or lost."""

import gzip
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestion.arrivals import Arrival
from ingestion.catalog import FEEDS
from ingestion.errors import UnreadableFileError
from ingestion.file_loads import _steps, load_file
from ingestion.partitions import Partition
from ingestion.publishers import Downloaded
from ingestion.raw_loader import RawLoader
from ingestion.readers import csv_files, csv_pieces, gzips
from ingestion.readers.csvs import Lines
from ingestion.readers.gzips import BrokenGzipError, unpacked_pieces
from ingestion.readers.published_file import PublishedFile
from tests.partitions import partition_of
from warehouse.ledger import Fingerprint

pytestmark = pytest.mark.usefixtures("made_tables")

BARS = FEEDS["minute_aggs"]
MONDAY = partition_of(BARS, date(2026, 1, 5))
HEADER = "ticker,volume,open,close,high,low,window_start,transactions\n"
NINE_THIRTY = 1767623400000000000


def _line(ticker: str = "AAPL", volume: str = "100", start: str = str(NINE_THIRTY), count: str = "3") -> str:
    return f"{ticker},{volume},10.5,10.25,11,10,{start},{count}\n"


def _packed(text: str | bytes) -> bytes:
    return gzip.compress(text.encode() if isinstance(text, str) else text, mtime=0)


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


def _refusal(folder: Path, content: bytes) -> str:
    path = folder / "2026-01-05.csv.gz"
    path.write_bytes(content)
    with pytest.raises(UnreadableFileError) as refused:
        load_file(MONDAY, Downloaded(path, Fingerprint("file"), len(content)))
    message = str(refused.value)
    assert message.startswith("2026-01-05.csv.gz: expected ")
    assert len(message) < 600
    return message


def test_tickers_are_names_whatever_they_look_like(tmp_path: Path) -> None:
    tickers = ["NA", "TRUE", "NULL", "NAN", "nan", "INF", "1E5", "007", "BRK.A", "ABRpD", "N/A", "None"]
    rows = _rows(tmp_path, _packed(HEADER + "".join(map(_line, tickers))), "ticker")
    assert rows == [(ticker,) for ticker in tickers]


def test_volume_may_be_fractional_and_a_field_empty(tmp_path: Path) -> None:
    text = HEADER + _line(volume="100.125") + _line(volume="7") + _line(volume="", count="")
    assert _rows(tmp_path, _packed(text)) == [
        ("AAPL", 100.125, NINE_THIRTY, 3),
        ("AAPL", 7.0, NINE_THIRTY, 3),
        ("AAPL", None, NINE_THIRTY, None),
    ]


def test_a_ticker_that_is_empty_is_missing_and_kept(tmp_path: Path) -> None:
    assert _rows(tmp_path, _packed(HEADER + _line(ticker=""))) == [(None, 100.0, NINE_THIRTY, 3)]


def test_nanoseconds_are_kept_to_the_last_digit(tmp_path: Path) -> None:
    assert _rows(tmp_path, _packed(HEADER + _line(start="1767623400000000001")), "window_start")[0][0] % 10 == 1


def test_columns_may_come_in_any_order_and_spelling(tmp_path: Path) -> None:
    text = "Window_Start,TICKER,Transactions,VWAP,Volume\n5,NA,2,1.5,9.5\n"
    with _read(tmp_path, _packed(text)) as (published, connection):
        query = f"select ticker, volume, window_start, transactions, open, vwap, source_row from ({published.query})"
        assert connection.execute(query).fetchall() == [("NA", 9.5, 5, 2, None, "1.5", 0)]
        assert [column.name for column in published.new_columns] == ["vwap"]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (_line(count="12.7"), "'12.7' in column transactions is not a whole number"),
        (_line(count="1e3"), "'1e3' in column transactions is not a whole number"),
        (_line(count="1_000"), "'1_000' in column transactions is not a whole number"),
        (_line(start="9:30"), "'9:30' in column window_start is not a whole number"),
        (_line(volume="1_000"), "'1_000' in column volume is not a number"),
        (_line(volume="inf"), "'inf' in column volume is not a number"),
        (_line(volume="1e400"), "'1e400' in column volume is not a number"),
        (_line(volume="nan"), "'nan' in column volume is not a number"),
        (_line(volume="many"), "'many' in column volume is not a number"),
        (_line().replace("10.5,", ""), "expected values of the types"),
        (_line().replace("\n", ",1,2\n"), "expected values of the types"),
        ("\0" * 300, "it has zero bytes"),
    ],
)
def test_no_value_becomes_another_one(tmp_path: Path, database: Path, line: str, said: str) -> None:
    assert said in _refusal(tmp_path, _packed(HEADER + _line() + line + _line()))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (HEADER.replace("ticker", "symbol") + _line(), "ticker is missing"),
        (HEADER.replace("open", "ticker") + _line(), "ticker is there 2 times"),
        ("", "ticker is missing"),
        ("PK\3\4 a zip, for once", "is missing"),
    ],
)
def test_another_header_is_refused(tmp_path: Path, database: Path, text: str, said: str) -> None:
    assert said in _refusal(tmp_path, _packed(text))


def test_rows_that_are_no_lines_are_read_all_the_same(tmp_path: Path) -> None:
    text = HEADER + _line(ticker='"A ""B"", C"') + "\n" + _line() + _line().rstrip()
    assert [row[0] for row in _rows(tmp_path, _packed(text))] == ['A "B", C', "AAPL", "AAPL"]


def test_a_file_may_have_several_members_and_zeros_at_its_end(tmp_path: Path) -> None:
    members = _packed(HEADER + _line("A")) + _packed(_line("B")[:10]) + _packed(_line("B")[10:])
    assert [row[0] for row in _rows(tmp_path, members + bytes(512))] == ["A", "B"]


WHOLE = _packed(HEADER + _line() * 5000)


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
    message = _refusal(tmp_path, content)
    assert "expected a whole file of gzip, but it cannot be unpacked" in message
    assert said in message


def test_a_bomb_is_not_unpacked(tmp_path: Path, database: Path) -> None:
    bomb = _packed(HEADER + _line()) + _packed(b"0" * 1_000_000) * 130
    assert "expected at most 104,857,600 bytes when unpacked, but it has more" in _refusal(tmp_path, bomb)
    assert sum(path.stat().st_size for path in tmp_path.rglob("*.unpacked")) < 110_000_000


@settings(deadline=None, max_examples=60)
@given(st.binary(max_size=3000), st.data())
def test_a_damaged_file_is_what_python_takes_it_for(
    tmp_path_factory: pytest.TempPathFactory, text: bytes, data: st.DataObject
) -> None:
    packed = bytearray(_packed(text) + _packed(text[::-1]))
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


@settings(deadline=None)
@given(st.text('a"\r\n_,', max_size=40), st.integers(1, 5))
def test_lines_are_the_same_however_the_text_is_cut(text: str, length: int) -> None:
    content = text.encode()
    whole, cut = Lines(PublishedFile(MONDAY, Path("x"))), Lines(PublishedFile(MONDAY, Path("x")))
    if content:
        whole.add(content)
    for start in range(0, len(content), length):
        cut.add(content[start : start + length])
    assert (cut.rows, cut.has_underscore) == (whole.rows, whole.has_underscore)


@pytest.fixture
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files count as large from a few bytes on, and are read in pieces of a few lines."""
    monkeypatch.setattr(csv_files, "MOST_BYTES_IN_MEMORY", 100)
    monkeypatch.setattr(csv_pieces, "_LEAST_LINES", 3)
    monkeypatch.setattr(gzips, "_PIECE_BYTES", 70)


@settings(deadline=None)
@given(st.text("a\n", max_size=60), st.integers(1, 9), st.integers(1, 20))
def test_pieces_are_of_whole_lines_and_know_their_first_row(
    tmp_path_factory: pytest.TempPathFactory, text: str, least: int, length: int
) -> None:
    content = text.encode()
    path = tmp_path_factory.mktemp("pieces") / "file.csv.gz"
    path.write_bytes(_packed(content))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(csv_pieces, "_LEAST_LINES", least)
        patch.setattr(gzips, "_PIECE_BYTES", length)
        unpacked = csv_pieces.unpack_gzip(PublishedFile(MONDAY, path))
    assert unpacked.bytes == len(content)
    before = b""
    for piece in unpacked.pieces:
        assert before[-1:] in (b"", b"\n")
        assert piece.first_row == max(0, before.count(b"\n") - 1)
        before += piece.path.read_bytes()
    assert before == content
    whole = unpacked.joined()
    assert whole.read_bytes() == content
    assert list(path.parent.iterdir()) == [path, whole] or list(path.parent.iterdir()) == [whole, path]


def _loaded(
    database: Path,
    folder: Path,
    contents: list[bytes],
    afterwards: Callable[[duckdb.DuckDBPyConnection], None] = lambda _: None,
    packed_bytes: int = 10**9,
) -> tuple[list[Any], list[Exception | None]]:
    """Load files of days in a row in one run: the rows of the raw table, and what went wrong with each file."""
    failures: list[Exception | None] = []

    def arrival(number: int, content: bytes) -> Arrival:
        partition = Partition(BARS, BARS.period(f"2026-01-{number + 5:02}"))
        path = folder / f"{number}" / "bars.csv.gz"
        path.parent.mkdir(parents=True)
        path.write_bytes(content)
        prepare, read = _steps(partition, path)
        return Arrival(partition, packed_bytes, read, lambda *_: None, failures.append, prepare)

    with duckdb.connect(str(database)) as connection:
        arrivals = [arrival(number, content) for number, content in enumerate(contents)]
        assert RawLoader(connection, folder).load(arrivals) == []
        afterwards(connection)
        query = "select source_date, source_row, ticker, volume from raw_data.minute_aggs order by all"
        return connection.execute(query).fetchall(), failures


def test_large_files_are_the_same_as_small_ones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    contents = [_packed(HEADER + "".join(_line(f"T{n}", str(day + n / 8)) for n in range(50))) for day in range(3)]
    contents.insert(1, contents[0][:-9])
    small, failures = _loaded(tmp_path / "small.duckdb", tmp_path / "small", contents)
    assert len(small) == 150
    assert [failure is None for failure in failures] == [True, False, True, True]
    assert "it breaks off" in str(failures[1])
    monkeypatch.setattr(csv_files, "MOST_BYTES_IN_MEMORY", 500)
    large, failures = _loaded(tmp_path / "large.duckdb", tmp_path / "large", contents)
    assert large == small
    assert [failure is None for failure in failures] == [True, False, True, True]
    assert len(list((tmp_path / "large").rglob("*.unpacked"))) == 1, "what was unpacked is gone, but for the broken one"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (_line(count="12.7"), "'12.7' in column transactions is not a whole number"),
        (_line(volume="inf"), "'inf' in column volume is not a number"),
        (_line(volume="1e400"), "'1e400' in column volume is not a number"),
        (_line(volume="1_0"), "'1_0' in column volume is not a number"),
        (_line(volume="many"), "'many' in column volume is not a number"),
        (_line().replace("10.5,", ""), "expected values of the types"),
    ],
)
def test_no_value_of_a_large_file_becomes_another_one(
    tmp_path: Path, database: Path, monkeypatch: pytest.MonkeyPatch, line: str, said: str
) -> None:
    monkeypatch.setattr(csv_files, "MOST_BYTES_IN_MEMORY", 100)
    assert said in _refusal(tmp_path, _packed(HEADER + _line() + line + _line()))


def test_a_large_file_with_new_columns_keeps_them(
    tmp_path: Path, database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(csv_files, "MOST_BYTES_IN_MEMORY", 100)
    content = _packed(HEADER.replace("\n", ",vwap\n") + _line().replace("\n", ",1.5\n") * 9)
    _loaded(database, tmp_path / "files", [content, content])
    with duckdb.connect(str(database)) as connection:
        query = "select source_date::varchar, count(vwap) from raw_data.minute_aggs group by all order by all"
        assert connection.execute(query).fetchall() == [("2026-01-05", 9), ("2026-01-06", 9)]


def test_blank_lines_in_a_large_file_are_no_rows(
    tmp_path: Path, database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(csv_files, "MOST_BYTES_IN_MEMORY", 100)
    content = _packed(HEADER + _line("A") + "\n" + _line("B") + "\n\n")
    rows, failures = _loaded(database, tmp_path / "files", [content])
    assert failures == [None]
    assert [row[2] for row in rows] == ["A", "B"]


def test_after_a_large_file_rows_keep_their_order_again(
    tmp_path: Path, database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(csv_files, "MOST_BYTES_IN_MEMORY", 10_000)
    content = _packed(HEADER + "".join(_line(f"T{n}", str(n)) for n in range(2000)))
    settings_seen = []

    def settings(connection: duckdb.DuckDBPyConnection) -> None:
        query = "select current_setting('preserve_insertion_order')"
        settings_seen.extend(connection.execute(query).fetchall())

    rows, failures = _loaded(database, tmp_path / "files", [content, content], settings)
    assert failures == [None, None]
    assert [(position, ticker) for _, position, ticker, _ in rows[:2000]] == [(n, f"T{n}") for n in range(2000)]
    assert settings_seen == [(True,)]


@pytest.mark.usefixtures("small_pieces")
def test_the_last_piece_may_be_empty(tmp_path: Path, database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = HEADER + "".join(_line(f"T{n}", str(n)) for n in range(9))
    monkeypatch.setattr(csv_pieces, "_LEAST_LINES", text.count("\n"))
    monkeypatch.setattr(gzips, "_PIECE_BYTES", len(text))
    rows, failures = _loaded(database, tmp_path / "files", [_packed(text)])
    assert failures == [None]
    assert [row[1:] for row in rows] == [(n, f"T{n}", float(n)) for n in range(9)]


@pytest.mark.usefixtures("small_pieces")
def test_rows_of_all_pieces_have_their_position_in_the_file(tmp_path: Path, database: Path) -> None:
    content = _packed(HEADER + "".join(_line(f"T{n}", str(n)) for n in range(200)))
    rows, failures = _loaded(database, tmp_path / "files", [content, content])
    assert failures == [None, None]
    assert [row[1:] for row in rows] == [(n, f"T{n}", float(n)) for n in range(200)] * 2
    assert list(tmp_path.rglob("*.unpacked")) == []


@pytest.mark.usefixtures("small_pieces")
@pytest.mark.parametrize("ending", ["", ",vwap"])
def test_what_is_no_row_in_a_piece_is_none_in_the_whole(tmp_path: Path, database: Path, ending: str) -> None:
    """Also where the table gets a new column for it in the same transaction."""
    lines = [_line(f"T{n}", str(n)) for n in range(40)]
    lines.insert(20, "\n")
    text = (HEADER + "".join(lines)).replace("\n", f"{ending}\n").replace(f"\n{ending}\n", "\n\n")
    rows, failures = _loaded(database, tmp_path / "files", [_packed(text)])
    assert failures == [None]
    assert [row[1:] for row in rows] == [(n, f"T{n}", float(n)) for n in range(40)]


@pytest.mark.usefixtures("small_pieces")
def test_a_wrong_value_in_a_later_piece_is_named_and_nothing_is_loaded(tmp_path: Path, database: Path) -> None:
    content = _packed(HEADER + "".join(_line(f"T{n}") for n in range(40)) + _line(volume="many"))
    rows, failures = _loaded(database, tmp_path / "files", [_packed(HEADER + _line() * 40), content])
    assert "'many' in column volume is not a number" in str(failures[1])
    assert len(rows) == 40
    assert list(tmp_path.rglob("*.unpacked")) == []


@pytest.mark.usefixtures("small_pieces")
def test_pieces_of_many_files_that_are_read_ahead_are_the_same(tmp_path: Path, database: Path) -> None:
    """Where files are small, and what is in them is not."""
    text = HEADER + "".join(_line(f"T{n}", str(n)) for n in range(40))
    contents = [_packed(more) for more in (text, text + _line(volume="many"), text.replace("T9", "\nT9"), text)]
    rows, failures = _loaded(database, tmp_path / "files", contents, packed_bytes=1)
    assert "'many' in column volume is not a number" in str(failures[1])
    assert [failures[number] for number in (0, 2, 3)] == [None] * 3
    assert [row[1:] for row in rows] == [(n, f"T{n}", float(n)) for n in range(40)] * 3
    assert list(tmp_path.rglob("*.unpacked")) == []
