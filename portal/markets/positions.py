"""What traders hold at the end of a day: by trader and symbol, with what closing it would gain."""

from datetime import date

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from portal import charts, filters
from portal.cards import Card, show_cards
from portal.days import day_in_words, days_of
from portal.filters import choose
from portal.markets.days import choose_day
from portal.markets.parties import trader_in_words
from portal.markets.words import FALLING, RISING, STREAM
from portal.states import BUILD_AND_PUBLISH, nothing_to_show
from portal.tables import table
from portal.texts import count, plain, short
from portal.view import View

POSITIONS = "core_markets.gold_portfolio_positions"
_ALL = "all"

_TRADERS = f"select distinct trader_id from {POSITIONS} order by trader_id"
_SYMBOLS = f"select distinct symbol from {POSITIONS} order by symbol"
_CHOSEN = f"""
    from {POSITIONS}
    where
        trading_date = $day
        and trader_id = coalesce($trader, trader_id)
        and symbol = coalesce($symbol, symbol)
"""
_TOTALS = f"""
    select
        count(*) as positions,
        sum(unrealized_pnl) as unrealized_pnl,
        coalesce(sum(position_value) filter (net_quantity > 0), 0) as long_value,
        coalesce(sum(position_value) filter (net_quantity < 0), 0) as short_value
    {_CHOSEN}
"""
_ROWS = f"""
    select trader_id, symbol, net_quantity, avg_entry_price, last_price, position_value, unrealized_pnl
    {_CHOSEN}
    order by abs(position_value) desc, trader_id, symbol
"""
_COLUMNS = {
    "trader_id": st.column_config.TextColumn("Trader"),
    "symbol": st.column_config.TextColumn("Symbol"),
    "net_quantity": st.column_config.NumberColumn("Shares", format="%,.0f", help="Below 0: sold short"),
    "avg_entry_price": st.column_config.NumberColumn("Entry, USD", format="%.2f", help="Average price at entry"),
    "last_price": st.column_config.NumberColumn("Last price, USD", format="%.2f"),
    "position_value": st.column_config.NumberColumn("Value, USD", format="%,.0f", help="Shares at the last price"),
    "unrealized_pnl": st.column_config.NumberColumn(
        "Unrealised PnL, USD", format="%,.2f", help="What closing at the last price would gain"
    ),
}


def render(view: View) -> None:
    """Draw the page."""
    st.title("Positions", anchor=False)
    traders, symbols = list(view.rows(_TRADERS)["trader_id"]), list(view.rows(_SYMBOLS)["symbol"])
    with filters.row():
        day = choose_day(days_of(view, POSITIONS, column="trading_date"))
        trader = _choose("trader", "Trader", traders)
        symbol = _choose("symbol", "Symbol", symbols)
    chosen = {"day": day, "trader": trader, "symbol": symbol}
    rows = view.rows(_ROWS, **chosen)
    of = " · ".join(filter(None, (day_in_words(day), trader or "all traders", symbol or "all symbols")))
    who = trader_in_words(view, trader, day) if trader else ""
    st.caption(plain(" · ".join(filter(None, (of, who)))))
    if rows.empty:
        nothing_to_show(
            "There is no position of these at the end of the day. Choose others, or read the streams.",
            (STREAM, *BUILD_AND_PUBLISH),
        )
        return
    _show_figures(view.rows(_TOTALS, **chosen).iloc[0], of)
    _show_chart(view, chosen, of)
    st.subheader("Positions", anchor=False)
    st.caption(plain(f"{of}. At average cost, by value; positions of 0 are left out."))
    table(rows, _COLUMNS)


def _choose(name: str, label: str, options: list[str]) -> str | None:
    """One of the options, or None for all of them."""
    chosen = choose(
        name,
        label,
        [_ALL, *options],
        default=_ALL,
        words=lambda each: "All" if each == _ALL else each,
        among=f"{label.lower()}s with positions",
    )
    return None if chosen == _ALL else chosen


def _show_figures(totals: pd.Series, of: str) -> None:
    show_cards(
        [
            Card("Positions", count(int(totals["positions"])), of),
            Card("Bought, USD", short(float(totals["long_value"])), f"Value of positions above 0, {of}"),
            Card("Sold short, USD", short(float(totals["short_value"])), f"Value of positions below 0, {of}"),
            Card(
                "Unrealised PnL, USD",
                short(float(totals["unrealized_pnl"])),
                f"What closing everything at the last prices would gain, {of}",
            ),
        ],
        key="positions",
    )


def _show_chart(view: View, chosen: dict[str, date | str | None], of: str) -> None:
    """By trader, or of one trader by symbol."""
    by = "trader_id" if chosen["trader"] is None else "symbol"
    rows = view.rows(
        f"select {by}, sum(unrealized_pnl) as pnl {_CHOSEN} group by {by} order by pnl desc, {by}", **chosen
    )
    charts.show(
        _figure(rows, by),
        title=f"Unrealised PnL by {'trader' if by == 'trader_id' else 'symbol'}",
        about=f"USD at the last prices, {of}",
        key="unrealised",
    )


def _figure(rows: pd.DataFrame, by: str) -> go.Figure:
    shown = rows.assign(what=["Gain" if value >= 0 else "Loss" for value in rows["pnl"]])
    figure = charts.bar(
        shown,
        x=by,
        y="pnl",
        colour="what",
        labels={by: "", "pnl": "USD", "what": ""},
        colours={"Gain": RISING, "Loss": FALLING},
        is_on_side=True,
    )
    return figure.update_yaxes(categoryorder="array", categoryarray=list(rows[by]))
