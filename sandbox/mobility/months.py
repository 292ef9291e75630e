"""Months as dates: the first of each."""

from collections.abc import Iterator
from datetime import date, datetime, time

from warehouse.periods import Grain, Period, period_range


def next_month(month: date) -> date:
    """The first day of the month after this one."""
    return _month(month).next().first_day


def month_range(first: date, last: date) -> Iterator[date]:
    """Every month from the first to the last, both included."""
    return (month.first_day for month in period_range(_month(first), _month(last)))


def _month(day: date) -> Period:
    return Period(Grain.MONTH, datetime.combine(day, time()))
