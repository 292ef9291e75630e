"""Small data of every subject, built on DuckDB and put into Spark's catalog under the same names."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from metrics.semantic_manifest import manifest_of, read_manifest
from tests.dbt.small_warehouse import Warehouse
from tests.metrics.conftest import EVERY_KIND_OF_WEATHER, MARCH, NOVEMBER
from tests.metrics.markets.published_days import load_days
from tests.metrics.telemetry.conftest import load_telemetry
from warehouse.releases import Source
from warehouse.sql import identifier, literal

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

# One in ten has no amount, no distance, a refund, nothing to pay, or a fare without a total.
_MONEY = """
    if(n % 10 = 0, null, (n * 7 % 23) / 2) as trip_distance, 1 + n % 2 as payment_type, n % 4 as passenger_count,
    case n % 10 when 1 then null when 2 then -20.0 when 3 then 0 else 9.99 + n % 31 end as total_amount,
    if(n % 10 = 4, null, 8.0 + n % 29) as fare_amount, if(n % 10 = 5, null, 0.1 * (n % 70)) as tip_amount,
    2.5 * (n % 2) as congestion_surcharge, 0.75 * (n % 3) as cbd_congestion_fee
"""
_ZONES = "1 + n * 13 % 265 as pu_location_id, 1 + n * 29 % 265 as do_location_id"
_FEEDS = {
    "yellow": f"begun as tpep_pickup_datetime, over as tpep_dropoff_datetime, {_ZONES}, {_MONEY}",
    "green": f"begun as lpep_pickup_datetime, over as lpep_dropoff_datetime, {_ZONES}, {_MONEY}",
    "fhv": f"begun as pickup_datetime, over as dropoff_datetime, {_ZONES}",
    "hvfhv": f"""
        begun as pickup_datetime, over as dropoff_datetime, {_ZONES}, n % 17 / 2 as trip_miles,
        if(n % 10 = 1, -50.0, 5.55 + n % 41) as base_passenger_fare, 0.1 * (n % 9) as tips, 0.0 as tolls, 0.0 as bcf,
        0.0 as sales_tax, 2.75 as congestion_surcharge, 0.0 as airport_fee, 0.0 as cbd_congestion_fee
    """,
    "citibike": """
        'ride ' || n || begun as ride_id, begun as started_at, over as ended_at,
        'Station ' || n % 7 as start_station_name, 'S' || n % 7 as start_station_id, 'S' || n % 5 as end_station_id,
        ['member', 'casual'][1 + n % 2] as member_casual
    """,
}


def load_every_subject(warehouse: Warehouse) -> None:
    """Load two months of trips and weather, days of markets, and hours of telemetry."""
    warehouse.create_raw_tables()
    for month in (MARCH, NOVEMBER):
        for number, (feed, columns) in enumerate(_FEEDS.items()):
            trips = f"""
                select {columns}, n as source_row
                from (
                    select n, timestamp '{month}' - interval 1 hour + to_minutes(n * (61 + {number})) as begun,
                        begun + to_seconds(n * 37 % 3600) as over
                    from range(500) as numbers (n)
                )
            """
            warehouse.load_query(feed, month, trips)
        warehouse.load_weather(month)
    warehouse.execute(EVERY_KIND_OF_WEATHER)
    load_days(warehouse)
    load_telemetry(warehouse)


def tables_of_metrics() -> set[tuple[str, str]]:
    """The schema and the name of every table that metrics are of."""
    manifest = read_manifest(manifest_of(Source()))
    holders = (*manifest["semantic_models"], *manifest["project_configuration"]["time_spines"])
    return {(each["node_relation"]["schema_name"], each["node_relation"]["alias"]) for each in holders}


def copy_tables(database: Path, tables: Iterable[tuple[str, str]], spark: "SparkSession", scratch: Path) -> None:
    """Let Spark have tables of a DuckDB file, through Parquet files below `scratch`."""
    with duckdb.connect(str(database), read_only=True) as connection:
        for schema, name in sorted(tables):
            file = scratch / f"{schema}.{name}.parquet"
            connection.execute(f"copy {identifier(schema, name)} to {literal(file)} (format parquet)")
            spark.sql(f"create schema if not exists {schema}")
            spark.sql(f"create table {schema}.{name} using parquet location {literal(file)}")
