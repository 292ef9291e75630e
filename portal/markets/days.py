"""Which days of markets are loaded, and the filters that choose some of them."""

from datetime import date

import pandas as pd

from portal.filters import choose
from portal.view import View

MARKET_DAYS = "core_markets.fct_market_days"
TICKER_DAYS = "core_markets.fct_ticker_days"
CANDLES = "core_markets.fct_candles_daily"
CHAINS = "core_markets.derived_metrics"
SUMMARY = "core_markets.gold_daily_trading_summary"

# What can be chosen: not a holiday, nor a day that is not loaded.
DAYS_IN_WORDS = "trading days loaded"


def days_of(view: View, *tables: str, column: str = "source_date") -> list[str]:
    """The days of which any of the tables has rows, by time."""
    there = [table for table in tables if view.has_table(table)]
    if not there:
        return []
    union = " union all ".join(f"select {column} from {table}" for table in there)
    return as_labels(view.rows(f"select distinct {column} from ({union}) order by {column}")[column])


def traded_days(view: View) -> list[str]:
    """The days of which trades of the exchange are loaded, by time."""
    return days_of(view, SUMMARY, column="trading_date")


def choose_day(days: list[str]) -> date:
    """Draw the filter Day. At first it is the last one."""
    return date.fromisoformat(choose("day", "Day", days[::-1], default=days[-1], among=DAYS_IN_WORDS))


def choose_days(days: list[str], *, at_first: int) -> tuple[date, date]:
    """Draw the filters From and To. At first they are the last days. Days in the wrong order are exchanged."""
    first = choose("from", "From", days, default=days[-at_first:][0], among=DAYS_IN_WORDS)
    last = choose("to", "To", days, default=days[-1], among=DAYS_IN_WORDS)
    first, last = sorted((first, last))
    return date.fromisoformat(first), date.fromisoformat(last)


def period_in_words(first: date, last: date) -> str:
    """A day, or days from first to last: `14 Jan 2026`, `12 Jan to 14 Jan 2026`."""
    if first == last:
        return f"{last.day} {last:%b %Y}"
    year = "" if first.year == last.year else f" {first:%Y}"
    return f"{first.day} {first:%b}{year} to {last.day} {last:%b %Y}"


def day_in_words(day: date) -> str:
    """A day with its weekday: `Wed 14 Jan 2026`."""
    return f"{day:%a} {day.day} {day:%b %Y}"


def as_labels(times: pd.Series) -> list[str]:
    """Days as the names of places on an axis: so there is no gap where nobody trades."""
    return [f"{time:%Y-%m-%d}" for time in times]
