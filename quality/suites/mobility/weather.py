"""Hourly weather, a file a month in UTC. It covers the month in New York, and hours beside it."""

from quality.files import between, figure, not_null, share
from quality.suites.mobility.monthly import difference_to_month_before, monthly

_MEASURES = (
    ("temperature_celsius", -30, 45, "°C"),
    ("dew_point_celsius", -45, 32, "°C"),
    ("apparent_temperature_celsius", -45, 55, "°C"),
    ("relative_humidity_pct", 0, 100, "percent"),
    ("precipitation_mm", 0, 120, "mm in an hour"),
    ("rain_mm", 0, 120, "mm in an hour"),
    ("snowfall_cm", 0, 25, "cm in an hour"),
    ("surface_pressure_hpa", 930, 1060, "hPa"),
    ("cloud_cover_pct", 0, 100, "percent"),
    ("wind_speed_ms", 0, 50, "m/s. In km/h a gale would be above"),
    ("wind_gust_ms", 0, 80, "m/s"),
    ("wind_direction_degrees", 0, 360, "degrees"),
    ("weather_code", 0, 99, "a WMO code"),
)

_IN_MONTH = "date_trunc('month', hour_timestamp) = source_month"

WEATHER = monthly(
    "stg_weather__hourly",
    (
        figure("hour_unique", "count(*) - count(distinct hour_utc)", high=0, why="Hours that a file has twice."),
        figure(
            "hours_of_the_month",
            f"count(case when {_IN_MONTH} then 1 end) / (24.0 * day(last_day(source_month)))",
            low=0.99,
            high=1.01,
            why="The share of the month's hours that are there. 743 hours of March and 745 of November are complete.",
        ),
        *(not_null(column, 0.99) for column, *_ in _MEASURES),
        *(between(column, low, high, why=f"{unit}.") for column, low, high, unit in _MEASURES),
        share(
            "rain_within_precipitation",
            "rain_mm <= precipitation_mm + 0.05",
            of="rain_mm is not null and precipitation_mm is not null",
            mostly=0.999,
            why="Rain is part of precipitation.",
        ),
        share(
            "dew_point_not_above_temperature",
            "dew_point_celsius <= temperature_celsius + 0.5",
            of="dew_point_celsius is not null and temperature_celsius is not null",
            mostly=0.999,
            why="Air cannot be colder than its dew point. Otherwise one of them has another unit.",
        ),
        share(
            "gusts_not_below_wind",
            "wind_gust_ms >= wind_speed_ms - 0.5",
            of="wind_gust_ms is not null and wind_speed_ms is not null",
            mostly=0.95,
            why="The strongest gust is not below the mean wind.",
        ),
        figure(
            "wind_speed_mean", "avg(wind_speed_ms)", low=0.5, high=12, why="Mean wind, m/s. In km/h it would be above."
        ),
        figure(
            "temperature_mean",
            "avg(temperature_celsius)",
            low=-12,
            high=30,
            why="Mean temperature, °C. In °F it would be above.",
        ),
        difference_to_month_before("temperature_mean", 14, "Mean temperature, less that of the month before, °C."),
    ),
    ("weather",),
)
