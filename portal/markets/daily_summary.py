"""What was traded at the exchange: a day over all symbols, with those that moved most, and a symbol over days."""

import json
from datetime import date

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from portal import charts, filters
from portal.cards import Card, show_cards
from portal.days import as_labels, day_in_words, period_in_words
from portal.filters import choose
from portal.markets.companies import company_in_words
from portal.markets.days import SUMMARY, choose_days, traded_days
from portal.markets.words import FALLING, RISING, STREAM
from portal.states import BUILD_AND_PUBLISH, nothing_to_show
from portal.tables import table
from portal.texts import NO_VALUE, count, plain, short
from portal.view import View

_OVERVIEW = "core_markets.gold_market_overview"
_DAYS_AT_FIRST = 60

_SYMBOLS = f"select symbol from {SUMMARY} group by symbol order by sum(total_notional) desc nulls last, symbol"
_FIGURES = """
    open_price, high_price, low_price, close_price, price_change, price_change_pct, vwap, avg_spread, total_volume,
    total_notional, trade_count
"""
_OF_DAY = f"""
    select symbol, {_FIGURES} from {SUMMARY}
    where trading_date = $day
    order by total_notional desc nulls last, symbol
"""
_OF_SYMBOL = f"""
    select trading_date, {_FIGURES} from {SUMMARY}
    where symbol = $symbol and trading_date between $first and $last
    order by trading_date
"""
_OF_MARKET = f"""
    select
        total_volume, total_notional, trade_count, advancing_symbols, declining_symbols, unchanged_symbols,
        top_5_gainers, top_5_losers, market_vwap
    from {_OVERVIEW}
    where trading_date = $day
"""

_COLUMNS = {
    "symbol": st.column_config.TextColumn("Symbol"),
    "trading_date": st.column_config.DateColumn("Day", format="YYYY-MM-DD"),
    "open_price": st.column_config.NumberColumn("Open, USD", format="%.2f"),
    "high_price": st.column_config.NumberColumn("High, USD", format="%.2f"),
    "low_price": st.column_config.NumberColumn("Low, USD", format="%.2f"),
    "close_price": st.column_config.NumberColumn("Close, USD", format="%.2f"),
    "price_change": st.column_config.NumberColumn(
        "Change, USD", format="%+.2f", help="From the open of the day's first interval to the close of its last"
    ),
    "price_change_pct": st.column_config.NumberColumn("Change, %", format="%+.2f"),
    "vwap": st.column_config.NumberColumn("VWAP, USD", format="%.2f", help="Average price, weighted by volume"),
    "avg_spread": st.column_config.NumberColumn(
        "Spread, USD", format="%.4f", help="Best ask less best bid, on average over the day's snapshots"
    ),
    "total_volume": st.column_config.NumberColumn("Shares", format="localized"),
    "total_notional": st.column_config.NumberColumn("Value, USD", format="compact"),
    "trade_count": st.column_config.NumberColumn("Trades", format="localized"),
}


def render(view: View) -> None:
    """Draw the page."""
    st.title("Daily summary", anchor=False)
    symbols = list(view.rows(_SYMBOLS)["symbol"])
    with filters.row():
        symbol = choose("symbol", "Symbol", symbols, default=symbols[0], among="symbols traded")
        first, last = choose_days(traded_days(view), at_first=_DAYS_AT_FIRST)
    _show_market(view, last)
    _show_symbol(view, symbol, first, last)


def _show_market(view: View, day: date) -> None:
    """The day of all symbols."""
    st.caption(plain(f"{day_in_words(day)}, all symbols"))
    overview = view.rows(_OF_MARKET, day=day) if view.has_table(_OVERVIEW) else pd.DataFrame()
    if overview.empty:
        nothing_to_show(f"There is no overview of {day}. Build it.", BUILD_AND_PUBLISH)
    else:
        _show_figures(overview.iloc[0], day)
        movers = _movers(overview.iloc[0])
        charts.show(
            None if movers.empty else _figure_of_movers(movers),
            title="Gainers and losers",
            about=f"Change of price within the day in %, the five symbols at each end, {day_in_words(day)}",
            key="movers",
            empty="No symbol rose or fell, or there is no market data of the day.",
        )
    st.subheader("Symbols", anchor=False)
    st.caption(plain(f"{day_in_words(day)}, by value traded"))
    rows = view.rows(_OF_DAY, day=day)
    table(rows, _COLUMNS)


