"""A stage of PySpark, local: Spark SQL, and Parquet in folders of which a run overwrites the partitions it has made.

What its user must know: only partitions of which there are new rows are overwritten, so one whose last row has gone
would keep its old ones. Which hours a file can touch must be named: those of its month and the neighbours.
"""

import sys
from collections.abc import Iterable
from datetime import date, timedelta
from pathlib import Path
from string import Template
from typing import Any

from pyspark import SparkContext
from pyspark.sql import DataFrame, SparkSession

from benchmarks.peers.command import Options, main, parts_of

_FOLDER = Path(__file__).parent
_FACTS = parts_of(_FOLDER / "facts.sql")
_HOLIDAYS = (_FOLDER.parent / "holidays.csv").read_text().split()[1:]

# The published columns of each feed; types differ from file to file, and yellow taxis' last one came in 2025.
_COLUMNS = {
    "yellow": "VendorID int, tpep_pickup_datetime timestamp, tpep_dropoff_datetime timestamp, passenger_count int,"
    " trip_distance double, RatecodeID int, store_and_fwd_flag string, PULocationID int, DOLocationID int,"
    " payment_type int, fare_amount double, extra double, mta_tax double, tip_amount double, tolls_amount double,"
    " improvement_surcharge double, total_amount double, congestion_surcharge double, airport_fee double,"
    " cbd_congestion_fee double",
    "fhv": "dispatching_base_num string, pickup_datetime timestamp, dropOff_datetime timestamp, PUlocationID int,"
    " DOlocationID int, SR_Flag int, Affiliated_base_number string",
    "citibike": "ride_id string, rideable_type string, started_at timestamp, ended_at timestamp,"
    " start_station_name string, start_station_id string, end_station_name string, end_station_id string,"
    " start_lat double, start_lng double, end_lat double, end_lng double, member_casual string",
    "weather": "time timestamp, temperature_2m double, precipitation double, rain double, snowfall double,"
    " cloud_cover double, wind_speed_10m double",
}
# What the feeds' trips have together, for those of them that are made.
_UNIONED = (
    "trip_type string, feed string, source_month date, vendor_id int, rate_code_id int, payment_type_id int,"
    " dispatching_base_number string, pickup_location_id int, dropoff_location_id int, start_station_id string,"
    " end_station_id string, bike_type string, rider_type string, passenger_count int, trip_distance double,"
    " fare_amount double, tip_amount double, tolls_amount double, congestion_surcharge double,"
    " cbd_congestion_fee double, airport_fee double, total_amount double, pickup_datetime timestamp,"
    " dropoff_datetime timestamp"
)
_TRIPS = ("yellow", "fhv", "citibike")


def _session(options: Options) -> SparkSession:
    settings: dict[str, bool | float | int | str | None] = {
        "spark.driver.memory": options.memory_limit.lower().removesuffix("b"),
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.sources.partitionOverwriteMode": "dynamic",
        "spark.sql.shuffle.partitions": "16",
        # With fewer groups than this in a task, Spark takes medians without sorting all rows first.
        "spark.sql.objectHashAggregate.sortBased.fallbackThreshold": "100000",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
    }
    session = SparkSession.builder.master("local[*]").config(map=settings).getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    return session


def load(options: Options) -> None:
    """Load the months' files."""
    _load(_session(options), options)


def _load(spark: SparkSession, options: Options) -> dict[str, list[str]]:
    """Load the files, each as a partition of its feed's folder; the months of each feed."""
    loaded: dict[str, list[str]] = {}
    for feed, columns in _COLUMNS.items():
        for month, files in options.files_of(feed):
            paths = [str(file) for file in files]
            if feed == "citibike":
                rows = spark.read.csv(paths, schema=columns, header=True)
                # Of rides that share an id the first is the trip.
                rows = rows.selectExpr("monotonically_increasing_id() as source_row", "*")
            else:
                rows = _as(columns, spark.read.parquet(*paths))
            rows.write.parquet(str(options.store / feed / f"source_month={month}-01"), "overwrite")
            loaded.setdefault(feed, []).append(f"{month}-01")
    return loaded


def _as(columns: str, rows: DataFrame) -> DataFrame:
    """The rows with these columns, cast, and null where a file has none."""
    published = {name.lower() for name in rows.columns}
    return rows.selectExpr(
        *(
            f"cast({name if name.lower() in published else 'null'} as {type_}) as {name}"
            for name, type_ in (column.split() for column in columns.split(","))
        )
    )


