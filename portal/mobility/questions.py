"""What the pages about demand ask of a release: hours, but trips themselves for averages that only those have."""

import pandas as pd

from metrics.query import MetricQuery
from portal.mobility.selection import HOURLY, Loaded, Selection, everything
from portal.mobility.trips import named
from portal.view import View

# Longer periods are shown by month, shorter ones by day.
_MONTHS_BY_DAY = 2

_CHOSEN = f"""
    chosen as (
        select hourly.*
        from {HOURLY} as hourly
        inner join core_core.dim_date as dates on hourly.pickup_date = dates.date_day
        where
            hourly.pickup_month between $first and $last
            and hourly.trip_type in (select unnest($trip_types))
            and dates.is_working_day = coalesce(cast($is_working_day as boolean), dates.is_working_day)
    )
"""

_OVER_TIME = f"""
    with {_CHOSEN}
    select
        date_trunc($grain, pickup_date) as time,
        trip_type,
        cast(sum(trip_count) as bigint) as trips,
        sum(total_revenue) as revenue
    from chosen
    group by all
    order by all
"""

_WITH_WEATHER = f"""
    with {_CHOSEN},
    hours as (
        select hour_timestamp, sum(trip_count) as trips from chosen group by hour_timestamp
    )
    select
        date_trunc($grain, weather.hour_timestamp) as time,
        cast(coalesce(sum(hours.trips), 0) as bigint) as trips,
        avg(weather.temperature_celsius) as temperature,
        sum(weather.precipitation_mm) as precipitation
    from core_core.dim_weather as weather
    inner join core_core.dim_date as dates on weather.date_day = dates.date_day
    left join hours on weather.hour_timestamp = hours.hour_timestamp
    where
        dates.month_start_date between $first and $last
        and dates.is_working_day = coalesce(cast($is_working_day as boolean), dates.is_working_day)
    group by all
    order by all
"""


def grain_of(selection: Selection) -> str:
    """Whether trips over time are shown by day or month."""
    return "day" if selection.months <= _MONTHS_BY_DAY else "month"


def over_time(view: View, selection: Selection) -> pd.DataFrame:
    """Trips and USD by time and type."""
    return named(view.rows(_OVER_TIME, grain=grain_of(selection), **selection.parameters))


def with_weather(view: View, selection: Selection) -> pd.DataFrame:
    """Trips of all chosen types, mean °C and mm of precipitation of the same hours, by hour or day."""
    grain = "hour" if selection.months == 1 else "day"
    return view.rows(_WITH_WEATHER, grain=grain, **selection.parameters)


def figures(view: View, selection: Selection) -> dict[str, float | None]:
    """The figures of a period, by name of the metric."""
    query = MetricQuery(
        ("total_trips", "total_revenue", "avg_fare", "avg_trip_duration_minutes"),
        where=selection.conditions("trip__trip_type", "not trip__is_weekend and not trip__is_holiday"),
        start=selection.start,
        end=selection.end,
    )
    rows = view.metrics(query)
    values = rows.iloc[0] if len(rows) else {}
    return {name: None if pd.isna(values.get(name)) else float(values[name]) for name in query.metrics}


def per_hour(view: View, selection: Selection, *group_by: str) -> pd.DataFrame:
    """Trips per hour in which there were any, by dimensions of hours."""
    query = MetricQuery(
        ("avg_trips_per_hour",),
        group_by,
        where=selection.conditions("mobility_hour__trip_type", "date__is_working_day"),
        start=selection.start,
        end=selection.end,
    )
    return view.metrics(query)


def by_month(view: View, available: Loaded) -> pd.DataFrame:
    """Trips and USD by month and type, of all that is loaded."""
    return named(view.rows(_OVER_TIME, grain="month", **everything(available).parameters))
