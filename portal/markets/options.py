"""What the chains of an underlying say: flow by strike, ratios of puts and calls, and volatilities over days."""

from datetime import date

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from briefings.markets.options import contract_in_words, signals_of
from portal import charts, filters
from portal.cards import Card, show_cards
from portal.days import as_labels, day_in_words, days_of, period_in_words
from portal.filters import choose
from portal.markets.companies import company_in_words
from portal.markets.days import CHAINS, choose_days
from portal.markets.words import COLOURS, LOAD_OPTIONS, OPTION_TYPES
from portal.states import BUILD_AND_PUBLISH, nothing_to_show
from portal.tables import table
from portal.texts import NO_VALUE, plain
from portal.view import View

_FLOW = "core_markets.options_flow"
_ALL = "all"
_DAYS_AT_FIRST = 60
_CONTRACTS = 20

_UNDERLYINGS = f"select distinct underlying from {CHAINS} order by underlying"
_HISTORY = f"""
    select
        underlying,
        source_date,
        call_volume,
        put_volume,
        put_call_ratio_volume,
        put_call_ratio_open_interest,
        atm_implied_volatility,
        implied_volatility_rank,
        implied_volatility_days,
        volatility_skew,
        realised_volatility,
        is_volatility_high,
        is_volatility_low,
        is_put_heavy,
        is_call_heavy
    from {CHAINS}
    where underlying = $underlying and source_date between $first and $last
    order by source_date
"""
_EXPIRIES = f"""
    select distinct expiration_date from {_FLOW}
    where underlying = $underlying and source_date = $day
    order by expiration_date
"""
_CHOSEN = f"""
    from {_FLOW}
    where
        underlying = $underlying
        and source_date = $day
        and expiration_date = coalesce(cast($expiry as date), expiration_date)
"""
_BY_STRIKE = f"""
    select
        strike,
        option_type,
        sum(open_interest_change) as change,
        min(previous_source_date) as since
    {_CHOSEN} and open_interest_change is not null
    group by strike, option_type
    having sum(open_interest_change) <> 0
    order by strike, option_type
"""
_LARGEST = f"""
    select
        underlying, expiration_date, strike, option_type, open_interest_change, open_interest, volume_change, volume,
        premium
    {_CHOSEN}
    order by abs(open_interest_change) desc nulls last, contract
    limit {_CONTRACTS}
"""

_RATIOS = {"put_call_ratio_volume": "By volume", "put_call_ratio_open_interest": "By open interest"}
_VOLATILITIES = {"atm_implied_volatility": "Implied", "realised_volatility": "Realised"}
_RANK = {"implied_volatility_rank": "Rank"}
_SKEW = {"volatility_skew": "Skew"}
_LINES = {
    "By volume": "#2f86b3",
    "By open interest": "#8a6fb0",
    "Implied": "#2f86b3",
    "Realised": "#bf8a00",
    "Rank": "#3d8b57",
    "Skew": "#c2584c",
}

_COLUMNS = {
    "contract": st.column_config.TextColumn("Contract", width="medium"),
    "open_interest_change": st.column_config.NumberColumn("Change of open interest", format="%+,d"),
    "open_interest": st.column_config.NumberColumn("Open interest", format="localized"),
    "volume": st.column_config.NumberColumn("Volume", format="localized"),
    "volume_change": st.column_config.NumberColumn("Change of volume", format="%+,d"),
    "premium": st.column_config.NumberColumn(
        "Premium, USD", format="%,d", help="Value of the contracts traded on the day"
    ),
}


def render(view: View) -> None:
    """Draw the page."""
    st.title("Options flow", anchor=False)
    days, underlyings = days_of(view, CHAINS), list(view.rows(_UNDERLYINGS)["underlying"])
    with filters.row():
        underlying = choose(
            "underlying", "Underlying", underlyings, default=underlyings[0], among="underlyings of chains loaded"
        )
        first, last = choose_days(days, at_first=_DAYS_AT_FIRST)
        expiries = _expiries(view, underlying, last)
        expiry = choose(
            "expiry",
            "Expiry",
            [_ALL, *expiries],
            default=_ALL,
            words=lambda each: "All" if each == _ALL else each,
            among=f"expiries of {underlying} on {last}",
        )
    history = view.rows(_HISTORY, underlying=underlying, first=first, last=last)
    if history.empty:
        nothing_to_show(
            f"{underlying} has no chain in {period_in_words(first, last)}. Choose other days, or load them.",
            (LOAD_OPTIONS, *BUILD_AND_PUBLISH),
        )
        return
    day = history["source_date"].iloc[-1].date()
    _show_figures(history, company_in_words(view, underlying, day))
    _show_flow(view, underlying, day, None if expiry == _ALL else expiry)
    _show_history(history, underlying, period_in_words(first, last))


def _expiries(view: View, underlying: str, day: date) -> list[str]:
    if not view.has_table(_FLOW):
        return []
    return as_labels(view.rows(_EXPIRIES, underlying=underlying, day=day)["expiration_date"])


