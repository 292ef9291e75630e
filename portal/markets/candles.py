"""A ticker's candles by day or minute, with volume and sessions, and a table of its days."""

from datetime import date
from typing import Any

import pandas as pd
import plotly.graph_objects as go
import streamlit as st
from plotly.subplots import make_subplots

from portal import charts, filters
from portal.cards import Card, show_cards
from portal.colours import MUTED, page_colour
from portal.days import as_labels, day_in_words, days_of, period_in_words
from portal.filters import choose
from portal.markets.companies import company_in_words
from portal.markets.days import CANDLES, TICKER_DAYS, choose_days
from portal.markets.words import COLOURS, FALLING, LOAD, RISING, SESSIONS
from portal.states import BUILD_AND_PUBLISH, nothing_to_show
from portal.tables import table
from portal.texts import NO_VALUE, plain, short
from portal.view import View

_DAY, _MINUTE = "day", "minute"
_GRAINS = {_DAY: "Days", _MINUTE: "Minutes"}
_DAYS_AT_FIRST = 60
# A day has up to 960 minutes.
_MOST_DAYS_OF_MINUTES = 5

_OF_MINUTES = f"""
    select
        source_date, open, high, low, close, change_pct, volume, notional, vwap, trade_count
    from {TICKER_DAYS}
    where ticker = $ticker and source_date between $first and $last
    order by source_date
"""
_OF_BROKER = f"""
    select source_date, open, high, low, close, volume, vwap, trade_count
    from {CANDLES}
    where symbol = $ticker and source_date between $first and $last
    order by source_date
"""
_MINUTES = """
    select source_date, timestamp as time, session, open, high, low, close, volume, rolling_15m_avg_close
    from core_markets.silver_minute_aggs
    where source_date between $first and $last and ticker = $ticker
    order by time
"""
_HOURS = """
    select trading_date, is_half_day, premarket_opens_at, opens_at, closes_at, postmarket_closes_at
    from core_markets.dim_trading_day
    where trading_date between $first and $last
    order by trading_date
"""

_COLUMNS = {
    "source_date": st.column_config.DateColumn("Day", format="YYYY-MM-DD"),
    "open": st.column_config.NumberColumn("Open, USD", format="%.2f"),
    "high": st.column_config.NumberColumn("High, USD", format="%.2f"),
    "low": st.column_config.NumberColumn("Low, USD", format="%.2f"),
    "close": st.column_config.NumberColumn("Close, USD", format="%.2f"),
    "change_pct": st.column_config.NumberColumn(
        "Change, %", format="%+.2f", help="Of the closing price against the trading day before; no splits are taken out"
    ),
    "volume": st.column_config.NumberColumn("Shares", format="%,d", help="Of all sessions"),
    "notional": st.column_config.NumberColumn("Value, USD", format="compact"),
    "vwap": st.column_config.NumberColumn(
        "VWAP, USD", format="%.2f", help="Average price of all sessions, weighted by volume"
    ),
    "trade_count": st.column_config.NumberColumn("Trades", format="localized"),
}


def render(view: View) -> None:
    """Draw the page."""
    st.title("Candles", anchor=False)
    days, tickers = days_of(view, TICKER_DAYS, CANDLES), _tickers(view)
    if not tickers:
        nothing_to_show("No minute bars and no daily candles are loaded.", (LOAD, *BUILD_AND_PUBLISH))
        return
    with filters.row():
        ticker = choose("ticker", "Ticker", tickers, default=tickers[0], among="tickers loaded")
        grain = choose("bars", "Bars", list(_GRAINS), default=_DAY, words=lambda each: _GRAINS.get(each, each))
        first, last = choose_days(days, at_first=_DAYS_AT_FIRST)
    rows, where_from = _days(view, ticker, first, last)
    if rows.empty:
        nothing_to_show(
            f"{ticker} has no bars in {period_in_words(first, last)}. Choose other days, or load them.",
            (f"nyc load --from {first} --to {last} --sources markets", *BUILD_AND_PUBLISH),
        )
        return
    _show_figures(rows, company_in_words(view, ticker, rows["source_date"].iloc[-1].date()))
    if grain == _MINUTE:
        _show_minutes(view, ticker, days, first, last)
    else:
        period = period_in_words(first, last)
        charts.show(
            _figure_of_days(rows),
            title=f"{ticker} by day",
            about=f"Price in USD in market hours, and shares, {period}, from {where_from}; hollow candles rose",
            key="candles",
        )
    st.subheader("Days", anchor=False)
    st.caption(plain(f"{ticker}, {period_in_words(first, last)}, from {where_from}. Not adjusted for splits."))
    table(rows[::-1].reset_index(drop=True), _COLUMNS)


