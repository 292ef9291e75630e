"""The metric and the dashboards' queries in pandas; `metric.sql` and `queries.sql` say them in SQL."""

from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd

IN_DECEMBER = ("pickup_month", "==", date(2024, 12, 1))


def _read(fact: Path, *columns: str, filters: Any = None) -> pd.DataFrame:
    return pd.read_parquet(fact, columns=list(columns), filters=filters, dtype_backend="pyarrow")


def _months(first: date, last: date) -> list[tuple[str, str, date]]:
    return [("pickup_month", ">=", first), ("pickup_month", "<=", last)]


def revenue_per_mile(trips: Path, hourly: Path) -> pd.DataFrame:
    """Revenue per mile by month and type of trip."""
    rows = _read(trips, "pickup_month", "trip_type", "is_sane", "total_amount", "trip_distance")
    counts = rows["is_sane"] & (rows["total_amount"] > 0) & rows["trip_distance"].notna()
    measures = rows[["total_amount", "trip_distance"]].where(counts)
    sums = measures.groupby([rows["pickup_month"], rows["trip_type"]]).sum(min_count=1)
    return (sums["total_amount"] / sums["trip_distance"]).rename("revenue_per_mile").reset_index()


def overview(trips: Path, hourly: Path) -> pd.DataFrame:
    rows = _read(hourly, "pickup_month", "trip_type", "trip_count", "total_revenue")
    return _trips_and_revenue(rows, ["pickup_month", "trip_type"])


def by_day(trips: Path, hourly: Path) -> pd.DataFrame:
    wanted = [*_months(date(2024, 11, 1), date(2024, 12, 1)), ("trip_type", "in", ["yellow_taxi", "citibike"])]
    rows = _read(hourly, "pickup_date", "trip_type", "trip_count", "total_revenue", filters=wanted)
    return _trips_and_revenue(rows, ["pickup_date", "trip_type"])


def figures(trips: Path, hourly: Path) -> pd.DataFrame:
    wanted = [("pickup_date", ">=", date(2024, 10, 1)), ("pickup_date", "<=", date(2024, 12, 31))]
    rows = _read(trips, "total_amount", "trip_duration_minutes", "is_sane", filters=wanted)
    fare = rows["total_amount"]
    return pd.DataFrame(
        {
            "trips": [len(rows)],
            "revenue": [fare.sum()],
            "avg_fare": [fare[fare > 0].mean()],
            "avg_duration": [rows["trip_duration_minutes"][rows["is_sane"]].mean()],
        }
    )


def week(trips: Path, hourly: Path) -> pd.DataFrame:
    wanted = _months(date(2024, 1, 1), date(2024, 12, 1))
    rows = _read(hourly, "hour_timestamp", "pickup_date", "pickup_hour_of_day", "trip_count", filters=wanted)
    weekday = rows["hour_timestamp"].dt.day_of_week + 1
    groups = rows.groupby([weekday.rename("weekday"), "pickup_hour_of_day"])
    per_hour = groups["trip_count"].sum() / groups["hour_timestamp"].nunique()
    return per_hour.rename("trips_per_hour").reset_index()


def hour_profile(trips: Path, hourly: Path) -> pd.DataFrame:
    measures = ["avg_speed_mph", "trip_duration_minutes"]
    rows = _read(trips, "pickup_hour_of_day", "trip_type", "is_sane", *measures)
    groups = rows[measures].where(rows["is_sane"]).groupby([rows["pickup_hour_of_day"], rows["trip_type"]])
    means = groups.mean().rename(columns={"avg_speed_mph": "avg_speed", "trip_duration_minutes": "avg_duration"})
    return groups.size().rename("trips").to_frame().join(means).reset_index()


def weather_by_day(trips: Path, hourly: Path) -> pd.DataFrame:
    columns = ["hour_timestamp", "pickup_date", "trip_count", "temperature_celsius", "precipitation_mm"]
    rows = _read(hourly, *columns, filters=_months(date(2024, 10, 1), date(2024, 12, 1)))
    hours = rows.groupby(["hour_timestamp", "pickup_date"]).agg(
        trips=("trip_count", "sum"),
        temperature=("temperature_celsius", "max"),
        precipitation=("precipitation_mm", "max"),
    )
    days = hours.groupby("pickup_date").agg({"trips": "sum", "temperature": "mean", "precipitation": "sum"})
    return days.reset_index()


def zones(trips: Path, hourly: Path) -> pd.DataFrame:
    rows = _read(trips, "pickup_location_id", "total_amount", filters=[IN_DECEMBER, ("trip_type", "!=", "citibike")])
    fare = rows["total_amount"]
    groups = fare.where(fare > 0).groupby(rows["pickup_location_id"])
    return groups.agg(trips="size", avg_fare="mean").reset_index()


def from_zone(trips: Path, hourly: Path) -> pd.DataFrame:
    wanted = [IN_DECEMBER, ("trip_type", "!=", "citibike"), ("pickup_location_id", "==", 132)]
    rows = _read(trips, "dropoff_location_id", filters=wanted)
    counts = rows.groupby("dropoff_location_id").size().rename("trips").reset_index()
    return counts.sort_values(["trips", "dropoff_location_id"], ascending=[False, True]).head(20)


def stations(trips: Path, hourly: Path) -> pd.DataFrame:
    wanted = [IN_DECEMBER, ("trip_type", "==", "citibike")]
    rows = _read(trips, "start_station_id", "end_station_id", filters=wanted)
    counts = {"departures": rows["start_station_id"].value_counts(), "arrivals": rows["end_station_id"].value_counts()}
    made = pd.DataFrame(counts).fillna(0).astype("int64").rename_axis("station_id").sort_index().reset_index()
    return made.assign(balance=made["arrivals"] - made["departures"])


def weather_effect(trips: Path, hourly: Path) -> pd.DataFrame:
    conditions = ["is_rain", "is_snow", "is_adverse_weather", "is_pleasant_weather", "is_sane"]
    rows = _read(trips, "trip_type", "trip_duration_minutes", *conditions, filters=[("has_weather", "==", True)])
    minutes = rows["trip_duration_minutes"].where(rows["is_sane"])
    measures = pd.DataFrame(
        {
            "trip_type": rows["trip_type"],
            "rain_rate": rows["is_rain"].fillna(False).astype("double[pyarrow]"),
            "snow_rate": rows["is_snow"].fillna(False).astype("double[pyarrow]"),
            "avg_duration_adverse": minutes.where(rows["is_adverse_weather"].fillna(False)),
            "avg_duration_pleasant": minutes.where(rows["is_pleasant_weather"].fillna(False)),
        }
    )
    groups = measures.groupby("trip_type")
    return groups.size().rename("trips").to_frame().join(groups.mean()).reset_index()


def _trips_and_revenue(rows: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    sums = rows.groupby(keys)[["trip_count", "total_revenue"]].sum(min_count=1)
    return sums.rename(columns={"trip_count": "trips", "total_revenue": "revenue"}).reset_index()


METRIC = {"metric": revenue_per_mile}
DASHBOARDS = {
    question.__name__: question
    for question in (
        overview,
        by_day,
        figures,
        week,
        hour_profile,
        weather_by_day,
        zones,
        from_zone,
        stations,
        weather_effect,
    )
}