def _show_figures(market: pd.Series, day: date) -> None:
    on = day_in_words(day)
    show_cards(
        [
            Card("Trades", count(int(market["trade_count"])), on),
            Card("Shares", _short(market["total_volume"]), on),
            Card("Value, USD", _short(market["total_notional"]), f"{on}: price times shares, of all trades"),
            Card("VWAP, USD", _price(market["market_vwap"]), f"{on}: average price of a share of any symbol"),
            Card(
                "Rose / fell",
                f"{market['advancing_symbols']:,} / {market['declining_symbols']:,}",
                f"{on}: symbols by their change within the day; {market['unchanged_symbols']:,} did not change",
            ),
        ],
        key="daily-summary",
    )


def _movers(market: pd.Series) -> pd.DataFrame:
    """The symbols that moved most, from the one that rose most to the one that fell most."""
    rose, fell = json.loads(market["top_5_gainers"]), json.loads(market["top_5_losers"])
    rows = [*((each, "Rose") for each in rose), *((each, "Fell") for each in reversed(fell))]
    return pd.DataFrame(
        [(each["symbol"], each["price_change_pct"], what) for each, what in rows], columns=["symbol", "change", "what"]
    )


def _figure_of_movers(movers: pd.DataFrame) -> go.Figure:
    labels = {"symbol": "", "change": "%", "what": ""}
    figure = charts.bar(
        movers,
        x="symbol",
        y="change",
        colour="what",
        labels=labels,
        colours={"Rose": RISING, "Fell": FALLING},
        is_on_side=True,
    )
    figure.update_traces(hovertemplate="%{x:+.2f} %")
    return figure.update_yaxes(categoryorder="array", categoryarray=list(movers["symbol"]))


def _show_symbol(view: View, symbol: str, first: date, last: date) -> None:
    """The days of one symbol."""
    rows = view.rows(_OF_SYMBOL, symbol=symbol, first=first, last=last)
    period = period_in_words(first, last)
    if rows.empty:
        nothing_to_show(
            f"{symbol} has no trade in {period}. Choose other days, or read the streams.", (STREAM, *BUILD_AND_PUBLISH)
        )
        return
    company = company_in_words(view, symbol, rows["trading_date"].iloc[-1].date())
    priced = rows.dropna(subset="close_price")
    charts.show(
        None if priced.empty else _figure_of_prices(priced),
        title=f"{symbol} by day",
        about=" · ".join(filter(None, (f"Prices of trades in USD, {period}", company))),
        key="summary-symbol",
        empty="No trade has a price.",
    )
    st.subheader(f"Days of {plain(symbol)}", anchor=False)
    st.caption(plain(f"{period}. Trades without a price or quantity are counted, and enter no price."))
    table(rows[::-1].reset_index(drop=True), _COLUMNS)


def _figure_of_prices(rows: pd.DataFrame) -> go.Figure:
    names = {"close_price": "Close", "vwap": "VWAP", "high_price": "High", "low_price": "Low"}
    long = rows.melt("trading_date", list(names), var_name="what", value_name="price").dropna(subset="price")
    long = long.assign(day=as_labels(long["trading_date"]), what=long["what"].map(names))
    colours = {"Close": "#2f86b3", "VWAP": "#bf8a00", "High": RISING, "Low": FALLING}
    labels = {"day": "", "price": "USD", "what": ""}
    figure = charts.line(long, x="day", y="price", colour="what", labels=labels, colours=colours)
    figure.update_traces(hovertemplate="%{y:,.2f} USD")
    return charts.by_category(figure)


def _price(value: float) -> str:
    return NO_VALUE if pd.isna(value) else f"{value:,.2f}"


def _short(value: float) -> str:
    return NO_VALUE if pd.isna(value) else short(float(value))