def refresh(options: Options) -> None:
    """Make both facts anew, with no partition of before."""
    spark = _session(options)
    spark.conf.set("spark.sql.sources.partitionOverwriteMode", "static")
    _weather_hours(spark, options.store)
    _make_trips(spark, options.store, dict.fromkeys(_TRIPS, "true"))
    _make_hours(spark, options.store, "true", "true")


def update(options: Options) -> None:
    """Load the months' files, and replace their trips and the hours that these can touch."""
    spark = _session(options)
    loaded = _load(spark, options)
    _weather_hours(spark, options.store)
    of_files = {feed: f"source_month in ({_dates(loaded[feed])})" for feed in _TRIPS if feed in loaded}
    _make_trips(spark, options.store, of_files)
    touched = {date.fromisoformat(month) for feed in of_files for month in loaded[feed]}
    touched |= _neighbours(touched)
    months = _dates(str(month) for month in touched)
    files = _dates(str(month) for month in touched | _neighbours(touched))
    _make_hours(spark, options.store, f"source_month in ({files})", f"pickup_month in ({months})")


def _make_trips(spark: SparkSession, store: Path, rows: dict[str, str]) -> None:
    """Make the trips of the feeds' raw rows with a condition each."""
    for feed, condition in rows.items():
        spark.read.parquet(str(store / feed)).where(condition).createOrReplaceTempView(feed)
    if "citibike" in rows:
        for view in ("rides", "station_names", "first_rides"):
            spark.sql(_FACTS[view]).createOrReplaceTempView(view)
    unioned = spark.createDataFrame([], _UNIONED)
    for feed in rows:
        unioned = unioned.unionByName(spark.sql(_FACTS[f"{feed}_trips"]), allowMissingColumns=True)
    unioned.createOrReplaceTempView("unioned")
    spark.sql(_FACTS["trips"]).write.partitionBy("feed", "source_month").parquet(str(store / "trips"), "overwrite")


def _make_hours(spark: SparkSession, store: Path, files: str, months: str) -> None:
    """Make the hours of trips with these conditions of their file and of their pickup."""
    trips = spark.read.parquet(str(store / "trips")).where(files).where(months)
    trips.createOrReplaceTempView("trips_of_months")
    hours = spark.sql(_FACTS["hourly"]).repartition("pickup_month")
    hours.write.partitionBy("pickup_month").parquet(str(store / "hourly"), "overwrite")


def _weather_hours(spark: SparkSession, store: Path) -> None:
    spark.read.parquet(str(store / "weather")).createOrReplaceTempView("weather")
    select = Template(_FACTS["hours"]).substitute(holidays=_dates(_HOLIDAYS))
    spark.sql(select).cache().createOrReplaceTempView("hours")


def metric(options: Options) -> None:
    """Answer the metric."""
    _answer(options, "metric.sql")


def dashboards(options: Options) -> None:
    """Answer the queries of the dashboards."""
    _answer(options, "queries.sql")


def _answer(options: Options, file: str) -> None:
    spark = _session(options)
    for fact in ("trips", "hourly"):
        spark.read.parquet(str(options.store / fact)).createOrReplaceTempView(fact)
    # The one function of the queries that Spark calls otherwise.
    spark.sql("create temporary function isodow(day date) returns int return weekday(day) + 1")
    for name, query in parts_of(_FOLDER.parent / file).items():
        options.keep(name, spark.sql(query).toArrow())


def export(options: Options) -> None:
    """Write the facts with their partitions' columns."""
    spark = _session(options)
    assert options.output
    for fact in ("trips", "hourly"):
        spark.read.parquet(str(options.store / fact)).write.parquet(str(options.output / fact))


def _dates(days: Iterable[str]) -> str:
    return ", ".join(f"date '{day}'" for day in days)


def _neighbours(months: set[date]) -> set[date]:
    """The months before and after each."""
    after = {(month + timedelta(days=31)).replace(day=1) for month in months}
    return after | {(month - timedelta(days=1)).replace(day=1) for month in months}


def _end() -> None:
    """Stop Spark, and wait for Java to end: only then are its seconds counted."""
    gateway: Any = SparkContext._gateway
    if session := SparkSession.getActiveSession():
        session.stop()
        gateway.shutdown()
        gateway.proc.stdin.close()
        gateway.proc.wait()


if __name__ == "__main__":
    stages = {
        "load": load,
        "refresh": refresh,
        "new": update,
        "again": update,
        "metric": metric,
        "dashboards": dashboards,
        "export": export,
    }
    status = main(stages)
    _end()
    sys.exit(status)
