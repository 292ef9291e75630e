"""What weather does to trips, once more in plain SQL on the trips themselves."""

import math

import duckdb
import pytest

from metrics.query import MetricQuery, query_metrics
from tests.metrics.definitions import OF_WEATHER_EFFECT
from warehouse.releases import source_for_readers

CONDITIONS = {
    "rain": "rain_mm > 0",
    "snow": "snowfall_cm > 0",
    "cold": "temperature_celsius < 0",
    "heat": "temperature_celsius >= 30",
    "wind": "wind_speed_ms >= 8",
}

# Each hour with the condition is joined to the hours that are alike, so nothing here is grouped as the model does it.
PLAIN = """
    with hours as (
        select
            t.trip_type, w.hour_timestamp as h, w.date_day as d, hour(w.hour_timestamp) as hour_of_day,
            d.is_working_day as working, {condition} as has_it,
            (select count(*) from trips as one where one.trip_type = t.trip_type and one.pickup_hour = w.hour_timestamp)
            as n
        from core_core.dim_weather as w
        inner join core_core.dim_date as d on w.date_day = d.date_day
        inner join (select distinct trip_type, pickup_date from trips) as t on t.pickup_date = w.date_day
        where ({condition}) is not null
    ),

    pairs as (
        select one.trip_type, one.h, one.d, any_value(one.n) as n, avg(other.n) as expected
        from hours as one
        inner join hours as other
            on one.trip_type = other.trip_type and date_trunc('month', one.d) = date_trunc('month', other.d)
            and one.hour_of_day = other.hour_of_day and one.working = other.working
            and one.has_it and not other.has_it
        group by all
    )

    select trip_type, d, count(*), cast(sum(n) as bigint), round(sum(expected), 4) from pairs group by all order by all
"""


def _of_days(days: list[tuple[int, int, float]]) -> tuple[float, ...]:
    """The metrics, of the hours, trips and expected trips of days."""
    hours, trips, expected = (sum(day[place] for day in days) for place in range(3))
    ratio = trips / expected
    scatter = sum((observed - ratio * one) ** 2 for _, observed, one in days)
    return (
        hours,
        len(days),
        trips,
        expected,
        100 * (ratio - 1),
        100 * 1.96 * math.sqrt(scatter * len(days) / (len(days) - 1)) / expected,
        sum(observed**2 for _, observed, _ in days),
        sum(one**2 for *_, one in days),
        sum(observed * one for _, observed, one in days),
    )


@pytest.mark.parametrize("condition", CONDITIONS)
def test_the_effect_is_that_of_plain_sql(connection: duckdb.DuckDBPyConnection, condition: str) -> None:
    answer = query_metrics(
        MetricQuery(
            tuple(OF_WEATHER_EFFECT),
            ("weather_day__trip_type",),
            (f"weather_day__weather_condition = '{condition}'",),
        ),
        source_for_readers(),
        connection,
    )
    days: dict[str, list[tuple[int, int, float]]] = {}
    for trip_type, _, *of_day in connection.execute(PLAIN.format(condition=CONDITIONS[condition])).fetchall():
        days.setdefault(trip_type, []).append((of_day[0], of_day[1], of_day[2]))

    assert len(days) == 5, "the sample lacks a type"
    assert {row["weather_day__trip_type"]: tuple(row.values())[1:] for row in answer.to_pylist()} == {
        trip_type: tuple(pytest.approx(value) for value in _of_days(of_type)) for trip_type, of_type in days.items()
    }
