"""The metric and the dashboards' queries in Polars; `benchmarks/ask.py` and `queries.sql` say them in SQL."""

from datetime import date

import polars as pl

IS_SANE, FARE, MINUTES = pl.col("is_sane"), pl.col("total_amount"), pl.col("trip_duration_minutes")
MONTH, DAY, TYPE = pl.col("pickup_month"), pl.col("pickup_date"), pl.col("trip_type")
TRIPS = pl.len().cast(pl.Int64).alias("trips")
AVG_FARE = FARE.filter(FARE > 0).mean().alias("avg_fare")
AVG_DURATION = MINUTES.filter(IS_SANE).mean().alias("avg_duration")
HOURLY_TRIPS = pl.col("trip_count").sum().alias("trips")
# A sum of nothing is null, as in SQL.
REVENUE = pl.when(pl.col("total_revenue").count() > 0).then(pl.col("total_revenue").sum()).alias("revenue")
AUTUMN = (date(2024, 10, 1), date(2024, 12, 31))


def metric(trips: pl.LazyFrame, hourly: pl.LazyFrame) -> dict[str, pl.LazyFrame]:
    """Revenue per mile by month and type of trip."""
    distance = pl.col("trip_distance")
    counts = IS_SANE & (FARE > 0) & distance.is_not_null()
    per_mile = (FARE.filter(counts).sum() / distance.filter(counts).sum()).fill_nan(None)
    return {"metric": trips.group_by(MONTH, TYPE).agg(revenue_per_mile=per_mile).sort(MONTH, TYPE)}


def dashboards(trips: pl.LazyFrame, hourly: pl.LazyFrame) -> dict[str, pl.LazyFrame]:
    """The ten queries by name."""
    return _of_hours(hourly) | _of_trips(trips) | _of_december(trips.filter(pickup_month=date(2024, 12, 1)))


def _of_hours(hourly: pl.LazyFrame) -> dict[str, pl.LazyFrame]:
    by_day = hourly.filter(
        MONTH.is_between(date(2024, 11, 1), date(2024, 12, 1)), TYPE.is_in(["yellow_taxi", "citibike"])
    )
    of_the_year = hourly.filter(MONTH.is_between(date(2024, 1, 1), date(2024, 12, 1)))
    hours = (
        hourly.filter(MONTH.is_between(*AUTUMN))
        .group_by("hour_timestamp", DAY)
        .agg(HOURLY_TRIPS, pl.col("temperature_celsius", "precipitation_mm").max())
    )
    return {
        "overview": hourly.group_by(MONTH, TYPE).agg(HOURLY_TRIPS, REVENUE).sort(MONTH, TYPE),
        "by_day": by_day.group_by(DAY, TYPE).agg(HOURLY_TRIPS, REVENUE).sort(DAY, TYPE),
        "week": of_the_year.group_by(DAY.dt.weekday().alias("weekday"), "pickup_hour_of_day")
        .agg(trips_per_hour=pl.col("trip_count").sum() / pl.col("hour_timestamp").n_unique())
        .sort("weekday", "pickup_hour_of_day"),
        "weather_by_day": hours.group_by(DAY)
        .agg(
            pl.col("trips").sum(),
            temperature=pl.col("temperature_celsius").mean(),
            precipitation=pl.col("precipitation_mm").sum(),
        )
        .sort(DAY),
    }


def _of_trips(trips: pl.LazyFrame) -> dict[str, pl.LazyFrame]:
    return {
        "figures": trips.filter(DAY.is_between(*AUTUMN)).select(
            TRIPS, FARE.sum().alias("revenue"), AVG_FARE, AVG_DURATION
        ),
        "hour_profile": trips.group_by("pickup_hour_of_day", TYPE)
        .agg(TRIPS, pl.col("avg_speed_mph").filter(IS_SANE).mean().alias("avg_speed"), AVG_DURATION)
        .sort("pickup_hour_of_day", TYPE),
        "weather_effect": trips.filter("has_weather")
        .group_by(TYPE)
        .agg(
            TRIPS,
            rain_rate=pl.col("is_rain").fill_null(False).mean(),
            snow_rate=pl.col("is_snow").fill_null(False).mean(),
            avg_duration_adverse=MINUTES.filter(IS_SANE, "is_adverse_weather").mean(),
            avg_duration_pleasant=MINUTES.filter(IS_SANE, "is_pleasant_weather").mean(),
        )
        .sort(TYPE),
    }


def _of_december(trips: pl.LazyFrame) -> dict[str, pl.LazyFrame]:
    driven, rides = trips.filter(TYPE != "citibike"), trips.filter(TYPE == "citibike")
    departures, arrivals = (
        rides.group_by(station_id=f"{end}_station_id").agg(TRIPS.alias(name))
        for end, name in (("start", "departures"), ("end", "arrivals"))
    )
    return {
        "zones": driven.group_by("pickup_location_id").agg(TRIPS, AVG_FARE).sort("pickup_location_id"),
        "from_zone": driven.filter(pl.col("pickup_location_id") == 132)
        .group_by("dropoff_location_id")
        .agg(TRIPS)
        .sort("trips", "dropoff_location_id", descending=[True, False])
        .head(20),
        "stations": departures.join(arrivals, on="station_id", how="full", coalesce=True)
        .with_columns(pl.col("departures", "arrivals").fill_null(0))
        .with_columns(balance=pl.col("arrivals") - pl.col("departures"))
        .sort("station_id"),
    }
