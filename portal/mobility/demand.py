"""When people travel, by what, and in which weather."""

from calendar import day_abbr
from collections.abc import Callable

import pandas as pd
import plotly.graph_objects as go
import streamlit as st
from plotly.subplots import make_subplots

from metrics.changes import change_pct
from metrics.query import list_metrics
from portal import charts
from portal.cards import Card, show_cards
from portal.colours import MUTED
from portal.mobility.questions import figures, grain_of, over_time, per_hour, with_weather
from portal.mobility.selection import Loaded, Selection, loaded, say_absent, select
from portal.mobility.trips import COLOURS, named
from portal.states import nothing_to_show
from portal.texts import plain, short
from portal.view import View

# For each figure: its name with the unit, and its form.
_FIGURES: dict[str, tuple[str, Callable[[float], str]]] = {
    "total_trips": ("Trips", short),
    "total_revenue": ("Revenue, USD", short),
    "avg_fare": ("Paid per trip, USD", "{:,.2f}".format),
    "avg_trip_duration_minutes": ("Average duration, min", "{:,.1f}".format),
}

_EVERY_THIRD_HOUR = [f"{hour:02}:00" for hour in range(0, 24, 3)]

_TYPE = "mobility_hour__trip_type"
_HOUR = "time__hour_label"
_WEEKDAY = "date__day_of_week"
_PER_HOUR = "avg_trips_per_hour"

# None of a mode, since these are of all chosen ones.
_TEMPERATURE, _PRECIPITATION, _TRIPS = "#c2584c", "#5b94ac", MUTED


def render(view: View) -> None:
    """Draw the page."""
    st.title("Demand", anchor=False)
    available = loaded(view)
    if not available.months:
        nothing_to_show("No month of trips is loaded.")
        return
    selection = select(available)
    say_absent(available.absent(selection))
    # The averages take longest. Their place is kept at the top, and they are filled in last.
    row_of_figures = st.container(key="place-of-figures")
    rows = over_time(view, selection)
    if rows.empty:
        nothing_to_show(f"There are no such trips in {selection.words}. Choose others, or load the period.")
        return
    _show_over_time(rows, selection, available)
    _show_hours(view, selection)
    _show_weather(view, selection)
    with row_of_figures:
        _show_figures(view, selection, available)


def _show_figures(view: View, selection: Selection, available: Loaded) -> None:
    now = figures(view, selection)
    before = figures(view, selection.before) if available.has(selection.before) else {}
    described = {metric.name: metric.description for metric in list_metrics(view.source)}
    show_cards(
        [
            Card(
                label,
                "not published" if (value := now[name]) is None else form(value),
                described[name],
                _change(value, before.get(name)),
            )
            for name, (label, form) in _FIGURES.items()
        ],
        key="demand",
    )
    if before:
        st.caption(plain(f"{selection.words}. Change against {selection.before.words}."))
    else:
        st.caption(plain(f"{selection.words}. The period before, of equal length, is not loaded: no change is shown."))


def _change(now: float | None, before: float | None) -> str | None:
    change = change_pct(now, before)
    # The added zero makes none of a negative one.
    return None if change is None else f"{round(change, 1) + 0.0:+.1f} %"


def _show_over_time(rows: pd.DataFrame, selection: Selection, available: Loaded) -> None:
    grain = grain_of(selection)
    trips, shares = st.columns(2, gap="medium")
    with trips:
        charts.show(
            _over_time(rows, grain),
            title=f"Trips by {grain}",
            about=f"Trips by mode, {selection.words}",
            key="trips",
        )
    with shares:
        # Rows that stray into a month that is not loaded are no shares of it.
        is_loaded = rows["time"].dt.to_period("M").isin(pd.PeriodIndex(available.months, freq="M"))
        figure = _over_time(rows[is_loaded], grain)
        figure.update_layout(barnorm="percent")
        figure.update_traces(hovertemplate="%{y:.1f} %")
        figure.update_yaxes(title_text="% of trips", range=[0, 100])
        charts.show(
            figure,
            title="Shares of the modes",
            about=f"Percent of the chosen trips, {selection.words}",
            key="shares",
        )


def _over_time(rows: pd.DataFrame, grain: str) -> go.Figure:
    labels = {"time": "", "trips": "trips", "trip_type": ""}
    figure = charts.bar(rows, x="time", y="trips", colour="trip_type", labels=labels, colours=COLOURS)
    if grain == "month":
        return charts.by_month(figure, rows["time"])
    figure.update_xaxes(tickformat="%d %b\n%Y", hoverformat="%a %d %b %Y")
    return figure.update_layout(bargap=0.1)


