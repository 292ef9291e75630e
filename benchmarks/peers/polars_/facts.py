"""The facts in Polars: lazy queries over the raw store, a month at a time."""

from datetime import date
from pathlib import Path

import polars as pl

from benchmarks.peers.facts import HOURLY, TRIPS
from benchmarks.peers.polars_.feeds import days_of_files, in_month, published_trips
from benchmarks.peers.polars_.hours import minutes_taken, pickup_hour


def trips(raw: Path, feed: str, month: date, hours: pl.LazyFrame) -> pl.LazyFrame:
    """The trips of a month's file, without those that cannot have been."""
    first, end = days_of_files(month)
    distance, minutes = pl.col("trip_distance"), pl.col("trip_duration_minutes")
    is_refund = (pl.col("total_amount") < 0).fill_null(False)
    is_far = ((distance < 0) | (distance > 200)).fill_null(False)
    is_long = (minutes <= 0) | (minutes > 1440)
    is_fast = (pl.col("avg_speed_mph") > 100).fill_null(False)
    return (
        published_trips(raw, feed, month)
        .filter(in_month(month), pl.col("is_repeated_ride").fill_null(False).not_())
        .with_columns(pickup_hour=pickup_hour(first, end), trip_duration_minutes=minutes_taken(first, end))
        .filter(minutes.is_between(0, 30 * 1440))
        .with_columns(
            _known_zone("pickup_location_id"),
            _known_zone("dropoff_location_id"),
            pl.col("start_station_id", "end_station_id").fill_null("unknown"),
            avg_speed_mph=pl.when(distance > 0, minutes > 0).then(distance / (minutes / 60)),
            dropoff_date=pl.col("dropoff_datetime").dt.date(),
            dropoff_hour_of_day=pl.col("dropoff_datetime").dt.hour().cast(pl.Int32),
        )
        .with_columns(
            is_refund=is_refund,
            is_distance_outlier=is_far,
            is_duration_outlier=is_long,
            is_speed_outlier=is_fast,
            is_outlier=is_far | is_long | is_fast,
            is_sane=~(is_far | is_long | is_fast | is_refund),
        )
        .join(hours, on="pickup_hour", how="left")
        # The path says feed and month.
        .select(name for name in TRIPS if name not in ("feed", "source_month"))
    )


def hourly(trips: pl.LazyFrame, hours: pl.LazyFrame) -> pl.LazyFrame:
    """What happened in each hour of whole months, by type of trip."""
    sane = pl.col("is_sane")
    minutes = pl.col("trip_duration_minutes").filter(sane)
    count, day = pl.col("trip_count"), ["pickup_date", "trip_type"]
    rush_hour_count = pl.col("rush_hour_trip_count")
    return (
        trips.group_by("pickup_hour", "trip_type")
        .agg(
            trip_count=pl.len().cast(pl.Int64),
            sane_trip_count=sane.sum().cast(pl.Int64),
            refund_count=pl.col("is_refund").sum().cast(pl.Int64),
            total_passengers=_sum(pl.col("passenger_count").cast(pl.Int64)),
            total_revenue=_rounded(_sum(pl.col("total_amount")), 2),
            total_trip_distance_miles=_rounded(_sum(pl.col("trip_distance").filter(sane)), 4),
            total_trip_duration_hours=_rounded(_sum(minutes) / 60, 4),
            avg_trip_duration_minutes=_rounded(minutes.mean(), 4),
            median_trip_duration_minutes=minutes.median(),
        )
        .join(hours, on="pickup_hour", how="left")
        .with_columns(rush_hour_trip_count=pl.when("is_rush_hour").then(count).otherwise(0))
        .with_columns(
            mode_share_pct=100 * count / count.sum().over("pickup_hour"),
            rush_hour_share_pct=100 * rush_hour_count.sum().over(day) / count.sum().over(day),
        )
        .rename({"pickup_hour": "hour_timestamp"})
        # The path says the month.
        .select(name for name in HOURLY if name != "pickup_month")
    )


def _known_zone(name: str) -> pl.Expr:
    return pl.when(pl.col(name).is_between(1, 265)).then(name).otherwise(264).alias(name)


def _sum(values: pl.Expr) -> pl.Expr:
    """The sum, or null of none."""
    return pl.when(values.count() > 0).then(values.sum())


def _rounded(figure: pl.Expr, digits: int) -> pl.Expr:
    """Rounded twice, so that a sum in another order is the same figure."""
    return figure.round(digits + 5, "half_away_from_zero").round(digits, "half_away_from_zero")
