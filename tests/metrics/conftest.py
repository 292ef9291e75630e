"""A warehouse of sample months in which every metric has something to count and something to leave out."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb
import pytest

from ingestion.run_pipeline import main as load
from sandbox.server import SamplePublisher
from tests.dbt.small_warehouse import Warehouse, parsed_project
from tests.metrics.definitions import TRIPS_VIEW
from warehouse.paths import DATABASE_VARIABLE, LOG_FOLDER_VARIABLE
from warehouse.publishing.publish import publish
from warehouse.releases import open_release

# In both months the clocks change.
MARCH, NOVEMBER = date(2025, 3, 1), date(2025, 11, 1)

# The sample's weather is fair. Here the hours go round all classes, their edges, and measures that are missing.
_HOUR = "cast(epoch(time) / 3600 as bigint)"
EVERY_KIND_OF_WEATHER = f"""
    update raw_data.weather_hourly
    set
        temperature_2m = ([-10, -5.1, -5, -0.1, 0, 9.9, 10, 15, 20, 25, 25.1, 30, 35, 35.1, null])[1 + {_HOUR} % 15],
        precipitation = ([0, 0, 0, 0.5, 5, 5.1, null])[1 + {_HOUR} % 7],
        rain = ([0, 0, 0.5, null])[1 + {_HOUR} % 4],
        snowfall = ([0, 0, 0, 0.5, 1, 1.1, null, 0, 0])[1 + {_HOUR} % 9],
        wind_speed_10m = ([0, 9.9, 10, 14.9, 15, 15.1, null, 1, 2, 3, 4])[1 + {_HOUR} % 11],
        cloud_cover = ([0, 49, 50])[1 + {_HOUR} // 2 % 3]
"""

# What the sample's taxis have not: fares of nothing, trips without a distance, refunds by card, tips in cash, and free
# rides and refunds of high-volume services.
ODD_AMOUNTS = """
    update raw_data.yellow_taxi set total_amount = 0 where source_row % 50 = 0;
    update raw_data.yellow_taxi set trip_distance = null where source_row % 50 = 1;
    update raw_data.yellow_taxi set total_amount = -total_amount where source_row % 50 = 2 and payment_type = 1;
    update raw_data.yellow_taxi set tip_amount = 3 where source_row % 50 = 3 and payment_type = 2;
    update raw_data.yellow_taxi set tip_amount = null where source_row % 50 = 4;
    update raw_data.yellow_taxi set fare_amount = null where source_row % 50 = 5;
    update raw_data.green_taxi set total_amount = 0 where source_row % 10 = 0;
    update raw_data.hvfhv_taxi set base_passenger_fare = -1000 where source_row % 50 = 0;
    update raw_data.hvfhv_taxi
    set
        base_passenger_fare = 0, tolls = 0, bcf = 0, sales_tax = 0, congestion_surcharge = 0, airport_fee = 0, tips = 0,
        cbd_congestion_fee = 0
    where source_row % 50 = 1;
"""


@dataclass(frozen=True)
class MetricWarehouse:
    """The built DuckDB file, which is published, and the target folder of dbt."""

    path: Path
    target: Path


@pytest.fixture(scope="session")
def _built(tmp_path_factory: pytest.TempPathFactory) -> MetricWarehouse:
    scratch = tmp_path_factory.mktemp("metrics")
    warehouse = Warehouse(scratch / "nyc_mobility.duckdb", scratch, parsed_project())
    with (
        SamplePublisher(MARCH, NOVEMBER, rows=3000, folder=tmp_path_factory.mktemp("published")) as publisher,
        pytest.MonkeyPatch.context() as patch,
    ):
        own = {
            DATABASE_VARIABLE: str(warehouse.path),
            LOG_FOLDER_VARIABLE: str(scratch / "logs"),
            "DBT_TARGET_PATH": str(scratch / "target"),
        }
        for name, value in (publisher.environment | own).items():
            patch.setenv(name, value)
        assert load(["--year", "2025", "--months", "3,11", "--sources", "taxi,hvfhv,citibike,weather"]) == 0
        warehouse.execute(EVERY_KIND_OF_WEATHER)
        warehouse.execute(ODD_AMOUNTS)
        result = warehouse.dbt("build", "--exclude-resource-type", "test", "--exclude-resource-type", "unit_test")
        assert result.success, warehouse.said
        # In Parquet files, as those of many trips are.
        patch.setattr("warehouse.publishing.making.ROWS_FOR_FILES", 1000)
        publish()
    return MetricWarehouse(warehouse.path, scratch / "target")


@pytest.fixture
def metric_warehouse(_built: MetricWarehouse, monkeypatch: pytest.MonkeyPatch) -> MetricWarehouse:
    """The warehouse, as the one that metrics are asked of."""
    monkeypatch.setenv(DATABASE_VARIABLE, str(_built.path))
    monkeypatch.setenv("DBT_TARGET_PATH", str(_built.target))
    return _built


@pytest.fixture
def connection(metric_warehouse: MetricWarehouse) -> Iterator[duckdb.DuckDBPyConnection]:
    """The release open for reading, with the view that the plain definitions are of."""
    with open_release() as opened:
        opened.execute(TRIPS_VIEW)
        yield opened
