"""The registry: every feed declared once.

The command line, the loader, the orchestration and the documentation of raw data all read it.
Adding a feed is one entry here and one staging model; a reader only if its file format is new.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Literal

Publisher = Literal["tlc", "citibike", "weather"]


class ColumnType(StrEnum):
    """Types of raw columns, spelled as DuckDB spells them."""

    INTEGER = "INTEGER"
    BIGINT = "BIGINT"
    DOUBLE = "DOUBLE"
    VARCHAR = "VARCHAR"
    TIMESTAMP = "TIMESTAMP"  # without zone, as published
    DATE = "DATE"


@dataclass(frozen=True)
class Column:
    """A published column as raw data keeps it.

    `name` is the raw name in snake_case. A published name matches it whatever its capitals and
    underscores: `PULocationID` and `PUlocationID` are both `pu_location_id`.
    """

    name: str
    type: ColumnType
    required: bool = False


@dataclass(frozen=True)
class FormerSchema:
    """Names that a feed's columns had in files of months before `until`, as pairs (published, raw).

    A pair is here where the meaning is the same. In those months only columns among these are required.
    """

    until: date
    raw_names: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Feed:
    """One series of files by one publisher, a file a month.

    `file_names` are the names a month's file may have below the publisher's base address, tried in
    order, with `{month}` for the month as a date. `event_time` is the raw column that says when a row
    happened. `first_day` is the first day with rows; the file of its month has no earlier ones.
    `publication_lag_days` counts from the month's end.
    """

    name: str
    publisher: Publisher
    raw_table: str
    file_names: tuple[str, ...]
    columns: tuple[Column, ...]
    event_time: str
    first_day: date
    publication_lag_days: int
    is_default: bool = True
    former_schema: FormerSchema | None = None

    @property
    def first_month(self) -> date:
        """The month of the first file."""
        return self.first_day.replace(day=1)


class UnknownSourceError(ValueError):
    """A name on the command line that is neither a feed nor an alias."""


# Columns that every raw table has besides the published ones.
PARTITION_COLUMNS = (
    Column("feed", ColumnType.VARCHAR, required=True),
    Column("source_month", ColumnType.DATE, required=True),
    Column("source_row", ColumnType.BIGINT, required=True),
)


def _columns(required: str, optional: str) -> tuple[Column, ...]:
    """Read `name:type` words; the types are i(nteger), d(ouble), s(tring) and t(imestamp)."""
    types = {
        "i": ColumnType.INTEGER,
        "d": ColumnType.DOUBLE,
        "s": ColumnType.VARCHAR,
        "t": ColumnType.TIMESTAMP,
    }
    return tuple(
        Column(name, types[letter], is_required)
        for words, is_required in ((required, True), (optional, False))
        for name, letter in (word.split(":") for word in words.split())
    )


_CITIBIKE_COLUMNS = _columns(
    required="ride_id:s rideable_type:s started_at:t ended_at:t start_station_name:s start_station_id:s"
    " end_station_name:s end_station_id:s start_lat:d start_lng:d end_lat:d end_lng:d member_casual:s",
    optional="",
)

# 2009 and 2010: places as coordinates instead of zones, codes as text, so that those are kept under other names.
_YELLOW_UNTIL_2011 = FormerSchema(
    until=date(2011, 1, 1),
    raw_names=(
        ("vendor_id", "vendor_name"),
        ("payment_type", "payment_type_name"),
        ("Trip_Pickup_DateTime", "tpep_pickup_datetime"),
        ("pickup_datetime", "tpep_pickup_datetime"),
        ("Trip_Dropoff_DateTime", "tpep_dropoff_datetime"),
        ("dropoff_datetime", "tpep_dropoff_datetime"),
        ("passenger_count", "passenger_count"),
        ("trip_distance", "trip_distance"),
        ("rate_code", "ratecode_id"),
        ("store_and_forward", "store_and_fwd_flag"),
        ("Fare_Amt", "fare_amount"),
        ("fare_amount", "fare_amount"),
        ("surcharge", "extra"),
        ("Tip_Amt", "tip_amount"),
        ("Tolls_Amt", "tolls_amount"),
        ("Total_Amt", "total_amount"),
        ("total_amount", "total_amount"),
    ),
)

_CITIBIKE_UNTIL_2021_02 = FormerSchema(
    until=date(2021, 2, 1),
    raw_names=(
        ("starttime", "started_at"),
        ("start time", "started_at"),
        ("stoptime", "ended_at"),
        ("stop time", "ended_at"),
        ("start station id", "start_station_id"),
        ("start station name", "start_station_name"),
        ("start station latitude", "start_lat"),
        ("start station longitude", "start_lng"),
        ("end station id", "end_station_id"),
        ("end station name", "end_station_name"),
        ("end station latitude", "end_lat"),
        ("end station longitude", "end_lng"),
        ("usertype", "member_casual"),
        ("user type", "member_casual"),
    ),
)

_FEEDS = (
    Feed(
        name="yellow",
        publisher="tlc",
        raw_table="yellow_taxi",
        file_names=("yellow_tripdata_{month:%Y-%m}.parquet",),
        columns=_columns(
            required="vendor_id:i tpep_pickup_datetime:t tpep_dropoff_datetime:t passenger_count:i"
            " trip_distance:d ratecode_id:i store_and_fwd_flag:s pu_location_id:i do_location_id:i payment_type:i"
            " fare_amount:d extra:d mta_tax:d tip_amount:d tolls_amount:d improvement_surcharge:d total_amount:d",
            optional="congestion_surcharge:d airport_fee:d cbd_congestion_fee:d",
        ),
        event_time="tpep_pickup_datetime",
        first_day=date(2009, 1, 1),
        publication_lag_days=61,
        former_schema=_YELLOW_UNTIL_2011,
    ),
    Feed(
        name="green",
        publisher="tlc",
        raw_table="green_taxi",
        file_names=("green_tripdata_{month:%Y-%m}.parquet",),
        columns=_columns(
            required="vendor_id:i lpep_pickup_datetime:t lpep_dropoff_datetime:t store_and_fwd_flag:s ratecode_id:i"
            " pu_location_id:i do_location_id:i passenger_count:i trip_distance:d fare_amount:d extra:d mta_tax:d"
            " tip_amount:d tolls_amount:d improvement_surcharge:d total_amount:d payment_type:i",
            optional="ehail_fee:d trip_type:i congestion_surcharge:d cbd_congestion_fee:d",
        ),
        event_time="lpep_pickup_datetime",
        first_day=date(2013, 8, 1),
        publication_lag_days=61,
    ),
    Feed(
        name="fhv",
        publisher="tlc",
        raw_table="fhv_taxi",
        file_names=("fhv_tripdata_{month:%Y-%m}.parquet",),
        columns=_columns(
            required="dispatching_base_num:s pickup_datetime:t dropoff_datetime:t pu_location_id:i do_location_id:i",
            optional="sr_flag:i affiliated_base_number:s",
        ),
        event_time="pickup_datetime",
        first_day=date(2015, 1, 1),
        publication_lag_days=61,
    ),
    Feed(
        name="hvfhv",
        publisher="tlc",
        raw_table="hvfhv_taxi",
        file_names=("fhvhv_tripdata_{month:%Y-%m}.parquet",),
        columns=_columns(
            required="hvfhs_license_num:s dispatching_base_num:s pickup_datetime:t dropoff_datetime:t"
            " pu_location_id:i do_location_id:i trip_miles:d trip_time:i base_passenger_fare:d tolls:d bcf:d"
            " sales_tax:d tips:d driver_pay:d",
            optional="originating_base_num:s request_datetime:t on_scene_datetime:t congestion_surcharge:d"
            " airport_fee:d shared_request_flag:s shared_match_flag:s access_a_ride_flag:s wav_request_flag:s"
            " wav_match_flag:s cbd_congestion_fee:d",
        ),
        event_time="pickup_datetime",
        first_day=date(2019, 2, 1),
        publication_lag_days=61,
        is_default=False,
    ),
    Feed(
        name="citibike",
        publisher="citibike",
        raw_table="citibike_trips",
        # Until 2023 also as archives of a year, with the months' zips in the zip.
        file_names=(
            "{month:%Y%m}-citibike-tripdata.zip",
            "{month:%Y%m}-citibike-tripdata.csv.zip",
            "{month:%Y}-citibike-tripdata.zip",
        ),
        columns=_CITIBIKE_COLUMNS,
        event_time="started_at",
        first_day=date(2013, 6, 1),
        publication_lag_days=14,
        former_schema=_CITIBIKE_UNTIL_2021_02,
    ),
    Feed(
        name="citibike_jc",
        publisher="citibike",
        raw_table="citibike_trips",
        # Some names are published with a slip: one without its second "i", one with a blank.
        file_names=(
            "JC-{month:%Y%m}-citibike-tripdata.csv.zip",
            "JC-{month:%Y%m}-citibike-tripdata.zip",
            "JC-{month:%Y%m}-citbike-tripdata.csv.zip",
            "JC-{month:%Y%m} citibike-tripdata.csv.zip",
        ),
        columns=_CITIBIKE_COLUMNS,
        event_time="started_at",
        first_day=date(2015, 9, 21),
        publication_lag_days=14,
        is_default=False,
        former_schema=_CITIBIKE_UNTIL_2021_02,
    ),
    Feed(
        name="weather",
        publisher="weather",
        raw_table="weather_hourly",
        file_names=("",),  # the address is the base address and a query
        columns=_columns(
            required="time:t temperature_2m:d relative_humidity_2m:d dew_point_2m:d apparent_temperature:d"
            " precipitation:d rain:d snowfall:d weather_code:i surface_pressure:d cloud_cover:d"
            " wind_speed_10m:d wind_direction_10m:d wind_gusts_10m:d",
            optional="",
        ),
        event_time="time",
        first_day=date(2009, 1, 1),
        publication_lag_days=7,
    ),
)

FEEDS: dict[str, Feed] = {feed.name: feed for feed in _FEEDS}

# What a name on the command line may stand for besides a feed of that name.
ALIASES: dict[str, tuple[str, ...]] = {"taxi": ("yellow", "green", "fhv")}

DEFAULT_SOURCES = "taxi,citibike,weather"


def resolve_sources(sources: str) -> list[Feed]:
    """Turn a comma-separated list of feeds and aliases into feeds, each once, in registry order.

    Raises:
        UnknownSourceError: a name is no feed and no alias, or the list names nothing.
    """
    names = [name.strip() for name in sources.split(",") if name.strip()]
    known = [*ALIASES, *FEEDS]
    unknown = [name for name in names if name not in known]
    if unknown or not names:
        what = f"unknown source {', '.join(map(repr, unknown))}" if unknown else "no source given"
        raise UnknownSourceError(f"{what}: expected a comma-separated list of {', '.join(known)}")
    wanted = {feed for name in names for feed in ALIASES.get(name, (name,))}
    return [feed for feed in _FEEDS if feed.name in wanted]


def raw_tables(feeds: Iterable[Feed] = _FEEDS) -> dict[str, tuple[Column, ...]]:
    """Map each raw table to its columns: the published ones, then `PARTITION_COLUMNS`."""
    return {feed.raw_table: feed.columns + PARTITION_COLUMNS for feed in feeds}
