"""The stages of the peers that keep a DuckDB file, but for building the facts, which is theirs.

It is what a user of dbt or SQLMesh writes around it: loading, since both start at raw tables, and asking.
"""

from collections.abc import Callable, Mapping
from pathlib import Path

import duckdb

from benchmarks.peers.command import Options, main, parts_of

DATABASE = "store.duckdb"

# The published columns under their published names; what a file lacks is null.
_CREATE = """
    create schema if not exists raw;
    create table if not exists raw.yellow (
        source_month date, VendorID integer, tpep_pickup_datetime timestamp, tpep_dropoff_datetime timestamp,
        passenger_count integer, trip_distance double, RatecodeID integer, store_and_fwd_flag varchar,
        PULocationID integer, DOLocationID integer, payment_type integer, fare_amount double, extra double,
        mta_tax double, tip_amount double, tolls_amount double, improvement_surcharge double, total_amount double,
        congestion_surcharge double, Airport_fee double, cbd_congestion_fee double
    );
    create table if not exists raw.fhv (
        source_month date, dispatching_base_num varchar, pickup_datetime timestamp, dropOff_datetime timestamp,
        PUlocationID integer, DOlocationID integer, SR_Flag integer, Affiliated_base_number varchar
    );
    create table if not exists raw.citibike (
        source_month date, source_row bigint, ride_id varchar, rideable_type varchar, started_at timestamp,
        ended_at timestamp, start_station_name varchar, start_station_id varchar, end_station_name varchar,
        end_station_id varchar, start_lat double, start_lng double, end_lat double, end_lng double,
        member_casual varchar
    );
    create table if not exists raw.weather (
        source_month date, time timestamp, temperature_2m double, relative_humidity_2m double, dew_point_2m double,
        apparent_temperature double, precipitation double, rain double, snowfall double, snow_depth double,
        weather_code integer, surface_pressure double, cloud_cover double, wind_speed_10m double,
        wind_direction_10m double, wind_gusts_10m double
    );
"""
# Of rides with the same id the first of the file is the trip, so its rows are numbered.
_CITIBIKE = """
    select row_number() over () as source_row, *
    from read_csv({files}, header = true, columns = {{
        ride_id: 'varchar', rideable_type: 'varchar', started_at: 'timestamp', ended_at: 'timestamp',
        start_station_name: 'varchar', start_station_id: 'varchar', end_station_name: 'varchar',
        end_station_id: 'varchar', start_lat: 'double', start_lng: 'double', end_lat: 'double', end_lng: 'double',
        member_casual: 'varchar'
    }})
"""
_PARQUET = "from read_parquet({files})"
_FEEDS = {"yellow": _PARQUET, "fhv": _PARQUET, "citibike": _CITIBIKE, "weather": _PARQUET}
_FOLDER = Path(__file__).parent


def run(
    prepare: Callable[[Options], None],
    refresh: Callable[[Options, list[str]], None],
    add: Callable[[Options], None],
    replace: Callable[[Options], None],
) -> int:
    """Run the stage that the command line names.

    The peer reads its project, builds all facts anew, of these months of files, or adds or replaces those of the months
    in the options.
    """

    def load_and(build: Callable[[Options], None]) -> Callable[[Options], None]:
        def stage(options: Options) -> None:
            load(options)
            build(options)

        return stage

    return main(
        {
            "load": load,
            "prepare": prepare,
            "refresh": lambda options: refresh(options, _loaded_months(options)),
            "new": load_and(add),
            "again": load_and(replace),
            "metric": lambda options: _ask(options, parts_of(_FOLDER / "metric.sql")),
            "dashboards": lambda options: _ask(options, parts_of(_FOLDER / "queries.sql")),
            "export": _export,
        }
    )


def load(options: Options) -> None:
    """Take the files of the months into the raw tables, in place of what these had of the months."""
    with _connect(options) as connection:
        connection.execute(_CREATE)
        for feed, select in _FEEDS.items():
            for month, files in options.files_of(feed):
                rows = select.format(files=[str(file) for file in files])
                connection.execute(f"""
                    begin;
                    delete from raw.{feed} where source_month = date '{month}-01';
                    insert into raw.{feed} by name select date '{month}-01' as source_month, * from ({rows});
                    commit;
                """)


def _loaded_months(options: Options) -> list[str]:
    """The months of which there are trips, in order."""
    with _connect(options, read_only=True) as connection:
        rows = connection.execute("""
            select distinct strftime(source_month, '%Y-%m') from (
                select source_month from raw.yellow
                union all
                select source_month from raw.fhv
                union all
                select source_month from raw.citibike
            )
            order by all
        """).fetchall()
    return [month for (month,) in rows]


def _ask(options: Options, queries: Mapping[str, str]) -> None:
    with _connect(options, read_only=True) as connection:
        connection.execute("use facts")
        for name, query in queries.items():
            options.keep(name, connection.sql(query).to_arrow_table())


def _export(options: Options) -> None:
    assert options.output
    with _connect(options, read_only=True) as connection:
        for fact in ("trips", "hourly"):
            (options.output / fact).mkdir(parents=True)
            connection.execute(f"copy facts.{fact} to '{options.output}/{fact}/all.parquet'")


def _connect(options: Options, *, read_only: bool = False) -> duckdb.DuckDBPyConnection:
    return duckdb.connect(
        str(options.store / DATABASE), read_only=read_only, config={"memory_limit": options.memory_limit}
    )
