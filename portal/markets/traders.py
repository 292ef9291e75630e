"""How traders did: all of them over some days, and one of them day by day."""

from datetime import date

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from portal import charts, filters
from portal.cards import Card, show_cards
from portal.days import as_labels, days_of, period_in_words
from portal.filters import choose
from portal.markets.days import choose_days
from portal.markets.parties import TRADERS, trader_in_words
from portal.markets.words import FALLING, RISING, STREAM
from portal.states import BUILD_AND_PUBLISH, nothing_to_show
from portal.tables import table
from portal.texts import count, plain, short
from portal.view import View

PERFORMANCE = "core_markets.gold_trader_performance"
_DAYS_AT_FIRST = 20
_MOST_IN_CHART = 30

_TRADERS = f"select distinct trader_id from {PERFORMANCE} order by trader_id"
_RANKING = f"""
    select
        trader_id,
        sum(realized_pnl) as realized_pnl,
        cast(sum(closing_trade_count) as bigint) as closing_trade_count,
        cast(sum(winning_trade_count) as bigint) as winning_trade_count,
        cast(sum(trade_count) as bigint) as trade_count,
        sum(total_volume) as total_volume,
        sum(total_notional) as total_notional,
        max(max_drawdown) as max_drawdown
    from {PERFORMANCE}
    where trading_date between $first and $last
    group by trader_id
    order by realized_pnl desc, trader_id
"""
_NAMES = f"""
    select trader_id, trader_name, firm, desk, risk_tier from {TRADERS}
    where valid_from <= $day and (valid_to is null or valid_to > $day)
"""
_OF_TRADER = f"""
    select
        trading_date, realized_pnl, win_rate, closing_trade_count, trade_count, total_volume, total_notional,
        max_drawdown, avg_hold_minutes, sharpe_proxy
    from {PERFORMANCE}
    where trader_id = $trader and trading_date between $first and $last
    order by trading_date
"""

_COLUMNS = {
    "trader_id": st.column_config.TextColumn("Trader"),
    "trader_name": st.column_config.TextColumn("Name"),
    "firm": st.column_config.TextColumn("Firm"),
    "desk": st.column_config.TextColumn("Desk"),
    "risk_tier": st.column_config.TextColumn("Risk tier"),
    "trading_date": st.column_config.DateColumn("Day", format="YYYY-MM-DD"),
    "realized_pnl": st.column_config.NumberColumn(
        "Realised PnL, USD", format="%,.2f", help="Gained by closing positions, at average cost"
    ),
    "win_rate": st.column_config.NumberColumn(
        "Win rate", format="percent", help="Closing trades that gained something, of all closing trades"
    ),
    "closing_trade_count": st.column_config.NumberColumn(
        "Closing trades", format="localized", help="Trades that closed some or all of a position"
    ),
    "winning_trade_count": st.column_config.NumberColumn("Won", format="localized", help="Closing trades that gained"),
    "trade_count": st.column_config.NumberColumn("Trades", format="localized"),
    "total_volume": st.column_config.NumberColumn("Shares", format="localized"),
    "total_notional": st.column_config.NumberColumn("Value, USD", format="compact"),
    "max_drawdown": st.column_config.NumberColumn(
        "Largest drawdown, USD", format="%,.2f", help="Largest fall of a day's realised PnL from its peak"
    ),
    "avg_hold_minutes": st.column_config.NumberColumn(
        "Held, minutes", format="%,.0f", help="From entry to close, on average over the shares closed"
    ),
    "sharpe_proxy": st.column_config.NumberColumn(
        "Sharpe proxy", format="%.3f", help="Mean of the gains of the day's closing trades over their deviation"
    ),
}


def render(view: View) -> None:
    """Draw the page."""
    st.title("Traders", anchor=False)
    traders = list(view.rows(_TRADERS)["trader_id"])
    with filters.row():
        trader = choose("trader", "Trader", traders, default=traders[0], among="traders with trades")
        first, last = choose_days(days_of(view, PERFORMANCE, column="trading_date"), at_first=_DAYS_AT_FIRST)
    _show_ranking(view, first, last)
    _show_trader(view, trader, first, last)


def _show_ranking(view: View, first: date, last: date) -> None:
    period = period_in_words(first, last)
    rows = view.rows(_RANKING, first=first, last=last)
    st.caption(plain(f"{period}, all traders"))
    best = rows.iloc[0]
    show_cards(
        [
            Card("Traders", count(len(rows)), f"With a trade in {period}"),
            Card("Trades", short(float(rows["trade_count"].sum())), period),
            Card("Realised PnL, USD", short(float(rows["realized_pnl"].sum())), f"Of all traders, {period}"),
            Card(f"Best: {best['trader_id']}", short(float(best["realized_pnl"])), f"Realised PnL in USD, {period}"),
        ],
        key="traders",
    )
    of_all = f", {_MOST_IN_CHART} of {len(rows):,}" if len(rows) > _MOST_IN_CHART else ""
    charts.show(
        _figure(rows.head(_MOST_IN_CHART), "trader_id", is_on_side=True),
        title="Realised PnL by trader",
        about=f"USD gained by closing positions, {period}, the best first{of_all}",
        key="ranking",
    )
    names = view.rows(_NAMES, day=last) if view.has_table(TRADERS) else pd.DataFrame({"trader_id": []}, dtype="object")
    ranked = rows.merge(names, on="trader_id", how="left")
    st.subheader("Ranking", anchor=False)
    st.caption(plain(f"{period}, by realised PnL; firm, desk and risk tier as of {last}"))
    table(ranked[[name for name in _COLUMNS if name in ranked]], _COLUMNS)


def _show_trader(view: View, trader: str, first: date, last: date) -> None:
    period = period_in_words(first, last)
    rows = view.rows(_OF_TRADER, trader=trader, first=first, last=last)
    if rows.empty:
        nothing_to_show(
            f"{trader} has no trade in {period}. Choose other days, or read the streams.", (STREAM, *BUILD_AND_PUBLISH)
        )
        return
    charts.show(
        _figure(rows.assign(day=as_labels(rows["trading_date"])), "day"),
        title=f"{trader} by day",
        about=" · ".join(filter(None, (f"Realised PnL in USD, {period}", trader_in_words(view, trader, last)))),
        key="trader-days",
    )
    st.subheader(f"Days of {plain(trader)}", anchor=False)
    st.caption(plain(f"{period}. Each figure is defined in the description of {PERFORMANCE}."))
    table(rows[::-1].reset_index(drop=True), _COLUMNS)


def _figure(rows: pd.DataFrame, by: str, *, is_on_side: bool = False) -> go.Figure:
    shown = rows.assign(what=["Gain" if value >= 0 else "Loss" for value in rows["realized_pnl"]])
    labels = {by: "", "realized_pnl": "USD", "what": ""}
    colours = {"Gain": RISING, "Loss": FALLING}
    figure = charts.bar(
        shown, x=by, y="realized_pnl", colour="what", labels=labels, colours=colours, is_on_side=is_on_side
    )
    if is_on_side:
        return figure.update_yaxes(categoryorder="array", categoryarray=list(rows[by]))
    return charts.by_category(figure)
