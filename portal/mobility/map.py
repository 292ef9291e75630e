"""The map: where trips begin and end, what they cost, how fast they are, and where bikes are taken and left."""

from datetime import date
from typing import Any

import pandas as pd
import streamlit as st
from streamlit.elements.lib.column_types import ColumnConfig

from portal import filters
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
from portal.states import BUILD_AND_PUBLISH, nothing_to_show
from portal.tables import capitalised, table
from portal.texts import count, months_in_words, plain
from portal.view import View

_MAP = "zone_map"
_ZONE = "zone"
_TOP = 10

# Of columns, in pixels.
_WIDE, _NARROW, _BOROUGH = 200, 64, 96

_LOAD_SHAPES = ("nyc load --sources taxi_zones", *BUILD_AND_PUBLISH)


def render(view: View) -> None:
    """Draw the page."""
    st.title("Map", anchor=False)
    loaded = months(view)
    if not loaded:
        nothing_to_show("No trips are loaded.")
        return
    if view.release.table(SHAPES) is None:
        nothing_to_show("This release was made before there was a map.", _LOAD_SHAPES)
        return
    measure = MEASURES[
        choose_one_of_few("measure", "Show", list(MEASURES), default="pickups", words=lambda name: MEASURES[name].label)
    ]
    shapes = polygons(view) if view.has_table(SHAPES) else None
    if shapes is None:
        nothing_to_show("The polygons of the zones are not loaded. They make this a map.", _LOAD_SHAPES)
    if measure.is_of_stations:
        with filters.row():
            month = _choose_month(view, measure, loaded)
        _render_stations(view, measure, month, shapes)
    else:
        _render_zones(view, measure, loaded, shapes)


def _choose_month(view: View, measure: Measure, loaded: list[str]) -> str:
    """A month: at first the newest that has trips of taxis and cars, or of bikes, as the measure is of."""
    with_some = months(view, is_of_bikes=measure.is_of_stations) or loaded
    return choose("month", "Month", [*reversed(loaded), ALL], default=with_some[-1], words=_month_words)


def _month_words(month: str) -> str:
    return "All months" if month == ALL else month


def _period(month: str, loaded: list[str]) -> str:
    if month != ALL:
        return months_in_words(_day(month))
    return months_in_words(_day(loaded[0]), _day(loaded[-1]))


def _day(month: str) -> date:
    return date.fromisoformat(f"{month}-01")


def _render_zones(view: View, measure: Measure, loaded: list[str], shapes: dict[str, Any] | None) -> None:
    names = zones(view)
    known = names[names["is_known"]].sort_values(["zone", "borough"])
    with filters.row():
        trip_type = choose("type", "Trips", [ALL, *trip_types(view)], default=ALL, words=_type_words)
        month = _choose_month(view, measure, loaded)
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
    _draw(rows, shown, title, f"{_unit(shown)}, {about}", shapes, origin)


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
        st.info(f"{what} Choose another month or kind of trips.", icon=":material/info:")
        return
    if on_map["value"].isna().all():
        st.info("Not one of these trips is in a zone of the map.")
    elif shapes is None:
        _table(on_map, measure, len(on_map))
    else:
        left, right = st.columns(2, gap="medium")
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
        unit = measure.unit if row.value != 1 else measure.unit.removesuffix("s")
        return f"{place}, {count(row.value)} {unit}"
    value = f"{row.value:,.2f} {measure.unit}" if pd.notna(row.value) else "no value"
    return f"{place}, {value} ({count(row.trips)} trips)"


def _on_click() -> None:
    """Take a clicked zone into the filter, before the page is drawn again."""
    points = st.session_state[_MAP].selection.points
    if points:
        st.session_state[_ZONE] = str(points[0]["location"])


def _unit(measure: Measure) -> str:
    """The unit as a title: `Trips`, but `mph`."""
    return capitalised(measure.unit) if measure.kind == "count" else measure.unit


def _table(rows: pd.DataFrame, measure: Measure, most: int) -> None:
    shown = rows.dropna(subset="value").head(most)
    form = "%,d" if measure.kind == "count" else "%.2f"
    columns: dict[str, ColumnConfig | str] = {
        "zone": st.column_config.TextColumn("Zone", width=_WIDE),
        "value": st.column_config.NumberColumn(_unit(measure), format=form, width=_NARROW),
    }
    if measure.kind != "count":
        columns["trips"] = st.column_config.NumberColumn("Trips", format="%,d", width=_NARROW)
    columns["borough"] = st.column_config.TextColumn("Borough", width=_BOROUGH)
    table(shown[list(columns)], columns)


def _render_stations(view: View, measure: Measure, month: str, shapes: dict[str, Any] | None) -> None:
    rows = by_station(view, month)
    unknown = rows[rows["latitude"].isna()]
    title = "Rides by station" if measure.name == "rides" else "Where bikes gather, and where they are missing"
    unit = "Rides that begin or end" if measure.name == "rides" else "Arrivals less departures, in bikes"
    st.subheader(title, anchor=False)
    st.caption(plain(f"{unit}, Citi Bike, {_period(month, months(view))}"))
    if rows.empty:
        nothing_to_show("There are no such rides. Choose another month, or load some.")
        return
    if len(unknown) == len(rows):
        st.info("No station of these rides has a place on the map.", icon=":material/info:")
        return
    left, right = st.columns(2, gap="medium")
    with left:
        figure = station_map(rows, shapes, measure)
        st.plotly_chart(figure, key="station_map", config=CONFIG, alt=f"{title}: {unit}, {month}")
    with right:
        _station_table(rows[rows["latitude"].notna()], measure)
    if len(unknown):
        departures, arrivals = count(unknown["departures"].sum()), count(unknown["arrivals"].sum())
        st.caption(f"Not on the map: {departures} departures and {arrivals} arrivals at unknown stations.")


def _station_table(rows: pd.DataFrame, measure: Measure) -> None:
    order = rows[measure.name].abs() if measure.kind == "balance" else rows[measure.name]
    shown = rows.loc[order.sort_values(ascending=False, kind="stable").index].head(_TOP)
    columns: dict[str, ColumnConfig | str] = {
        "station": st.column_config.TextColumn("Station", width=_WIDE),
        "rides": st.column_config.NumberColumn("Rides", format="%,d", width=_NARROW),
        "balance": st.column_config.NumberColumn("Balance", format="%+,d", width=_NARROW),
        "departures": st.column_config.NumberColumn("Out", format="%,d", width=_NARROW, help="Departures"),
        "arrivals": st.column_config.NumberColumn("In", format="%,d", width=_NARROW, help="Arrivals"),
    }
    columns.pop("rides" if measure.name == "balance" else "balance")
    table(shown[list(columns)], columns)
