"""Files that nobody should publish: each loads as what it says or fails clearly, and what was loaded stays."""

import io
import random
import re
import struct
import time
import zipfile
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ingestion.catalog import FEEDS
from ingestion.errors import UnreadableFileError
from ingestion.pipeline import Result, load_file
from ingestion.publishers import Downloaded
from tests.partitions import partition_of
from warehouse.ledger import Fingerprint

pytestmark = pytest.mark.usefixtures("made_tables")

MAY, JUNE = date(2025, 5, 1), date(2025, 6, 1)
GREEN, BIKES = "green_tripdata_2025-05.parquet", "202505-citibike-tripdata.zip"
RIDE = (
    "A1,classic_bike,2025-05-01 10:00:00,2025-05-01 10:20:00,"
    "E 47 St,6498.10,1 Ave,SYS035,40.75,-73.97,40.73,-73.98,member"
)
HEADER = (
    "ride_id,rideable_type,started_at,ended_at,start_station_name,start_station_id,"
    "end_station_name,end_station_id,start_lat,start_lng,end_lat,end_lng,member_casual"
)
DUCKDBS_ADVICE = re.compile(r"sample_size|ignore_errors|strict_mode|Candidate|Possible|LINE 1|read_csv|read_parquet")


@pytest.fixture
def load(database: Path, tmp_path: Path) -> Callable[..., Result]:
    """Load a file's content as a month of a feed, as the pipeline does once it is downloaded."""

    def load(feed: str, content: bytes, month: date = MAY) -> Result:
        name = (GREEN if feed == "green" else BIKES).replace("2025-05", f"{month:%Y-%m}")
        folder = tmp_path / f"{feed}-{month}-{random.random()}"
        folder.mkdir()
        path = folder / name.replace("202505", f"{month:%Y%m}")
        path.write_bytes(content)
        file = Downloaded(path, Fingerprint(f"http://localhost/{name}"), len(content))
        return load_file(partition_of(FEEDS[feed], month), file)

    return load


@pytest.fixture
def query(database: Path) -> Callable[[str], list[tuple[Any, ...]]]:
    def query(sql: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(database), read_only=True) as connection:
            return connection.execute(sql).fetchall()

    return query


def _green(**changed: pa.Array | None) -> bytes:
    """Three trips as Parquet, with some columns changed, added or (None) left out."""
    rows = 3
    columns: dict[str, Any] = {
        column.name: {
            "INTEGER": pa.array([1] * rows, pa.int32()),
            "DOUBLE": pa.array([1.5] * rows),
            "VARCHAR": pa.array(["N"] * rows),
            "TIMESTAMP": pa.array([datetime(2025, 5, 1, 10)] * rows, pa.timestamp("us")),
        }[column.type]
        for column in FEEDS["green"].columns
    }
    columns |= changed
    columns = {name: values for name, values in columns.items() if values is not None}
    return _parquet(list(columns), list(columns.values()))


def _parquet(names: Sequence[str], values: Sequence[pa.Array]) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(pa.Table.from_arrays(list(values), names=list(names)), buffer)
    return buffer.getvalue()


