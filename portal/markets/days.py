"""Which days of markets are loaded, and the filters that choose some of them."""

from datetime import date

from portal import days
from portal.days import days_of
from portal.filters import choose
from portal.view import View

MARKET_DAYS = "core_markets.fct_market_days"
TICKER_DAYS = "core_markets.fct_ticker_days"
CANDLES = "core_markets.fct_candles_daily"
CHAINS = "core_markets.derived_metrics"
SUMMARY = "core_markets.gold_daily_trading_summary"

# What can be chosen: not a holiday, nor a day that is not loaded.
DAYS_IN_WORDS = "trading days loaded"


def traded_days(view: View) -> list[str]:
    """The days of which trades of the exchange are loaded, by time."""
    return days_of(view, SUMMARY, column="trading_date")


def choose_day(loaded: list[str]) -> date:
    """Draw the filter Day. At first it is the last one."""
    return date.fromisoformat(choose("day", "Day", loaded[::-1], default=loaded[-1], among=DAYS_IN_WORDS))


def choose_days(loaded: list[str], *, at_first: int) -> tuple[date, date]:
    """Draw the filters From and To. At first they are the last days. Days in the wrong order are exchanged."""
    return days.choose_days(loaded, at_first=at_first, among=DAYS_IN_WORDS)
