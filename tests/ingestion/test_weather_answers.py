"""Answers of the weather archive that are not what was asked for, whatever they are: refused clearly, and no SQL."""

import json
from collections.abc import Callable
from copy import deepcopy
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from ingestion.catalog import FEEDS
from ingestion.errors import UnreadableFileError
from ingestion.mobility import weather
from ingestion.partitions import Partition
from sandbox.mobility.weather import VARIABLES, hourly
from warehouse.periods import month

MAY = Partition(FEEDS["weather"], month(2025, 5))
DEEP = b'{"hourly": ' + b"[" * 200_000 + b"]" * 200_000 + b"}"
Answer = dict[str, Any]


def _answer(first: date) -> Answer:
    asked = [column.name for column in MAY.feed.columns]
    days = (first.replace(month=first.month + 1) - first).days
    values = {
        name: value
        for name, value in hourly(first, first + timedelta(days=days), wind_unit="ms").items()
        if name in asked
    }
    units = {name: "m/s" if unit == "km/h" else unit for name, unit in VARIABLES.items() if name in values}
    return {
        "latitude": 40.738136,
        "longitude": -74.04254,
        "utc_offset_seconds": 0,
        "timezone": "GMT",
        "hourly_units": {"time": "iso8601", **units},
        "hourly": values,
    }


TRUE = _answer(MAY.period.first_day)


def _read(body: bytes, folder: Path) -> list[tuple[Any, ...]]:
    path = folder / "archive"
    path.write_bytes(body)
    with duckdb.connect() as connection:
        published = weather.OPEN_METEO.read(MAY, path, connection)
        rows = connection.execute(published.query).fetchall()
        assert len(rows) == published.count
        return rows


def _set(*path: str | int, to: object) -> Callable[[Answer], None]:
    def change(answer: Answer) -> None:
        place: Any = answer
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = to

    return change


def _repeat_an_hour(answer: Answer) -> None:
    for values in answer["hourly"].values():
        values[5] = values[4]


def _add_an_hour_again(answer: Answer) -> None:
    for values in answer["hourly"].values():
        values.append(values[-1])


def _lose_an_hour(answer: Answer) -> None:
    for values in answer["hourly"].values():
        del values[3]


def _give_april(answer: Answer) -> None:
    answer["hourly"] = _answer(date(2025, 4, 1))["hourly"]


def test_a_true_answer_is_read_whole(tmp_path: Path) -> None:
    rows = _read(json.dumps(TRUE).encode(), tmp_path)
    assert len(rows) == 32 * 24
    assert [row[1] for row in rows] == TRUE["hourly"]["temperature_2m"]


@pytest.mark.parametrize(
    ("change", "came"),
    [
        (_set("hourly_units", to=None), "NoneType|no object"),
        (_set("hourly_units", to=["mm"]), "no object"),
        (_set("hourly_units", "rain", to=None), "None"),
        (_set("hourly_units", "rain", to={"a": 1}), "rain"),
        (_set("hourly", to=7), "no object"),
        (_set("hourly", to=[1, 2]), "no object"),
        (_set("hourly", "time", to=None), "time"),
        (_set("hourly", "time", to=5), "time"),
        (_set("hourly", "rain", to=None), "rain has no list"),
        (_set("hourly", "rain", to="0" * 768), "rain has no list"),
        (_set("hourly", "rain", to=[0.0]), "rain has 1 values"),
        (_set("hourly", "rain", to=[0.0] * 769), "rain has 769 values"),
        (_set("hourly", "rain", 3, to=True), "rain.*True"),
        (_set("hourly", "rain", 3, to="0.1"), "rain.*0.1"),
        (_set("hourly", "rain", 3, to=[0.1]), "rain"),
        (_set("hourly", "rain", 3, to=10**400), "rain"),
        (_set("hourly", "weather_code", 3, to=3.5), "weather_code.*3.5"),
        (_set("hourly", "weather_code", 3, to=2**31), "weather_code"),
        (_set("hourly", "time", 3, to=None), "such as 2025"),
        (_set("hourly", "time", 3, to="2025-05-01T03:00Z"), "such as 2025"),
        (_set("hourly", "time", 3, to="2025-05-01T03:30"), "03:30"),
        (_set("utc_offset_seconds", to=-14400), "-14400"),
        (_set("utc_offset_seconds", to=False), "False"),
        (_set("utc_offset_seconds", to=None), "None"),
        (_set("timezone", to="America/New_York"), "America/New_York"),
        (_set("latitude", to=52.5), "52.5"),
        (_set("longitude", to="-73.97"), "-73.97"),
        (_set("longitude", to=None), "None"),
        (_give_april, "not asked for, the first 2025-04-01"),
        (_repeat_an_hour, "there more than once, the first 2025-05-01 04:00"),
        (_add_an_hour_again, "there more than once"),
        (_lose_an_hour, "1 are missing or empty"),
        (_set("hourly", 'a") as "b', to=[0] * 768), "named 'a"),
        (_set("hourly", "", to=[0] * 768), "named ''"),
        (_set("hourly", "Time", to=[0] * 768), "named 'Time'"),
        (_set("hourly", "feed", to=["yellow"] * 768), "named 'feed'"),
        (_set("hourly", "_dlt_load_id", to=["1"] * 768), "named '_dlt_load_id'"),
        (_set("hourly", "rain_", to=[0] * 768), "rain is there 2 times"),
    ],
)
def test_an_answer_that_is_not_what_was_asked_for_is_refused(
    change: Callable[[Answer], None], came: str, tmp_path: Path
) -> None:
    answer = deepcopy(TRUE)
    change(answer)
    with pytest.raises(UnreadableFileError, match=rf"(?s)^weather 2025-05: expected .*(?:{came})") as raised:
        _read(json.dumps(answer).encode(), tmp_path)
    assert len(str(raised.value)) < 600