def _zip(*csvs: str | bytes, names: Iterable[str] = (), method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    names = list(names) or [f"{number}.csv" for number in range(len(csvs))]
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, csv in zip(names, csvs, strict=True):
            archive.writestr(name, csv)
    return buffer.getvalue()


def _rides(*rows: str, header: str = HEADER, end: str = "\n") -> str:
    return end.join((header, *rows)) + end


def _with(position: int, value: str) -> str:
    values = RIDE.split(",")
    values[position] = value
    return ",".join(values)


def _flipped(content: bytes, start: float = 0.3) -> bytes:
    """The file with some bytes in its middle turned over; its length and its directory are whole."""
    at = int(len(content) * start)
    return content[:at] + bytes(byte ^ 0xFF for byte in content[at : at + 8]) + content[at + 8 :]


def _encrypted(content: bytes) -> bytes:
    """The flag of an encrypted entry in both of its headers."""
    local, central = content.index(b"PK\x03\x04") + 6, content.index(b"PK\x01\x02") + 8
    changed = bytearray(content)
    changed[local] |= 1
    changed[central] |= 1
    return bytes(changed)


def _many_entries(count: int) -> bytes:
    """A zip with a directory of so many empty entries, which all lie in the same place."""
    about = struct.pack("<HHHHHLLLHH", 20, 0, 0, 0, 0x21, 0, 0, 0, 5, 0)
    local = b"PK\x03\x04" + about + b"a.csv"
    central = (b"PK\x01\x02" + struct.pack("<H", 20) + about + struct.pack("<HHHLL", 0, 0, 0, 0, 0) + b"a.csv") * count
    end = b"PK\x06\x06" + struct.pack("<QHHLLQQQQ", 44, 45, 45, 0, 0, count, count, len(central), len(local))
    locator = b"PK\x06\x07" + struct.pack("<LQL", 0, len(local) + len(central), 1)
    last = b"PK\x05\x06" + struct.pack("<HHHHLLH", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    return local + central + end + locator + last


MANY_RIDES = _rides(*(f"{number:08x}{RIDE[2:]}" for number in range(2000)))
HTML = b"<!DOCTYPE html><html><body>Maintenance</body></html>" * 3


@pytest.mark.parametrize(
    ("feed", "content", "came"),
    [
        ("citibike", _encrypted(_zip(_rides(RIDE))), "encrypted"),
        ("citibike", _flipped(_zip(MANY_RIDES)), "decompress|CRC"),
        ("citibike", _flipped(_zip(MANY_RIDES, method=zipfile.ZIP_LZMA)), "orrupt|CRC|LZMA"),
        ("citibike", _flipped(_zip(MANY_RIDES, method=zipfile.ZIP_BZIP2)), "nvalid|CRC"),
        ("citibike", _zip(MANY_RIDES)[:-500], "not a zip"),
        ("citibike", HTML, "DOCTYPE"),
        ("citibike", _rides(RIDE).encode(), "ride_id"),
        ("citibike", b"", "empty"),
        ("citibike", _zip(_zip(), names=["202505.zip"]), "202505.zip"),
        ("citibike", _zip(HTML, names=["202505-a.zip"]), "not a zip"),
        ("citibike", _zip("", names=["folder.csv/"]), r"folder\.csv"),
        ("citibike", _zip(""), "ride_id is missing"),
        ("citibike", _zip(_rides(RIDE).encode("utf-16")), "UTF-16"),
        ("citibike", _zip(_rides(_with(4, "Café")).encode("latin-1")), "encoding"),
        ("citibike", _zip(_rides(*[RIDE] * 5000, _with(4, "Café")).encode("latin-1")), "utf-8"),
        ("citibike", _zip(_rides(f"{RIDE},1", header=HEADER + "," + "x" * (1 << 20))), "letters"),
        ("citibike", _zip(_rides(RIDE, header=HEADER + "," + "x" * 300)), "a name is 'xxx"),
        ("citibike", _zip(_rides(RIDE, header=f"{HEADER},{','.join(f'c{n}' for n in range(10_000))}")), "10,013"),
        ("citibike", _zip(_rides(f"{RIDE},2", header=f"{HEADER},ride_id")), "ride_id is there 2 times"),
        ("citibike", _zip(_rides(f"{RIDE},2", header=f"{HEADER},Ride ID")), "ride_id is there 2 times"),
        ("citibike", _zip(_rides(f"{RIDE},2,3", header=f"{HEADER},new,NEW")), "new is there 2 times"),
        ("citibike", _zip(_rides(f"{RIDE},x")), "Found: 14"),
        ("citibike", _zip(_rides(RIDE, "A2,classic_bike")), "Found: 2"),
        ("citibike", _zip(_rides(_with(4, '"never closed'))), "quote"),
        ("citibike", _zip(f"{HEADER}\r\n{RIDE}\n{RIDE}\n"), "rows can be read|RFC 4180|line endings"),
        ("citibike", _zip(_rides(_with(8, "1e400"))), "start_lat is not a number"),
        ("citibike", _zip(_rides(_with(8, "inf"))), "start_lat is not a number"),
        ("citibike", _zip(_rides(_with(8, "1_0"))), "start_lat is not a number"),
        ("citibike", _zip(_rides(_with(8, '"40,75"'))), "40,75"),
        ("citibike", _zip(_rides(_with(2, "2025-05-01 10:00:00+00"))), "started_at is not a time without a zone"),
        ("citibike", _zip(_rides(_with(2, "2025-05-01T10:00:00Z"))), "started_at is not a time without a zone"),
        ("citibike", _zip(_rides(_with(2, "2025-05-01 10:00:00 America/New_York"))), "not a time without a zone"),
        ("citibike", _zip(_rides(_with(2, "2025-02-30 10:00:00"))), "started_at is not a time"),
        ("citibike", _zip(_rides(_with(2, "0005-05-01 10:00:00"))), "started_at is not a time"),
        ("citibike", _zip(_rides(_with(2, "infinity"))), "started_at is not a time"),
        ("green", _zip(_rides(RIDE)), "begins with b'PK"),
        ("green", HTML, "DOCTYPE"),
        ("green", b"", "empty"),
        ("green", b"PAR1" + b"\xff\xff\xff\xffPAR1", "4,294,967,295"),
        ("green", _green()[:-200], "broken off"),
        ("green", _flipped(_green(), 0.01), "expected"),
        ("green", _parquet([f"c{n}" for n in range(10_000)], [pa.array([1])] * 10_000), "5000|10,000"),
        ("green", _parquet([f"c{n}" for n in range(600)], [pa.array([1])] * 600), "600"),
        ("green", _green(extra=None, Extra=pa.array([[1]] * 3)), "INTEGER.*|BIGINT.*"),
        ("green", _green(Fare_Amount=pa.array([9.0] * 3)), "fare_amount is there 2 times"),
        ("green", _green(lpep_pickup_datetime=pa.array([0] * 3, pa.timestamp("us", "UTC"))), "WITH TIME ZONE"),
        ("green", _green(passenger_count=pa.array(["1", "1.5", "2"])), "'1.5' in column passenger_count is not"),
        ("green", _green(passenger_count=pa.array(["1", "1,000", "2"])), "'1,000' in column passenger_count"),
        ("green", _green(passenger_count=pa.array(["1", " 2", "2"])), "' 2' in column passenger_count"),
        ("green", _green(passenger_count=pa.array(["1", "0x1F", "2"])), "'0x1F' in column passenger_count"),
        ("green", _green(passenger_count=pa.array(["1", "9" * 15, "2"])), "9999"),
        ("green", _green(passenger_count=pa.array([1, 2**40, 2])), "out of range"),
        ("green", _green(passenger_count=pa.array([1, 1.5, 2])), "'1.5' in column passenger_count"),
        ("green", _green(total_amount=pa.array(["1", "1e400", "2"])), "'1e400' in column total_amount"),
        ("green", _green(total_amount=pa.array(["1", "Infinity", "2"])), "'Infinity' in column total_amount"),
    ],
)
def test_a_file_that_is_none_is_refused(load: Callable[..., Result], feed: str, content: bytes, came: str) -> None:
    begun = time.process_time()
    with pytest.raises(UnreadableFileError) as raised:
        load(feed, content)
    error = str(raised.value)
    assert error.startswith((GREEN, BIKES, f"{feed} 2025-05"))
    assert "expected" in error
    assert re.search(came, error), error
    assert re.search("[Ll]ook at|[Ll]oad the month|change the feed", error), error
    assert not DUCKDBS_ADVICE.search(error), error
    assert len(error) < 600, len(error)
    # Of computing, which other work on the machine does not add to.
    assert time.process_time() - begun < 30


@pytest.mark.parametrize("count", [2_000, 100_000, 1_000_000])
def test_zips_of_countless_entries_are_refused_at_once(load: Callable[..., Result], count: int) -> None:
    for content in (_many_entries(count), _zip(_many_entries(count), names=["202505.zip"])):
        begun = time.process_time()
        with pytest.raises(UnreadableFileError, match="1,000 entries"):
            load("citibike", content)
        assert time.process_time() - begun < 10


def test_decimals_with_fractions_are_no_integers(load: Callable[..., Result]) -> None:
    decimals = pa.array([1.0, 1.5, 2.0]).cast(pa.decimal128(5, 1))
    with pytest.raises(UnreadableFileError, match=r"'1\.5' in column passenger_count is not a whole number"):
        load("green", _green(passenger_count=decimals))
    assert load("green", _green(passenger_count=pa.array([1.0, 3.0, 2.0]).cast(pa.decimal128(5, 1)))).rows == 3


def test_nan_and_infinity_are_missing_values_and_counted(
    load: Callable[..., Result], query: Callable[[str], list[tuple[Any, ...]]]
) -> None:
    nan, inf = float("nan"), float("inf")
    result = load(
        "green",
        _green(
            total_amount=pa.array([nan, 1, inf]),
            passenger_count=pa.array([nan, 1, 2]),
            brand_new=pa.array([-inf, 1, None], pa.float32()),
        ),
    )
    assert result.note is not None
    assert "NaN and infinite values taken for missing: 1 of passenger_count, 2 of total_amount, 1 of brand_new" in (
        result.note
    )
    assert query("select total_amount, passenger_count, brand_new from raw_data.green_taxi order by source_row") == [
        (None, None, None),
        (1, 1, 1),
        (None, 2, None),
    ]


def test_words_for_missing_are_no_stations(
    load: Callable[..., Result], query: Callable[[str], list[tuple[Any, ...]]]
) -> None:
    rows = [_with(position, word) for position in (4, 5, 12) for word in ("NULL", r"\N", '"NULL"', "NA", "NaN", "")]
    load("citibike", _zip(_rides(*rows)))
    counts = "count(start_station_name), count(start_station_id), count(member_casual), count(*)"
    assert query(f"select {counts} from raw_data.citibike_trips") == [(12, 12, 12, 18)]


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("5/11/25", datetime(2025, 5, 11)),
        ("5/11/25 9:05", datetime(2025, 5, 11, 9, 5)),
        ("5/11/2025 09:05:01", datetime(2025, 5, 11, 9, 5, 1)),
        ("2025-05-11T09:05:01.250", datetime(2025, 5, 11, 9, 5, 1, 250000)),
    ],
)
def test_times_are_read_rightly(
    load: Callable[..., Result], query: Callable[[str], list[tuple[Any, ...]]], written: str, read: datetime
) -> None:
    load("citibike", _zip(_rides(_with(2, written))))
    assert query("select started_at from raw_data.citibike_trips") == [(read,)]


