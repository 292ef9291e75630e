"""The ledger keeps what it is told, and opens what earlier versions wrote."""

import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from pathlib import Path

import duckdb
import pytest

from quality import health, quarantine
from tests.fixtures.version_before import unpack
from warehouse import summary
from warehouse.connection import open_for_writing
from warehouse.ledger import Check, Fingerprint, Ledger, RunAsset, Watermark, read_watermarks
from warehouse.periods import BadPeriodError

MARK = Watermark("load 1", 10, datetime(2025, 5, 1), datetime(2025, 5, 31), Fingerprint("https://example.org/f", '"1"'))


def test_a_run_and_what_it_did_are_kept() -> None:
    with duckdb.connect() as connection:
        ledger = Ledger(connection)
        run_id = ledger.start_run("ingestion", {"force": True}, started_by="terminal")
        ledger.record_asset(run_id, RunAsset("green", "2025-05", "failed", error="broken", note="odd"))
        ledger.finish_run(run_id, "failed", "green: broken")
        run = "select kind, started_by, status, error, arguments->>'force', finished_at >= started_at"
        assert connection.execute(f"{run} from meta.ingestion_runs").fetchall() == [
            ("ingestion", "terminal", "failed", "green: broken", "true", True)
        ]
        asset = "select run_id, asset, partition_key, status, source_url, error, note from meta.ingestion_run_assets"
        assert connection.execute(asset).fetchall() == [(run_id, "green", "2025-05", "failed", None, "broken", "odd")]


def test_runs_that_have_not_finished_are_told_by_their_kind() -> None:
    with duckdb.connect() as connection:
        ledger = Ledger(connection)
        unfinished, done = (ledger.start_run("ingestion", {}, started_by="terminal") for _ in range(2))
        ledger.start_run("dbt build", {}, started_by="terminal")
        ledger.finish_run(done, "success")
        assert ledger.running("ingestion") == [unfinished]


def test_nothing_of_a_transaction_that_fails_stays() -> None:
    with duckdb.connect() as connection:
        ledger = Ledger(connection)
        with suppress(KeyboardInterrupt), ledger.transaction():
            ledger.record_asset("run", RunAsset("green", "2025-05", "loaded"))
            raise KeyboardInterrupt
        assert connection.execute("select * from meta.ingestion_run_assets").fetchall() == []


def test_no_secret_is_kept() -> None:
    address = "http://loader:s3cret@example.org/f?token=s3cret"
    with duckdb.connect() as connection:
        ledger = Ledger(connection)
        run_id = ledger.start_run("ingestion", {"base": address}, started_by="terminal")
        mark = Fingerprint(address, '"1"')
        ledger.record_asset(
            run_id, RunAsset("green", "2025-05", "failed", fingerprint=mark, error=address, note=address)
        )
        ledger.finish_run(run_id, "failed", f"green: {address}")
        ledger.set_watermark("green", "2025-05", Watermark("load", 1, None, None, mark))
        assert ledger.watermarks()["green", "2025-05"].fingerprint == Fingerprint("http://example.org/f", '"1"')
        _assert_no_secret(connection)


def test_secrets_that_earlier_versions_kept_are_removed() -> None:
    with duckdb.connect() as connection:
        Ledger(connection)
        for table, columns in (
            ("ingestion_runs", "run_id, kind, started_by, started_at, status, arguments, error"),
            ("ingestion_run_assets", "run_id, asset, status, source_url, error, note"),
            (
                "asset_watermarks",
                "asset, partition_key, grain, period_start, period_end, version, rows, updated_at, source_url",
            ),
        ):
            values = {
                "started_at": "now()",
                "updated_at": "now()",
                "period_start": "now()",
                "period_end": "now()",
                "rows": "1",
                "arguments": '\'{"base": "http://a:s3cret@example.org/f"}\'',
                "source_url": "'http://a:s3cret@example.org/f?api_key=s3cret&b=1'",
                "error": "'http://a:s3cret@example.org/f: expected it (proxy a:s3cret@10.0.0.1)'",
                "note": "'see http://example.org/?token=s3cret'",
            }
            row = ", ".join(values.get(column, "'plain'") for column in columns.split(", "))
            connection.execute(f"insert into meta.{table} ({columns}) values ({row})")
        # Earlier versions had no migrations.
        connection.execute("drop table meta.migrations")
        Ledger(connection)
        _assert_no_secret(connection)
        assert connection.execute("select source_url from meta.asset_watermarks").fetchall() == [
            ("http://example.org/f?b=1",)
        ]
        assert connection.execute("select arguments->>'base' from meta.ingestion_runs").fetchall() == [
            ("http://example.org/f",)
        ]


