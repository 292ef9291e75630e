"""Polars and pandas make the facts of the floor, also of rows that sample files do not have, and give its answers."""

import importlib
from collections.abc import Callable, Mapping
from pathlib import Path

import duckdb
import pytest

from benchmarks.peers.command import Options
from benchmarks.peers.compare import digest_of_database, digest_of_parquet, require_same_answers, require_same_fact
from benchmarks.peers.contestants import questions
from benchmarks.peers.floor_ import run as floor

Stages = Mapping[str, Callable[[Options], None]]

# Pickup, drop-off, distance, total, zone, passengers: around both clock changes, outliers, refunds, strays, and what is
# set aside.
YELLOW = {
    "2024-11": """
        ('2024-11-02 08:00', '2024-11-02 08:10', 1.5, 12.25, 132, 1),
        ('2024-11-02 08:10', '2024-11-02 08:25', 3, 20, 1, 2),
        ('2024-11-03 00:30', '2024-11-03 03:00', 2, 9, 5, null),
        ('2024-11-03 01:50', '2024-11-03 01:10', 1, 8, 5, 1),
        ('2024-11-03 01:10', '2024-11-03 01:50', 1, 8, 5, 1),
        ('2024-11-02 23:00', '2024-11-06 23:00', 1, 8, 5, 1),
        ('2024-11-11 08:00', '2024-11-11 08:30', 400, -30, 0, 1),
        ('2024-11-12 08:00', '2024-11-12 08:01', 9, 8, 300, 1),
        ('2024-11-12 08:00', '2024-12-24 08:30', 1, 8, 4, 1),
        ('2024-11-13 08:00', '2024-11-13 07:30', 1, 8, 4, 1),
        ('2024-11-13 08:00', null, 1, 8, 4, 1),
        (null, '2024-11-13 08:00', 1, 8, 4, 1),
        ('2024-10-01 10:00', '2024-10-01 10:10', 1, 8, 4, 1),
        ('2024-10-31 23:59', '2024-11-01 00:10', null, null, null, 1),
        ('2024-12-02 23:59', '2024-12-03 00:10', 1, 8, 4, 1),
        ('2024-12-03 00:00', '2024-12-03 00:10', 1, 8, 4, 1)
    """,
    "2025-03": """
        ('2025-03-08 23:00', '2025-03-09 01:00', 1, 8, 4, 1),
        ('2025-03-09 01:30', '2025-03-09 03:30', 1, 8, 4, 1),
        ('2025-03-09 01:50', '2025-03-09 02:10', 1, 8, 4, 1),
        ('2025-03-09 02:30', '2025-03-09 03:30', 1, 8, 4, 1)
    """,
}
# The file of November as replaced: none of its trips begins in October any more, or in December.
REPLACED = """
    ('2024-11-02 08:00', '2024-11-02 08:10', 1.5, 12.5, 132, 1),
    ('2024-11-05 08:00', '2024-11-05 08:10', 2, 5, 7, 1)
"""

HEADER = (
    "ride_id,rideable_type,started_at,ended_at,start_station_name,start_station_id,end_station_name,end_station_id,"
    "start_lat,start_lng,end_lat,end_lng,member_casual"
)
PLACE = "40.7,-73.9,40.8,-74.0"
# An id that has lost its last zero; a station that only its name tells; a name of two stations; a repeated ride.
RIDES = (
    f"""
    "A",classic_bike,2024-11-14 08:00:00.123,2024-11-14 08:10:00.623,Broadway,6498.1,Park,6000.01,{PLACE},member
    B,electric_bike,2024-11-14 08:00:00.001,2024-11-14 08:20:00.002,Twice,1.01,Twice,2.02,{PLACE},Subscriber
    C,electric_bike,2024-11-14 09:00:00.000,2024-11-14 09:20:00.000, Broadway ,,Twice,,{PLACE},casual
    ,classic_bike,2024-11-15 08:00:00.000,2024-11-15 08:20:00.000,,,,,,,,,Customer
    ,classic_bike,2024-11-15 08:00:00.000,2024-11-15 08:20:00.000,Park,,Park,,,,,,""",
    f"""
    A ,classic_bike,2024-11-16 08:00:00.000,2024-11-16 08:10:00.000,Park,6000.01,Broadway,6498.10,{PLACE},member
    D,,2024-11-16 08:00:00.000,2024-11-17 09:00:00.000,Park,6000.01,Broadway, 6498.10 ,{PLACE},member""",
)


