"""Open-Meteo archive: hourly weather as JSON, asked for a month at a time.

Source: Open-Meteo historical weather API, https://open-meteo.com/en/docs/historical-weather-api
"""

import json
from datetime import date, timedelta
from pathlib import Path
from urllib.parse import urlencode

import dlt
import duckdb

from ingestion.errors import UnreadableFileError
from ingestion.feeds import Feed
from ingestion.partitions import last_day
from ingestion.sources.columns import select_list

DEFAULT_BASE_URL = "https://archive-api.open-meteo.com/v1/archive"

# Central Park, where the National Weather Service measures New York's weather.
LATITUDE = 40.7789
LONGITUDE = -73.9692

_UNITS = {
    "time": "iso8601",
    "temperature_2m": "°C",
    "relative_humidity_2m": "%",
    "dew_point_2m": "°C",
    "apparent_temperature": "°C",
    "precipitation": "mm",
    "rain": "mm",
    "snowfall": "cm",
    "weather_code": "wmo code",
    "surface_pressure": "hPa",
    "cloud_cover": "%",
    "wind_speed_10m": "m/s",
    "wind_direction_10m": "°",
    "wind_gusts_10m": "m/s",
}


def addresses(feed: Feed, month: date) -> list[str]:
    """The address that answers a month's hours.

    Times are asked in UTC: local labels carry one fixed offset a response and are wrong on one side
    of a clock change. New York is behind UTC, so its last hours of a month are the first of the next
    in UTC; one day more than the month covers them.
    """
    base = dlt.config.get("sources.weather.base_url", str) or DEFAULT_BASE_URL
    query = {
        "latitude": LATITUDE,
        "longitude": LONGITUDE,
        "start_date": month.isoformat(),
        "end_date": (last_day(month) + timedelta(days=1)).isoformat(),
        "hourly": ",".join(column.name for column in feed.columns if column.name != feed.event_time),
        "timezone": "GMT",
        "wind_speed_unit": "ms",
    }
    return [f"{base}?{urlencode(query, safe=',')}"]


def rows(feed: Feed, path: Path, connection: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyRelation:
    """The hours of a response, with the registry's names and types.

    Raises:
        UnreadableFileError: the response is no such JSON, lacks a variable, or has another unit.
    """
    try:
        body = json.loads(path.read_bytes())
        units, published = body["hourly_units"], list(body["hourly"])
    except (ValueError, KeyError, TypeError) as error:
        raise UnreadableFileError(
            f"{path.name}: expected Open-Meteo's JSON with hourly and hourly_units, but got "
            f"{path.read_text(errors='replace')[:200]!r}. Ask again later."
        ) from error
    wrong = {name: units.get(name) for name, unit in _UNITS.items() if name in published and units.get(name) != unit}
    if wrong:
        raise UnreadableFileError(f"{path.name}: expected the units {_UNITS}, but got {wrong} instead.")
    hours = connection.read_json(str(path), maximum_object_size=max(path.stat().st_size, 1) + 1).project("hourly")
    unnested = hours.project(", ".join(f'unnest(hourly."{name}") as "{name}"' for name in published))
    types = dict(zip(unnested.columns, map(str, unnested.types), strict=True))
    return unnested.project(select_list(feed, types, path))
