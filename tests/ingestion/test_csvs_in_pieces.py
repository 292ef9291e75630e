"""CSVs of a zip that are read side by side, in pieces, have the rows that they have as a whole."""

import zipfile
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ingestion.catalog import FEEDS
from ingestion.errors import UnreadableFileError
from ingestion.file_loads import load_file
from ingestion.mobility.citibike import CITIBIKE
from ingestion.publishers import Downloaded
from ingestion.readers import csv_files, csv_pieces, zips
from tests.partitions import partition_of
from warehouse.ledger import Fingerprint

MAY = partition_of(FEEDS["citibike"], date(2025, 5, 1))
NAME = "202505-citibike-tripdata.zip"
HEADER = (
    "ride_id,rideable_type,started_at,ended_at,start_station_name,start_station_id,"
    "end_station_name,end_station_id,start_lat,start_lng,end_lat,end_lng,member_casual"
)


def _ride(number: int, station: str = "E 47 St", latitude: str = "40.75") -> str:
    times = f"2025-05-01 10:00:{number % 60:02},2025-05-01 10:20:00.250"
    return f"R{number},classic,{times},{station},6498.10,1 Ave,SYS035,{latitude},-73.97,40.73,-73.98,member"


def _quoted(line: str) -> str:
    return ",".join(f'"{value}"' for value in line.split(","))


def _write(folder: Path, *csvs: str) -> Path:
    path = folder / NAME
    with zipfile.ZipFile(path, "w") as archive:
        for number, csv in enumerate(csvs):
            archive.writestr(f"{number}.csv", csv)
    return path


def _in_pieces(patch: pytest.MonkeyPatch) -> None:
    """Have every CSV count as large, and be read in pieces of a few lines."""
    patch.setattr(csv_files, "MOST_BYTES_IN_MEMORY", 0)
    patch.setattr(csv_pieces, "_LEAST_LINES", 2)
    patch.setattr(csv_pieces, "_LEAST_SHARE_OF_PACKED", 0)
    patch.setattr(zips, "_CHUNK_BYTES", 90)


def _read(path: Path) -> tuple[list[Any], bool] | str:
    """The rows of a file and whether they were read in pieces to the end, as a loader reads them; or what is wrong."""
    with duckdb.connect() as connection:
        try:
            published = CITIBIKE.read(MAY, path, connection)
            try:
                rows = connection.execute(published.query).fetchall()
            except duckdb.Error as error:
                if published.otherwise is None:
                    raise published.file.wrong_values(error) from error
                rows = []
            if len(rows) != published.count:
                assert published.otherwise, "not every row was read"
                published = published.otherwise(connection)
                rows = connection.execute(published.query).fetchall()
            assert len(rows) == published.count
            position = [column.name for column in published.columns].index("ride_id")
            rows.sort(key=lambda row: row[-1])
            assert [row[-1] for row in rows] == list(range(len(rows)))
            assert all(row[position] for row in rows)
            return rows, bool(published.pieces)
        except UnreadableFileError as error:
            return str(error).split(" in column ")[-1]


_STATIONS = st.sampled_from(
    ["E 47 St", '"E 47 St, N"', '"a\nb"', '"a\r\nb"', '""', '"say ""x"""', "NULL", 'a"b', '"open']
)
_LATITUDES = st.sampled_from(["40.75", '"40.75"', "", "1_0", "inf", " 40.75", "40.75 ", "1e1", "0x1F", "true", "1e400"])
_ODD = st.builds(_ride, st.integers(0, 99), _STATIONS, _LATITUDES)
_PLAIN = st.builds(_ride, st.integers(0, 99))
_LINES = st.lists(st.one_of(_PLAIN, _PLAIN, _PLAIN, _PLAIN.map(_quoted), _ODD, st.just("")), max_size=9)


@st.composite
def _csvs(draw: st.DrawFn) -> str:
    header = draw(st.sampled_from([HEADER, HEADER, HEADER, _quoted(HEADER), HEADER.replace("ride_id", "Ride ID")]))
    end = draw(st.sampled_from(["\n", "\n", "\r\n"]))
    return end.join((header, *draw(_LINES))) + draw(st.sampled_from([end, end, ""]))


@settings(deadline=None, max_examples=80)
@given(st.lists(_csvs(), min_size=1, max_size=3))
@example(["\n".join([HEADER, *(_ride(number, '"a\nb"') for number in range(9))])])
def test_rows_are_the_same_in_pieces_and_as_a_whole(tmp_path_factory: pytest.TempPathFactory, csvs: list[str]) -> None:
    whole = _read(_write(tmp_path_factory.mktemp("whole"), *csvs))
    with pytest.MonkeyPatch.context() as patch:
        _in_pieces(patch)
        pieces = _read(_write(tmp_path_factory.mktemp("pieces"), *csvs))
    assert pieces == whole if isinstance(whole, str) else pieces[0] == whole[0]


@pytest.mark.parametrize("written", [str, _quoted], ids=["plain", "quoted"])
def test_large_csvs_are_read_in_pieces_one_after_the_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, written: type[str]
) -> None:
    _in_pieces(monkeypatch)
    csvs = ["\n".join([written(HEADER), *(written(_ride(n)) for n in range(start, start + 20))]) for start in (0, 20)]
    read = _read(_write(tmp_path, *csvs))
    assert not isinstance(read, str), read
    rows, has_pieces = read
    assert has_pieces
    assert [row[0] for row in rows] == [f"R{number}" for number in range(40)]
    assert len(list(tmp_path.glob("*.unpacked"))) > 10
    # Of so many pieces that DuckDB would take long to plan the statement, they are read otherwise.
    monkeypatch.setattr(csv_files, "_MOST_PIECES", 10)
    assert _read(_write(tmp_path, *csvs)) == (rows, False)


@pytest.mark.usefixtures("made_tables")
@pytest.mark.parametrize("has_blank_line", [False, True])
def test_nothing_is_left_of_pieces_that_were_loaded(
    tmp_path: Path, database: Path, monkeypatch: pytest.MonkeyPatch, has_blank_line: bool
) -> None:
    _in_pieces(monkeypatch)
    lines = [_ride(number) for number in range(40)]
    blank = "\n\n" if has_blank_line else "\n"
    csvs = ["\n".join([HEADER, *lines]) + blank, "\n".join(map(_quoted, [HEADER, *lines]))]
    path = _write(tmp_path, *csvs)
    assert load_file(MAY, Downloaded(path, Fingerprint("file"), path.stat().st_size)).rows == 80
    with duckdb.connect(str(database)) as connection:
        query = "select source_row, ride_id from raw_data.citibike_trips order by all"
        rows = connection.execute(query).fetchall()
    assert rows == [(number, f"R{number % 40}") for number in range(80)]
    assert list(tmp_path.glob("*.unpacked")) == []