def test_columns_named_like_words_of_sql_or_like_ours_are_kept(
    load: Callable[..., Result], query: Callable[[str], list[tuple[Any, ...]]]
) -> None:
    added = ["order", "group", "source_row", "feed", "rowid", "_dlt_load_id", 'a"b', "x); drop table y; --"]
    header = HEADER + "," + ",".join('"' + name.replace('"', '""') + '"' for name in added)
    result = load("citibike", _zip(_rides(f"{RIDE},1,2,3,4,5,6,7,8", f"{RIDE},1,2,3,4,5,6,7,8", header=header)))
    assert "'feed' as feed_published" in (result.note or "")
    assert query(
        'select "order", "group", source_row_published, feed_published, rowid_published, dlt_load_id_published, a_b,'
        " source_row, feed from raw_data.citibike_trips order by source_row"
    ) == [("1", "2", "3", "4", "5", "6", "7", row, "citibike") for row in (0, 1)]


def test_parquet_columns_named_like_ours_are_kept(
    load: Callable[..., Result], query: Callable[[str], list[tuple[Any, ...]]]
) -> None:
    numbers = pa.array([7, 8, 9])
    load("green", _green(file_row_number=numbers, source_row=numbers, rowid=numbers, order=numbers))
    assert query(
        'select source_row, source_row_published, file_row_number_published, rowid_published, "order", feed'
        " from raw_data.green_taxi order by source_row"
    ) == [(row, row + 7, row + 7, row + 7, row + 7, "green") for row in range(3)]


