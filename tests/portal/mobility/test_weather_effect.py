"""The page about the weather's effect shows SQL's figures, how much they rest on, and what is too few."""

import duckdb
import pytest

from portal.mobility.trips import NAMES
from portal.mobility.weather import FEWEST_DAYS, FEWEST_HOURS, FEWEST_TRIPS
from tests.portal.browsing import open_page, texts
from tests.portal.conftest import Sample
from tests.portal.drawn import figure_of, values_of

CONDITIONS = {
    "Rain": ("w.rain_mm > 0", "Rain, above 0 mm"),
    "Snow": ("w.snowfall_cm > 0", "Snow, above 0 cm"),
    "Cold": ("w.temperature_celsius < 0", "Cold, below 0 °C"),
    "Heat": ("w.temperature_celsius >= 30", "Heat, 30 °C or more"),
    "Wind": ("w.wind_speed_ms >= 8", "Wind, 8 m/s or more"),
}

# From the trips themselves, each hour joined to those that are alike.
PLAIN = """
    with hours as (
        select
            t.trip_type, w.hour_timestamp as h, w.date_day as d, hour(w.hour_timestamp) as o,
            d.is_working_day as working, {condition} as has_it, count(f.trip_id) as n
        from core_core.dim_weather as w
        inner join core_core.dim_date as d on w.date_day = d.date_day
        inner join (select distinct trip_type, pickup_date from core_core.fct_trips) as t on t.pickup_date = w.date_day
        left join core_core.fct_trips as f on f.pickup_hour = w.hour_timestamp and f.trip_type = t.trip_type
        where ({condition}) is not null and {where}
        group by all
    ),

    pairs as (
        select one.trip_type, one.h, one.d, one.n, avg(other.n) as expected
        from hours as one
        inner join hours as other
            on one.trip_type = other.trip_type and date_trunc('month', one.d) = date_trunc('month', other.d)
            and one.o = other.o and one.working = other.working and one.has_it and not other.has_it
        group by all
    ),

    -- The mart keeps four decimals a day, so that the order of rows changes nothing.
    days as (
        select trip_type, d, count(*) as hours, sum(n) as n, round(sum(expected), 4) as expected from pairs group by all
    )

    select trip_type, sum(hours)::int, count(*), sum(n)::int, sum(expected), 100 * (sum(n) / sum(expected) - 1)
    from days group by all
"""


@pytest.mark.parametrize(
    ("address", "where"),
    [
        ({}, "month(w.date_day) in (2, 3)"),
        ({"from": "2025-03", "days": "Working days"}, "month(w.date_day) = 3 and d.is_working_day"),
    ],
)
def test_the_effects_and_what_they_rest_on(
    sample: Sample, connection: duckdb.DuckDBPyConnection, address: dict[str, str], where: str
) -> None:
    page = open_page("weather", address)
    drawn = {
        (trace["name"], condition): (value, opacity < 1, *rests)
        for trace in figure_of(page, "More or fewer trips")["data"]
        for condition, value, opacity, rests in zip(
            trace["y"], values_of(trace, "x"), trace["marker"]["opacity"], values_of(trace, "customdata"), strict=True
        )
    }
    plain = {}
    table = set()
    for name, (condition, words) in CONDITIONS.items():
        rows = connection.execute(PLAIN.format(condition=condition, where=where)).fetchall()
        for trip_type, hours, days, trips, expected, effect in rows:
            few = hours < FEWEST_HOURS or days < FEWEST_DAYS or max(trips, expected) < FEWEST_TRIPS
            plain[(NAMES[trip_type], name)] = (pytest.approx(effect), few, hours, days, trips)
            basis = "too few" if few else "✓ enough"
            table.add((words, NAMES[trip_type], round(effect, 6), trips, round(expected, 6), hours, days, basis))

    assert len(plain) >= 5
    assert any(few for _, few, *_ in plain.values()), "the sample has enough of all"
    assert drawn == plain
    assert {
        tuple(round(value, 6) if isinstance(value, float) else value for value in row)
        for row in page.dataframe[0].value.drop(columns="± points").itertuples(index=False, name=None)
    } == table


def test_conditions_without_an_hour_are_named(sample: Sample, connection: duckdb.DuckDBPyConnection) -> None:
    hot = connection.execute("select count(*) from core_core.dim_weather where temperature_celsius >= 30").fetchall()
    assert hot == [(0,)]

    assert "Heat, 30 °C or more" in texts(open_page("weather")).replace("\\", "")


def test_the_threshold_is_said(sample: Sample) -> None:
    words = f"fewer than {FEWEST_HOURS} hours, {FEWEST_DAYS} days or {FEWEST_TRIPS} trips"

    assert words in texts(open_page("weather"))
