"""What rain, snow, cold, heat and wind change, with how much that rests on."""

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from metrics.query import MetricQuery
from portal import charts
from portal.mobility.selection import Selection, loaded, say_absent, select
from portal.mobility.trips import COLOURS, named
from portal.states import nothing_to_show
from portal.texts import count, plain
from portal.view import View

# The conditions of the mart, in words.
_CONDITIONS = {
    "rain": "Rain, above 0 mm",
    "snow": "Snow, above 0 cm",
    "cold": "Cold, below 0 °C",
    "heat": "Heat, 30 °C or more",
    "wind": "Wind, 8 m/s or more",
}

# A difference made of less than this is shown pale, since chance alone may make it.
FEWEST_HOURS = 30
FEWEST_DAYS = 5
FEWEST_TRIPS = 100

_CONDITION = "weather_day__weather_condition"
_TYPE = "weather_day__trip_type"
_COLUMNS = {
    _CONDITION: "Weather",
    _TYPE: "Mode",
    "weather_effect_pct": "Difference, %",
    "weather_effect_margin_pct": "± points",
    "trips_with_condition": "Trips",
    "trips_expected_without_condition": "Trips expected",
    "hours_with_condition": "Hours",
    "days_with_condition": "Days",
}

_PALE = 0.25

# Of the thin lines; seen on white and on black.
_MARGIN = "#7a8794"


def render(view: View) -> None:
    """Draw the page."""
    st.title("Weather effect", anchor=False)
    st.markdown(
        "Trips in hours with rain, snow, cold, heat or wind, against what such hours have without it: the mean of the "
        "same month, hour of the day and kind of day. It compares, and proves no cause."
    )
    available = loaded(view)
    if not available.months:
        nothing_to_show("No month of trips is loaded.")
        return
    selection = select(available)
    say_absent(available.absent(selection))
    rows = effects(view, selection)
    if rows.empty:
        nothing_to_show(
            f"In {selection.words} there is no hour with such weather that has hours to compare with. Choose a longer "
            "period. If its weather is not loaded, load it.",
            (
                f"nyc load --sources weather --from {selection.first:%Y-%m} --to {selection.last:%Y-%m}",
                "nyc build",
                "nyc publish",
            ),
        )
        return
    charts.show(
        _figure(rows),
        title="More or fewer trips",
        about=f"Difference from the trips expected without the weather, in percent, by mode, {selection.words}",
        key="effects",
    )
    st.caption(
        f"Thin lines: how far chance may move it (95 %); where one crosses 0, there may be no difference. "
        f"Pale: fewer than {FEWEST_HOURS} hours, {FEWEST_DAYS} days or {FEWEST_TRIPS} trips."
    )
    _say_without_hours(rows, selection)
    _show_counts(rows, selection)


def effects(view: View, selection: Selection) -> pd.DataFrame:
    """The effect by condition and mode, with what it rests on. `is_enough`: that is enough to be read."""
    query = MetricQuery(
        (
            "weather_effect_pct",
            "weather_effect_margin_pct",
            "trips_with_condition",
            "trips_expected_without_condition",
            "hours_with_condition",
            "days_with_condition",
        ),
        (_CONDITION, _TYPE),
        where=selection.conditions(_TYPE, "date__is_working_day"),
        start=selection.start,
        end=selection.end,
    )
    rows = view.metrics(query)
    rows = named(rows[rows["weather_effect_pct"].notna()], _TYPE)
    is_enough = (
        (rows["hours_with_condition"] >= FEWEST_HOURS)
        & (rows["days_with_condition"] >= FEWEST_DAYS)
        & (rows[["trips_with_condition", "trips_expected_without_condition"]].max(axis=1) >= FEWEST_TRIPS)
    )
    order = list(_CONDITIONS)
    return rows.assign(is_enough=is_enough).sort_values(
        _CONDITION, key=lambda values: values.map(order.index), kind="stable"
    )


def _figure(rows: pd.DataFrame) -> go.Figure:
    figure = go.Figure()
    for mode, of_mode in rows.groupby(_TYPE, sort=False):
        figure.add_bar(
            orientation="h",
            name=mode,
            y=[_CONDITIONS[each].partition(",")[0] for each in of_mode[_CONDITION]],
            x=of_mode["weather_effect_pct"],
            error_x={"array": of_mode["weather_effect_margin_pct"], "thickness": 1, "width": 3, "color": _MARGIN},
            marker={"color": COLOURS.get(mode), "opacity": [1 if one else _PALE for one in of_mode["is_enough"]]},
            customdata=of_mode[["hours_with_condition", "days_with_condition", "trips_with_condition"]],
            hovertemplate=(
                "%{y}: %{x:+.1f} % ± %{error_x.array:.1f}<br>"
                "%{customdata[0]:,} hours on %{customdata[1]:,} days, %{customdata[2]:,} trips"
            ),
        )
    shown = rows[_CONDITION].nunique()
    figure.update_layout(
        height=90 + 34 * len(rows) + 20 * shown,
        margin={"l": 8, "r": 48, "t": 8, "b": 8},
        bargap=0.3,
        barmode="group",
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0, "title": None, "traceorder": "normal"},
    )
    figure.update_yaxes(autorange="reversed", title=None)
    figure.update_xaxes(title="more (+) or fewer (-) trips", zeroline=True, zerolinewidth=1.5, ticksuffix=" %")
    return figure


def _say_without_hours(rows: pd.DataFrame, selection: Selection) -> None:
    found = set(rows[_CONDITION])
    absent = [words for name, words in _CONDITIONS.items() if name not in found]
    if absent:
        st.caption(plain(f"No hour to compare in {selection.words}: {'; '.join(absent)}."))


def _show_counts(rows: pd.DataFrame, selection: Selection) -> None:
    st.subheader("What it rests on", anchor=False)
    st.caption(
        plain(
            f"Hours and days with the weather, their trips, and the trips expected of such hours without it, "
            f"{selection.words}. Grey: too few."
        )
    )
    shown = rows.assign(**{_CONDITION: rows[_CONDITION].map(_CONDITIONS)})
    styled = (
        shown[list(_COLUMNS)]
        .rename(columns=_COLUMNS)
        .reset_index(drop=True)
        .style.apply(lambda row: [_style(row.name, rows)] * len(row), axis=1)
        .format(
            {
                "Difference, %": "{:+.1f}",
                "± points": "{:.1f}",
                **dict.fromkeys(("Trips", "Trips expected", "Hours", "Days"), count),
            }
        )
    )
    st.dataframe(styled, hide_index=True, width="stretch", height="content")


def _style(position: int, rows: pd.DataFrame) -> str:
    return "" if rows["is_enough"].iloc[position] else "color: #98a2ad"