def test_new_columns_of_every_type_are_kept(
    load: Callable[..., Result], query: Callable[[str], list[tuple[Any, ...]]]
) -> None:
    load("green", _green())
    added = {
        "a_struct": pa.array([{"a": 1, "b": ["x"]}] * 3),
        "a_list": pa.array([[1, 2]] * 3),
        "a_map": pa.array([[("k", 1)]] * 3, pa.map_(pa.string(), pa.int64())),
        "unsigned": pa.array([2**64 - 1] * 3, pa.uint64()),
        "money": pa.array([1.25] * 3).cast(pa.decimal128(10, 2)),
        "wide_money": pa.array([1] * 3, pa.decimal128(38, 0)),
        "a_time": pa.array([3600] * 3, pa.time32("s")),
        "a_date": pa.array([date(2025, 5, 1)] * 3),
        "bytes": pa.array([b"\xff\x00"] * 3),
        "flag": pa.array([True] * 3),
        "zoned": pa.array([0] * 3, pa.timestamp("us", "America/New_York")),
        "nothing": pa.nulls(3),
        "kind": pa.array(["x"] * 3).dictionary_encode(),
    }
    result = load("green", _green(**added), JUNE)
    assert result.rows == 3
    kept = query(f"select {', '.join(added)} from raw_data.green_taxi where source_month = date '2025-06-01'")
    assert kept == 3 * [
        (
            '{"a":1,"b":["x"]}', "[1,2]", '{"k":1}', str(2**64 - 1), 1.25, "1", "01:00:00", "2025-05-01", r"\xFF\x00",
            "true", "1970-01-01 00:00:00.000000+00", None, "x",
        )
    ]  # fmt: skip
    assert query("select count(*), count(a_list) from raw_data.green_taxi") == [(6, 3)]


