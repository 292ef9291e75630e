"""The map: where trips begin and end, what they cost, how fast they are, and where bikes are taken and left."""

from typing import Any

import pandas as pd
import streamlit as st

from portal.charts import CONFIG
from portal.filters import choose, choose_one_of_few
from portal.mobility.map_data import (
    ALL,
    MEASURES,
    SHAPES,
    Measure,
    by_station,
    by_zone,
    going_from,
    months,
    polygons,
    trip_types,
    zones,
)
from portal.mobility.map_figures import station_map, zone_map
from portal.mobility.trips import name_of
from portal.texts import count, plain
from portal.view import View

_MAP = "zone_map"
_ZONE = "zone"
_TOP = 10

_HOW_TO_LOAD_TRIPS = "nyc load --year 2025 --months 1\nnyc build\nnyc publish"
_HOW_TO_LOAD_SHAPES = "nyc load --sources taxi_zones\nnyc build\nnyc publish"


def render(view: View) -> None:
    """Draw the page."""
    st.title("Map", anchor=False)
    loaded = months(view)
    if view.release.table(SHAPES) is None or not loaded:
        old = "This release was made before there was a map." if loaded else "No trips are loaded."
        st.info(f"{old} Load, build and publish:")
        st.code(_HOW_TO_LOAD_SHAPES if loaded else _HOW_TO_LOAD_TRIPS, language="bash")
        return
    measure = MEASURES[
        choose_one_of_few("measure", "Show", list(MEASURES), default="pickups", words=lambda name: MEASURES[name].label)
    ]
    shapes = polygons(view) if view.has_table(SHAPES) else None
    if shapes is None:
        st.info("The polygons of the zones are not loaded. Load, build and publish:", icon=":material/map:")
        st.code(_HOW_TO_LOAD_SHAPES, language="bash")
    if measure.is_of_stations:
        _render_stations(view, measure, _choose_month(loaded), shapes)
    else:
        _render_zones(view, measure, loaded, shapes)


def _choose_month(loaded: list[str]) -> str:
    return choose("month", "Month", [*reversed(loaded), ALL], default=loaded[-1], words=_month_words)


def _month_words(month: str) -> str:
    return "All months" if month == ALL else month


def _period(month: str, loaded: list[str]) -> str:
    if month != ALL:
        return month
    return loaded[0] if len(loaded) == 1 else f"{loaded[0]} to {loaded[-1]}"


def _render_zones(view: View, measure: Measure, loaded: list[str], shapes: dict[str, Any] | None) -> None:
    names = zones(view)
    left, middle, right = st.columns(3)
    with left:
        trip_type = choose("type", "Trips", [ALL, *trip_types(view)], default=ALL, words=_type_words)
    with middle:
        month = _choose_month(loaded)
    with right:
        known = names[names["is_known"]].sort_values(["zone", "borough"])
        # A click on the map chooses as well: see _on_click.
        chosen = choose(
            _ZONE,
            "Where trips go from",
            ["", *map(str, known.index)],
            default="",
            words=lambda key: f"{known.zone[int(key)]}, {known.borough[int(key)]}" if key else "Click a zone or choose",
        )
    about = f"{_type_words(trip_type)}, {_period(month, loaded)}"
    if chosen:
        origin = int(chosen)
        rows = going_from(view, origin, trip_type, month)
        shown = MEASURES["dropoffs"]
        title = f"Where trips from {names.zone[origin]} go"
    else:
        origin = None
        rows = by_zone(view, measure, trip_type, month)
        shown = measure
        title = f"{measure.label} by zone" if measure.kind == "count" else f"{measure.label} by zone of the pickup"
    _draw(rows, shown, title, f"{shown.unit}, {about}", shapes, origin)


def _type_words(trip_type: str) -> str:
    return "All taxis and cars" if trip_type == ALL else name_of(trip_type)