def _assert_no_secret(connection: duckdb.DuckDBPyConnection) -> None:
    for table in ("ingestion_runs", "ingestion_run_assets", "asset_watermarks"):
        assert "s3cret" not in str(connection.execute(f"select * from meta.{table}").fetchall())


def test_a_watermark_takes_the_place_of_the_one_before() -> None:
    with duckdb.connect() as connection:
        assert read_watermarks(connection) == {}
        ledger = Ledger(connection)
        ledger.set_watermark("green", "2025-05", Watermark("load 0", 9, None, None, Fingerprint("https://example.org")))
        ledger.set_watermark("green", "2025-05", MARK)
        connection.execute(
            "insert into meta.asset_watermarks"
            " (asset, partition_key, feed, grain, period_start, period_end, version, rows, updated_at)"
            " values ('fct_trips', 'green/2025-05', 'green', 'month', '2025-05-01', '2025-06-01', 'version', 1, now())"
        )
        assert ledger.watermarks() == read_watermarks(connection) == {("green", "2025-05"): MARK}


@pytest.mark.parametrize(
    ("key", "grain", "start", "end"),
    [
        ("2025-12", "month", datetime(2025, 12, 1), datetime(2026, 1, 1)),
        ("2024-02-29", "day", datetime(2024, 2, 29), datetime(2024, 3, 1)),
        ("2025-01-03T23", "hour", datetime(2025, 1, 3, 23), datetime(2025, 1, 4)),
    ],
)
def test_what_is_recorded_of_a_partition_has_its_period(key: str, grain: str, start: datetime, end: datetime) -> None:
    check = Check("fct", "rows", "great_expectations", "error", True, "1", "1", f"toys/{key}")
    with duckdb.connect() as connection:
        ledger = Ledger(connection)
        ledger.set_watermark("toys", key, MARK)
        ledger.record_asset("run", RunAsset("toys", key, "loaded"))
        ledger.record_asset("run", RunAsset("fct", None, "built"))
        ledger.record_checks("run", [check])
        columns = "partition_key, grain, period_start, period_end"
        period = (grain, start, end)
        marks = connection.execute(f"select feed, version, load_id, {columns} from meta.asset_watermarks").fetchall()
        assert marks == [("toys", "load 1", "load 1", key, *period)]
        done = connection.execute(f"select {columns} from meta.ingestion_run_assets order by all").fetchall()
        assert done == [(key, *period), (None, None, None, None)]
        assert connection.execute(f"select feed, {columns} from meta.asset_checks").fetchall() == [
            ("toys", f"toys/{key}", *period)
        ]


def test_a_partition_key_that_is_no_period_is_refused() -> None:
    with duckdb.connect() as connection, pytest.raises(BadPeriodError, match="got 'May'"):
        Ledger(connection).set_watermark("green", "May", MARK)


def _ledger_of(connection: duckdb.DuckDBPyConnection) -> dict[str, list[tuple[object, ...]]]:
    tables = connection.execute("select table_name from duckdb_tables() where schema_name = 'meta'").fetchall()
    return {name: connection.execute(f"from meta.{name} order by all").fetchall() for (name,) in tables}


@pytest.fixture
def old(database: Path) -> Path:
    """The warehouse, as the version before left it."""
    unpack(database)
    return database


