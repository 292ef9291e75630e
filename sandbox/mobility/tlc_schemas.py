"""The columns, types and codec of the TLC's Parquet files, which change over the years.

Seen in published files:
- Yellow has columns of its own in 2009 and 2010. Its counts are double and the column is `airport_fee` until 2023-01;
  from 2023-02 they are int64 and `Airport_fee`.
- Fees have no type before they were charged. The congestion fee comes with 2025.
- Green has int64 ids, an `ehail_fee` without type and GZIP in 2020; int32, string and SNAPPY in 2024; large_string by
  late 2025.

The month in which a type changed is not always known. It is then put between the files seen; fhv and hvfhv change with
yellow.
"""

from dataclasses import dataclass
from datetime import date

import pyarrow as pa

_TYPES = {
    "i": pa.int32(),
    "l": pa.int64(),
    "d": pa.float64(),
    "s": pa.string(),
    "S": pa.large_string(),
    "t": pa.timestamp("us"),
    "0": pa.null(),
}

REWRITTEN = date(2023, 2, 1)
CONGESTION_FEE_FROM = date(2025, 1, 1)


@dataclass(frozen=True)
class TlcFormat:
    """How one month's file of a feed is published."""

    schema: pa.Schema
    codec: str
    row_group_rows: int = 1 << 20


def tlc_format(feed: str, month: date) -> TlcFormat:
    """The format of a month's file.

    Raises:
        ValueError: the TLC has no such feed.
    """
    match feed:
        case "yellow":
            return _yellow(month)
        case "green":
            return _green(month)
        case "fhv":
            return _fhv(month)
        case "hvfhv":
            return _hvfhv(month)
    raise ValueError(f"{feed!r} is not a feed of the TLC")


def _schema(columns: str) -> pa.Schema:
    words = (word.split(":") for word in columns.split())
    return pa.schema([(name, _TYPES[letter]) for name, letter in words])


def _congestion_fee(month: date) -> str:
    return " cbd_congestion_fee:d" if month >= CONGESTION_FEE_FROM else ""


_YELLOW_2009 = (
    "vendor_name:s Trip_Pickup_DateTime:s Trip_Dropoff_DateTime:s Passenger_Count:l Trip_Distance:d Start_Lon:d"
    " Start_Lat:d Rate_Code:d store_and_forward:d End_Lon:d End_Lat:d Payment_Type:s Fare_Amt:d surcharge:d"
    " mta_tax:d Tip_Amt:d Tolls_Amt:d Total_Amt:d"
)
_YELLOW_2010 = (
    "vendor_id:s pickup_datetime:s dropoff_datetime:s passenger_count:l trip_distance:d pickup_longitude:d"
    " pickup_latitude:d rate_code:s store_and_fwd_flag:s dropoff_longitude:d dropoff_latitude:d payment_type:s"
    " fare_amount:d surcharge:d mta_tax:d tip_amount:d tolls_amount:d total_amount:d"
)


def _yellow(month: date) -> TlcFormat:
    if month.year < 2011:
        return TlcFormat(_schema(_YELLOW_2009 if month.year == 2009 else _YELLOW_2010), "snappy")
    # Columns of fees that were not charged yet have no type.
    surcharge = "d" if month >= date(2019, 1, 1) else "0"
    airport_fee = "d" if month >= date(2021, 1, 1) else "0"
    is_new = month >= REWRITTEN
    identifier, count, text, airport = ("i", "l", "S", "Airport") if is_new else ("l", "d", "s", "airport")
    columns = (
        f"VendorID:{identifier} tpep_pickup_datetime:t tpep_dropoff_datetime:t passenger_count:{count}"
        f" trip_distance:d RatecodeID:{count} store_and_fwd_flag:{text} PULocationID:{identifier}"
        f" DOLocationID:{identifier} payment_type:l fare_amount:d extra:d mta_tax:d tip_amount:d tolls_amount:d"
        f" improvement_surcharge:d total_amount:d congestion_surcharge:{surcharge}"
        f" {airport}_fee:{airport_fee}{_congestion_fee(month)}"
    )
    return TlcFormat(_schema(columns), "zstd" if is_new else "snappy")


def _green(month: date) -> TlcFormat:
    if month < REWRITTEN:
        identifier, count, text, ehail, codec = "l", "d", "s", "0", "gzip"
    elif month < CONGESTION_FEE_FROM:
        identifier, count, text, ehail, codec = "i", "d", "s", "d", "snappy"
    else:
        identifier, count, text, ehail, codec = "i", "d", "S", "d", "zstd"
    columns = (
        f"VendorID:{identifier} lpep_pickup_datetime:t lpep_dropoff_datetime:t store_and_fwd_flag:{text}"
        f" RatecodeID:{count} PULocationID:{identifier} DOLocationID:{identifier} passenger_count:{count}"
        " trip_distance:d fare_amount:d extra:d mta_tax:d tip_amount:d tolls_amount:d"
        f" ehail_fee:{ehail} improvement_surcharge:d total_amount:d payment_type:{count} trip_type:{count}"
        f" congestion_surcharge:d{_congestion_fee(month)}"
    )
    return TlcFormat(_schema(columns), codec)


def _fhv(month: date) -> TlcFormat:
    is_new = month >= REWRITTEN
    zone, text = ("i", "S") if is_new else ("d", "s")
    columns = (
        f"dispatching_base_num:{text} pickup_datetime:t dropOff_datetime:t PUlocationID:{zone}"
        f" DOlocationID:{zone} SR_Flag:i Affiliated_base_number:{text}"
    )
    return TlcFormat(_schema(columns), "zstd" if is_new else "snappy")


def _hvfhv(month: date) -> TlcFormat:
    is_new = month >= REWRITTEN
    zone, text = ("i", "S") if is_new else ("l", "s")
    columns = (
        f"hvfhs_license_num:{text} dispatching_base_num:{text} originating_base_num:{text} request_datetime:t"
        f" on_scene_datetime:t pickup_datetime:t dropoff_datetime:t PULocationID:{zone} DOLocationID:{zone}"
        " trip_miles:d trip_time:l base_passenger_fare:d tolls:d bcf:d sales_tax:d congestion_surcharge:d"
        f" airport_fee:d tips:d driver_pay:d shared_request_flag:{text} shared_match_flag:{text}"
        f" access_a_ride_flag:{text} wav_request_flag:{text} wav_match_flag:{text}{_congestion_fee(month)}"
    )
    return TlcFormat(_schema(columns), "zstd" if is_new else "snappy")
