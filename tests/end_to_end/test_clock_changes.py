"""The days of 2025 on which New York changes its clocks: March 9 has 23 hours, November 2 has 25."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import duckdb
import pytest

from sandbox.server import SamplePublisher
from tests.end_to_end.line import OTHER_SUBJECTS, Line

NEW_YORK = ZoneInfo("America/New_York")
MARCH, NOVEMBER = date(2025, 3, 1), date(2025, 11, 1)
SPRING, AUTUMN = date(2025, 3, 9), date(2025, 11, 2)


@pytest.fixture(scope="module")
def connection(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """March and November, loaded and built."""
    folder = tmp_path_factory.mktemp("clocks")
    with SamplePublisher(MARCH, NOVEMBER, rows=20_000, folder=folder / "published") as publisher:
        line = Line(folder, publisher)
        line.load("--year", "2025", "--months", "3,11", "--sources", "yellow,citibike,weather")
        line.build(exclude=OTHER_SUBJECTS)
    with duckdb.connect(str(line.database), read_only=True) as connection:
        yield connection


def utc(wall_clock: datetime) -> datetime:
    """The UTC hour of a New York hour; of the first where there are two. By Python's own time zones."""
    return wall_clock.replace(tzinfo=NEW_YORK).astimezone(UTC).replace(tzinfo=None)


@pytest.mark.parametrize(
    ("day", "hours"),
    [(SPRING, [0, 1, *range(3, 24)]), (AUTUMN, list(range(24)))],
)
def test_no_hour_is_missing_or_there_twice(connection: duckdb.DuckDBPyConnection, day: date, hours: list[int]) -> None:
    rows = connection.execute(
        "select hour_timestamp, hour_utc, has_weather from core_core.dim_weather where date_day = ? order by 1", [day]
    ).fetchall()
    assert [hour.hour for hour, _, _ in rows] == hours
    assert all(has_weather for _, _, has_weather in rows)
    assert [hour_utc for _, hour_utc, _ in rows] == [utc(hour) for hour, _, _ in rows]


def test_the_days_hours_of_utc_are_25_and_23_in_the_published_weather(connection: duckdb.DuckDBPyConnection) -> None:
    def published(day: date) -> list[datetime]:
        found = connection.execute(
            "select hour_utc from core_staging.stg_weather__hourly"
            " where cast(hour_timestamp as date) = $day and source_month = date_trunc('month', $day) order by 1",
            {"day": day},
        ).fetchall()
        return [hour for (hour,) in found]

    assert (len(published(SPRING)), len(published(AUTUMN))) == (23, 25)
    for day in (SPRING, AUTUMN):
        assert {after - before for before, after in pairwise(published(day))} == {timedelta(hours=1)}


@pytest.mark.parametrize("day", [SPRING, AUTUMN])
def test_every_trip_has_the_weather_of_its_hour(connection: duckdb.DuckDBPyConnection, day: date) -> None:
    hours = connection.execute(
        "select pickup_hour, temperature_celsius, bool_and(has_weather), count(*)"
        " from core_core.fct_trips where pickup_date = ? group by all",
        [day],
    ).fetchall()
    assert sum(trips for *_, trips in hours) > 500
    assert all(has_weather for _, _, has_weather, _ in hours)
    measured = dict(connection.execute("select time, temperature_2m from raw_data.weather_hourly").fetchall())
    assert [temperature for _, temperature, _, _ in hours] == [measured[utc(hour)] for hour, *_ in hours]


def test_a_trip_across_the_repeated_hour_is_kept(connection: duckdb.DuckDBPyConnection) -> None:
    kept = connection.execute(
        "select count(*), min(trip_duration_minutes) from core_core.fct_trips"
        " where pickup_date = ? and dropoff_datetime < pickup_datetime",
        [AUTUMN],
    ).fetchone()
    assert kept
    assert kept[0] > 0, "the sample publisher has such trips, as the real files do"
    assert kept[1] > 0
