"""The polygons of the zones: one row a zone, whichever shapes the file has, and its neighbours' zones with them."""

import json
from datetime import date

from tests.dbt.small_warehouse import Warehouse
from warehouse.connection import open_for_reading
from warehouse.reconciliation import reconcile

FILED = date(2009, 1, 1)
SELECTED = "stg_tlc__taxi_zones+ zones_without_shape+ dim_location assert_no_row_is_lost"


def _square(west: float) -> list[list[list[float]]]:
    return [[[west, 40.0], [west, 41.0], [west + 1, 41.0], [west, 40.0]]]


def _shape(location_id: int, *wests: float) -> dict[str, object]:
    geometry = {"type": "MultiPolygon", "coordinates": [_square(west) for west in wests]}
    return {
        "location_id": location_id,
        "zone": f"Zone {location_id}",
        "borough": "Queens",
        "geometry": json.dumps(geometry, separators=(",", ":")),
    }


def test_shapes_of_one_zone_are_one_row_and_every_shape_is_reconciled(warehouse: Warehouse) -> None:
    warehouse.load("taxi_zones", FILED, [_shape(56, -74), _shape(1, -75, -77), _shape(56, -73)])
    assert warehouse.dbt("build", "--select", SELECTED).success, warehouse.said

    shapes = warehouse.execute("select location_id, shape_count, geojson from core_core.dim_zone_shape order by all")
    assert [row[:2] for row in shapes] == [(1, 1), (56, 2)]
    assert [json.loads(str(row[2])) for row in shapes] == [
        {"type": "MultiPolygon", "coordinates": [_square(-75), _square(-77)]},
        {"type": "MultiPolygon", "coordinates": [_square(-74), _square(-73)]},
    ]
    with open_for_reading() as connection:
        (rows,) = (of for of in reconcile(connection) if of.feed == "taxi_zones")
    assert (rows.kind, rows.published, rows.kept, rows.quarantined, rows.is_complete) == ("zone_shape", 3, 3, 0, True)
    # It is of no month: the calendar does not begin with it.
    assert warehouse.execute("select count(*) from core_staging.int_loaded_partitions where feed = 'taxi_zones'") == [
        (0,)
    ]


def test_zones_without_a_polygon_are_shown_by_their_neighbours(warehouse: Warehouse) -> None:
    shown = "select location_id, shape_location_id from core_core.dim_location where location_id <> shape_location_id"
    assert warehouse.execute(f"{shown} order by all") == [(57, 56), (104, 103), (105, 103)]


def test_a_zone_that_gets_a_polygon_must_leave_the_seed(warehouse: Warehouse) -> None:
    warehouse.load("taxi_zones", FILED, [_shape(56, -74), _shape(57, -75)])
    assert not warehouse.dbt("build", "--select", SELECTED).success
    assert any("assert_zones_without_shape_have_none" in line for line in warehouse.said)
