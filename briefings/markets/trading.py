"""The market in a few lines, its movers, and its sessions."""

from collections.abc import Iterable, Iterator

from briefings.day import Day, Row
from briefings.markdown import Column, day_in_words, table, text
from briefings.markets.forms import change, large, price, whole
from metrics.changes import change_pct

_FEED = "minute_aggs"

# Others are traded so little that their changes say nothing. A list of the largest changes would be all of them.
MOST_TRADED, LEAST_VALUE = 1000, 1_000_000
_NAMED = 5

_MARKET = """
    select
        trading_days.previous_trading_date as previous_date,
        trading_days.is_half_day,
        strftime(trading_days.closes_at, '%H:%M') as closes_at,
        market_days.*,
        before.volume as previous_volume,
        before.notional as previous_notional
    from core_markets.fct_market_days as market_days
    inner join core_markets.dim_trading_day as trading_days
        on market_days.source_date = trading_days.trading_date
    left join core_markets.fct_market_days as before
        on trading_days.previous_trading_date = before.source_date
    where market_days.source_date = $day
"""

_MOVERS = """
    with most_traded as (
        select *
        from core_markets.fct_ticker_days
        where source_date = $day and notional >= $least_value
        order by notional desc, ticker
        limit $most_traded
    )

    select
        most_traded.ticker,
        most_traded.close,
        most_traded.change_pct,
        most_traded.volume,
        most_traded.notional,
        symbols.company_name
    from most_traded
    left join core_markets.dim_symbol as symbols
        on most_traded.ticker = symbols.symbol
        and $day >= symbols.valid_from
        and (symbols.valid_to is null or $day < symbols.valid_to)
    order by most_traded.notional desc, most_traded.ticker
"""

_COLUMNS = (
    Column("Ticker", is_figure=False),
    Column("Company", is_figure=False),
    Column("Close, USD"),
    Column("Change"),
    Column("Shares"),
    Column("Value, USD"),
)

_SESSIONS = {"premarket": "Pre-market", "market": "Market", "postmarket": "Post-market", "closed": "Closed"}
_SESSION = "ticker_session__session"


def trading(day: Day) -> Iterator[str]:
    """Shares and value traded, advancers and decliners, against the trading day before: a sentence or two each."""
    rows = day.rows(_MARKET) if _is_there(day) else []
    if not rows:
        why = "are loaded, but not built yet: nyc build" if day.loaded(_FEED) else "of this day are not loaded"
        yield f"Minute bars {why}."
        return
    (market,) = rows
    yield _traded(market)
    if market["compared_count"]:
        yield (
            f"Of {whole(market['compared_count'])} tickers with closing prices on both days, "
            f"**{whole(market['advancer_count'])} rose**, **{whole(market['decliner_count'])} fell**, and "
            f"{whole(market['unchanged_count'])} closed unchanged."
        )
    else:
        before = market["previous_date"]
        yield f"Minute bars of {day_in_words(before)} are not loaded, so no change from then is known."
    if market["is_half_day"]:
        yield f"A half-day: the market closed at {market['closes_at']} in New York."


def _traded(market: Row) -> str:
    volume = change_pct(market["volume"], market["previous_volume"])
    value = change_pct(market["notional"], market["previous_notional"])
    against = (
        f" Against {day_in_words(market['previous_date'])}: shares {change(volume)}, value {change(value)}."
        if volume is not None and value is not None
        else ""
    )
    return (
        f"**{large(market['volume'])} shares** of {whole(market['ticker_count'])} tickers were traded for "
        f"**{large(market['notional'])} USD**, in {large(market['trade_count'])} trades.{against}"
    )


def extremes(day: Day) -> Iterator[str]:
    """The largest gain and the largest loss, in a sentence; nothing where nothing is known of the day before."""
    rows = _most_traded(day)
    gains, losses = _gains(rows)[:1], _losses(rows)[:1]
    said = [
        f"**{text(row['ticker'])}** {verb} most ({change(row['change_pct'])})"
        for verb, found in (("rose", gains), ("fell", losses))
        for row in found
    ]
    if said:
        yield f"Of the {whole(len(rows))} most traded tickers {' and '.join(said)}."


def movers(day: Day) -> str:
    """The largest gains and losses of tickers that are much traded, and the most traded ones."""
    rows = _most_traded(day)
    listed = {
        "Largest gains": _gains(rows)[:_NAMED],
        "Largest losses": _losses(rows)[:_NAMED],
        "Most traded by value": rows[:_NAMED],
    }
    parts = [f"### {title}\n\n{_table(found)}" for title, found in listed.items() if found]
    if not parts:
        return ""
    note = (
        f"Among the {whole(len(rows))} tickers with most value traded, each at least {large(LEAST_VALUE)} USD. "
        "Prices are not adjusted for splits."
    )
    return "\n\n".join(["## Movers", note, *parts])


def _most_traded(day: Day) -> list[Row]:
    return day.rows(_MOVERS, most_traded=MOST_TRADED, least_value=LEAST_VALUE) if _is_there(day) else []


def _gains(rows: Iterable[Row]) -> list[Row]:
    return sorted((row for row in rows if (row["change_pct"] or 0) > 0), key=_by_change, reverse=True)


def _losses(rows: Iterable[Row]) -> list[Row]:
    return sorted((row for row in rows if (row["change_pct"] or 0) < 0), key=_by_change)


def _by_change(row: Row) -> tuple[float, str]:
    return row["change_pct"], row["ticker"]


def _table(rows: Iterable[Row]) -> str:
    return table(
        _COLUMNS,
        (
            [
                text(row["ticker"]),
                text(row["company_name"]),
                price(row["close"]),
                change(row["change_pct"]),
                large(row["volume"]),
                large(row["notional"]),
            ]
            for row in rows
        ),
    )


def sessions(day: Day) -> str:
    """What was traded in which session, by governed metrics."""
    if not _is_there(day):
        return ""
    metrics = ("traded_tickers", "market_volume", "market_notional", "market_trade_count")
    found = {row[_SESSION]: row for row in day.metrics(metrics, _SESSION)}
    columns = (
        Column("Session, New York", is_figure=False),
        Column("Tickers"),
        Column("Shares"),
        Column("Value, USD"),
        Column("Trades"),
    )
    rows = [
        [
            words,
            whole(row["traded_tickers"]),
            large(row["market_volume"]),
            large(row["market_notional"]),
            large(row["market_trade_count"]),
        ]
        for session, words in _SESSIONS.items()
        if (row := found.get(session))
    ]
    return f"## Sessions\n\n{table(columns, rows)}" if rows else ""


def _is_there(day: Day) -> bool:
    return day.loaded(_FEED) and day.has_table("core_markets.fct_market_days")
