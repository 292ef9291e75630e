"""Partitions, and months on the command line."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestion.partitions import Partition
from ingestion.run_pipeline import months_of_year
from sandbox.mobility.months import month_range, next_month
from tests.toy_feeds import toy_feed
from warehouse.periods import BadPeriodError, Grain, month


@given(st.dates(date(1990, 1, 1), date(2090, 1, 1)))
def test_a_month_ends_the_day_before_the_next_begins(day: date) -> None:
    first = day.replace(day=1)
    assert next_month(first).day == 1
    assert 28 <= (next_month(first) - first).days <= 31
    assert (next_month(first) - month(day.year, day.month).last_day).days == 1


def test_a_range_holds_both_its_ends_and_crosses_years() -> None:
    assert list(month_range(date(2024, 11, 1), date(2025, 2, 1))) == [
        date(2024, 11, 1),
        date(2024, 12, 1),
        date(2025, 1, 1),
        date(2025, 2, 1),
    ]


def test_months_come_in_calendar_order_and_once() -> None:
    assert months_of_year(2025, "6, 5,6") == [month(2025, 5), month(2025, 6)]


@pytest.mark.parametrize("months", ["13", "0", "5,x", "", "-1", "5.5", "\N{ARABIC-INDIC DIGIT TWO}"])
def test_what_is_no_month_of_a_year_is_refused(months: str) -> None:
    with pytest.raises(BadPeriodError, match="from 1 to 12"):
        months_of_year(2025, months)


def test_a_partition_is_of_its_feeds_grain() -> None:
    with pytest.raises(ValueError, match="toy_bars: expected a day, but got the month 2025-05"):
        Partition(toy_feed("toy_bars", Grain.DAY), month(2025, 5))
