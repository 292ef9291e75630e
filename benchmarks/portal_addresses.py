"""Addresses of the portal's pages that differ from one visit to the next, by what a release has."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmarks.samples import HISTORY
from warehouse.releases import Releases, open_release

_OF_TRIPS: Mapping[str, Sequence[str]] = {
    "demand": ("from={month}&to=2024-12", "from={month}&to=2024-11&days=working", "from={month}&to={month}"),
    "map": ("month={month}&measure=fare", "month={month}&measure=rides", "month={month}&zone=132", "month={month}"),
    "weather": ("from={month}&to=2024-12", "from=2023-01&to={month}&types=citibike"),
    "metrics": (
        "metrics=avg_fare&by=metric_time__month,trip__trip_type&start={month}-01",
        "metrics=total_trips,total_revenue&by=trip__trip_type&start={month}-01",
        "metrics=avg_trip_distance_miles&by=pickup_location__borough&end={month}-01",
    ),
    "health": ("cell=yellow:{month}",),
    "quarantine": ("year={year}",),
}

_OF_DAYS: Mapping[str, Sequence[str]] = {
    "candles": (
        "ticker={ticker}",
        "ticker={ticker}&bars=Minutes&from={day}&to={day}",
        "ticker={ticker}&bars=Minutes",
    ),
    "options": ("underlying={underlying}&to={day}", "underlying={underlying}&from={day}"),
    "briefing": ("date={day}",),
    "metrics": (
        "metrics=market_volume,market_vwap&by=metric_time__day,ticker_session__session&start={day}",
        "metrics=market_vwap&by=metric_time__day&where=ticker_session__ticker%3D%27{ticker}%27",
        "metrics=advancing_pct,declining_tickers&by=symbol__sector&end={day}",
    ),
    "health": ("cell=minute_aggs:{day}",),
}

# Tickers spread over the alphabet, each with a day and an underlying.
_TICKERS_AND_DAYS = """
    with tickers as (
        select ticker, row_number() over (order by hash(ticker)) - 1 as number
        from (select distinct ticker from core_markets.fct_ticker_days)
        order by number
        limit 200
    ),

    days as (
        select list(distinct source_date order by source_date) as days from core_markets.fct_ticker_days
    ),

    underlyings as (
        select coalesce(list(distinct underlying order by underlying), ['SPY']) as underlyings
        from core_markets.derived_metrics
    )

    select ticker, days[1 + number % len(days)] as day, underlyings[1 + number % len(underlyings)] as underlying
    from tickers, days, underlyings
    order by number
"""


@dataclass(frozen=True)
class Addresses:
    """By page, addresses with names in them, and what the names stand for, one after the other."""

    forms: Mapping[str, Sequence[str]]
    values: Sequence[Mapping[str, object]]

    def pages(self) -> list[tuple[str, int]]:
        """Each page with the number of each of its forms."""
        return [(page, number) for page, forms in self.forms.items() for number in range(len(forms))]

    def of(self, page: str, number: int) -> str | None:
        """The address of this number; None of a page that has but one."""
        forms = self.forms.get(page)
        if not forms:
            return None
        return forms[number % len(forms)].format(**self.values[number // len(forms) % len(self.values)])


def addresses_of(releases: Releases) -> Addresses:
    """The addresses of what the current release has.

    Raises:
        WarehouseError: nothing is published.
    """
    release = releases.current()
    days = release.table("core_markets.fct_ticker_days") if release else None
    if release is None or days is None or not days.rows:
        return Addresses(_OF_TRIPS, [{"month": f"{month:%Y-%m}", "year": month.year} for month in HISTORY])
    with open_release(release) as connection:
        found = connection.execute(_TICKERS_AND_DAYS).fetchall()
    return Addresses(_OF_DAYS, [dict(zip(("ticker", "day", "underlying"), each, strict=True)) for each in found])
