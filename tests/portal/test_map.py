"""The map shows what SQL on the release says, takes nothing from the address but its options, and says what to load."""

import json
from datetime import date

import duckdb
import pytest
from streamlit.testing.v1 import AppTest

from portal.mobility.map_data import MEASURES, SHAPES, by_station, by_zone, going_from, polygons, zones
from portal.mobility.map_figures import station_map, zone_map
from portal.view import View
from tests.portal.browsing import open_page, texts
from tests.portal.conftest import Sample
from warehouse.releases import Release

IN_MARCH = "pickup_date between date '2025-03-01' and date '2025-03-31'"


def _top(page: AppTest) -> list[tuple[object, ...]]:
    """The table beside the map, its zone and value."""
    return [tuple(row) for row in page.dataframe[0].value[["zone", "value"]].itertuples(index=False)]


def _expected(connection: duckdb.DuckDBPyConnection, end: str, formula: str, where: str) -> dict[int, float]:
    """A figure by the zone that shows the trips on the map."""
    rows = connection.execute(
        f"""
        select shown.shape_location_id, {formula} as value
        from core_core.fct_trips as trips
        inner join core_core.dim_location as shown on trips.{end}_location_id = shown.location_id
        where trips.trip_type <> 'citibike' and {where}
        group by all
        """
    ).fetchall()
    return dict(rows)


FORMULAS = {
    "pickups": ("pickup", "count(*)"),
    "dropoffs": ("dropoff", "count(*)"),
    "fare": ("pickup", "avg(total_amount) filter (where total_amount > 0)"),
    "speed": (
        "pickup",
        "sum(trip_distance) filter (where is_sane and avg_speed_mph is not null)"
        " / sum(trip_duration_minutes / 60) filter (where is_sane and avg_speed_mph is not null)",
    ),
}


@pytest.mark.parametrize("name", FORMULAS)
@pytest.mark.parametrize("month", ["2025-03", "all"])
def test_zones_have_the_figures_of_sql(
    name: str, month: str, release: Release, connection: duckdb.DuckDBPyConnection
) -> None:
    rows = by_zone(View(release), MEASURES[name], "all", month)

    expected = _expected(connection, *FORMULAS[name], IN_MARCH if month != "all" else "true")
    shown = dict(zip(rows["zone_id"], rows["value"], strict=True))
    assert len(expected) > 100
    # What has no value is NaN in one and null in the other.
    assert {zone: value for zone, value in shown.items() if value == value} == pytest.approx(
        {zone: value for zone, value in expected.items() if value is not None}
    )
    assert shown.keys() == expected.keys()


def test_where_trips_go_and_stations_have_the_figures_of_sql(
    release: Release, connection: duckdb.DuckDBPyConnection
) -> None:
    view = View(release)
    going = going_from(view, 132, "yellow_taxi", "2025-03")
    expected = _expected(
        connection, "dropoff", "count(*)", f"pickup_location_id = 132 and trip_type = 'yellow_taxi' and {IN_MARCH}"
    )
    assert dict(zip(going["zone_id"], going["value"], strict=True)) == expected

    stations = by_station(view, "2025-03")
    counts = {
        end: dict(
            connection.execute(
                f"select {end}_station_id, count(*) from core_core.fct_trips"
                f" where trip_type = 'citibike' and {IN_MARCH} group by all"
            ).fetchall()
        )
        for end in ("start", "end")
    }
    for row in stations.itertuples():
        departures, arrivals = (counts[end].get(row.station_id, 0) for end in ("start", "end"))
        assert (row.departures, row.arrivals, row.balance) == (departures, arrivals, arrivals - departures)
    assert set(stations["station_id"]) == {*counts["start"], *counts["end"]}


def test_the_page_shows_the_first_zones_and_names_what_is_not_on_the_map(
    sample: Sample, connection: duckdb.DuckDBPyConnection
) -> None:
    page = open_page("map")

    assert not page.exception
    found = _expected(connection, "pickup", "count(*)", IN_MARCH)
    names = dict(
        connection.execute("select location_id, zone_name from core_core.dim_location where is_known_zone").fetchall()
    )
    most = sorted((count for zone, count in found.items() if zone in names), reverse=True)[:10]
    assert [value for _, value in _top(page)] == most
    written = texts(page).replace("\\", "")
    assert f"Unknown, {found[264]:,} trips" in written
    assert f"Outside of NYC, {found[265]:,} trips" in written


def test_filters_are_in_the_address(sample: Sample, connection: duckdb.DuckDBPyConnection) -> None:
    page = open_page(
        "map", {"measure": "Average total", "type": "Green taxi", "month": "2025-02", "zone": "JFK Airport, Queens"}
    )
    assert not page.exception
    assert page.subheader[0].value == "Where trips from JFK Airport go"

    page = open_page("map", {"measure": "Bike balance", "month": "All months"})
    assert not page.exception
    most = connection.execute(
        """
        with ends as (
            select start_station_id as station_id, -1 as bikes from core_core.fct_trips where trip_type = 'citibike'
            union all
            select end_station_id, 1 from core_core.fct_trips where trip_type = 'citibike'
        )
        select max(abs(balance)) from (
            select sum(bikes) as balance from ends
            inner join core_core.dim_station using (station_id) where latitude is not null group by station_id
        )
        """
    ).fetchone()
    assert most
    assert abs(page.dataframe[0].value["balance"].iloc[0]) == most[0]


@pytest.mark.parametrize(
    "bad", ["' or 1=1 --", "<script>alert(1)</script>", "x" * 100_000, "57; drop table x", "2999-01"]
)
def test_nothing_but_options_is_taken_from_the_address(bad: str, sample: Sample) -> None:
    page = open_page("map", dict.fromkeys(("measure", "type", "month", "zone"), bad))
    assert not page.exception
    assert page.subheader[0].value == "Pickups by zone"
    assert bad[:50] not in texts(page)


def test_the_map_has_each_zone_once_and_asks_nobody(release: Release) -> None:
    view = View(release)
    shapes = polygons(view)
    assert polygons(view) is shapes  # made once a release
    assert len(json.dumps(shapes)) < 500_000
    ids = [feature["id"] for feature in shapes["features"]]
    assert sorted(ids) == sorted(set(range(1, 264)) - {57, 104, 105})

    rows = by_zone(view, MEASURES["pickups"], "all", "all")
    figure = zone_map(rows, shapes, MEASURES["pickups"], chosen=56)
    assert figure.layout.map.style == "white-bg"
    assert set(figure.data[1].locations) == set(rows["zone_id"]) & set(ids)
    assert list(figure.data[2].locations) == [56]
    stations = station_map(by_station(view, "all"), shapes, MEASURES["rides"])
    assert stations.layout.map.style == "white-bg"
    assert not zones(view)["zone"].duplicated().loc[ids].all()


def test_without_polygons_there_is_a_table_and_what_to_load(sample: Sample, monkeypatch: pytest.MonkeyPatch) -> None:
    has_table = View.has_table
    monkeypatch.setattr(View, "has_table", lambda view, name: name != SHAPES and has_table(view, name))
    page = open_page("map")

    assert not page.exception
    assert "nyc load --sources taxi_zones" in texts(page)
    assert len(page.dataframe[0].value) > 100
    assert not page.get("plotly_chart")


def test_the_month_shown_first_is_the_newest_loaded(sample: Sample) -> None:
    page = open_page("map")
    assert page.selectbox(key="month").value == f"{date(2025, 3, 1):%Y-%m}"
