"""Published columns, whatever their capitals and types, become the registry's."""

import math
import re
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestion.catalog import FEEDS
from ingestion.errors import UnreadableFileError
from ingestion.feeds import Feed
from ingestion.readers.columns import Selection, select_columns
from ingestion.readers.published_file import PublishedFile
from tests.partitions import partition_of
from warehouse.sql import literal

FHV = FEEDS["fhv"]
NOW = date(2025, 1, 1)
PUBLISHED = {
    "dispatching_base_num": "VARCHAR",
    "pickup_datetime": "TIMESTAMP",
    "dropOff_datetime": "TIMESTAMP",
    "PUlocationID": "DOUBLE",
    "DOlocationID": "DOUBLE",
    "SR_Flag": "INTEGER",
    "Affiliated_base_number": "VARCHAR",
}


def _select(published: dict[str, str], feed: Feed = FHV, month: date = NOW) -> Selection:
    file = PublishedFile(partition_of(feed, month), Path("fhv_tripdata_2025-01.parquet"))
    return select_columns(file, published)


def _read(values: dict[str, str], feed: Feed = FHV, month: date = NOW) -> dict[str, object]:
    """One row of SQL values by published name, read as the feed's raw columns."""
    with duckdb.connect() as connection:
        source = "select " + ", ".join(f'{value} as "{name}"' for name, value in values.items())
        types = {name: type_ for name, type_, *_ in connection.execute(f"describe {source}").fetchall()}
        selection = _select(types, feed, month)
        row = connection.execute(f"select {selection.select_list} from ({source})").fetchall()[0]
        return dict(zip([column.name for column in selection.columns], row, strict=True))


def test_names_match_whatever_their_capitals_and_underscores() -> None:
    assert [column.name for column in _select(PUBLISHED).columns] == [
        "dispatching_base_num",
        "pickup_datetime",
        "dropoff_datetime",
        "pu_location_id",
        "do_location_id",
        "sr_flag",
        "affiliated_base_number",
    ]


def test_a_missing_required_column_is_named_with_its_file() -> None:
    published = {name: type_ for name, type_ in PUBLISHED.items() if name != "PUlocationID"}
    with pytest.raises(UnreadableFileError, match=r"fhv_tripdata_2025-01\.parquet.*pu_location_id is missing"):
        _select(published)


def test_two_columns_of_one_name_are_refused() -> None:
    with pytest.raises(UnreadableFileError, match="sr_flag is there 2 times"):
        _select({**PUBLISHED, "srFlag": "INTEGER"})


def test_types_are_the_registrys_and_what_it_does_not_know_is_kept() -> None:
    published = {**PUBLISHED, "newFee": "FLOAT", "Extra Count": "UTINYINT", "note": "BLOB"}
    del published["SR_Flag"]
    columns = ", ".join(f'null::{type_} as "{name}"' for name, type_ in published.items())
    selection = _select(published)
    relation = duckdb.connect().query(f"select {columns}").project(selection.select_list)
    expected = {column.name: column.type.value for column in FHV.columns}
    new = {"new_fee": "DOUBLE", "extra_count": "BIGINT", "note": "VARCHAR"}
    assert dict(zip(relation.columns, map(str, relation.types), strict=True)) == expected | new
    assert {column.name: column.type.value for column in selection.new_columns} == new


FHV_ROW = {
    "dispatching_base_num": "'B00001'",
    "pickup_datetime": "timestamp '2025-01-01 00:00:00'",
    "dropoff_datetime": "timestamp '2025-01-01 00:10:00'",
    "pulocationid": "264.0::double",
    "dolocationid": "null",
}


def test_whole_doubles_and_null_typed_columns_become_integers() -> None:
    row = _read(FHV_ROW)
    assert (row["pu_location_id"], row["do_location_id"], row["sr_flag"]) == (264, None, None)


@pytest.mark.parametrize("value", ["264.5::double", "'somewhere'", "1e300::double"])
def test_what_is_no_whole_number_is_an_error_and_not_rounded(value: str) -> None:
    with pytest.raises(duckdb.Error, match=r"not a whole number|Conversion|out of range"):
        _read(FHV_ROW | {"pulocationid": value})


