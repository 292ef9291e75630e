"""Large CSVs in gzip, which are read in pieces: the rows are those of the whole, and what is wrong is named."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestion.arrivals import Arrival
from ingestion.file_loads import _steps
from ingestion.partitions import Partition
from ingestion.raw_loader import RawLoader
from ingestion.readers import csv_files, csv_pieces, gzips
from ingestion.readers.csvs import Lines
from ingestion.readers.published_file import PublishedFile
from tests.ingestion.bars_by_hand import BARS, HEADER, MONDAY, bar, in_gzip, refusal

pytestmark = pytest.mark.usefixtures("made_tables")


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
    path.write_bytes(in_gzip(content))
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
    contents = [in_gzip(HEADER + "".join(bar(f"T{n}", str(day + n / 8)) for n in range(50))) for day in range(3)]
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
        (bar(count="12.7"), "'12.7' in column transactions is not a whole number"),
        (bar(volume="inf"), "'inf' in column volume is not a number"),
        (bar(volume="1e400"), "'1e400' in column volume is not a number"),
        (bar(volume="1_0"), "'1_0' in column volume is not a number"),
        (bar(volume="many"), "'many' in column volume is not a number"),
        (bar().replace("10.5,", ""), "expected values of the types"),
    ],
)
def test_no_value_of_a_large_file_becomes_another_one(
    tmp_path: Path, database: Path, monkeypatch: pytest.MonkeyPatch, line: str, said: str
) -> None:
    monkeypatch.setattr(csv_files, "MOST_BYTES_IN_MEMORY", 100)
    assert said in refusal(tmp_path, in_gzip(HEADER + bar() + line + bar()))


def test_a_large_file_with_new_columns_keeps_them(
    tmp_path: Path, database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(csv_files, "MOST_BYTES_IN_MEMORY", 100)
    content = in_gzip(HEADER.replace("\n", ",vwap\n") + bar().replace("\n", ",1.5\n") * 9)
    _loaded(database, tmp_path / "files", [content, content])
    with duckdb.connect(str(database)) as connection:
        query = "select source_date::varchar, count(vwap) from raw_data.minute_aggs group by all order by all"
        assert connection.execute(query).fetchall() == [("2026-01-05", 9), ("2026-01-06", 9)]


def test_blank_lines_in_a_large_file_are_no_rows(
    tmp_path: Path, database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(csv_files, "MOST_BYTES_IN_MEMORY", 100)
    content = in_gzip(HEADER + bar("A") + "\n" + bar("B") + "\n\n")
    rows, failures = _loaded(database, tmp_path / "files", [content])
    assert failures == [None]
    assert [row[2] for row in rows] == ["A", "B"]


def test_after_a_large_file_rows_keep_their_order_again(
    tmp_path: Path, database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(csv_files, "MOST_BYTES_IN_MEMORY", 10_000)
    content = in_gzip(HEADER + "".join(bar(f"T{n}", str(n)) for n in range(2000)))
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
    text = HEADER + "".join(bar(f"T{n}", str(n)) for n in range(9))
    monkeypatch.setattr(csv_pieces, "_LEAST_LINES", text.count("\n"))
    monkeypatch.setattr(gzips, "_PIECE_BYTES", len(text))
    rows, failures = _loaded(database, tmp_path / "files", [in_gzip(text)])
    assert failures == [None]
    assert [row[1:] for row in rows] == [(n, f"T{n}", float(n)) for n in range(9)]


@pytest.mark.usefixtures("small_pieces")
def test_rows_of_all_pieces_have_their_position_in_the_file(tmp_path: Path, database: Path) -> None:
    content = in_gzip(HEADER + "".join(bar(f"T{n}", str(n)) for n in range(200)))
    rows, failures = _loaded(database, tmp_path / "files", [content, content])
    assert failures == [None, None]
    assert [row[1:] for row in rows] == [(n, f"T{n}", float(n)) for n in range(200)] * 2
    assert list(tmp_path.rglob("*.unpacked")) == []


@pytest.mark.usefixtures("small_pieces")
@pytest.mark.parametrize("ending", ["", ",vwap"])
def test_what_is_no_row_in_a_piece_is_none_in_the_whole(tmp_path: Path, database: Path, ending: str) -> None:
    """Also where the table gets a new column for it in the same transaction."""
    lines = [bar(f"T{n}", str(n)) for n in range(40)]
    lines.insert(20, "\n")
    text = (HEADER + "".join(lines)).replace("\n", f"{ending}\n").replace(f"\n{ending}\n", "\n\n")
    rows, failures = _loaded(database, tmp_path / "files", [in_gzip(text)])
    assert failures == [None]
    assert [row[1:] for row in rows] == [(n, f"T{n}", float(n)) for n in range(40)]


@pytest.mark.usefixtures("small_pieces")
def test_a_wrong_value_in_a_later_piece_is_named_and_nothing_is_loaded(tmp_path: Path, database: Path) -> None:
    content = in_gzip(HEADER + "".join(bar(f"T{n}") for n in range(40)) + bar(volume="many"))
    rows, failures = _loaded(database, tmp_path / "files", [in_gzip(HEADER + bar() * 40), content])
    assert "'many' in column volume is not a number" in str(failures[1])
    assert len(rows) == 40
    assert list(tmp_path.rglob("*.unpacked")) == []


@pytest.mark.usefixtures("small_pieces")
def test_pieces_of_many_files_that_are_read_ahead_are_the_same(tmp_path: Path, database: Path) -> None:
    """Where files are small, and what is in them is not."""
    text = HEADER + "".join(bar(f"T{n}", str(n)) for n in range(40))
    contents = [in_gzip(more) for more in (text, text + bar(volume="many"), text.replace("T9", "\nT9"), text)]
    rows, failures = _loaded(database, tmp_path / "files", contents, packed_bytes=1)
    assert "'many' in column volume is not a number" in str(failures[1])
    assert [failures[number] for number in (0, 2, 3)] == [None] * 3
    assert [row[1:] for row in rows] == [(n, f"T{n}", float(n)) for n in range(40)] * 3
    assert list(tmp_path.rglob("*.unpacked")) == []
