"""What the map shows: polygons, and governed metrics by the zone that shows them or by station."""

import json
from calendar import monthrange
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pandas as pd
import streamlit as st

from ingestion.mobility import citibike
from metrics.query import MetricQuery
from metrics.stations import rides_and_balance
from portal.mobility.trips import in_order
from portal.view import View
from warehouse.sql import literal

BIKE = "citibike"
ALL = "all"

_RELEASES = 3

PICKUP, DROPOFF = "pickup_location", "dropoff_location"
_SHAPE = "shape_location_id"

SHAPES = "core_core.dim_zone_shape"


@dataclass(frozen=True)
class Measure:
    """What the map can show: a governed metric of trips by zone, or of rides by station.

    `end` is the zone that a trip counts to. `kind` is how it is coloured: a `count`, a `mean`, or a `balance` around 0.
    """

    name: str
    label: str
    unit: str
    kind: str
    metric: str = "total_trips"
    end: str = PICKUP
    is_of_stations: bool = False


MEASURES = {
    measure.name: measure
    for measure in (
        Measure("pickups", "Pickups", "trips", "count"),
        Measure("dropoffs", "Drop-offs", "trips", "count", end=DROPOFF),
        Measure("fare", "Average total", "USD per trip", "mean", metric="avg_fare"),
        Measure("speed", "Average speed", "mph", "mean", metric="avg_trip_speed_mph"),
        Measure("rides", "Bike rides", "rides", "count", is_of_stations=True),
        Measure("balance", "Bike balance", "bikes", "balance", is_of_stations=True),
    )
}

_LOADED = """
    select distinct partition_key as month
    from core_checks.reconciliation
    where
        subject = 'mobility' and kind = 'trip' and kept > 0
        and list_contains($bikes, feed) = coalesce(cast($is_of_bikes as boolean), list_contains($bikes, feed))
    order by month
"""
_TYPES = "select distinct trip_type from core_core.fct_hourly_mobility"
_ZONES = """
    select
        shape_location_id as zone_id,
        string_agg(distinct zone_name, ', ' order by zone_name) as zone,
        any_value(borough order by location_id) as borough,
        bool_or(is_known_zone) as is_known
    from core_core.dim_location
    group by shape_location_id
"""
_POLYGONS = f"select location_id, geojson from {SHAPES}"
_STATIONS = "select station_id, station_name as station, latitude, longitude from core_core.dim_station"


def months(view: View, *, is_of_bikes: bool | None = None) -> list[str]:
    """The months of which trips are loaded, such as `2025-01`, by time: all of them, or those of bikes or of others."""
    bikes = [feed.name for feed in citibike.FEEDS]
    return [str(month) for month in view.rows(_LOADED, bikes=bikes, is_of_bikes=is_of_bikes)["month"]]


def trip_types(view: View) -> list[str]:
    """The types of trips that have zones: bikes have stations."""
    return [each for each in in_order(view.rows(_TYPES)["trip_type"]) if each != BIKE]


def zones(view: View) -> pd.DataFrame:
    """The zones by the id that shows them on the map: `zone`, `borough`, and whether it `is_known`."""
    return view.rows(_ZONES).set_index("zone_id")


def polygons(view: View) -> dict[str, Any]:
    """The polygons as one GeoJSON, with the zone's id as that of the feature. Made once a release."""
    return _polygons(view.release.id, view)


@st.cache_resource(max_entries=_RELEASES, show_spinner=False)
def _polygons(release_id: str, _view: View) -> dict[str, Any]:
    return {
        "type": "FeatureCollection",
        "features": [
            {"type": "Feature", "id": int(row.location_id), "properties": {}, "geometry": json.loads(row.geojson)}
            for row in _view.rows(_POLYGONS).itertuples()
        ],
    }


def by_zone(view: View, measure: Measure, trip_type: str, month: str) -> pd.DataFrame:
    """`value`, `trips`, `zone` and `borough` by the zone at the measure's end; most first."""
    group = f"{measure.end}__{_SHAPE}"
    asked = dict.fromkeys(("total_trips", measure.metric))
    found = view.metrics(MetricQuery(tuple(asked), (group,), _of_type(trip_type), **_within(month)))
    return _with_zones(view, found, group, measure.metric)


def going_from(view: View, zone_id: int, trip_type: str, month: str) -> pd.DataFrame:
    """The drop-off zones of the trips from a zone, as `by_zone` gives them."""
    group = f"{DROPOFF}__{_SHAPE}"
    where = (*_of_type(trip_type), f"{PICKUP}__{_SHAPE} = {int(zone_id)}")
    found = view.metrics(MetricQuery(("total_trips",), (group,), where, **_within(month)))
    return _with_zones(view, found, group, "total_trips")


def _with_zones(view: View, found: pd.DataFrame, group: str, metric: str) -> pd.DataFrame:
    columns = {group: "zone_id", "total_trips": "trips"}
    rows = found.assign(value=found[metric].astype(float)).rename(columns=columns)
    rows = rows[["zone_id", "value", "trips"]].dropna(subset="zone_id").astype({"zone_id": int, "trips": int})
    return rows.join(zones(view), on="zone_id").sort_values("value", ascending=False, na_position="last")


def by_station(view: View, month: str) -> pd.DataFrame:
    """Rides that begin (`departures`) and end (`arrivals`) at each station, both (`rides`), and the `balance`.

    The balance is arrivals less departures. Stations that no ride of the time begins or ends at are left out.
    """
    where = (f"trip__trip_type = {literal(BIKE)}",)
    ends = {"departures": "trip__start_station", "arrivals": "trip__end_station"}
    counts = {
        name: view.metrics(MetricQuery(("total_trips",), (end,), where, **_within(month)))
        .rename(columns=lambda column: column.removeprefix("trip__"))
        .set_index(end.removeprefix("trip__"))["total_trips"]
        for name, end in ends.items()
    }
    rows = rides_and_balance(**counts).rename_axis("station_id").reset_index()
    return rows.merge(view.rows(_STATIONS), on="station_id", how="left").sort_values("rides", ascending=False)


def _of_type(trip_type: str) -> tuple[str, ...]:
    """The condition on trips. What a person chose is one of the options by now, and quoted all the same."""
    if trip_type == ALL:
        return (f"trip__trip_type <> {literal(BIKE)}",)
    return (f"trip__trip_type = {literal(trip_type)}",)


def _within(month: str) -> dict[str, Any]:
    if month == ALL:
        return {}
    first = datetime.strptime(month, "%Y-%m")  # noqa: DTZ007 - trips are without a zone
    return {"start": first, "end": first.replace(day=monthrange(first.year, first.month)[1])}