def test_a_new_column_whose_type_changes_gets_a_second_one(
    load: Callable[..., Result], query: Callable[[str], list[tuple[Any, ...]]]
) -> None:
    load("green", _green(fee=pa.array([1, 2, 3])))
    result = load("green", _green(Fee=pa.array([1.5, 2, 3])), JUNE)
    assert "'fee' as fee_as_double" in (result.note or "")
    load("green", _green(FEE=pa.array([1.5, 2, 4])), JUNE)
    assert query("select sum(fee), sum(fee_as_double) from raw_data.green_taxi") == [(6, 7.5)]


def test_unnamed_columns_are_left_out_if_they_are_empty(
    load: Callable[..., Result], query: Callable[[str], list[tuple[Any, ...]]]
) -> None:
    assert load("citibike", _zip(_rides(f"{RIDE},", header=f"{HEADER},"))).note is None
    assert load("citibike", _zip(_rides(f",{RIDE}", header=f" ,{HEADER}"))).note is None
    result = load("citibike", _zip(_rides(f"5,{RIDE}, ", header=f',{HEADER},""')))
    assert result.note == (
        "kept columns that ingestion/mobility/citibike.py does not declare: unnamed_1 (VARCHAR), unnamed_15 (VARCHAR)"
    )
    assert query("select ride_id, unnamed_1, unnamed_15 from raw_data.citibike_trips") == [("A1", "5", " ")]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("inside", ["\n", "\r\n"])
