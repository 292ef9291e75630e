"""The candles of the watchlist."""

from briefings.day import Day
from briefings.markdown import Column, table, text
from briefings.markets.forms import change, large, price
from metrics.changes import change_pct

_FEED = "candles_daily"

_CANDLES = """
    select
        candles.*,
        before.close as previous_close
    from core_markets.fct_candles_daily as candles
    left join core_markets.dim_trading_day as trading_days
        on candles.source_date = trading_days.trading_date
    left join core_markets.fct_candles_daily as before
        on candles.symbol = before.symbol
        and trading_days.previous_trading_date = before.source_date
    where candles.source_date = $day
    order by candles.symbol
"""

_COLUMNS = (
    Column("Symbol", is_figure=False),
    Column("Open, USD"),
    Column("High, USD"),
    Column("Low, USD"),
    Column("Close, USD"),
    Column("Change"),
    Column("Shares"),
    Column("Average price, USD"),
)


def watchlist(day: Day) -> str:
    """The daily candles, each against the one of the trading day before."""
    if not (day.loaded(_FEED) and day.has_table("core_markets.fct_candles_daily")):
        return ""
    rows = [
        [
            text(row["symbol"]),
            *(price(row[name]) for name in ("open", "high", "low", "close")),
            change(change_pct(row["close"], row["previous_close"])),
            large(row["volume"]),
            price(row["vwap"]),
        ]
        for row in day.rows(_CANDLES)
    ]
    return f"## Watchlist\n\n{table(_COLUMNS, rows)}" if rows else ""
