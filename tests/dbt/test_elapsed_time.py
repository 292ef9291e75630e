"""What passes between two times of New York's wall clock, in SQL as in Python's own time zones."""

import random
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import duckdb
import pytest
from dbt.artifacts.schemas.run import RunExecutionResult
from dbt.contracts.graph.nodes import SqlNode

from tests.dbt.small_warehouse import Warehouse

NEW_YORK = ZoneInfo("America/New_York")
YEARS = range(2009, 2031)
PAIRS_A_CHANGE = 1_000
LONGEST = timedelta(days=40)


def changes(year: int) -> list[datetime]:
    """The two hours of the year, by the wall clock, before which and after which the offset from UTC differs."""
    hours = (datetime(year, 1, 1) + timedelta(hours=hour) for hour in range(366 * 24))
    return [hour for hour in hours if hour.replace(tzinfo=NEW_YORK).utcoffset() != _offset_after(hour)]


def _offset_after(hour: datetime) -> timedelta | None:
    return hour.replace(tzinfo=NEW_YORK, fold=1).utcoffset()


def elapsed(pickup: datetime, dropoff: datetime) -> timedelta:
    """What passed. A clock change in whose repeated or skipped hour one end lies is not counted."""
    is_within_one_hour = pickup.date() == dropoff.date() and pickup.hour == dropoff.hour
    fold = (0, int(dropoff < pickup)) if is_within_one_hour else (1, 0)
    began, ended = (
        time.replace(tzinfo=NEW_YORK, fold=of_time).astimezone(UTC)
        for time, of_time in zip((pickup, dropoff), fold, strict=True)
    )
    return ended - began


def pairs() -> list[tuple[datetime, datetime]]:
    """Trips from and to times near the changes of every year, to the second; most of them across one."""
    draw = random.Random(14)
    found = []
    for change in (change for year in YEARS for change in changes(year)):
        for _ in range(PAIRS_A_CHANGE):
            reach = draw.choice([timedelta(hours=3), timedelta(days=2), LONGEST])
            near = change + timedelta(seconds=round(draw.uniform(-1, 1) * reach.total_seconds()))
            length = timedelta(seconds=round(draw.random() ** 2 * reach.total_seconds()))
            found.append((near, near + length))
        repeated = change + timedelta(minutes=draw.randrange(1, 60))
        if change.month == 11:
            found.append((repeated, change))
    return found


@pytest.mark.usefixtures("warehouse")
def test_the_time_that_passed_is_right_in_all_years(warehouse: Warehouse) -> None:
    inline = (
        "select pickup, dropoff, {{ minutes_between('pickup', 'dropoff') }}"
        " + {{ clock_change_minutes('pickup', 'dropoff') }} as minutes from trips"
    )
    compiled = warehouse.dbt("compile", "--inline", inline)
    assert compiled.success, warehouse.said
    assert isinstance(compiled.result, RunExecutionResult)
    (compiled_query,) = compiled.result.results
    assert isinstance(compiled_query.node, SqlNode)
    query = compiled_query.node.compiled_code
    assert query
    trips = pairs()
    assert {(pickup.year, dropoff.year) for pickup, dropoff in trips} >= {(year, year) for year in YEARS}
    with duckdb.connect() as connection:
        connection.execute("create table trips (pickup timestamp, dropoff timestamp)")
        for start in range(0, len(trips), 5000):
            chunk = trips[start : start + 5000]
            marks = ", ".join(["(?, ?)"] * len(chunk))
            connection.execute(f"insert into trips values {marks}", [time for trip in chunk for time in trip])
        measured = connection.execute(query).fetchall()
    wrong = [
        (str(pickup), str(dropoff), minutes)
        for pickup, dropoff, minutes in measured
        if round(minutes * 60) != elapsed(pickup, dropoff).total_seconds()
    ]
    assert len(measured) == len(trips) > 40_000
    assert wrong == []


def test_the_clocks_change_on_two_days_of_every_year() -> None:
    assert [change.date() for change in changes(2025)] == [date(2025, 3, 9), date(2025, 11, 2)]
    assert all(len(changes(year)) == 2 for year in YEARS)
    # A published ride of 1,620,142 s and a fraction.
    a_ride = elapsed(datetime(2015, 10, 13, 23, 52, 48), datetime(2015, 11, 1, 16, 55, 11))
    assert a_ride == timedelta(seconds=1_620_143)
