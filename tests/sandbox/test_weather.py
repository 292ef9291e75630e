"""The weather archive as the sample publisher answers for it."""

import json
from datetime import date
from typing import Any

import pytest

from sandbox.mobility.archive_api import archive_answer
from sandbox.mobility.weather import VARIABLES, hourly

UNTIL = date(2025, 7, 1)


def _ask(**changes: str | None) -> tuple[int, Any]:
    query = {
        "latitude": "40.7789",
        "longitude": "-73.9692",
        "start_date": "2025-01-01",
        "end_date": "2025-01-31",
        "hourly": "temperature_2m,wind_speed_10m",
        "timezone": "GMT",
    } | changes
    status, body = archive_answer({name: [value] for name, value in query.items() if value is not None}, UNTIL)
    return status, json.loads(body)


def test_the_envelope_is_the_archives() -> None:
    status, body = _ask()
    assert status == 200
    assert list(body) == [
        "latitude", "longitude", "generationtime_ms", "utc_offset_seconds", "timezone", "timezone_abbreviation",
        "elevation", "hourly_units", "hourly",
    ]  # fmt: skip
    assert (body["utc_offset_seconds"], body["timezone"], body["timezone_abbreviation"]) == (0, "GMT", "GMT")
    assert 0 < abs(body["latitude"] - 40.7789) < 0.1
    assert 0 < abs(body["longitude"] + 73.9692) < 0.1
    assert body["hourly_units"] == {"time": "iso8601", "temperature_2m": "°C", "wind_speed_10m": "km/h"}
    assert list(body["hourly"]) == ["time", "temperature_2m", "wind_speed_10m"]
    assert {len(values) for values in body["hourly"].values()} == {31 * 24}
    assert (body["hourly"]["time"][0], body["hourly"]["time"][-1]) == ("2025-01-01T00:00", "2025-01-31T23:00")


def test_wind_comes_in_the_unit_asked_for() -> None:
    _, default = _ask(hourly="wind_speed_10m,wind_gusts_10m")
    _, metric = _ask(hourly="wind_speed_10m,wind_gusts_10m", wind_speed_unit="ms")
    assert metric["hourly_units"]["wind_gusts_10m"] == "m/s"
    for slow, fast in zip(metric["hourly"]["wind_speed_10m"], default["hourly"]["wind_speed_10m"], strict=True):
        assert fast == pytest.approx(slow * 3.6, abs=0.1)


def test_an_hours_weather_does_not_depend_on_the_window() -> None:
    narrow = hourly(date(2025, 1, 31), date(2025, 2, 1))
    wide = hourly(date(2025, 1, 2), date(2025, 3, 31))
    start = wide["time"].index("2025-01-31T00:00")
    assert narrow == {name: values[start : start + 48] for name, values in wide.items()}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"latitude": None}, "latitude"),
        ({"longitude": "181"}, "Longitude must be in range of -180 to 180°"),
        ({"start_date": None}, "'start_date' and 'end_date' must be set"),
        ({"start_date": "January"}, "Invalid date format"),
        ({"start_date": "1939-12-31"}, "out of allowed range from 1940-01-01 to 2025-07-01"),
        ({"end_date": "2025-07-02"}, "Parameter 'end_date' is out of allowed range from 1940-01-01 to 2025-07-01"),
        ({"end_date": "2024-12-31"}, "End-date must be larger"),
        ({"hourly": "temperature_2m,sunshine"}, "invalid String value sunshine"),
        ({"wind_speed_unit": "knots"}, "invalid String value knots"),
        ({"timezone": "America/New_York"}, "Invalid timezone"),
    ],
)
def test_what_the_archive_refuses_gets_a_reason(changes: dict[str, str | None], reason: str) -> None:
    status, body = _ask(**changes)
    assert status == 400
    assert body["error"] is True
    assert reason in body["reason"]


def test_the_climate_is_new_yorks() -> None:
    year = hourly(date(2024, 1, 1), date(2024, 12, 31))
    assert set(year) == {"time", *VARIABLES}
    hours: list[dict[str, Any]] = [dict(zip(year, values, strict=True)) for values in zip(*year.values(), strict=True)]
    winter = [hour for hour in hours if hour["time"][5:7] in ("12", "01", "02")]
    summer = [hour for hour in hours if hour["time"][5:7] in ("06", "07", "08")]
    assert -5 < sum(hour["temperature_2m"] for hour in winter) / len(winter) < 5
    assert 20 < sum(hour["temperature_2m"] for hour in summer) / len(summer) < 27
    assert max(hour["temperature_2m"] for hour in summer) > 30
    assert min(hour["temperature_2m"] for hour in winter) < -5
    assert 700 < sum(hour["precipitation"] for hour in hours) < 1800
    assert sum(hour["snowfall"] for hour in winter) > 20
    assert max(hour["snow_depth"] for hour in winter) > 0.05
    assert sum(hour["snowfall"] + hour["snow_depth"] for hour in summer) == 0


def test_codes_agree_with_what_falls() -> None:
    year = hourly(date(2024, 1, 1), date(2024, 12, 31))
    columns = ("weather_code", "precipitation", "rain", "snowfall", "temperature_2m", "cloud_cover", "dew_point_2m")
    seen = set()
    for code, water, rain, snow, temperature, cloud, dew in zip(*(year[name] for name in columns), strict=True):
        seen.add(code)
        assert (code >= 71) == (snow > 0)
        assert (51 <= code <= 65) == (rain > 0)
        assert (code <= 3) == (water == 0)
        assert snow == 0 or temperature < 2
        assert 0 <= cloud <= 100
        assert dew <= temperature + 0.1
    assert {0, 1, 2, 3, 51, 53, 61, 63, 71, 73} <= seen