def _draw(
    rows: pd.DataFrame, measure: Measure, title: str, about: str, shapes: dict[str, Any] | None, origin: int | None
) -> None:
    on_map, others = rows[rows["is_known"]], rows[~rows["is_known"]]
    st.subheader(plain(title), anchor=False)
    st.caption(plain(about))
    if rows["value"].isna().all():
        what = f"These trips have no {measure.label.lower()}." if len(rows) else "There are no such trips."
        st.info(f"{what} Choose another month or kind of trips.")
        return
    if on_map["value"].isna().all():
        st.info("Not one of these trips is in a zone of the map.")
    elif shapes is None:
        _table(on_map, measure, len(on_map))
    else:
        left, right = st.columns([1.7, 1], gap="medium")
        with left:
            st.plotly_chart(
                zone_map(rows, shapes, measure, origin),
                key=_MAP,
                config=CONFIG,
                on_select=_on_click,
                selection_mode="points",
                alt=f"{title}: {about}",
            )
        with right:
            _table(on_map, measure, _TOP)
    if len(others):
        st.caption(plain("Not on the map: " + "; ".join(_words(row, measure) for row in others.itertuples()) + "."))


def _words(row: Any, measure: Measure) -> str:
    # The zone that is not known has a name in its borough alone.
    place = row.borough if row.zone == "N/A" else row.zone
    if measure.kind == "count":
        return f"{place}, {count(row.value)} {measure.unit}"
    value = f"{row.value:,.2f} {measure.unit}" if pd.notna(row.value) else "no value"
    return f"{place}, {value} ({count(row.trips)} trips)"


def _on_click() -> None:
    """Take a clicked zone into the filter, before the page is drawn again."""
    points = st.session_state[_MAP].selection.points
    if points:
        st.session_state[_ZONE] = str(points[0]["location"])


def _table(rows: pd.DataFrame, measure: Measure, most: int) -> None:
    shown = rows.dropna(subset="value").head(most)
    form = "%,d" if measure.kind == "count" else "%.2f"
    columns = {
        "zone": st.column_config.TextColumn("Zone"),
        "value": st.column_config.NumberColumn(measure.unit, format=form),
    }
    if measure.kind != "count":
        columns["trips"] = st.column_config.NumberColumn("trips", format="%,d")
    columns["borough"] = st.column_config.TextColumn("Borough")
    st.dataframe(shown[list(columns)], column_config=columns, hide_index=True)


def _render_stations(view: View, measure: Measure, month: str, shapes: dict[str, Any] | None) -> None:
    rows = by_station(view, month)
    unknown = rows[rows["latitude"].isna()]
    title = "Rides by station" if measure.name == "rides" else "Where bikes gather, and where they are missing"
    unit = "rides that begin or end" if measure.name == "rides" else "arrivals less departures, in bikes"
    st.subheader(title, anchor=False)
    st.caption(plain(f"{unit}, Citi Bike, {_period(month, months(view))}"))
    if rows.empty:
        st.info("There are no such rides. Choose another month, or load some:")
        st.code(_HOW_TO_LOAD_TRIPS, language="bash")
        return
    if len(unknown) == len(rows):
        st.info("No station of these rides has a place on the map.")
        return
    left, right = st.columns([1.7, 1], gap="medium")
    with left:
        figure = station_map(rows, shapes, measure)
        st.plotly_chart(figure, key="station_map", config=CONFIG, alt=f"{title}: {month}")
    with right:
        _station_table(rows[rows["latitude"].notna()], measure)
    if len(unknown):
        departures, arrivals = count(unknown["departures"].sum()), count(unknown["arrivals"].sum())
        st.caption(f"Not on the map: {departures} departures and {arrivals} arrivals at unknown stations.")


def _station_table(rows: pd.DataFrame, measure: Measure) -> None:
    order = rows[measure.name].abs() if measure.kind == "balance" else rows[measure.name]
    shown = rows.loc[order.sort_values(ascending=False, kind="stable").index].head(_TOP)
    columns = {
        "station": st.column_config.TextColumn("Station"),
        "rides": st.column_config.NumberColumn("Rides", format="%,d"),
        "balance": st.column_config.NumberColumn("Balance", format="%+,d"),
        "departures": st.column_config.NumberColumn("Departures", format="%,d"),
        "arrivals": st.column_config.NumberColumn("Arrivals", format="%,d"),
    }
    columns.pop("rides" if measure.name == "balance" else "balance")
    st.dataframe(shown[list(columns)], column_config=columns, hide_index=True)
