"""Open-Meteo archive: hourly weather as JSON, asked for a month at a time.

Source: Open-Meteo historical weather API, https://open-meteo.com/en/docs/historical-weather-api
"""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import duckdb

from ingestion.errors import UnreadableFileError
from ingestion.partitions import Partition, last_day
from ingestion.sources.base_address import base_address
from ingestion.sources.columns import select_columns
from ingestion.sources.published import SCRATCH, PublishedRows, cast_error, open_scratch, sql_path

DEFAULT_BASE_URL = "https://archive-api.open-meteo.com/v1/archive"
HAS_LISTING = False

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


def addresses(partition: Partition) -> list[str]:
    """The address that answers a month's hours.

    Times are asked in UTC: local labels carry one fixed offset a response and are wrong on one side
    of a clock change. New York is behind UTC, so its last hours of a month are the first of the next
    in UTC; one day more than the month covers them.
    """
    feed, month = partition.feed, partition.month
    base = base_address("weather", DEFAULT_BASE_URL)
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


def read(partition: Partition, path: Path, connection: duckdb.DuckDBPyConnection) -> PublishedRows:
    """The hours of a response, with the registry's names and types.

    Raises:
        UnreadableFileError: the response is no such JSON, lacks a variable, has another unit, or lacks hours.
    """
    published = _checked_hours(partition, path)
    named = Path(str(partition))  # the file is an answer to a query and has no name of its own
    open_scratch(connection, path)
    source = f"read_json('{sql_path(path)}', maximum_object_size = {path.stat().st_size + 1})"
    unnested = ", ".join(f'unnest(hourly."{name}") as "{name}"' for name in published)
    try:
        connection.execute(f"create table {SCRATCH}.rows as select {unnested} from {source}")
        described = connection.execute(f"describe {SCRATCH}.rows").fetchall()
    except duckdb.Error as error:
        raise cast_error(named, error) from error
    types = {name: type_ for name, type_, *_ in described}
    selection = select_columns(partition.feed, partition.month, types, named)
    return PublishedRows(
        query=f"select {selection.select_list}, rowid as source_row from {SCRATCH}.rows",
        columns=selection.columns,
        count=len(published["time"]),
        new_columns=selection.new_columns,
    )


def _checked_hours(partition: Partition, path: Path) -> dict[str, list[Any]]:
    """The response's variables by name, if it is a whole response in the units asked for."""
    try:
        body = json.loads(path.read_bytes())
        units, published = body["hourly_units"], dict(body["hourly"])
        hours = len(published["time"])
    except (ValueError, KeyError, TypeError) as error:
        raise UnreadableFileError(
            f"{partition}: expected Open-Meteo's JSON with hourly and hourly_units, but got "
            f"{path.read_text(errors='replace')[:200]!r}. Ask again later."
        ) from error
    wrong = {name: units.get(name) for name, unit in _UNITS.items() if name in published and units.get(name) != unit}
    if wrong:
        expected = {name: _UNITS[name] for name in wrong}
        raise UnreadableFileError(
            f"{partition}: expected the units {expected}, but the response has {wrong}. Open-Meteo may have changed "
            "its defaults; ask for the units in ingestion/sources/weather.py."
        )
    measured = [name for name in published if name != "time"]
    empty = sum(all(published[name][hour] is None for name in measured) for hour in range(hours))
    asked = 24 * (last_day(partition.month).day + 1)
    if hours - empty < asked:
        raise UnreadableFileError(
            f"{partition}: expected {asked} hours of weather (UTC, to the day after the month), but "
            f"{asked - hours + empty} are missing or empty. Open-Meteo fills them within days; load the month then."
        )
    return published
