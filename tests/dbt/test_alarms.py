"""What the tests that warn name, and what they leave alone."""

from datetime import date, timedelta

import pytest

from tests.dbt.small_warehouse import Warehouse

WITHOUT_TRIPS = "assert_no_day_of_a_loaded_month_is_without_trips"
UNLIKE_WEEKDAY = "assert_trips_of_a_day_are_like_those_of_its_weekday"


@pytest.fixture
def empty(warehouse: Warehouse) -> Warehouse:
    """A warehouse in which no trips are loaded."""
    for feed, month in warehouse.execute(
        "select feed, cast(period_start as date) from meta.asset_watermarks where source_url is not null"
    ):
        assert isinstance(feed, str)
        assert isinstance(month, date)
        warehouse.unload(feed, month)
    return warehouse


def load(warehouse: Warehouse, feed: str, month: date, trips: dict[date, int] | int, *, of: date | None = None) -> None:
    """Load a month with so many trips on every day, or on these days; those of another month if one is given."""
    first = of or month
    days = [first + timedelta(days=n) for n in range(31) if (first + timedelta(days=n)).month == first.month]
    counts = trips if isinstance(trips, dict) else dict.fromkeys(days, trips)
    prefix = {"yellow": "tpep_", "green": "lpep_"}.get(feed)
    began, ended = (f"{prefix}pickup_datetime", f"{prefix}dropoff_datetime") if prefix else ("started_at", "ended_at")
    ids = "" if prefix else "number || ' ' || day as ride_id,"
    values = ", ".join(f"(timestamp '{day} 08:00:00', {count})" for day, count in counts.items())
    warehouse.load_query(
        feed,
        month,
        f"""
        select
            {ids}
            day + number * interval 1 second as {began},
            {began} + interval 10 minute as {ended},
            row_number() over () - 1 as source_row
        from (values {values}) as days (day, trips), range(trips) as numbers (number)
        """,
    )


def named(warehouse: Warehouse, test: str) -> list[tuple[object, ...]]:
    """The feeds and days that the test warns of."""
    assert warehouse.dbt("seed").success, warehouse.said
    warehouse.build()
    assert warehouse.dbt("test", "--select", test).success, warehouse.said
    return [row[:2] for row in warehouse.execute(f"select * from core_checks.{test}")]


def days_of(month: date) -> list[date]:
    return [month + timedelta(days=n) for n in range(31) if (month + timedelta(days=n)).month == month.month]


def test_days_without_trips_are_a_feeds(empty: Warehouse) -> None:
    """Not a trip type's: New York's rides do not stand in for those of Jersey City."""
    april, march = date(2025, 4, 1), date(2025, 3, 1)
    load(empty, "citibike", april, 50)
    load(empty, "citibike_jc", april, {day: 25 for day in days_of(april) if day.day != 10})
    # A file that holds another month's rows.
    load(empty, "green", april, 30, of=march)
    load(empty, "green", date(2025, 6, 1), 1, of=march)
    # Chance, where there are few.
    load(empty, "yellow", april, {day: 3 for day in days_of(april) if day.day != 11})
    # Before the opening on the 21st.
    load(empty, "citibike_jc", date(2015, 9, 1), {day: 300 for day in days_of(date(2015, 9, 1)) if day.day >= 21})
    assert named(empty, WITHOUT_TRIPS) == [
        ("citibike_jc", date(2025, 4, 10)),
        *(("green", day) for month in (april, date(2025, 6, 1)) for day in days_of(month)),
    ]


def test_days_are_compared_with_their_weekdays_but_for_holidays_and_events(empty: Warehouse) -> None:
    months = [date(2025, month, 1) for month in (5, 6, 7)]
    for month in months:
        days = days_of(month)
        # The days beside a holiday are unlike others; an ordinary Wednesday is not.
        slow = {date(2025, 6, 11): 10, date(2025, 7, 3): 10, date(2025, 7, 5): 10, date(2025, 7, 4): 10}
        load(empty, "yellow", month, {day: slow.get(day, 200) for day in days})
        # What changes for good is no fault of the days beside the change.
        load(empty, "green", month, {day: 100 if day < date(2025, 6, 15) else 400 for day in days})
        # New York makes up for no fault of Jersey City, and Jersey City for none of New York.
        load(empty, "citibike", month, {day: 1500 if day == date(2025, 6, 12) else 400 for day in days})
        load(empty, "citibike_jc", month, {day: 8 if day == date(2025, 6, 13) else 100 for day in days})
    for month in (date(2021, 1, 1), date(2021, 2, 1), date(2021, 3, 1)):
        snow = {date(2021, 2, 1): 12, date(2021, 2, 2): 1, date(2021, 2, 10): 12}
        load(empty, "citibike_jc", month, {day: snow.get(day, 200) for day in days_of(month)})
    assert named(empty, UNLIKE_WEEKDAY) == [
        ("citibike", date(2025, 6, 12)),
        ("citibike_jc", date(2021, 2, 10)),
        ("citibike_jc", date(2025, 6, 13)),
        ("yellow", date(2025, 6, 11)),
    ]