def _tickers(view: View) -> list[str]:
    """All tickers: first those of the watchlist, then those that have minute bars."""
    parts = [
        f"select distinct {column} as ticker, {rank} as rank from {name}"
        for rank, (name, column) in enumerate(((CANDLES, "symbol"), (TICKER_DAYS, "ticker")))
        if view.has_table(name)
    ]
    if not parts:
        return []
    found = view.rows(f"select ticker from ({' union all '.join(parts)}) group by ticker order by min(rank), ticker")
    return list(found["ticker"])


def _days(view: View, ticker: str, first: date, last: date) -> tuple[pd.DataFrame, str]:
    """The days of a ticker by minute bars, or else by the broker's candles, and which of them it is."""
    for name, sql, words in ((TICKER_DAYS, _OF_MINUTES, "minute bars"), (CANDLES, _OF_BROKER, "the broker's candles")):
        if view.has_table(name):
            rows = view.rows(sql, ticker=ticker, first=first, last=last)
            if not rows.empty:
                return rows, words
    return pd.DataFrame(), ""


def _show_figures(rows: pd.DataFrame, company: str) -> None:
    latest = rows.iloc[-1]
    change = latest.get("change_pct")
    day = day_in_words(latest["source_date"])
    st.caption(plain(" · ".join(filter(None, (company, day)))))
    show_cards(
        [
            Card(
                "Close, USD",
                _price(latest["close"]),
                f"{day}, with the change from the trading day before",
                None if change is None or pd.isna(change) else f"{change:+.2f} %",
            ),
            Card("High, USD", _price(latest["high"]), f"{day}, while the market was open"),
            Card("Low, USD", _price(latest["low"]), f"{day}, while the market was open"),
            Card("Shares", short(float(latest["volume"])), f"{day}, all sessions"),
            Card("VWAP, USD", _price(latest["vwap"]), f"{day}, all sessions: the average price, weighted by volume"),
        ],
        key="candles",
    )


def _price(value: float) -> str:
    return NO_VALUE if pd.isna(value) else f"{value:,.2f}"


def _show_minutes(view: View, ticker: str, days: list[str], first: date, last: date) -> None:
    shown = [day for day in days if f"{first}" <= day <= f"{last}"][-_MOST_DAYS_OF_MINUTES:]
    start = date.fromisoformat(shown[0])
    has_minutes = view.has_table("core_markets.silver_minute_aggs")
    rows = view.rows(_MINUTES, ticker=ticker, first=start, last=last) if has_minutes else pd.DataFrame()
    period = period_in_words(start, last)
    if rows.empty:
        nothing_to_show(
            f"{ticker} has no minute bars in {period}.",
            (f"nyc load --from {start} --to {last} --sources minute_aggs", *BUILD_AND_PUBLISH),
        )
        return
    hours = view.rows(_HOURS, first=start, last=last)
    charts.show(
        _figure_of_minutes(rows, hours),
        title=f"{ticker} by minute",
        about=f"Price in USD, its mean of 15 bars, and shares, New York time, {period}; shaded: before and after hours",
        key="candles",
    )
    for day in hours[hours["is_half_day"]].itertuples():
        st.caption(
            plain(f"{day_in_words(day.trading_date)} was a half-day: the market closed at {day.closes_at:%H:%M}.")
        )
    if start > first:
        st.caption(f"Minutes are shown of the last {_MOST_DAYS_OF_MINUTES} days.")


