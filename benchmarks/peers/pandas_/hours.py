"""New York's hours: how long trips take while clocks change, what day it is, and the weather."""

from pathlib import Path

import pandas as pd

from benchmarks.peers.pandas_.feeds import DAY, TIME

HOLIDAYS = pd.read_csv(Path(__file__).parents[1] / "holidays.csv", parse_dates=["holiday"])["holiday"]
# What the clock in New York shows when it goes forward or back, and by how many minutes.
CLOCK_CHANGES = (
    (pd.Timestamp("2022-11-06 01:00"), -60),
    (pd.Timestamp("2023-03-12 02:00"), 60),
    (pd.Timestamp("2023-11-05 01:00"), -60),
    (pd.Timestamp("2024-03-10 02:00"), 60),
    (pd.Timestamp("2024-11-03 01:00"), -60),
    (pd.Timestamp("2025-03-09 02:00"), 60),
    (pd.Timestamp("2025-11-02 01:00"), -60),
)
HOUR = pd.Timedelta(hours=1)


def pickup_hour(pickup: pd.Series, first: pd.Timestamp, end: pd.Timestamp) -> pd.Series:
    """The hour that the clock showed, or should have shown: there is none from 2 to 3 when it goes forward."""
    hour = pickup.dt.floor("h")
    for at, minutes in CLOCK_CHANGES:
        if minutes > 0 and first < at < end:
            hour = hour.mask(hour == at, at + HOUR)
    return hour


def minutes_taken(pickup: pd.Series, dropoff: pd.Series, first: pd.Timestamp, end: pd.Timestamp) -> pd.Series:
    """How long trips took, also while the clock went forward or back; they begin between two days."""
    taken = (dropoff - pickup).dt.total_seconds() / 60
    for at, minutes in CLOCK_CHANGES:
        if first < at < end + pd.Timedelta(days=3):
            is_changed = (
                (pickup < at) & (dropoff >= at + HOUR) & (dropoff < pickup.dt.floor("D") + pd.Timedelta(days=3))
            )
            if minutes < 0:  # an hour is shown twice
                is_twice = pickup.between(at, at + HOUR, inclusive="left") & (dropoff >= at)
                is_changed |= is_twice & (dropoff < pickup)
            taken = taken.mask(is_changed, taken - minutes)
    return taken


def hours(raw: Path) -> pd.DataFrame:
    """What all trips of an hour share, of every hour that may have trips."""
    hour = pd.Series(pd.date_range("2022-11-01", "2026-01-01", freq="h", unit="us"))
    day, clock = hour.dt.normalize(), hour.dt.hour.astype("int32")
    is_weekend, is_holiday = hour.dt.day_of_week >= 5, day.isin(HOLIDAYS)
    is_working_day = ~is_weekend & ~is_holiday
    of_clock = pd.DataFrame(
        {
            "pickup_hour": hour.astype(TIME),
            "pickup_date": day.astype(TIME).astype(DAY),
            "pickup_month": hour.dt.to_period("M").dt.start_time.astype(TIME).astype(DAY),
            "pickup_hour_of_day": clock,
            "is_weekend": is_weekend,
            "is_holiday": is_holiday,
            "is_rush_hour": is_working_day & (clock.between(7, 9) | clock.between(17, 19)),
            "is_business_hours": is_working_day & clock.between(9, 16),
            "is_late_night": (clock >= 23) | (clock <= 4),
        }
    )
    of_hours = of_clock.merge(weather(raw), on="pickup_hour", how="left")
    return of_hours.assign(has_weather=of_hours["has_weather"].fillna(False))


def weather(raw: Path) -> pd.DataFrame:
    """The weather of the hours of New York's clock, the first of two that it shows twice."""
    rows = pd.read_parquet(raw / "weather", dtype_backend="pyarrow").sort_values("time")
    # Not as an Arrow type, which would be UTC again once it loses its zone.
    hour = (
        rows["time"]
        .astype("datetime64[us]")
        .dt.tz_localize("UTC")
        .dt.tz_convert("America/New_York")
        .dt.tz_localize(None)
    )
    # A file has one more day than its month, for UTC is ahead.
    is_of_file = hour.dt.strftime("%Y-%m") == rows["source_month"]
    celsius, rain, snow = rows["temperature_2m"], rows["precipitation"], rows["snowfall"]
    wind, is_rainless = rows["wind_speed_10m"], rows["precipitation"] == 0
    of_hours = pd.DataFrame(
        {
            "pickup_hour": hour.astype(TIME),
            "temperature_celsius": celsius,
            "precipitation_mm": rain,
            "snowfall_cm": snow,
            "wind_speed_ms": wind,
            "is_adverse_weather": (rain > 5) | (celsius < -5) | (celsius > 35) | (wind > 15) | (snow > 1),
            "is_pleasant_weather": celsius.between(15, 25) & is_rainless & (wind < 10) & (rows["cloud_cover"] < 50),
            "is_good_cycling_weather": celsius.between(10, 25) & is_rainless & (wind < 15),
            "is_rain": rows["rain"] > 0,
            "is_snow": snow > 0,
            "has_weather": True,
        }
    )
    return of_hours[is_of_file].drop_duplicates("pickup_hour")
