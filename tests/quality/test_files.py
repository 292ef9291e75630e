"""What is a fault of a file, and what is chance, a change that stays, or a known event."""

from collections.abc import Sequence
from datetime import date

import duckdb
import pytest

from quality.comparisons import rows_like_before
from quality.files import figure, finite, not_null, share
from quality.suite import Expectation
from quality.suites.mobility.facts import FCT_TRIPS_BY_FILE
from quality.suites.mobility.monthly import difference_to_month_before, monthly, ratio_to_month_before
from quality.validate import run_suites
from warehouse.periods import Grain

MONTHS = [date(2025, month, 1) for month in range(1, 6)]


def failed_files(connection: duckdb.DuckDBPyConnection, *expectations: Expectation) -> list[tuple[str, str | None]]:
    """Names of the expectations that fail, with the files that they fail for."""
    suite = monthly("trips", expectations, ("yellow",), table="trips")
    (result,) = run_suites(connection, [suite])
    return [(check.check_name, check.partition_key) for check in result.checks if not check.passed]


@pytest.fixture
def connection() -> duckdb.DuckDBPyConnection:
    """The tables that figures of files are computed from, empty."""
    connection = duckdb.connect()
    connection.execute(
        """
        create schema meta;
        create schema core_staging;
        create table meta.asset_watermarks (feed varchar, period_start timestamp, rows bigint, source_url varchar);
        create table core_staging.int_event_days (feed varchar, date_day date);
        create table trips (feed varchar, source_month date, amount double, is_odd boolean, pickup_month date,
            pickup_date date)
        """
    )
    return connection


def load(
    connection: duckdb.DuckDBPyConnection, month: date, rows: int, *, amount: float = 10, odd: int = 0, days: int = 28
) -> None:
    connection.execute(
        """
        insert into trips
        select 'yellow', $month, $amount, number < $odd, $month, $month + (number % $days)::integer
        from range($rows) as numbers (number)
        """,
        {"month": month, "rows": rows, "amount": amount, "odd": odd, "days": days},
    )
    connection.execute("insert into meta.asset_watermarks values ('yellow', ?, ?, 'a file')", [month, rows])


@pytest.mark.parametrize(
    ("rows", "odd", "is_fault"),
    [
        (1_000_000, 500_050, False),  # 0.50005 for 0.5
        (1_000_000, 503_000, True),
        (10_000, 5_150, False),
        (10_000, 5_300, True),
        (40, 26, False),
        (6, 6, False),
        (40, 39, True),
    ],
)
def test_a_share_that_chance_explains_is_no_fault(
    connection: duckdb.DuckDBPyConnection, rows: int, odd: int, is_fault: bool
) -> None:
    load(connection, MONTHS[0], rows, odd=odd)
    upper = share("odd", "is_odd", at_most=0.5, why="Half of the rows are odd at most.")
    lower = share("even", "not is_odd", mostly=0.5, why="Half of the rows are even at least.")
    file = f"yellow/{MONTHS[0]:%Y-%m}"
    assert failed_files(connection, upper, lower) == ([("odd", file), ("even", file)] if is_fault else [])


def test_a_rule_without_exceptions_has_none(connection: duckdb.DuckDBPyConnection) -> None:
    load(connection, MONTHS[0], 1_000_000, odd=1)
    always = share("even", "not is_odd", mostly=1, why="All rows are even.")
    assert failed_files(connection, always) == [("even", f"yellow/{MONTHS[0]:%Y-%m}")]


def amounts(connection: duckdb.DuckDBPyConnection, means: Sequence[float], rows: int = 600) -> list[str | None]:
    """The months whose mean amount is said to be unlike its neighbours'."""
    for month, mean in zip(MONTHS, means, strict=False):
        load(connection, month, rows, amount=mean)
    mean_amount = figure("mean_amount", "avg(amount)", low=0, why="Mean.")
    against = ratio_to_month_before("mean_amount", 0.5, 2, "Mean, as a multiple of the month before.")
    return [file for _, file in failed_files(connection, mean_amount, against)]


