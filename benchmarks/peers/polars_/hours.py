"""New York's hours: how long trips take while clocks change, what day it is, and the weather."""

from datetime import date, datetime, timedelta
from pathlib import Path

import polars as pl

HOLIDAYS = pl.read_csv(Path(__file__).parents[1] / "holidays.csv", try_parse_dates=True)["holiday"]
# What the clock in New York shows when it goes forward or back, and by how many minutes.
CLOCK_CHANGES = (
    (datetime.fromisoformat("2022-11-06 01:00"), -60),
    (datetime.fromisoformat("2023-03-12 02:00"), 60),
    (datetime.fromisoformat("2023-11-05 01:00"), -60),
    (datetime.fromisoformat("2024-03-10 02:00"), 60),
    (datetime.fromisoformat("2024-11-03 01:00"), -60),
    (datetime.fromisoformat("2025-03-09 02:00"), 60),
    (datetime.fromisoformat("2025-11-02 01:00"), -60),
)
HOUR = timedelta(hours=1)


def pickup_hour(first: date, end: date) -> pl.Expr:
    """The hour that the clock showed, or should have shown: there is none from 2 to 3 when it goes forward."""
    hour = pl.col("pickup_datetime").dt.truncate("1h")
    skipped = [at for at, minutes in CLOCK_CHANGES if minutes > 0 and first < at.date() < end]
    return pl.when(hour.is_in(skipped)).then(hour + HOUR).otherwise(hour) if skipped else hour


def minutes_taken(first: date, end: date) -> pl.Expr:
    """How long a trip took, also while the clock went forward or back."""
    pickup, dropoff = pl.col("pickup_datetime"), pl.col("dropoff_datetime")
    taken = (dropoff - pickup).dt.total_microseconds() / 60_000_000
    for at, minutes in CLOCK_CHANGES:
        if first < at.date() < end + timedelta(days=3):
            is_changed = (
                (pickup < at) & (dropoff >= at + HOUR) & (dropoff.dt.date() <= pickup.dt.date() + timedelta(days=2))
            )
            if minutes < 0:  # an hour is shown twice
                is_twice = [time.is_between(at, at + HOUR, closed="left") for time in (pickup, dropoff)]
                is_changed |= (dropoff < pickup) & is_twice[0] & is_twice[1]
            taken -= pl.when(is_changed).then(minutes).otherwise(0)
    return taken


def hours(raw: Path) -> pl.LazyFrame:
    """What all trips of an hour share, of every hour that may have trips."""
    hour = pl.col("pickup_hour")
    clock = hour.dt.hour().cast(pl.Int32)
    is_weekend = hour.dt.weekday() >= 6
    is_holiday = hour.dt.date().is_in(HOLIDAYS.implode())
    is_working_day = ~is_weekend & ~is_holiday
    return (
        pl.LazyFrame()
        .select(pickup_hour=pl.datetime_range(date(2022, 11, 1), date(2026, 1, 1), "1h", time_unit="us"))
        .with_columns(
            pickup_date=hour.dt.date(),
            pickup_month=hour.dt.date().dt.month_start(),
            pickup_hour_of_day=clock,
            is_weekend=is_weekend,
            is_holiday=is_holiday,
            is_rush_hour=is_working_day & (clock.is_between(7, 9) | clock.is_between(17, 19)),
            is_business_hours=is_working_day & clock.is_between(9, 16),
            is_late_night=(clock >= 23) | (clock <= 4),
        )
        .join(_weather(raw).with_columns(has_weather=True), on="pickup_hour", how="left")
        .with_columns(pl.col("has_weather").fill_null(False))
    )


def _weather(raw: Path) -> pl.LazyFrame:
    """The weather of the hours of New York's clock, the first of two that it shows twice."""
    hour = (
        pl.col("time").dt.replace_time_zone("UTC").dt.convert_time_zone("America/New_York").dt.replace_time_zone(None)
    )
    celsius, wind, rainless = pl.col("temperature_2m"), pl.col("wind_speed_10m"), pl.col("precipitation") == 0
    return (
        pl.scan_parquet(raw / "weather/*.parquet")
        .with_columns(pickup_hour=hour)
        # A file has one more day than its month, for UTC is ahead.
        .filter(pl.col("pickup_hour").dt.date().dt.month_start() == pl.col("source_month"))
        .sort("time")
        .unique("pickup_hour", keep="first", maintain_order=True)
        .select(
            "pickup_hour",
            temperature_celsius=celsius,
            precipitation_mm="precipitation",
            snowfall_cm="snowfall",
            wind_speed_ms=wind,
            is_adverse_weather=(pl.col("precipitation") > 5)
            | ~celsius.is_between(-5, 35)
            | (wind > 15)
            | (pl.col("snowfall") > 1),
            is_pleasant_weather=celsius.is_between(15, 25) & rainless & (wind < 10) & (pl.col("cloud_cover") < 50),
            is_good_cycling_weather=celsius.is_between(10, 25) & rainless & (wind < 15),
            is_rain=pl.col("rain") > 0,
            is_snow=pl.col("snowfall") > 0,
        )
    )
