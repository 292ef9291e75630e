"""Three small releases, each of one feed alone: Citi Bike, which has no money, green taxis, and weather."""

from pathlib import Path

import pytest

from tests.dbt.small_warehouse import MARCH, OTHER_SUBJECTS, Warehouse, parsed_project, ride
from warehouse.paths import DATABASE_VARIABLE, LOG_FOLDER_VARIABLE
from warehouse.publishing.publish import publish
from warehouse.releases import Releases

# In the order in which they are published.
LITTLE = ("citibike", "green", "weather")

_GREEN = """
    select
        timestamp '2025-03-12 08:00:00' + number * interval 1 minute as lpep_pickup_datetime,
        lpep_pickup_datetime + interval 10 minute as lpep_dropoff_datetime,
        number as source_row,
        132 as pu_location_id,
        7 as do_location_id,
        20.0 as total_amount
    from range(40) as numbers (number)
"""


def make_little(scratch: Path) -> None:
    """Make the releases in a folder."""
    warehouse = Warehouse(scratch / "nyc_mobility.duckdb", scratch, parsed_project())
    with pytest.MonkeyPatch.context() as patch:
        _use(scratch, patch)
        warehouse.create_raw_tables()
        rides = [ride(f"ride {hour}", f"2025-03-12 {hour:02}:10:00", f"2025-03-12 {hour:02}:22:00") for hour in (8, 17)]
        warehouse.load("citibike", MARCH, rides)
        _build_and_publish(warehouse)
        # Its models are there, empty.
        warehouse.left_out = OTHER_SUBJECTS
        warehouse.unload("citibike", MARCH)
        warehouse.load_query("green", MARCH, _GREEN)
        _build_and_publish(warehouse)
        warehouse.unload("green", MARCH)
        warehouse.load_weather(MARCH)
        _build_and_publish(warehouse)


def _build_and_publish(warehouse: Warehouse) -> None:
    assert warehouse.dbt("seed").success, warehouse.said
    warehouse.build()
    publish()


def _use(scratch: Path, patch: pytest.MonkeyPatch) -> None:
    patch.setenv(DATABASE_VARIABLE, str(scratch / "nyc_mobility.duckdb"))
    patch.setenv(LOG_FOLDER_VARIABLE, str(scratch / "logs"))
    patch.setenv("DBT_TARGET_PATH", str(scratch / "target"))


def show_little(scratch: Path, feed: str, patch: pytest.MonkeyPatch) -> None:
    """Let the portal show the release of a feed."""
    _use(scratch, patch)
    release = Releases(scratch / "published").all()[LITTLE.index(feed)]
    patch.setattr("portal.session.current_release", lambda: release)
