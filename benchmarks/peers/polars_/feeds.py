"""What the feeds publish, and the trips in it under the names that all feeds share."""

from calendar import monthrange
from datetime import date, timedelta
from pathlib import Path

import polars as pl

_TEXT, _TIME = pl.String(), pl.Datetime("us")
RIDES = {
    "ride_id": _TEXT,
    "rideable_type": _TEXT,
    "started_at": _TIME,
    "ended_at": _TIME,
    "start_station_name": _TEXT,
    "start_station_id": _TEXT,
    "end_station_name": _TEXT,
    "end_station_id": _TEXT,
    "start_lat": pl.Float64(),
    "start_lng": pl.Float64(),
    "end_lat": pl.Float64(),
    "end_lng": pl.Float64(),
    "member_casual": _TEXT,
}
MISSING = ["", "NULL", "null", r"\N", "NA", "NaN", "nan"]

# The columns of trips that come from the files; none has all of them.
PUBLISHED = pl.Schema(
    {
        "trip_type": pl.String(),
        "vendor_id": pl.Int32(),
        "rate_code_id": pl.Int32(),
        "payment_type_id": pl.Int32(),
        "license_number": pl.String(),
        "dispatching_base_number": pl.String(),
        "pickup_location_id": pl.Int32(),
        "dropoff_location_id": pl.Int32(),
        "start_station_id": pl.String(),
        "end_station_id": pl.String(),
        "bike_type": pl.String(),
        "rider_type": pl.String(),
        "passenger_count": pl.Int32(),
        "trip_distance": pl.Float64(),
        "fare_amount": pl.Float64(),
        "tip_amount": pl.Float64(),
        "tolls_amount": pl.Float64(),
        "congestion_surcharge": pl.Float64(),
        "cbd_congestion_fee": pl.Float64(),
        "airport_fee": pl.Float64(),
        "total_amount": pl.Float64(),
        "pickup_datetime": pl.Datetime("us"),
        "dropoff_datetime": pl.Datetime("us"),
        "is_repeated_ride": pl.Boolean(),
    }
)


def scan(feed: str, files: list[Path]) -> pl.LazyFrame:
    """The rows of published files."""
    if feed == "citibike":
        return pl.scan_csv(files, schema=RIDES, null_values=MISSING)
    return pl.scan_parquet(files)


def days_of_files(month: date) -> tuple[date, date]:
    """Trips in a month's files begin from the first of these days until before the second."""
    days = monthrange(month.year, month.month)[1]
    return month - timedelta(days=2), month + timedelta(days=days + 2)


def in_month(month: date) -> pl.Expr:
    """Whether a trip begins when those in a month's files do."""
    return pl.col("pickup_datetime").is_between(*days_of_files(month), closed="left")


def published_trips(raw: Path, feed: str, month: date) -> pl.LazyFrame:
    """The trips of a month's file with all columns of PUBLISHED; those that the feed lacks are null."""
    of_feed = FEEDS[feed](pl.scan_parquet(raw / feed / f"{month:%Y-%m}.parquet"), month)
    return (
        pl.concat([pl.LazyFrame(schema=PUBLISHED), of_feed], how="diagonal_relaxed").select(*PUBLISHED).cast(PUBLISHED)
    )


def _yellow(raw: pl.LazyFrame, month: date) -> pl.LazyFrame:
    names = {
        "vendorid": "vendor_id",
        "ratecodeid": "rate_code_id",
        "payment_type": "payment_type_id",
        "pulocationid": "pickup_location_id",
        "dolocationid": "dropoff_location_id",
        "tpep_pickup_datetime": "pickup_datetime",
        "tpep_dropoff_datetime": "dropoff_datetime",
    }
    return raw.rename(names).with_columns(trip_type=pl.lit("yellow_taxi"))


def _fhv(raw: pl.LazyFrame, month: date) -> pl.LazyFrame:
    return raw.select(
        "pickup_datetime",
        "dropoff_datetime",
        trip_type=pl.lit("fhv"),
        dispatching_base_number=pl.col("dispatching_base_num").str.strip_chars(" "),
        pickup_location_id="pulocationid",
        dropoff_location_id="dolocationid",
    )


def _citibike(raw: pl.LazyFrame, month: date) -> pl.LazyFrame:
    """Rides; a station without an id has that of the only one of its name in the month's files."""
    rides = raw.select(
        trip_type=pl.lit("citibike"),
        start_station_id=_station_id("start_station_id"),
        start_station_name=_text("start_station_name"),
        end_station_id=_station_id("end_station_id"),
        end_station_name=_text("end_station_name"),
        bike_type=_text("rideable_type"),
        rider_type=_text("member_casual").str.to_lowercase().replace({"subscriber": "member", "customer": "casual"}),
        is_repeated_ride=~_text("ride_id").is_first_distinct() & pl.col("ride_id").is_not_null(),
        pickup_datetime="started_at",
        dropoff_datetime="ended_at",
    )
    kept = rides.filter(in_month(month))
    starts, ends = (
        kept.select(name=f"{side}_station_name", id=f"{side}_station_id").drop_nulls().unique()
        for side in ("start", "end")
    )
    names = (
        pl.concat([starts, ends])
        .group_by("name")
        .agg(pl.col("id").min(), ids=pl.col("id").n_unique())
        .filter(pl.col("ids") == 1)
        .drop("ids")
    )
    for side in ("start", "end"):
        named_only = pl.when(pl.col(f"{side}_station_id").is_null()).then(f"{side}_station_name")
        rides = (
            rides.join(names, left_on=named_only, right_on="name", how="left")
            .with_columns(pl.col(f"{side}_station_id").fill_null(pl.col("id")))
            .drop("id")
        )
    return rides


FEEDS = {"yellow": _yellow, "fhv": _fhv, "citibike": _citibike}


def _text(name: str) -> pl.Expr:
    return pl.col(name).str.strip_chars(" ").replace("", None)


def _station_id(name: str) -> pl.Expr:
    """Its id; some files have lost the last zero of 6498.10."""
    return _text(name).str.replace(r"^(\d+\.\d)$", "${1}0")
