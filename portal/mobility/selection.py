"""What of the trips a page shows: period, trip types and kind of day, chosen by filters that are in the address."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta

import streamlit as st

from portal import filters
from portal.filters import choose, choose_several
from portal.mobility.trips import in_order, name_of
from portal.texts import months_in_words
from portal.view import Value, View
from warehouse.sql import literal

HOURLY = "core_core.fct_hourly_mobility"

# How many months a page shows at first: the latest ones.
_MONTHS_AT_FIRST = 12

# Trips start up to two days outside the month of their file. So some of a type's trips do not make its month loaded.
_STRAY_DAYS = 4

_ALL, _WORKING, _FREE = "all", "working", "free"
_DAY_KINDS = {_ALL: "All days", _WORKING: "Working days", _FREE: "Weekends and holidays"}

# The months that are loaded, by type. The ledger knows them; trips alone do not, since files hold some of other months.
_LOADED = f"""
    select pickup_month as month, trip_type, count(distinct pickup_date) as days
    from {HOURLY}
    where pickup_month in (
        select cast(date_trunc('month', period_start) as date)
        from meta.asset_watermarks
        where asset = 'fct_trips' and feed is not null and rows > 0
    )
    group by all
"""


@dataclass(frozen=True)
class Selection:
    """Months from `first` to `last`, both by their first day, of some trip types and one kind of day."""

    first: date
    last: date
    trip_types: tuple[str, ...]
    is_every_type: bool
    is_working_day: bool | None

    @property
    def months(self) -> int:
        """The number of months."""
        return _number(self.last) - _number(self.first) + 1

    @property
    def last_day(self) -> date:
        """The last day of the period."""
        return _month(_number(self.last) + 1) - timedelta(days=1)

    @property
    def words(self) -> str:
        """The period and kind of day, as charts say them."""
        period = months_in_words(self.first, self.last)
        return period if self.is_working_day is None else f"{period}, {self._day_kind.lower()}"

    @property
    def _day_kind(self) -> str:
        return _DAY_KINDS[_ALL if self.is_working_day is None else _WORKING if self.is_working_day else _FREE]

    @property
    def before(self) -> "Selection":
        """The same of the period before, which is as long."""
        first = _number(self.first)
        return replace(self, first=_month(first - self.months), last=_month(first - 1))

    @property
    def parameters(self) -> dict[str, Value | list[str]]:
        """The values for SQL."""
        return {
            "first": self.first,
            "last": self.last,
            "trip_types": list(self.trip_types),
            "is_working_day": self.is_working_day,
        }

    @property
    def start(self) -> datetime:
        """The first day, for a question about metrics."""
        return datetime.combine(self.first, time.min)

    @property
    def end(self) -> datetime:
        """The last day, for a question about metrics."""
        return datetime.combine(self.last_day, time.min)

    def conditions(self, trip_type: str, working_day: str) -> tuple[str, ...]:
        """Types and kind of day, for a question about metrics whose dimensions have these names."""
        types = ", ".join(literal(each) for each in self.trip_types)
        return (
            *(() if self.is_every_type else (f"{trip_type} in ({types})",)),
            *(() if self.is_working_day is None else (f"({working_day}) = {str(self.is_working_day).lower()}",)),
        )


@dataclass(frozen=True)
class Loaded:
    """Which months of which trip types a release has."""

    months: tuple[date, ...]
    trip_types: tuple[str, ...]
    complete: frozenset[tuple[date, str]]

    def has(self, selection: Selection) -> bool:
        """Whether every month of every type is there, but for types that the release has not at all."""
        months = [_month(_number(selection.first) + step) for step in range(selection.months)]
        return all((month, each) in self.complete for month in months for each in selection.trip_types)

    def absent(self, selection: Selection) -> list[str]:
        """The types of which nothing is loaded in the period."""
        found = {each for month, each in self.complete if selection.first <= month <= selection.last}
        return [each for each in selection.trip_types if each not in found]


def loaded(view: View) -> Loaded:
    """The months and trip types of a release."""
    rows = view.rows(_LOADED)
    pairs = [(month.date(), trip_type, days) for month, trip_type, days in rows.itertuples(index=False)]
    return Loaded(
        tuple(sorted({month for month, _, _ in pairs})),
        tuple(in_order(trip_type for _, trip_type, _ in pairs)),
        frozenset((month, trip_type) for month, trip_type, days in pairs if days > _STRAY_DAYS),
    )


def everything(available: Loaded) -> Selection:
    """All that is loaded."""
    return Selection(available.months[0], available.months[-1], available.trip_types, True, None)


def select(available: Loaded) -> Selection:
    """Draw the filters. Bounds in the wrong order are exchanged."""
    months = [f"{month:%Y-%m}" for month in available.months]
    with filters.row():
        first = choose("from", "From", months, default=months[-_MONTHS_AT_FIRST:][0])
        last = choose("to", "To", months, default=months[-1])
        trip_types = choose_several("types", "Trips", available.trip_types, words=name_of)
        kind = choose("days", "Days", list(_DAY_KINDS), default=_ALL, words=lambda each: _DAY_KINDS.get(each, each))
    first, last = sorted((first, last))
    return Selection(
        first=_parsed(first),
        last=_parsed(last),
        trip_types=tuple(in_order(trip_types)),
        is_every_type=len(trip_types) == len(available.trip_types),
        is_working_day=None if kind == _ALL else kind == _WORKING,
    )


def say_absent(trip_types: Sequence[str]) -> None:
    """Say of which types nothing is loaded in the period."""
    if trip_types:
        st.caption(f"Not loaded in this period: {', '.join(name_of(each) for each in trip_types)}.")


def _number(month: date) -> int:
    return month.year * 12 + month.month - 1


def _month(number: int) -> date:
    return date(number // 12, number % 12 + 1, 1)


def _parsed(month: str) -> date:
    return date.fromisoformat(f"{month}-01")