def test_yellow_of_2009_is_read_by_the_names_it_had() -> None:
    row = _read(
        {
            "vendor_name": "'VTS'",
            "Trip_Pickup_DateTime": "'2009-01-04 02:52:00'",
            "Trip_Dropoff_DateTime": "'2009-01-04 03:02:00'",
            "Passenger_Count": "1::bigint",
            "Trip_Distance": "2.63",
            "Start_Lon": "-73.99",
            "Rate_Code": "null::double",
            "store_and_forward": "null::double",
            "Payment_Type": "'CASH'",
            "Fare_Amt": "8.9",
            "surcharge": "0.5",
            "mta_tax": "null::double",
            "Tip_Amt": "0.0",
            "Tolls_Amt": "0.0",
            "Total_Amt": "9.4",
        },
        FEEDS["yellow"],
        date(2009, 1, 1),
    )
    assert row["tpep_pickup_datetime"] == datetime(2009, 1, 4, 2, 52)
    assert (row["extra"], row["total_amount"], row["fare_amount"]) == (0.5, 9.4, 8.9)
    assert (row["payment_type"], row["payment_type_name"], row["vendor_name"]) == (None, "CASH", "VTS")
    assert (row["pu_location_id"], row["start_lon"]) == (None, -73.99)


def test_former_names_are_no_excuse_after_their_time() -> None:
    with pytest.raises(UnreadableFileError, match="tpep_pickup_datetime is missing"):
        _select({"Trip_Pickup_DateTime": "VARCHAR"}, FEEDS["yellow"], date(2011, 1, 1))


@pytest.mark.parametrize(
    ("published", "read"),
    [
        ("2013-07-01 00:00:05", datetime(2013, 7, 1, 0, 0, 5)),
        ("2018-01-01 13:50:57.4340", datetime(2018, 1, 1, 13, 50, 57, 434000)),
        ("9/1/2014 00:00:25", datetime(2014, 9, 1, 0, 0, 25)),
        ("1/1/2015 0:01", datetime(2015, 1, 1, 0, 1)),
    ],
)
def test_citibikes_former_columns_and_times(published: str, read: datetime) -> None:
    row = _read(
        {
            "tripduration": "'634'",
            "starttime": f"'{published}'",
            "stoptime": f"'{published}'",
            "start station id": "'164'",
            "start station name": "'E 47 St & 2 Ave'",
            "start station latitude": "'40.75'",
            "start station longitude": "'-73.97'",
            "end station id": "'504'",
            "end station name": "'1 Ave & E 16 St'",
            "end station latitude": "'40.73'",
            "end station longitude": "'-73.98'",
            "bikeid": "'16950'",
            "usertype": "'Customer'",
        },
        FEEDS["citibike"],
        date(2014, 9, 1),
    )
    assert (row["started_at"], row["ended_at"]) == (read, read)
    assert (row["start_station_id"], row["start_lat"], row["member_casual"]) == ("164", 40.75, "Customer")
    assert (row["ride_id"], row["bikeid"]) == (None, "16950")


NUMBERS = st.one_of(
    st.integers(-(10**25), 10**25).map(str),
    st.floats().map(str),
    st.decimals().map(str),
    st.text("0123456789+-.eE_, xXnaif", max_size=8),
)


def _meaning(text: str) -> Decimal | None:
    """The number that a text plainly is."""
    return Decimal(text) if re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", text.strip()) else None


@settings(deadline=None)
@given(text=NUMBERS, is_double=st.booleans())
def test_any_text_is_the_same_number_or_refused(text: str, is_double: bool) -> None:
    name = "trip_miles" if is_double else "trip_time"
    values = {c.name: "null" for c in FEEDS["hvfhv"].columns}
    try:
        row = _read(values | {name: literal(text)}, FEEDS["hvfhv"])
    except duckdb.Error:
        return
    number = _meaning(text)
    assert number is not None
    assert row[name] == (float(number) if is_double else number)


@settings(deadline=None)
@given(number=st.decimals(-(10**11), 10**11, places=2) | st.floats() | st.integers(-(2**63), 2**64 - 1))
def test_any_number_is_the_same_integer_or_refused_or_none(number: Decimal | float | int) -> None:
    values = {c.name: "null" for c in FEEDS["hvfhv"].columns}
    sql = f"{literal(str(number))}::double" if isinstance(number, float) else str(number)
    try:
        row = _read(values | {"trip_time": sql}, FEEDS["hvfhv"])
    except duckdb.Error:
        return
    assert row["trip_time"] == (number if math.isfinite(number) else None)