def _put(connection: duckdb.DuckDBPyConnection, query: str, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    connection.execute(f"copy ({query}) to '{path}' (format parquet)")


def _put_yellow(connection: duckdb.DuckDBPyConnection, rows: str, path: Path) -> None:
    query = f"""
        select
            1::integer as "VendorID", pickup::timestamp as tpep_pickup_datetime,
            dropoff::timestamp as tpep_dropoff_datetime, passengers::double as passenger_count,
            distance::double as trip_distance, 1::double as "RatecodeID", 'N' as store_and_fwd_flag,
            zone::integer as "PULocationID", 7::integer as "DOLocationID", 1::bigint as payment_type,
            total::double as fare_amount, 0.5 as extra, 0.5 as mta_tax, 1.0 as tip_amount, 0.0 as tolls_amount,
            1.0 as improvement_surcharge, total::double as total_amount, 2.5::double as congestion_surcharge,
            0.0::double as "Airport_fee"
        from (values {rows}) as trips (pickup, dropoff, distance, total, zone, passengers)
    """
    _put(connection, query, path)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """History of November and March with the weather of all hours around, and the replaced file of November."""
    folder = tmp_path_factory.mktemp("files")
    history = folder / "history"
    with duckdb.connect() as connection:
        for month, rows in YELLOW.items():
            _put_yellow(connection, rows, history / "yellow" / f"{month}.parquet")
        _put_yellow(connection, REPLACED, folder / "again" / "yellow" / "2024-11.parquet")
        fhv = """
            select
                ' B00001 ' as dispatching_base_num, timestamp '2024-11-04 07:30' as pickup_datetime,
                timestamp '2024-11-04 08:00' as "dropOff_datetime", null::integer as "PUlocationID",
                5::integer as "DOlocationID", null::integer as "SR_Flag", 'B00001' as "Affiliated_base_number"
        """
        _put(connection, fhv, history / "fhv" / "2024-11.parquet")
        for month in ("2024-10", "2024-11", "2024-12", "2025-03"):
            weather = f"""
                select
                    range as time, hour(range)::double as temperature_2m, 0.1 * day(range) - 0.5 as precipitation,
                    greatest(day(range) - 9, 0)::double as rain, (day(range) % 3)::double as snowfall,
                    50::bigint as cloud_cover, 9.5::double as wind_speed_10m
                from range(
                    timestamp '{month}-01',
                    timestamp '{month}-01' + interval 1 month + interval 1 day,
                    interval 1 hour
                )
            """
            _put(connection, weather, history / "weather" / f"{month}.parquet")
    rides = history / "citibike" / "2024-11"
    rides.mkdir(parents=True)
    for number, lines in enumerate(RIDES):
        rows = "\r\n".join([HEADER, *(line[4:] for line in lines.splitlines()[1:]), ""])
        (rides / f"202411-citibike-tripdata_{number}.csv").write_bytes(rows.encode())
    return folder


@pytest.fixture(params=["polars_", "pandas_"])
def stages(request: pytest.FixtureRequest) -> Stages:
    """The stages of a peer."""
    peer: Stages = importlib.import_module(f"benchmarks.peers.{request.param}.run").STAGES
    return peer


def _require_facts_of_the_floor(stages: Stages, store: Path, floors: Path, exported: Path) -> None:
    stages["export"](Options(Path(), store, (), output=exported))
    for fact in ("trips", "hourly"):
        expected = digest_of_database(floors / "floor.duckdb", fact)
        require_same_fact(expected, digest_of_parquet(exported, fact), fact, "the peer")
        assert expected.rows > 0


def test_a_peer_makes_the_facts_of_the_floor(stages: Stages, files: Path, tmp_path: Path) -> None:
    floors, store = tmp_path / "floor", tmp_path / "peer"
    floors.mkdir()
    of_floor, of_peer = Options(files / "history", floors, ()), Options(files / "history", store, ())
    floor.load(of_floor)
    floor.refresh(of_floor)
    stages["load"](of_peer)
    stages["refresh"](of_peer)
    _require_facts_of_the_floor(stages, store, floors, tmp_path / "refreshed")
    floor.update(Options(files / "again", floors, ("2024-11",)))
    stages["again"](Options(files / "again", store, ("2024-11",)))
    _require_facts_of_the_floor(stages, store, floors, tmp_path / "replaced")


@pytest.mark.parametrize("stage", ["metric", "dashboards"])
def test_a_peer_answers_as_the_floor_does(stages: Stages, stage: str, files: Path, tmp_path: Path) -> None:
    floors, store = tmp_path / "floor", tmp_path / "peer"
    floors.mkdir()
    of_floor = Options(files / "history", floors, (), answers=tmp_path / "expected")
    of_peer = Options(files / "history", store, (), answers=tmp_path / "answers")
    floor.load(of_floor)
    floor.refresh(of_floor)
    getattr(floor, stage)(of_floor)
    for each in ("load", "refresh", stage):
        stages[each](of_peer)
    require_same_answers(tmp_path / "expected", tmp_path / "answers", questions(stage), "the peer")