def _show_figures(history: pd.DataFrame, company: str) -> None:
    latest = history.iloc[-1]
    day = day_in_words(latest["source_date"])
    st.caption(plain(" · ".join(filter(None, (company, day)))))
    ratio, share = "{:,.2f}".format, "{:.1%}".format
    shown = (
        ("Put/call, volume", "put_call_ratio_volume", ratio, "Puts traded for each call traded"),
        ("Put/call, open", "put_call_ratio_open_interest", ratio, "Open puts for each open call"),
        ("Implied volatility", "atm_implied_volatility", share, "At the money, near 30 days to expiry, a year"),
        (
            "Rank",
            "implied_volatility_rank",
            "{:.0%}".format,
            f"0 % at the lowest and 100 % at the highest of {latest['implied_volatility_days']:,} days loaded",
        ),
        ("Skew, points", "volatility_skew", _points, "Implied volatility of puts less that of calls, out of the money"),
    )
    show_cards(
        [
            Card(label, NO_VALUE if pd.isna(latest[name]) else form(latest[name]), f"{day}. {about}")
            for label, name, form, about in shown
        ],
        key="options",
    )
    for signal in signals_of(latest.to_dict()):
        st.markdown(signal)


def _points(value: float) -> str:
    return f"{value:+.1%}".removesuffix("%")


def _show_flow(view: View, underlying: str, day: date, expiry: str | None) -> None:
    if not view.has_table(_FLOW):
        nothing_to_show("No flow is built of these chains.", BUILD_AND_PUBLISH)
        return
    rows = view.rows(_BY_STRIKE, underlying=underlying, day=day, expiry=expiry)
    of_expiry = "all expiries" if expiry is None else f"expiry {expiry}"
    since = "" if rows.empty else f" since {rows['since'].iloc[0]:%Y-%m-%d}"
    charts.show(
        None if rows.empty else _by_strike(rows),
        title="Change of open interest by strike",
        about=f"Contracts on {underlying}, {of_expiry}, on {day}{since}",
        key="flow",
        empty="There is no snapshot before this one to compare with, or nothing changed.",
    )
    largest = view.rows(_LARGEST, underlying=underlying, day=day, expiry=expiry)
    if largest.empty:
        return
    words = [
        contract_in_words(row.underlying, row.expiration_date, row.strike, row.option_type)
        for row in largest.itertuples()
    ]
    st.subheader("Largest changes", anchor=False)
    st.caption(plain(f"Contracts on {underlying}, {of_expiry}, {day}, by change of open interest"))
    table(largest.assign(contract=words)[list(_COLUMNS)], _COLUMNS)


def _by_strike(rows: pd.DataFrame) -> go.Figure:
    shown = rows.assign(option_type=rows["option_type"].map(OPTION_TYPES))
    labels = {"strike": "strike, USD", "change": "contracts", "option_type": ""}
    figure = charts.bar(shown, x="strike", y="change", colour="option_type", labels=labels, colours=COLOURS)
    return figure.update_layout(barmode="relative")


def _show_history(history: pd.DataFrame, underlying: str, period: str) -> None:
    ratios, volatilities = st.columns(2, gap="medium")
    with ratios:
        charts.show(
            _lines(history, _RATIOS, "puts per call"),
            title="Puts per call",
            about=f"Puts for each call on {underlying}, {period}",
            key="ratios",
        )
        charts.show(
            _lines(history, _RANK, "of the way up", ".0%"),
            title="Rank of implied volatility",
            about=f"Between the lowest and the highest of the days loaded until then, {underlying}, {period}",
            key="rank",
            empty="One day has no rank. Load more days.",
        )
    with volatilities:
        charts.show(
            _lines(history, _VOLATILITIES, "a year", ".1%"),
            title="Volatility",
            about=f"At the money near 30 days to expiry, and of the last 20 returns, % a year, {underlying}, {period}",
            key="volatility",
            empty="No chain has a volatility at the money.",
        )
        charts.show(
            _lines(history, _SKEW, "puts above calls", ".1%"),
            title="Skew",
            about=f"Implied volatility of puts less that of calls, out of the money, {underlying}, {period}",
            key="skew",
            empty="No chain has a put and a call far enough out of the money.",
        )


def _lines(history: pd.DataFrame, names: dict[str, str], unit: str, form: str = ",.2f") -> go.Figure | None:
    """Lines over days, one for each of the named columns; None where all are without a value."""
    long = history.melt("source_date", list(names), var_name="what", value_name="value").dropna(subset="value")
    if long.empty:
        return None
    long = long.assign(day=as_labels(long["source_date"]), what=long["what"].map(names))
    labels = {"day": "", "value": unit, "what": ""}
    figure = charts.line(long, x="day", y="value", colour="what", labels=labels, colours=_LINES)
    figure.update_traces(hovertemplate=f"%{{y:{form}}} {unit}")
    figure.update_yaxes(tickformat=form.replace(".1%", ".1~%"))
    return charts.by_category(figure).update_layout(showlegend=len(names) > 1)