def _figure_of_days(rows: pd.DataFrame) -> go.Figure:
    labels = as_labels(rows["source_date"])
    figure = _with_candles(labels, rows)
    figure.add_bar(x=labels, y=rows["volume"], name="Shares", marker={"color": MUTED}, row=2, col=1)
    return charts.by_category(_styled(figure)).update_layout(showlegend=False)


def _figure_of_minutes(rows: pd.DataFrame, hours: pd.DataFrame) -> go.Figure:
    figure = _with_candles(rows["time"], rows)
    # The mean begins anew each day, so a line of its own.
    for number, (_, of_day) in enumerate(rows.groupby("source_date")):
        figure.add_scatter(
            x=of_day["time"],
            y=of_day["rolling_15m_avg_close"],
            name="Mean of 15 bars",
            legendgroup="mean",
            showlegend=number == 0,
            mode="lines",
            line={"color": MUTED, "width": 1},
            hovertemplate="%{y:,.2f} USD",
            row=1,
            col=1,
        )
    for session, words in SESSIONS.items():
        of_session = rows[rows["session"] == session]
        if len(of_session):
            figure.add_bar(
                x=of_session["time"],
                y=of_session["volume"],
                name=words,
                marker={"color": COLOURS[words], "line": {"width": 0}},
                row=2,
                col=1,
            )
    for day in hours.itertuples():
        for begin, end in ((day.premarket_opens_at, day.opens_at), (day.closes_at, day.postmarket_closes_at)):
            figure.add_vrect(x0=begin, x1=end, fillcolor=MUTED, opacity=0.12, line_width=0, layer="below")
    _styled(figure)
    if len(hours) > 1:
        figure.update_xaxes(rangebreaks=_breaks(hours))
    return figure.update_xaxes(tickformat="%H:%M\n%d %b", hoverformat="%a %d %b %Y, %H:%M")


def _breaks(hours: pd.DataFrame) -> list[dict[str, Any]]:
    """What of the time is left out of the axis: nights, weekends and holidays."""
    trading = set(pd.to_datetime(hours["trading_date"]))
    weekdays = pd.bdate_range(min(trading), max(trading))
    holidays = [f"{day:%Y-%m-%d}" for day in weekdays if day not in trading]
    breaks: list[dict[str, Any]] = [{"bounds": ["sat", "mon"]}, {"bounds": [20, 4], "pattern": "hour"}]
    return [*breaks, {"values": holidays}] if holidays else breaks


def _with_candles(times: object, rows: pd.DataFrame) -> go.Figure:
    """The upper part: candles, of which those that rise are hollow."""
    figure = make_subplots(rows=2, shared_xaxes=True, vertical_spacing=0.04, row_heights=[0.74, 0.26])
    candles = go.Candlestick(
        x=times,
        open=rows["open"],
        high=rows["high"],
        low=rows["low"],
        close=rows["close"],
        name="Price",
        showlegend=False,
        increasing={"line": {"color": RISING, "width": 1}, "fillcolor": page_colour()},
        decreasing={"line": {"color": FALLING, "width": 1}, "fillcolor": FALLING},
    )
    return figure.add_trace(candles, row=1, col=1)


def _styled(figure: go.Figure) -> go.Figure:
    charts.style(figure, height=460).update_layout(hovermode="x unified", bargap=0.1, barmode="overlay")
    figure.update_traces(hovertemplate="%{y:,.0f} shares", selector={"type": "bar"})
    figure.update_xaxes(rangeslider_visible=False)
    figure.update_yaxes(title_text="USD", row=1, col=1)
    figure.update_yaxes(title_text="shares", row=2, col=1)
    return figure
