"""Loading what the sample publisher publishes, and what the ledger says of it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import duckdb
import pytest

from ingestion.catalog import FEEDS, raw_tables, resolve_sources
from ingestion.pipeline import Result, Started, Status, ingest
from sandbox.catalog import FEEDS_SERVED
from sandbox.faults import Fault
from sandbox.files import row_count
from sandbox.server import SamplePublisher
from tests.partitions import partitions_of
from warehouse.periods import Grain

MAY, JUNE, JULY = (date(2025, month, 1) for month in (5, 6, 7))
FEEDS_OF_MONTHS = [feed for feed in FEEDS_SERVED if FEEDS[feed].grain is Grain.MONTH]
ALL_FEEDS = ",".join(FEEDS_OF_MONTHS)


@pytest.fixture
def publisher(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[SamplePublisher]:
    with SamplePublisher(MAY, JUNE, rows=2000, folder=tmp_path / "published") as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        yield server


def _ingest(sources: str, *months: date, force: bool = False) -> dict[str, Result]:
    results = ingest(partitions_of(resolve_sources(sources), months), force=force)
    return {str(result.partition): result for result in results}


def _published_file(database: Path, name: str) -> Path:
    (path,) = (database.parent / "published").rglob(name)
    return path


@contextmanager
def _file_server(folder: Path) -> Iterator[str]:
    """A plain file server, as `python -m http.server` is one; yields its address."""
    handler = partial(SimpleHTTPRequestHandler, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def _query(database: Path, sql: str) -> list[tuple[object, ...]]:
    with duckdb.connect(str(database), read_only=True) as connection:
        return connection.execute(sql).fetchall()


@pytest.mark.usefixtures("publisher")
def test_every_feed_loads_with_the_registrys_columns_and_types(database: Path) -> None:
    results = _ingest(ALL_FEEDS, MAY)
    assert {name: result.status for name, result in results.items()} == {
        f"{feed} {FEEDS[feed].period_of(MAY)}": Status.LOADED for feed in FEEDS_OF_MONTHS
    }
    for table, columns in raw_tables().items():
        described = {row[0]: row[1] for row in _query(database, f"describe raw_data.{table}")}
        assert described == {column.name: column.type.value for column in columns} | {"_dlt_load_id": "VARCHAR"}


@pytest.mark.usefixtures("publisher")
def test_source_row_numbers_the_published_rows_across_the_csvs_of_a_zip(database: Path) -> None:
    result = _ingest("citibike", MAY)["citibike 2025-05"]
    assert _query(
        database,
        "select count(*), count(distinct source_row), min(source_row), max(source_row), count(distinct ride_id)"
        " from raw_data.citibike_trips",
    ) == [(result.rows, result.rows, 0, (result.rows or 0) - 1, result.rows)]


@pytest.mark.usefixtures("publisher")
def test_raw_rows_are_the_published_rows_in_their_order(database: Path) -> None:
    _ingest("yellow", MAY)
    published = _published_file(database, "yellow_tripdata_2025-05.parquet")
    names = "tpep_pickup_datetime, tpep_dropoff_datetime, trip_distance, total_amount, passenger_count, pulocationid"
    raw_names = names.replace("pulocationid", "pu_location_id")
    assert _query(database, f"select {raw_names} from raw_data.yellow_taxi order by source_row") == _query(
        database, f"select {names} from read_parquet('{published}', file_row_number = true) order by file_row_number"
    )


@pytest.mark.usefixtures("publisher")
def test_all_raw_tables_exist_after_the_first_load(database: Path) -> None:
    _ingest("green", MAY)
    tables = _query(database, "select table_name from information_schema.tables where table_schema = 'raw_data'")
    assert {name for (name,) in tables} >= set(raw_tables())


def test_an_unchanged_file_is_not_downloaded_again(publisher: SamplePublisher, database: Path) -> None:
    first = _ingest(ALL_FEEDS, MAY)
    seen = len(publisher.requests)
    again = _ingest(ALL_FEEDS, MAY)
    assert {result.status for result in again.values()} == {Status.UNCHANGED}
    assert {name: result.rows for name, result in again.items()} == {name: r.rows for name, r in first.items()}
    files = [request for request in publisher.requests[seen:] if not request.path.startswith("/v1/archive")]
    assert {request.status for request in files} <= {304, 403}
    load_ids = "select load_id from meta.asset_watermarks order by all"
    assert _query(database, load_ids) == sorted((result.load_id,) for result in first.values())


@pytest.mark.usefixtures("publisher")
def test_force_loads_the_same_file_again(database: Path) -> None:
    first = _ingest("green", MAY)["green 2025-05"]
    again = _ingest("green", MAY, force=True)["green 2025-05"]
    assert (again.status, again.rows) == (Status.LOADED, first.rows)
    assert again.load_id != first.load_id
    assert _query(database, "select count(*), count(distinct _dlt_load_id) from raw_data.green_taxi") == [
        (first.rows, 1)
    ]


def test_a_replaced_file_replaces_its_partition_alone(publisher: SamplePublisher, database: Path) -> None:
    _ingest("citibike,citibike_jc", MAY, JUNE)
    others = (
        "select * from raw_data.citibike_trips where (feed, source_month) <> ('citibike', '2025-05-01') order by all"
    )
    before = _query(database, others)
    publisher.replace("citibike", MAY)
    results = _ingest("citibike,citibike_jc", MAY, JUNE)
    assert {name for name, result in results.items() if result.status is Status.LOADED} == {"citibike 2025-05"}
    assert _query(database, others) == before
    assert _query(
        database,
        "select count(*), any_value(_dlt_load_id) from raw_data.citibike_trips"
        " where feed = 'citibike' and source_month = '2025-05-01'",
    ) == [(results["citibike 2025-05"].rows, results["citibike 2025-05"].load_id)]


@pytest.mark.usefixtures("publisher")
def test_a_month_that_is_not_published_stops_no_other(database: Path) -> None:
    results = _ingest("green,weather", JUNE, JULY)
    assert {name: result.status.value for name, result in results.items()} == {
        "green 2025-06": "loaded",
        "weather 2025-06": "loaded",
        "green 2025-07": "not_published",
        "weather 2025-07": "not_published",
    }
    assert _query(database, "select status from meta.ingestion_runs") == [("success",)]


@pytest.mark.usefixtures("publisher")
def test_a_file_that_broke_off_fails_alone_and_changes_nothing(
    database: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    _ingest("green,fhv", MAY)
    everything = "select * from raw_data.green_taxi order by all"
    before = _query(database, everything)
    broken = tmp_path / "trip-data" / "green_tripdata_2025-05.parquet"
    broken.parent.mkdir()
    broken.write_bytes(_published_file(database, broken.name).read_bytes()[:-100])
    with _file_server(tmp_path) as url:
        monkeypatch.setenv("SOURCES__TLC__BASE_URL", f"{url}/trip-data")
        results = _ingest("green,fhv,weather", MAY)
    assert {name: result.status.value for name, result in results.items()} == {
        "green 2025-05": "failed",
        "fhv 2025-05": "not_published",
        "weather 2025-05": "loaded",
    }
    assert "green_tripdata_2025-05.parquet: expected a whole Parquet file" in str(results["green 2025-05"].error)
    assert _query(database, everything) == before
    assert _query(
        database,
        "select asset, load_id is null, error like '%whole Parquet%' from meta.ingestion_run_assets"
        " where status = 'failed'",
    ) == [("green", True, True)]
    assert _query(database, "select status from meta.ingestion_runs order by started_at") == [("success",), ("failed",)]


@pytest.mark.usefixtures("publisher")
def test_a_watermark_that_disagrees_with_raw_data_is_not_believed(database: Path) -> None:
    _ingest("green", MAY)
    with duckdb.connect(str(database)) as connection:
        connection.execute("update meta.asset_watermarks set load_id = 'another load'")
    assert _ingest("green", MAY)["green 2025-05"].status is Status.LOADED


@pytest.mark.usefixtures("publisher")
def test_the_ledger_says_who_ran_what(database: Path) -> None:
    ingest(partitions_of(resolve_sources("green"), [MAY]), started=Started("dagster", "run-1"))
    assert _query(
        database,
        "select kind, started_by, dagster_run_id, status, error, arguments->>'$.partitions[0]',"
        " finished_at >= started_at from meta.ingestion_runs",
    ) == [("ingestion", "dagster", "run-1", "success", None, "green 2025-05", True)]
    rows, load_id, first, last = _query(
        database, "select rows, load_id, min_event_time, max_event_time from meta.asset_watermarks"
    )[0]
    assert _query(
        database,
        "select count(*), any_value(_dlt_load_id), min(lpep_pickup_datetime), max(lpep_pickup_datetime)"
        " from raw_data.green_taxi",
    ) == [(rows, load_id, first, last)]
    assert _query(
        database, "select asset, partition_key, status, rows, bytes > 0, load_id from meta.ingestion_run_assets"
    ) == [("green", "2025-05", "loaded", rows, True, load_id)]


@pytest.mark.usefixtures("publisher")
def test_nothing_is_left_in_the_work_folder(database: Path) -> None:
    _ingest("citibike", MAY)
    assert list((database.parent / "work").iterdir()) == []


@pytest.mark.parametrize(
    ("feed", "month"),
    [
        ("yellow", date(2009, 3, 1)),
        ("yellow", date(2010, 3, 1)),
        ("yellow", date(2012, 3, 1)),
        ("green", date(2020, 4, 1)),
        ("citibike", date(2013, 6, 1)),  # filed whole and in parts, in an archive of the year
        ("citibike", date(2015, 1, 1)),  # American times
        ("citibike", date(2018, 4, 1)),  # filed three times
        ("citibike", date(2023, 5, 1)),  # a zip in the zip
        ("citibike_jc", date(2019, 3, 1)),
    ],
)
def test_files_of_former_years_load_whole(
    feed: str, month: date, database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with SamplePublisher(month, month, rows=2000) as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        (result,) = _ingest(feed, month).values()
    assert (result.status, result.error) == (Status.LOADED, None)
    assert result.rows == row_count(feed, month, rows=2000)
    event_time, table = FEEDS[feed].event_time, FEEDS[feed].raw_table
    in_month = f"select count(*) from raw_data.{table} where date_trunc('month', {event_time}) = date '{month}'"
    assert int(str(_query(database, in_month)[0][0])) > 0.9 * result.rows
    unknown = "select count(*) from raw_data.citibike_trips where end_station_name in ('NULL', '\\N', '')"
    assert _query(database, unknown) == [(0,)]


@pytest.mark.usefixtures("publisher")
def test_a_column_never_seen_before_is_kept_and_noted(publisher: SamplePublisher, database: Path) -> None:
    _ingest("green", JUNE)
    publisher.break_("green", MAY, Fault.EXTRA_COLUMN)
    result = _ingest("green", MAY)["green 2025-05"]
    known = {column.name for column in raw_tables()["green_taxi"]} | {"_dlt_load_id"}
    (new,) = {str(row[0]) for row in _query(database, "describe raw_data.green_taxi")} - known
    assert result.note
    assert new in result.note
    assert _query(database, "select note from meta.ingestion_run_assets where note is not null") == [(result.note,)]
    filled = f"select strftime(source_month, '%m'), count({new}) > 0 from raw_data.green_taxi group by 1 order by 1"
    assert _query(database, filled) == [("05", True), ("06", False)]
    assert _ingest("green", MAY, JUNE, force=True)["green 2025-06"].status is Status.LOADED


def test_many_months_of_every_feed_are_read_ahead(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    months = [date(2025, number, 1) for number in range(1, 7)]
    with SamplePublisher(months[0], months[-1], rows=200) as publisher:
        for name, value in publisher.environment.items():
            monkeypatch.setenv(name, value)
        results = ingest(partitions_of(resolve_sources("yellow,citibike,weather"), months))
    assert [result.error for result in results if result.status is not Status.LOADED] == []