def test_line_ends_between_quotes_lose_no_row(
    load: Callable[..., Result], query: Callable[[str], list[tuple[Any, ...]]], end: str, inside: str
) -> None:
    header = f'{HEADER},"two{inside}lines"'
    rows = [f'{RIDE},"1{inside}2"', "", f"{RIDE},3"]
    assert load("citibike", _zip(_rides(*rows, header=header, end=end))).rows == 2
    assert query("select two_lines from raw_data.citibike_trips order by source_row") == [(f"1{inside}2",), ("3",)]


def test_two_spellings_are_one_column_in_any_file(
    load: Callable[..., Result], query: Callable[[str], list[tuple[Any, ...]]]
) -> None:
    spelled = f"{HEADER},bikeid,tripduration", f"{HEADER},Bike ID,Trip Duration", f"{HEADER},bike_id,TripDuration"
    load("citibike", _zip(*(_rides(f"{RIDE},{n},{n}", header=header) for n, header in enumerate(spelled))))
    load("citibike", _zip(_rides(f"{RIDE},3,3", header=spelled[1])), JUNE)
    assert query("select list(bikeid order by bikeid), list(tripduration order by 1) from raw_data.citibike_trips") == [
        (["0", "1", "2", "3"], ["0", "1", "2", "3"])
    ]
    assert {name for (name, *_) in query("describe raw_data.citibike_trips")}.isdisjoint({"bike_id", "trip_duration"})


def test_where_two_spellings_are_there_already_the_first_is_filled(
    load: Callable[..., Result], database: Path, query: Callable[[str], list[tuple[Any, ...]]]
) -> None:
    load("citibike", _zip(_rides(f"{RIDE},1", header=f"{HEADER},bikeid")))
    with duckdb.connect(str(database)) as connection:
        connection.execute("alter table raw_data.citibike_trips add column bike_id varchar")
    load("citibike", _zip(_rides(f"{RIDE},2", header=f"{HEADER},Bike ID")), JUNE)
    assert query("select bikeid, bike_id from raw_data.citibike_trips order by 1") == [("1", None), ("2", None)]


def test_a_failed_load_leaves_the_raw_table_as_it_was(
    load: Callable[..., Result], query: Callable[[str], list[tuple[Any, ...]]]
) -> None:
    load("green", _green())
    before = query("describe raw_data.green_taxi"), query("from raw_data.green_taxi order by all")
    with pytest.raises(UnreadableFileError):
        load("green", _green(brand_new=pa.array([1, 2, 3]), passenger_count=pa.array(["1", "many", "2"])))
    assert (query("describe raw_data.green_taxi"), query("from raw_data.green_taxi order by all")) == before
    assert load("green", _green(brand_new=pa.array([1, 2, 3]))).rows == 3
    assert query("select sum(brand_new) from raw_data.green_taxi") == [(6,)]


@pytest.mark.parametrize("footer", [0, 10, 5000])
def test_a_message_does_not_name_a_folder_that_is_gone(
    load: Callable[..., Result], footer: int, tmp_path: Path
) -> None:
    with pytest.raises(UnreadableFileError) as raised:
        load("green", _green()[:-8] + struct.pack("<I", footer) + b"PAR1")
    assert GREEN in str(raised.value)
    assert str(tmp_path) not in str(raised.value)


def test_a_message_names_the_column_that_holds_what_cannot_be(load: Callable[..., Result]) -> None:
    with pytest.raises(UnreadableFileError, match="passenger_count"):
        load("green", _green(passenger_count=pa.array([1, 2, 1 << 40])))
    with pytest.raises(UnreadableFileError, match="start_lat"):
        load("citibike", _zip(_rides(_with(8, "forty"))))


def test_a_csv_whose_end_is_zero_bytes_is_not_loaded_as_the_rows_before(load: Callable[..., Result]) -> None:
    rides = _rides(RIDE, RIDE, RIDE).encode()
    end = len(rides) - 2 * len(RIDE) - 5
    with pytest.raises(UnreadableFileError, match="zero bytes"):
        load("citibike", _zip(rides[:end] + bytes(len(rides) - end)))
