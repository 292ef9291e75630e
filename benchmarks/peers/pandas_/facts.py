"""The facts in pandas, a month in memory at a time."""

from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.peers.facts import HOURLY, TRIPS
from benchmarks.peers.pandas_.feeds import DAY, days_of_files, published_trips
from benchmarks.peers.pandas_.hours import minutes_taken, pickup_hour

# What the hours take from trips.
OF_TRIPS = [
    "pickup_hour",
    "trip_type",
    "passenger_count",
    "trip_distance",
    "trip_duration_minutes",
    "total_amount",
    "is_refund",
    "is_sane",
]


def trips(raw: Path, feed: str, month: date, hours: pd.DataFrame) -> pd.DataFrame:
    """The trips of a month's file, without those that cannot have been."""
    first, end = days_of_files(month)
    made = published_trips(raw, feed, month)
    pickup, dropoff = made["pickup_datetime"], made["dropoff_datetime"]
    made["trip_duration_minutes"] = minutes_taken(pickup, dropoff, first, end)
    made["pickup_hour"] = pickup_hour(pickup, first, end)
    made = made[made["trip_duration_minutes"].between(0, 30 * 1440)].copy()
    distance, minutes = made["trip_distance"], made["trip_duration_minutes"]
    made["avg_speed_mph"] = distance.where((distance > 0) & (minutes > 0)) / (minutes / 60)
    for name in ("pickup_location_id", "dropoff_location_id"):
        made[name] = made[name].where(made[name].between(1, 265).fillna(False), 264)
    for name in ("start_station_id", "end_station_id"):
        made[name] = made[name].fillna("unknown")
    made["is_refund"] = (made["total_amount"] < 0).fillna(False)
    made["is_distance_outlier"] = ((distance < 0) | (distance > 200)).fillna(False)
    made["is_duration_outlier"] = (minutes <= 0) | (minutes > 1440)
    made["is_speed_outlier"] = (made["avg_speed_mph"] > 100).fillna(False)
    made["is_outlier"] = made["is_distance_outlier"] | made["is_duration_outlier"] | made["is_speed_outlier"]
    made["is_sane"] = ~made["is_outlier"] & ~made["is_refund"]
    made["dropoff_date"] = made["dropoff_datetime"].astype(DAY)
    made["dropoff_hour_of_day"] = made["dropoff_datetime"].dt.hour.astype("int32[pyarrow]")
    made["feed"], made["source_month"] = feed, month
    return made.astype({"source_month": DAY}).merge(hours, on="pickup_hour", how="left")[list(TRIPS)]


def hourly(trips: pd.DataFrame, hours: pd.DataFrame) -> pd.DataFrame:
    """What happened in each hour of a month, by type of trip."""
    is_sane = trips["is_sane"]
    measured = trips.assign(
        sane_distance=trips["trip_distance"].where(is_sane), sane_minutes=trips["trip_duration_minutes"].where(is_sane)
    )
    groups = measured.groupby(["pickup_hour", "trip_type"], sort=False)
    sums = groups[["passenger_count", "total_amount", "sane_distance", "sane_minutes"]].sum(min_count=1)
    made = pd.DataFrame(
        {
            "trip_count": groups.size(),
            "sane_trip_count": groups["is_sane"].sum(),
            "refund_count": groups["is_refund"].sum(),
            "total_passengers": sums["passenger_count"],
            "total_revenue": _rounded(sums["total_amount"], 2),
            "total_trip_distance_miles": _rounded(sums["sane_distance"], 4),
            "total_trip_duration_hours": _rounded(sums["sane_minutes"] / 60, 4),
            "avg_trip_duration_minutes": _rounded(groups["sane_minutes"].mean(), 4),
            "median_trip_duration_minutes": groups["sane_minutes"].median(),
        }
    )
    made = (
        made.reset_index().merge(hours, on="pickup_hour", how="left").rename(columns={"pickup_hour": "hour_timestamp"})
    )
    made["rush_hour_trip_count"] = made["trip_count"].where(made["is_rush_hour"], 0)
    made["mode_share_pct"] = 100 * made["trip_count"] / made.groupby("hour_timestamp")["trip_count"].transform("sum")
    of_day = made.groupby(["pickup_date", "trip_type"])[["rush_hour_trip_count", "trip_count"]].transform("sum")
    made["rush_hour_share_pct"] = 100 * of_day["rush_hour_trip_count"] / of_day["trip_count"]
    return made[list(HOURLY)]


def _rounded(figures: pd.Series, digits: int) -> pd.Series:
    """Rounded twice, so that a sum in another order is the same figure; halves go away from zero."""
    exact = figures.astype("float64").round(digits + 5)
    return np.sign(exact) * np.floor(exact.abs() * 10**digits + 0.5) / 10**digits