def _show_hours(view: View, selection: Selection) -> None:
    by_hour_and_day = per_hour(view, selection, _WEEKDAY, _HOUR)
    grid = by_hour_and_day.pivot(index=_WEEKDAY, columns=_HOUR, values=_PER_HOUR).sort_index(ascending=False)
    values = grid.astype(object).where(grid.notna(), None).to_numpy().tolist()
    days = [day_abbr[day - 1] for day in grid.index]
    figure = charts.heat(values, x=list(grid.columns), y=days, unit="trips/h")
    figure.update_xaxes(tickvals=_EVERY_THIRD_HOUR, tickangle=0)
    charts.show(
        figure,
        title="Through the week",
        about=f"Trips per hour with trips, by weekday and hour of pickup, {selection.words}",
        key="week",
    )
    hours, weekdays = st.columns(2, gap="medium")
    labels = {_HOUR: "", "weekday": "", _PER_HOUR: "trips per hour", _TYPE: ""}
    with hours:
        rows = named(per_hour(view, selection, _TYPE, _HOUR), _TYPE)
        figure = charts.line(rows, x=_HOUR, y=_PER_HOUR, colour=_TYPE, labels=labels, colours=COLOURS)
        figure.update_traces(hovertemplate="%{y:,.1f} trips/h")
        figure.update_xaxes(categoryorder="category ascending", tickvals=_EVERY_THIRD_HOUR, tickangle=0)
        charts.show(
            figure,
            title="By hour of the day",
            about=f"Trips per hour by mode, {selection.words}",
            key="hours",
        )
    with weekdays:
        rows = named(per_hour(view, selection, _TYPE, _WEEKDAY), _TYPE)
        rows = rows.assign(weekday=[day_abbr[day - 1] for day in rows[_WEEKDAY]])
        figure = charts.bar(
            rows, x="weekday", y=_PER_HOUR, colour=_TYPE, labels=labels, colours=COLOURS, is_stacked=False
        )
        figure.update_xaxes(categoryorder="array", categoryarray=list(day_abbr))
        charts.show(
            figure,
            title="By weekday",
            about=f"Trips per hour by mode, {selection.words}",
            key="weekdays",
        )


def _show_weather(view: View, selection: Selection) -> None:
    rows = with_weather(view, selection)
    grain = "hour" if selection.months == 1 else "day"
    if rows["temperature"].notna().any() or rows["precipitation"].notna().any():
        charts.show(
            _beside_weather(rows, grain),
            title="Weather beside demand",
            about=f"By {grain}: chosen trips, mean temperature and total precipitation of New York, {selection.words}",
            key="weather",
        )
        return
    st.subheader("Weather beside demand", anchor=False)
    nothing_to_show(
        f"No weather is loaded for {selection.words}.",
        (
            f"nyc load --sources weather --from {selection.first:%Y-%m} --to {selection.last:%Y-%m}",
            "nyc build",
            "nyc publish",
        ),
    )


def _beside_weather(rows: pd.DataFrame, grain: str) -> go.Figure:
    figure = make_subplots(rows=3, shared_xaxes=True, vertical_spacing=0.06, row_heights=[0.5, 0.25, 0.25])
    drawn = (
        (go.Scatter(x=rows["time"], y=rows["trips"], line={"color": _TRIPS, "width": 1.5}), f"trips/{grain}", "trips"),
        (go.Scatter(x=rows["time"], y=rows["temperature"], line={"color": _TEMPERATURE, "width": 1.5}), "°C", "°C"),
        (go.Bar(x=rows["time"], y=rows["precipitation"], marker={"color": _PRECIPITATION}), "mm", "mm"),
    )
    for position, (trace, title, unit) in enumerate(drawn, start=1):
        trace.update(hovertemplate="%{y:,.1f} " + unit + "<extra></extra>", name=title)
        figure.add_trace(trace, row=position, col=1)
        figure.update_yaxes(title_text=title, row=position, col=1)
    figure.update_traces(hovertemplate="%{y:,.0f} trips<extra></extra>", row=1, col=1)
    charts.style(figure, height=460).update_layout(showlegend=False, hovermode="x unified", bargap=0)
    figure.update_xaxes(tickformat="%d %b\n%Y", hoverformat="%a %d %b %Y" + (", %H:00" if grain == "hour" else ""))
    return figure
