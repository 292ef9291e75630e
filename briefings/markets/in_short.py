"""The day in a few sentences, for who reads no further."""

from briefings.day import Day
from briefings.markdown import bullets
from briefings.markets.anomalies import unusual
from briefings.markets.options import signals
from briefings.markets.trading import extremes, trading
from briefings.markets.watchlist import changes

_PARTS = (trading, extremes, changes, signals, unusual)


def in_short(day: Day) -> str:
    """What each part of the briefing comes to."""
    return f"## In short\n\n{bullets(line for part in _PARTS for line in part(day))}"
