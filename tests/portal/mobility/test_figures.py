"""What the pages show equals SQL on the trips of the release, written from the words on the page."""

from typing import Any

import duckdb
import pytest

from portal.mobility.trips import COLOURS, NAMES
from portal.texts import short
from portal.view import View
from tests.portal.browsing import open_page
from tests.portal.conftest import Sample
from tests.portal.drawn import by_name, figure_of, values_of
from warehouse.releases import Release

# Filters in the address, and the same in plain SQL.
BOTH_MONTHS = "pickup_date between '2025-02-01' and '2025-03-31'"
SELECTIONS: list[tuple[dict[str, Any], str]] = [
    ({}, BOTH_MONTHS),
    ({"from": "2025-03"}, "date_trunc('month', pickup_date) = '2025-03-01'"),
    ({"types": ["Yellow taxi", "Citi Bike"]}, f"{BOTH_MONTHS} and trip_type in ('yellow_taxi', 'citibike')"),
    ({"days": "Working days"}, f"{BOTH_MONTHS} and dayofweek(pickup_date) in (1, 2, 3, 4, 5) and not is_holiday"),
    (
        {"from": "2025-03", "days": "Weekends and holidays", "types": ["Uber and Lyft"]},
        "month(pickup_date) = 3 and trip_type = 'hvfhv' and (dayofweek(pickup_date) in (0, 6) or is_holiday)",
    ),
]


@pytest.mark.parametrize(("address", "where"), SELECTIONS)
def test_the_figures_of_a_period(
    sample: Sample, connection: duckdb.DuckDBPyConnection, address: dict[str, Any], where: str
) -> None:
    page = open_page("demand", address)

    trips, revenue, paid, minutes = connection.execute(
        f"""
        select
            count(*), sum(total_amount), avg(total_amount) filter (total_amount > 0),
            avg(trip_duration_minutes) filter (not is_outlier and not is_refund)
        from core_core.fct_trips
        where {where}
        """
    ).fetchall()[0]
    assert {one.label: one.value for one in page.metric} == {
        "Trips": short(trips),
        "Revenue, USD": short(revenue),
        "Paid per trip, USD": f"{paid:,.2f}",
        "Average duration, min": f"{minutes:,.1f}",
    }


def test_a_change_is_against_the_period_before_of_equal_length(
    sample: Sample, connection: duckdb.DuckDBPyConnection
) -> None:
    february, march = (
        connection.execute("select count(*) from core_core.fct_trips where month(pickup_date) = ?", [month]).fetchall()
        for month in (2, 3)
    )
    trips = next(one for one in open_page("demand", {"from": "2025-03"}).metric if one.label == "Trips")

    assert trips.delta == f"{100 * (march[0][0] / february[0][0] - 1):+.1f} %"


def test_no_change_is_shown_where_the_period_before_is_not_loaded(sample: Sample) -> None:
    page = open_page("demand")

    assert not page.exception
    assert {one.delta for one in page.metric} == {""}


@pytest.mark.parametrize(("address", "where"), SELECTIONS)
def test_trips_over_time_and_shares(
    sample: Sample, connection: duckdb.DuckDBPyConnection, address: dict[str, Any], where: str
) -> None:
    page = open_page("demand", address)
    drawn = by_name(figure_of(page, "Trips by day"))
    plain = {
        (NAMES[trip_type], str(day)): trips
        for trip_type, day, trips in connection.execute(
            f"select trip_type, pickup_date, count(*) from core_core.fct_trips where {where} group by all"
        ).fetchall()
    }

    assert len(plain) >= 9
    assert drawn == plain
    shares = figure_of(page, "Shares of the modes")
    assert shares["layout"]["barnorm"] == "percent"
    assert by_name(shares) == plain


@pytest.mark.parametrize(("address", "where"), SELECTIONS)
def test_trips_per_hour_through_the_week(
    sample: Sample, connection: duckdb.DuckDBPyConnection, address: dict[str, Any], where: str
) -> None:
    page = open_page("demand", address)
    per_hour = "count(*) / count(distinct pickup_hour)"

    def answered(*keys: str) -> dict[tuple[Any, ...], Any]:
        rows = connection.execute(
            f"select {', '.join(keys)}, {per_hour} from core_core.fct_trips where {where} group by all"
        ).fetchall()
        return {row[:-1]: pytest.approx(row[-1]) for row in rows}

    grid = figure_of(page, "Through the week")["data"][0]
    drawn = {
        (day, hour): value
        for day, row in zip(grid["y"], values_of(grid, "z"), strict=True)
        for hour, value in zip(grid["x"], row, strict=True)
        if value is not None and value == value
    }
    hour = "strftime(pickup_hour, '%H:00')"
    assert drawn == answered("strftime(pickup_date, '%a')", hour)
    named = "case trip_type " + " ".join(f"when '{one}' then '{name}'" for one, name in NAMES.items()) + " end"
    assert by_name(figure_of(page, "By hour of the day")) == answered(named, hour)
    assert by_name(figure_of(page, "By weekday")) == answered(named, "strftime(pickup_date, '%a')")


def test_weather_stands_beside_the_trips_of_the_same_hours(
    sample: Sample, connection: duckdb.DuckDBPyConnection
) -> None:
    page = open_page("demand", {"from": "2025-03", "types": "Citi Bike"})
    trips, temperature, rain = figure_of(page, "Weather beside demand")["data"]
    plain = connection.execute(
        """
        select
            (select count(*) from core_core.fct_trips as t where t.pickup_hour = w.hour_timestamp
             and trip_type = 'citibike'),
            temperature_celsius, precipitation_mm
        from core_core.dim_weather as w
        where hour_timestamp >= '2025-03-01' and hour_timestamp < '2025-04-01'
        order by hour_timestamp
        """
    ).fetchall()

    # The clock skips an hour.
    assert len(plain) == 31 * 24 - 1
    assert list(zip(*(values_of(one, "y") for one in (trips, temperature, rain)), strict=True)) == plain


def test_the_overview_has_trips_and_money_by_month(release: Release, connection: duckdb.DuckDBPyConnection) -> None:
    page = open_page("overview")
    plain = connection.execute(
        f"""
        select trip_type, cast(date_trunc('month', pickup_date) as date), count(*), sum(total_amount)
        from core_core.fct_trips where {BOTH_MONTHS} group by all
        """
    ).fetchall()

    assert by_name(figure_of(page, "Trips by month")) == {
        (NAMES[trip_type], str(month)): trips for trip_type, month, trips, _ in plain
    }
    assert by_name(figure_of(page, "Revenue by month")) == {
        (NAMES[trip_type], str(month)): pytest.approx(money)
        for trip_type, month, _, money in plain
        if money is not None
    }


def test_every_type_has_a_name_and_a_colour(release: Release) -> None:
    found = View(release).rows("select distinct trip_type from core_core.fct_trips")["trip_type"]

    assert set(found) == set(NAMES)
    assert set(COLOURS) == set(NAMES.values())
    assert len(set(COLOURS.values())) == len(NAMES)
