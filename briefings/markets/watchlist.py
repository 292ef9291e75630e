"""The candles of the watchlist."""

from collections.abc import Iterator

from briefings.day import Day, Row
from briefings.markdown import Column, table, text
from briefings.markets.forms import change, large, price
from metrics.changes import change_pct

_FEED = "candles_daily"

# So many of those that rose most, and of those that fell most.
_NAMED = 4

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
    Column("VWAP, USD"),
)


def watchlist(day: Day) -> str:
    """The daily candles, each against the one of the trading day before."""
    rows = [
        [
            text(row["symbol"]),
            *(price(row[name]) for name in ("open", "high", "low", "close")),
            change(_change(row)),
            large(row["volume"]),
            price(row["vwap"]),
        ]
        for row in _rows(day)
    ]
    return f"## Watchlist\n\n{table(_COLUMNS, rows)}" if rows else ""


def changes(day: Day) -> Iterator[str]:
    """The changes of the watchlist in a sentence, the largest first; nothing where the day before is not loaded."""
    found = {text(row["symbol"]): percent for row in _rows(day) if (percent := _change(row)) is not None}
    by_change = sorted(found, key=lambda symbol: (-found[symbol], symbol))
    named = [*by_change[:_NAMED], *by_change[_NAMED:][-_NAMED:]]
    if named:
        left_out = f", and {len(found) - len(named)} between them" if len(found) > len(named) else ""
        yield f"Watchlist: {', '.join(f'**{each}** {change(found[each])}' for each in named)}{left_out}."


def _rows(day: Day) -> list[Row]:
    is_there = day.loaded(_FEED) and day.has_table("core_markets.fct_candles_daily")
    return day.rows(_CANDLES) if is_there else []


def _change(row: Row) -> float | None:
    return change_pct(row["close"], row["previous_close"])
