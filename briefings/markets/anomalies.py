"""Tickers that behaved unlike their own past."""

from briefings.day import Day, Row
from briefings.markdown import Column, table, text
from briefings.markets.forms import large, price, ratio

_FEED = "minute_aggs"
_TABLE = "core_markets.ticker_anomalies"
_NAMED = 20

# What the table says, in words.
_REASONS = {
    "not_traded": "Not traded",
    "likely_split": "Likely a split",
    "price_jump": "Price jump",
    "volume_spike": "Much more volume than usual",
    "volume_drop": "Much less volume than usual",
}

_ANOMALIES = f"""
    select * from {_TABLE}
    where source_date = $day
    order by reason, median_volume desc, ticker
"""

_COLUMNS = (
    Column("Ticker", is_figure=False),
    Column("What", is_figure=False),
    Column("Shares"),
    Column("Usual shares"),
    Column("Close, USD"),
    Column("Close before, USD"),
    Column("Close over close before"),
)


def anomalies(day: Day) -> str:
    """Tickers whose volume or price is unlike their days before. Nothing before there is such a table."""
    if not (day.loaded(_FEED) and day.has_table(_TABLE)):
        return ""
    rows = day.rows(_ANOMALIES)
    if not rows:
        return "## Unusual\n\nNo ticker was unlike its own days before."
    more = len(rows) - _NAMED
    parts = ["## Unusual", table(_COLUMNS, map(_cells, rows[:_NAMED])), *([f"And {more:,} more."] if more > 0 else [])]
    return "\n\n".join(parts)


def _cells(row: Row) -> list[str]:
    reason = row["reason"]
    return [
        text(row["ticker"]),
        _REASONS.get(reason, text(reason)),
        large(row["volume"]),
        large(row["median_volume"]),
        price(row["close"]),
        price(row["previous_close"]),
        ratio(row["close_ratio"]),
    ]
