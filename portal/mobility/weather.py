"""What rain, snow, cold, heat and wind change, with how much that rests on."""

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from metrics.query import MetricQuery
from portal import charts
from portal.colours import MUTED
from portal.mobility.selection import Selection, loaded, say_absent, select
from portal.mobility.trips import COLOURS, named
from portal.states import nothing_to_show
from portal.tables import table
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
_BASIS = "basis"
_COLUMNS = {
    _CONDITION: "Weather",
    _TYPE: "Mode",
    "weather_effect_pct": "Difference, %",
    "weather_effect_margin_pct": "± points",
    "trips_with_condition": "Trips",
    "trips_expected_without_condition": "Expected",
    "hours_with_condition": "Hours",
    "days_with_condition": "Days",
    _BASIS: "Basis",
}

_PALE = 0.25

# So many differences are said in words.
_MOST_NAMED = 3


def render(view: View) -> None:
    """Draw the page."""
    st.title("Weather effect", anchor=False)
    st.caption(
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
    st.markdown(f"**{plain(in_a_line(rows))}**")
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


def in_a_line(rows: pd.DataFrame) -> str:
    """What stands out: the largest differences that rest on enough and are beyond what chance may make."""
    size = rows["weather_effect_pct"].abs()
    clear = rows[rows["is_enough"] & (size > rows["weather_effect_margin_pct"])]
    largest = clear.loc[size[clear.index].sort_values(ascending=False, kind="stable").index].head(_MOST_NAMED)
    if largest.empty:
        return "No difference here is larger than chance may make it."
    named_ones = (
        f"{row[_TYPE]} {row['weather_effect_pct']:+.1f} % in {row[_CONDITION]}" for _, row in largest.iterrows()
    )
    return f"What stands out: {', '.join(named_ones)}."


def _figure(rows: pd.DataFrame) -> go.Figure:
    figure = go.Figure()
    for mode, of_mode in rows.groupby(_TYPE, sort=False):
        figure.add_bar(
            orientation="h",
            name=mode,
            y=[_CONDITIONS[each].partition(",")[0] for each in of_mode[_CONDITION]],
            x=of_mode["weather_effect_pct"],
            error_x={"array": of_mode["weather_effect_margin_pct"], "thickness": 1, "width": 3, "color": MUTED},
            marker={"color": COLOURS.get(mode), "opacity": [1 if one else _PALE for one in of_mode["is_enough"]]},
            customdata=of_mode[["hours_with_condition", "days_with_condition", "trips_with_condition"]],
            hovertemplate=(
                "%{y}: %{x:+.1f} % ± %{error_x.array:.1f}<br>"
                "%{customdata[0]:,} hours on %{customdata[1]:,} days, %{customdata[2]:,} trips"
            ),
        )
    shown = rows[_CONDITION].nunique()
    charts.style(figure, height=110 + 20 * len(rows) + 12 * shown).update_layout(
        bargap=0.25, barmode="group", hovermode="closest", legend={"traceorder": "normal"}
    )
    figure.update_yaxes(autorange="reversed", title=None)
    figure.update_xaxes(
        range=_range(rows),
        title_text="fewer or more trips than expected",
        zeroline=True,
        zerolinewidth=1.5,
        ticksuffix=" %",
    )
    return figure


def _range(rows: pd.DataFrame) -> list[float]:
    """From where to where the axis goes: all bars, and the margins of those that rest on enough."""
    bars = rows["weather_effect_pct"]
    margins = rows["weather_effect_margin_pct"].where(rows["is_enough"]).fillna(0)
    lowest, highest = min(bars.sub(margins).min(), -1.0), max(bars.add(margins).max(), 1.0)
    return [min(lowest, -highest), max(highest, -lowest)]


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
            f"{selection.words}. Too few: chance alone may make the difference."
        )
    )
    basis = rows["is_enough"].map({True: "✓ enough", False: "too few"})
    shown = rows.assign(**{_CONDITION: rows[_CONDITION].map(_CONDITIONS), _BASIS: basis})
    styled = (
        shown[list(_COLUMNS)]
        .rename(columns=_COLUMNS)
        .reset_index(drop=True)
        .style.apply(lambda row: [_style(row.name, rows)] * len(row), axis=1)
        .format(
            {
                "Difference, %": "{:+.1f}",
                "± points": "{:.1f}",
                **dict.fromkeys(("Trips", "Expected", "Hours", "Days"), count),
            }
        )
    )
    table(styled)


def _style(position: int, rows: pd.DataFrame) -> str:
    return "" if rows["is_enough"].iloc[position] else f"color: {MUTED}"
