"""What the overview says about markets."""

from datetime import date

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from metrics.query import MetricQuery
from portal import charts
from portal.colours import MUTED
from portal.days import as_labels, days_of, period_in_words
from portal.markets.days import CANDLES, CHAINS, MARKET_DAYS, traded_days
from portal.markets.words import COLOURS, FALLING, LOAD, RISING, SESSIONS
from portal.states import BUILD_AND_PUBLISH, nothing_to_show
from portal.tables import capitalised
from portal.texts import plain
from portal.view import View

_KINDS = {"minute bars": MARKET_DAYS, "daily candles": CANDLES, "chains of options": CHAINS}
_SESSION, _DAY = "ticker_session__session", "metric_time__day"

_BREADTH_NAMES = {"advancing_tickers": "Rose", "declining_tickers": "Fell", "unchanged_tickers": "Unchanged"}
_BREADTH_COLOURS = {"Rose": RISING, "Fell": FALLING, "Unchanged": MUTED}


def overview(view: View) -> None:
    """Up to when what is loaded, shares traded by day and session, and how many tickers rose and fell."""
    newest = {words: days[-1] for words, table in _KINDS.items() if (days := days_of(view, table))}
    if traded := traded_days(view):
        newest["trades of the exchange"] = traded[-1]
    if not newest:
        nothing_to_show("No trading day is loaded.", (LOAD, *BUILD_AND_PUBLISH))
        return
    st.caption(plain(capitalised("; ".join(f"{words} until {day}" for words, day in newest.items()))))
    if not view.has_table(MARKET_DAYS):
        nothing_to_show("No minute bars are loaded.", (LOAD, *BUILD_AND_PUBLISH))
        return
    days = days_of(view, MARKET_DAYS)
    period = period_in_words(date.fromisoformat(days[0]), date.fromisoformat(days[-1]))
    volume, movers = st.columns(2, gap="medium")
    with volume:
        charts.show(
            _volume(view), title="Shares traded by day", about=f"Shares by session, {period}", key="overview-shares"
        )
    with movers:
        charts.show(
            _breadth(view),
            title="Rose and fell",
            about=f"Tickers by closing price against the trading day before, {period}",
            key="overview-breadth",
            empty="No two trading days in a row are loaded.",
        )


def _volume(view: View) -> go.Figure:
    rows = view.metrics(MetricQuery(("market_volume",), (_DAY, _SESSION)))
    order = list(SESSIONS)
    rows = rows.sort_values(_SESSION, key=lambda values: values.map(order.index), kind="stable")
    shown = pd.DataFrame(
        {
            "day": as_labels(rows[_DAY]),
            "session": rows[_SESSION].map(SESSIONS),
            "shares": rows["market_volume"],
        }
    )
    labels = {"day": "", "session": "", "shares": "shares"}
    return charts.by_category(charts.bar(shown, x="day", y="shares", colour="session", labels=labels, colours=COLOURS))


def _breadth(view: View) -> go.Figure | None:
    rows = view.metrics(MetricQuery(tuple(_BREADTH_NAMES), (_DAY,)))
    long = rows.rename(columns=_BREADTH_NAMES).melt(
        _DAY, list(_BREADTH_NAMES.values()), var_name="what", value_name="tickers"
    )
    # Days after a day that is not loaded have none.
    long = long.dropna(subset="tickers")
    if long.empty:
        return None
    long = long.assign(day=as_labels(long[_DAY]))
    labels = {"day": "", "what": "", "tickers": "tickers"}
    return charts.by_category(
        charts.bar(long, x="day", y="tickers", colour="what", labels=labels, colours=_BREADTH_COLOURS)
    )
