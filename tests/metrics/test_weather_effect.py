"""What weather does to trips, once more in plain SQL on the trips themselves."""

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

    select trip_type, count(*), count(distinct d), sum(n), sum(expected), 100 * (sum(n) - sum(expected)) / sum(expected)
    from pairs
    group by all
    order by all
"""


@pytest.mark.parametrize("condition", CONDITIONS)
def test_the_effect_is_that_of_plain_sql(connection: duckdb.DuckDBPyConnection, condition: str) -> None:
    answer = query_metrics(
        MetricQuery(
            tuple(OF_WEATHER_EFFECT),
            ("weather_hour__trip_type",),
            (f"weather_hour__weather_condition = '{condition}'",),
        ),
        source_for_readers(),
        connection,
    )
    plain = connection.execute(PLAIN.format(condition=CONDITIONS[condition])).fetchall()

    assert len(plain) == 5, "the sample lacks a type"
    assert [tuple(row.values()) for row in answer.to_pylist()] == [
        (trip_type, hours, days, trips, pytest.approx(expected), pytest.approx(effect))
        for trip_type, hours, days, trips, expected, effect in plain
    ]
