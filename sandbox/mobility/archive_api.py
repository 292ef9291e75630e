"""Answers a query to the weather archive as Open-Meteo does: its JSON envelope, its errors.

Source: Open-Meteo historical weather API, https://open-meteo.com/en/docs/historical-weather-api
"""

import json
from datetime import date

from sandbox.mobility.weather import VARIABLES, WIND_UNITS, WIND_VARIABLES, hourly
from sandbox.stand_ins import Query

_INVALID = "Data corrupted at path ''. Cannot initialize {kind} from invalid String value {value}."
_EARLIEST = date(1940, 1, 1)
# Coordinates are answered for the middle of the grid cell they lie in.
_GRID_LATITUDE, _GRID_LONGITUDE = 0.0703, 0.0847


class BadQueryError(ValueError):
    """A query that the archive refuses. The message is the reason it gives."""


def archive_answer(query: Query, available_until: date) -> tuple[int, bytes]:
    """The status and JSON body for a parsed query string."""
    try:
        body = _envelope(query, available_until)
    except BadQueryError as error:
        return 400, _json({"error": True, "reason": str(error)})
    return 200, _json(body)


def day_asked(query: Query) -> date | None:
    """The first day of the time asked for, if the query says one."""
    try:
        return date.fromisoformat(query["start_date"][-1])
    except (KeyError, ValueError):
        return None


def _json(body: object) -> bytes:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


def _envelope(query: Query, available_until: date) -> dict[str, object]:
    latitude, longitude = _coordinate(query, "latitude", 90), _coordinate(query, "longitude", 180)
    first, last = (_day(query, name, available_until) for name in ("start_date", "end_date"))
    if last < first:
        raise BadQueryError("End-date must be larger or equals than start-date")
    timezone = query.get("timezone", ["GMT"])[-1]
    if timezone not in ("GMT", "UTC"):
        raise BadQueryError(f"Invalid timezone '{timezone}': this archive answers in GMT")
    unit = query.get("wind_speed_unit", ["kmh"])[-1]
    if unit not in WIND_UNITS:
        raise BadQueryError(
            f"Data corrupted at path ''. Cannot initialize WindspeedUnit from invalid String value {unit}."
        )
    names = [name for value in query.get("hourly", []) for name in value.split(",") if name]
    for name in names:
        if name not in VARIABLES:
            raise BadQueryError(_INVALID.format(kind="ForecastVariable", value=name))
    envelope: dict[str, object] = {
        "latitude": round(round(latitude / _GRID_LATITUDE) * _GRID_LATITUDE, 6),
        "longitude": round(round(longitude / _GRID_LONGITUDE) * _GRID_LONGITUDE, 6),
        "generationtime_ms": 0.25,
        "utc_offset_seconds": 0,
        "timezone": "GMT",
        "timezone_abbreviation": "GMT",
        "elevation": 32.0,
    }
    if names:
        made = hourly(first, last, wind_unit=unit)
        units = VARIABLES | dict.fromkeys(WIND_VARIABLES, WIND_UNITS[unit][0])
        envelope["hourly_units"] = {"time": "iso8601"} | {name: units[name] for name in names}
        envelope["hourly"] = {name: made[name] for name in ("time", *names)}
    return envelope


def _coordinate(query: Query, name: str, limit: int) -> float:
    if name not in query:
        raise BadQueryError(f"Value of type 'String' required for key '{name}'.")
    try:
        value = float(query[name][-1])
    except ValueError as error:
        raise BadQueryError(f"Parameter '{name}' must be a number.") from error
    if not -limit <= value <= limit:
        raise BadQueryError(f"{name.capitalize()} must be in range of -{limit} to {limit}°. Given: {value}.")
    return value


def _day(query: Query, name: str, available_until: date) -> date:
    if name not in query:
        raise BadQueryError("Parameter 'start_date' and 'end_date' must be set")
    try:
        day = date.fromisoformat(query[name][-1])
    except ValueError as error:
        raise BadQueryError(f"Invalid date format in '{name}'. Make sure to use 'YYYY-MM-DD'") from error
    if not _EARLIEST <= day <= available_until:
        raise BadQueryError(f"Parameter '{name}' is out of allowed range from {_EARLIEST} to {available_until}")
    return day
