"""The dimensions: small tables, of which every row is checked."""

from quality.rows import at_least, between, in_set, no_rows, none_where, not_null, row_count, unique
from quality.suite import Expectation, Suite
from quality.suites.mobility.zones import BOROUGHS, LAST_ZONE


def _dimension(model: str, *expectations: Expectation) -> Suite:
    return Suite(model, model, f"core_core.{model}", "rows", expectations)


DIM_DATE = _dimension(
    "dim_date",
    row_count(28, 40_000),
    unique("date_day"),
    not_null("date_day"),
    between("date_day", "2008-01-01", "2100-12-31"),
    between("day_of_week", 1, 7),
    in_set("is_weekend", (True, False)),
    no_rows(
        "dates_without_gap",
        "select min(date_day) from {batch} having count(*) <> date_diff('day', min(date_day), max(date_day)) + 1",
        "No date is missing between the first and the last.",
    ),
    none_where(
        "weekend_is_saturday_and_sunday",
        "is_weekend <> (day_of_week in (6, 7))",
        "Weekends are the sixth and seventh day of the week.",
    ),
    none_where(
        "holiday_has_a_name", "is_holiday <> (holiday_name is not null)", "Holidays have a name, other days have none."
    ),
)

DIM_TIME = _dimension(
    "dim_time",
    row_count(24, 24),
    unique("hour_of_day"),
    not_null("hour_of_day"),
    between("hour_of_day", 0, 23),
    in_set("day_part", ("morning", "afternoon", "evening", "night")),
)

DIM_LOCATION = _dimension(
    "dim_location",
    row_count(265, 300),
    unique("location_id"),
    not_null("location_id"),
    not_null("zone_name"),
    not_null("borough"),
    no_rows(
        "unknown_zone_is_there",
        "select 1 where not exists (select 1 from {batch} where location_id = 264)",
        "Trips without a zone refer to zone 264.",
    ),
)

# Empty until the shape file is loaded.
DIM_ZONE_SHAPE = _dimension(
    "dim_zone_shape",
    row_count(0, LAST_ZONE),
    unique("location_id"),
    not_null("location_id"),
    not_null("zone_name"),
    between("location_id", 1, LAST_ZONE),
    in_set("borough", BOROUGHS),
    no_rows(
        "every_shape_is_in_a_zone",
        "select published from (select count(*) as published from core_staging.int_zone_shapes)"
        " where published <> (select coalesce(sum(shape_count), 0) from {batch})",
        "The zones are made of all published shapes.",
    ),
    no_rows(
        "every_zone_is_shown",
        "select location_id from core_core.dim_location where is_known_zone and exists (select 1 from {batch})"
        " and shape_location_id not in (select location_id from {batch})",
        "Each zone has a polygon, or a neighbour that shows it. The seed zones_without_shape names the neighbours.",
        "warn",
    ),
    none_where(
        "geojson_is_a_multipolygon",
        "coalesce(try(json_extract_string(geojson, '$.type')) <> 'MultiPolygon'"
        " or try(json_array_length(geojson, '$.coordinates')) < shape_count, true)",
        "Each polygon is a GeoJSON MultiPolygon with at least one part a shape.",
    ),
)

DIM_STATION = _dimension(
    "dim_station",
    row_count(),
    unique("station_id"),
    not_null("station_id"),
    not_null("station_name", 0.9),
    between("latitude", 40.4, 41.1, 0.99, why="New York and Jersey City, degrees."),
    between("longitude", -74.3, -73.6, 0.99, why="New York and Jersey City, degrees."),
    no_rows(
        "unknown_station_is_there",
        "select 1 where not exists (select 1 from {batch} where station_id = 'unknown')",
        "Trips without a station refer to the station `unknown`.",
    ),
)

DIM_WEATHER = _dimension(
    "dim_weather",
    row_count(24),
    unique("hour_timestamp"),
    not_null("hour_timestamp"),
    not_null("has_weather"),
    between("temperature_celsius", -30, 45, 0.999, why="°C."),
    between("relative_humidity_pct", 0, 100),
    between("precipitation_mm", 0, 120, 0.999, why="mm in an hour."),
    between("wind_speed_ms", 0, 50, 0.999, why="m/s."),
    between("cloud_cover_pct", 0, 100),
    in_set("temperature_category", ("cold", "cool", "mild", "warm", "hot")),
    in_set("precipitation_intensity", ("none", "light", "moderate", "heavy", "extreme")),
    at_least("precipitation_not_below_rain", "precipitation_mm", "rain_mm", 0.999),
    none_where(
        "measures_only_of_loaded_hours",
        "not has_weather and (temperature_celsius is not null or weather_code is not null)",
        "Hours whose weather is not loaded have no measures.",
    ),
    none_where(
        "pleasant_is_never_adverse",
        "is_pleasant_weather and is_adverse_weather",
        "No hour is both pleasant and adverse.",
    ),
    none_where(
        "fahrenheit_is_of_celsius",
        "abs(temperature_fahrenheit - (temperature_celsius * 1.8 + 32)) > 0.01",
        "Both temperatures are the same.",
    ),
)

DIMENSIONS = (DIM_DATE, DIM_TIME, DIM_LOCATION, DIM_ZONE_SHAPE, DIM_STATION, DIM_WEATHER)
