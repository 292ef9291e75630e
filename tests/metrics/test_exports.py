"""Exports: what is declared, which days they are of, and what is in the files."""

import csv
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest

from metrics.exports import (
    EXPORTS_VARIABLE,
    BadExportError,
    Export,
    declared_exports,
    exports_location,
    newest_whole_day,
    write_export,
)
from tests.lakehouse.conftest import bucket, s3_endpoint, s3_environment  # noqa: F401
from tests.metrics.conftest import MetricWarehouse
from warehouse.lakehouse.exported import ExportError
from warehouse.lakehouse.location import LAKEHOUSE_VARIABLE, Location
from warehouse.paths import DATABASE_VARIABLE
from warehouse.releases import Source

SUMMARY = Export("daily_summary", "csv", 1, "")
LIVE = Source()
PERFORMANCE = Export("daily_performance", "parquet", 30, "")


def _saved_query(meta: object) -> dict[str, Any]:
    node = {
        "name": "some_query",
        "fqn": ["project", "semantic", "some_subject", "some_query"],
        "description": "What it is.",
        "label": None,
        "original_file_path": "models/semantic/saved_queries.yml",
        "config": {"meta": meta},
    }
    return {"saved_queries": {"saved_query.project.some_query": node}}


def test_a_saved_query_is_exported_if_its_meta_says_so() -> None:
    declared = declared_exports(_saved_query({"export": {"format": "csv", "days": 7}}))
    assert declared == [Export("some_query", "csv", 7, "What it is.", ("semantic", "some_subject"))]
    assert declared_exports(_saved_query({"owner": "somebody"})) == []


@pytest.mark.parametrize(
    "meta",
    [
        None,
        "csv",
        {"format": "xlsx", "days": 1},
        {"format": "csv"},
        {"format": "csv", "days": 0},
        {"format": "csv", "days": "1"},
        {"format": "csv", "days": True},
        {"format": "csv", "days": 1, "to": "/etc/passwd"},
    ],
)
def test_what_is_not_an_export_is_refused_by_name(meta: object) -> None:
    with pytest.raises(BadExportError, match=r"saved_queries.yml: saved query some_query: expected an export") as error:
        declared_exports(_saved_query({"export": meta}))
    assert len(str(error.value)) < 600