@pytest.mark.parametrize(
    ("means", "faulty"),
    [
        ([10, 10, 30, 10, 10], [3]),  # the fourth is like the month after it
        ([10, 10, 30, 30, 30], []),  # a new fare
        ([10, 10, 30], [3]),
        ([30, 10, 10], []),
    ],
)
def test_a_change_that_stays_is_no_fault(
    connection: duckdb.DuckDBPyConnection, means: list[float], faulty: list[int]
) -> None:
    assert amounts(connection, means) == [f"yellow/{MONTHS[number - 1]:%Y-%m}" for number in faulty]


def test_months_of_few_rows_are_not_compared_but_by_their_rows(connection: duckdb.DuckDBPyConnection) -> None:
    assert amounts(connection, [10, 30], rows=400) == []
    load(connection, MONTHS[2], 5000)
    assert failed_files(connection, rows_like_before(Grain.MONTH)) == [
        ("row_count_against_month_before", f"yellow/{MONTHS[2]:%Y-%m}")
    ]


def test_a_month_of_known_events_is_neither_judged_nor_compared_with(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute(
        "insert into core_staging.int_event_days"
        " select 'yellow', date '2025-02-01' + n::integer from range(10) as days (n)"
    )
    share_odd = figure("odd_share", "avg(is_odd::integer)", low=0, why="Share.")
    for month, odd in zip(MONTHS[:3], (0, 600, 0), strict=True):
        load(connection, month, 600, odd=odd)
    against = difference_to_month_before("odd_share", 0.2, "Share.")
    assert failed_files(connection, share_odd, against) == []
    connection.execute("delete from core_staging.int_event_days where date_day > date '2025-02-03'")
    assert failed_files(connection, share_odd, against) == [
        ("odd_share_against_month_before", f"yellow/{month:%Y-%m}") for month in MONTHS[1:3]
    ]


def test_months_that_are_not_next_to_each_other_are_not_compared(connection: duckdb.DuckDBPyConnection) -> None:
    load(connection, MONTHS[0], 600, amount=10)
    load(connection, MONTHS[2], 600, amount=30)
    load(connection, MONTHS[4], 600, amount=90)
    mean_amount = figure("mean_amount", "avg(amount)", low=0, why="Mean.")
    against = ratio_to_month_before("mean_amount", 0.5, 2, "Mean, as a multiple of the month before.")
    assert failed_files(connection, mean_amount, against) == []


def test_an_expectation_may_begin_with_a_period(connection: duckdb.DuckDBPyConnection) -> None:
    for month in MONTHS[:3]:
        load(connection, month, 100)
    connection.execute("update trips set amount = null")
    since = not_null("amount", since="2025-02")
    assert failed_files(connection, since) == [("amount_not_null", f"yellow/{month:%Y-%m}") for month in MONTHS[1:3]]


def test_days_are_those_of_the_months_own_trips(connection: duckdb.DuckDBPyConnection) -> None:
    """A file of another month's rows, of which no trip is kept, has none of its days."""
    days = [each for each in FCT_TRIPS_BY_FILE.expectations if each.name in ("days", "days_with_trips")]
    load(connection, MONTHS[0], 1000, days=31)
    load(connection, MONTHS[2], 1000, days=20)
    load(connection, MONTHS[3], 100, days=20)  # too few for every day
    connection.execute(
        "insert into meta.asset_watermarks values ('yellow', '2025-02-01', 1000, 'another month''s file')"
    )
    connection.execute("insert into meta.asset_watermarks values ('yellow', '2025-05-01', 120, 'of another, small')")
    off = [("days_with_trips", f"yellow/{month:%Y-%m}") for month in (MONTHS[1], MONTHS[2], MONTHS[4])]
    assert failed_files(connection, *days) == off
    connection.execute(
        "insert into core_staging.int_event_days"
        " select 'yellow', date '2025-03-21' + n::integer from range(11) as days (n)"
    )
    assert failed_files(connection, *days) == [off[0], off[2]]


@pytest.mark.parametrize("value", ["nan", "inf", "-inf"])
def test_a_number_that_is_none_is_found(connection: duckdb.DuckDBPyConnection, value: str) -> None:
    load(connection, MONTHS[0], 1000)
    load(connection, MONTHS[1], 1000)
    assert failed_files(connection, finite("amount")) == []
    connection.execute(f"insert into trips (feed, source_month, amount) values ('yellow', '2025-02-01', '{value}')")
    assert failed_files(connection, finite("amount")) == [("numbers_are_finite", "yellow/2025-02")]