def test_a_ledger_of_the_version_before_gets_periods_and_versions(old: Path) -> None:
    with duckdb.connect(str(old)) as connection:
        before = _ledger_of(connection)
        Ledger(connection)
        after = _ledger_of(connection)
        marks = connection.execute(
            "select asset, partition_key, feed, grain, period_start, period_end, load_id, version"
            " from meta.asset_watermarks where period_start = '2025-02-01'"
        ).fetchall()
    month = ("month", datetime(2025, 2, 1), datetime(2025, 3, 1))
    by_asset = {mark[:2]: mark[2:] for mark in marks}
    load = by_asset["yellow", "2025-02"][-1]
    assert by_asset["yellow", "2025-02"] == ("yellow", *month, load, load)
    assert by_asset["fct_trips", "yellow/2025-02"][:5] == ("yellow", *month, load)
    assert str(by_asset["fct_trips", "yellow/2025-02"][5]).startswith(f"{load} weather ")
    assert by_asset["quarantined_trips", "yellow/2025-02"] == ("yellow", *month, load, f"{load} rows 4")
    assert by_asset["fct_hourly_mobility", "2025-02"][:5] == (None, *month, None)
    counts = {name: len(rows) for name, rows in before.items() if name != "migrations"}
    # That version knew neither releases nor streams nor Spark.
    counts |= {"published_versions": 0, "stream_offsets": 0, "source_files": 0, "spark_watermarks": 0}
    assert {name: len(rows) for name, rows in after.items() if name != "migrations"} == counts
    assert after["accepted_gaps"] == before["accepted_gaps"]


def test_checks_of_files_by_the_version_before_get_their_period(old: Path) -> None:
    with duckdb.connect(str(old)) as connection:
        connection.execute(
            "insert into meta.asset_checks values ('run', 'fct_trips', 'days', 'great_expectations',"
            " 'yellow/2025-02-01', 'error', false, '1', '2', now())"
        )
        Ledger(connection)
        found = connection.execute(
            "select partition_key, feed, grain, period_start from meta.asset_checks where run_id = 'run'"
        ).fetchall()
    assert found == [("yellow/2025-02", "yellow", "month", datetime(2025, 2, 1))]


def test_a_ledger_is_migrated_once(old: Path) -> None:
    with duckdb.connect(str(old)) as connection:
        Ledger(connection)
        migrated = _ledger_of(connection)
        Ledger(connection)
        assert _ledger_of(connection) == migrated
        # Also where the note is lost.
        connection.execute("drop table meta.migrations")
        Ledger(connection)
        migrated.pop("migrations")
        assert {name: rows for name, rows in _ledger_of(connection).items() if name != "migrations"} == migrated


def test_a_migration_that_is_killed_leaves_the_ledger_as_it_was(old: Path) -> None:
    with duckdb.connect(str(old), read_only=True) as connection:
        before = _ledger_of(connection)
    # It dies when all but the commit is done.
    dies = (
        "import os, sys, duckdb; from warehouse.ledger import Ledger, migrations;"
        " migrations._note = lambda *_: os._exit(9); Ledger(duckdb.connect(sys.argv[1]))"
    )
    assert subprocess.run([sys.executable, "-c", dies, str(old)]).returncode == 9
    with duckdb.connect(str(old)) as connection:
        assert _ledger_of(connection) == before
        Ledger(connection)
        assert connection.execute("select count(*) from meta.asset_watermarks where version is null").fetchone() == (0,)


def test_a_row_that_is_of_no_partition_does_not_stop_a_migration(old: Path) -> None:
    with duckdb.connect(str(old)) as connection:
        connection.execute(
            "insert into meta.asset_watermarks (asset, partition_key, load_id, rows, updated_at)"
            " values ('mine', 'all of it', '1', 1, now())"
        )
        Ledger(connection)
        assert connection.execute("from meta.asset_watermarks where asset = 'mine'").fetchall() == []


@pytest.mark.parametrize("report", [summary.main, quarantine.main, health.main])
def test_a_report_on_a_file_of_the_version_before_says_what_to_do(
    old: Path, report: Callable[[list[str]], int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert report(["--live"]) == 3
    said = capsys.readouterr().err
    assert str(old) in said
    assert "cd dbt && dbt build" in said
    with open_for_writing() as connection:
        Ledger(connection)
    report(["--live"])
    assert "earlier version" not in capsys.readouterr().err