@pytest.mark.parametrize(
    ("old", "new", "came"),
    [
        (b'"rain": [0.0', b'"rain": [NaN', "NaN is not a number"),
        (b'"rain": [0.0', b'"rain": [-Infinity', "Infinity is not a number"),
        (b'"rain": [0.0', b'"rain": [1e400', "inf"),
        (b'"rain": [0.0', b'"rain": [0.0, 0.0], "rain": [0.0', "'rain' is there more than once"),
        (b'"rain": [0.0', b'"rain": [' + b"9" * 5000, "ValueError"),
    ],
)
def test_numbers_and_names_that_json_does_not_have_are_refused(
    old: bytes, new: bytes, came: str, tmp_path: Path
) -> None:
    body = json.dumps(TRUE).encode()
    assert old in body
    with pytest.raises(UnreadableFileError, match=came):
        _read(body.replace(old, new), tmp_path)


@pytest.mark.parametrize("body", [DEEP, b"", b"null", b"[]", b"7", b"\xff\xfe{}", b'{"error": true, "reason": "no"}'])
def test_a_body_that_is_no_answer_is_refused(body: bytes, tmp_path: Path) -> None:
    with pytest.raises(UnreadableFileError, match="expected Open-Meteo's JSON"):
        _read(body, tmp_path)
    assert weather.OPEN_METEO.content_hash(tmp_path / "archive")


@pytest.mark.parametrize(
    ("values", "kept"),
    [([1] * 768, 1), ([1, 0.5] + [None] * 766, 1.0), (["a"] * 768, "a"), ([[1]] * 768, "[1]"), ([None] * 768, None)],
)
def test_a_variable_that_was_not_asked_for_is_kept(values: list[object], kept: object, tmp_path: Path) -> None:
    answer = deepcopy(TRUE)
    answer["hourly"]["select"] = values
    rows = _read(json.dumps(answer).encode(), tmp_path)
    assert (len(rows), rows[0][-2]) == (768, kept)


@pytest.mark.parametrize("name", ["rowid", "c0", "temperature_2m_published"])
def test_a_variable_of_any_name_leaves_the_position_of_the_hours_alone(name: str, tmp_path: Path) -> None:
    answer = deepcopy(TRUE)
    answer["hourly"] = {name: [None] * 768} | answer["hourly"]
    rows = _read(json.dumps(answer).encode(), tmp_path)
    assert [row[-1] for row in rows] == list(range(768))


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("Minutely API request limit exceeded. Please try again in one minute.", 61),
        ("Hourly API request limit exceeded. Please try again in the next hour.", 3600),
        ("Daily API request limit exceeded. Please try again tomorrow.", 86400),
        ("Too many concurrent requests", 0),
    ],
)
def test_how_long_the_archive_asks_to_wait_is_understood(said: str, seconds: int) -> None:
    assert weather.OPEN_METEO.pause_seconds(said) == seconds


def test_the_key_of_a_customer_stays_in_the_question(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCES__WEATHER__BASE_URL", "https://customer.example.org/v1/archive?apikey=k")
    assert weather.OPEN_METEO.locate(MAY)[0].startswith(
        "https://customer.example.org/v1/archive?apikey=k&latitude=40.7789&"
    )