def test_yesterday_is_the_newest_day_of_the_data_as_csv(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    written = write_export(SUMMARY, LIVE, Location.of(str(tmp_path)))
    # The sample's newest file is November's.
    path = tmp_path / "daily_summary" / "daily_summary_2025-11-30.csv"
    assert (written.address, written.first, written.last) == (str(path), date(2025, 11, 30), date(2025, 11, 30))
    rows = list(csv.DictReader(path.read_text().splitlines()))
    assert len(rows) == written.rows
    found = [(datetime.fromisoformat(row["trip__pickup_hour__hour"]), row["trip__trip_type"]) for row in rows]
    trips = [int(row["total_trips"]) for row in rows]
    expected = connection.execute(
        "select pickup_hour, trip_type, count(*) from core_core.fct_trips where pickup_date = date '2025-11-30'"
        " group by all order by all"
    ).fetchall()
    assert [(*key, count) for key, count in zip(found, trips, strict=True)] == expected
    assert path.stat().st_size == written.bytes
    assert [file.name for file in path.parent.iterdir() if file.suffix != ".lock"] == [path.name]


def test_thirty_days_are_one_parquet_file_that_a_second_export_replaces(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    path = tmp_path / "daily_performance" / "daily_performance_2025-11-01_2025-11-30.parquet"
    path.parent.mkdir()
    path.write_text("of an earlier export")
    write_export(PERFORMANCE, LIVE, Location.of(str(tmp_path)))
    table = pq.read_table(path)
    days = {value.date() for value in table["metric_time__day"].to_pylist()}
    assert (min(days), max(days), len(days)) == (date(2025, 11, 1), date(2025, 11, 30), 30)
    ((trips,),) = connection.execute(
        "select count(*) from core_core.fct_trips where pickup_date between date '2025-11-01' and date '2025-11-30'"
    ).fetchall()
    assert sum(table["total_trips"].to_pylist()) == trips


def _ledger(*watermarks: tuple[str, str, str]) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute(
        "create schema meta; create table meta.asset_watermarks"
        " (asset varchar, feed varchar, period_end timestamp, rows bigint)"
    )
    for asset, feed, until in watermarks:
        connection.execute("insert into meta.asset_watermarks values (?, ?, ?, 1)", [asset, feed, until])
    return connection


@pytest.mark.usefixtures("metric_warehouse")
@pytest.mark.parametrize(
    ("loaded_until", "newest"),
    [
        ({"yellow": "2025-06-01"}, date(2025, 5, 31)),
        # The slower feed counts; a feed that ended long ago does not.
        ({"yellow": "2025-06-01", "citibike": "2025-07-01"}, date(2025, 5, 31)),
        ({"yellow": "2025-06-01", "citibike": "2025-07-01", "green": "2024-01-01"}, date(2025, 5, 31)),
        # Hours end within a day, which is not whole.
        ({"yellow": "2025-06-03 05:00"}, date(2025, 6, 2)),
        ({}, None),
    ],
)
def test_the_newest_whole_day_is_that_of_the_slowest_feed(loaded_until: dict[str, str], newest: date | None) -> None:
    with _ledger(*(("fct_trips", feed, until) for feed, until in loaded_until.items())) as connection:
        assert newest_whole_day("daily_summary", LIVE, connection) == newest


@pytest.mark.usefixtures("metric_warehouse")
def test_where_nothing_is_loaded_the_export_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(DATABASE_VARIABLE, str(tmp_path / "empty.duckdb"))
    duckdb.connect(str(tmp_path / "empty.duckdb")).close()
    with pytest.raises(BadExportError, match=r"export daily_summary: expected files .* load"):
        write_export(SUMMARY, LIVE, Location.of(str(tmp_path)))
    assert list(tmp_path.glob("daily_*")) == []


def test_exports_are_beside_the_database_or_in_the_bucket_of_their_own(
    metric_warehouse: MetricWarehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(DATABASE_VARIABLE, "/somewhere/trips.duckdb")
    assert exports_location().url == "/somewhere/exports"
    monkeypatch.setenv(LAKEHOUSE_VARIABLE, "s3://lakehouse/prefix")
    assert exports_location().url == "s3://exports"
    monkeypatch.setenv(EXPORTS_VARIABLE, "s3://elsewhere/daily")
    assert exports_location().url == "s3://elsewhere/daily"


@pytest.mark.usefixtures("metric_warehouse")
def test_a_bucket_gets_the_same_file(bucket: str, tmp_path: Path) -> None:  # noqa: F811
    here, there = Location.of(str(tmp_path)), Location.of(f"s3://{bucket}/daily")
    for to in (here, there):
        written = write_export(PERFORMANCE, LIVE, to)
    assert written.address == f"s3://{bucket}/daily/daily_performance/daily_performance_2025-11-01_2025-11-30.parquet"
    (local,) = tmp_path.rglob("*.parquet")
    assert there.filesystem().cat_file(written.address) == local.read_bytes()


@pytest.mark.usefixtures("s3_environment", "metric_warehouse")
def test_a_bucket_that_is_not_there_is_named_without_keys() -> None:
    with pytest.raises(ExportError, match=r"s3://no-such-bucket/daily_summary: expected the bucket") as error:
        write_export(SUMMARY, LIVE, Location.of("s3://no-such-bucket"))
    assert "testing-secret" not in str(error.value)
    assert len(str(error.value)) < 600


@pytest.mark.usefixtures("metric_warehouse")
def test_a_folder_that_cannot_be_written_to_is_named(tmp_path: Path) -> None:
    (tmp_path / "daily_summary").write_text("a file where the folder belongs")
    with pytest.raises(ExportError, match=r"daily_summary: expected to write there, but got"):
        write_export(SUMMARY, LIVE, Location.of(str(tmp_path)))
