"""The ledger keeps what it is told, and opens what earlier versions wrote."""

from contextlib import suppress
from datetime import datetime

import duckdb

from warehouse.ledger import Fingerprint, Ledger, RunAsset, Watermark, read_watermarks

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
            ("asset_watermarks", "asset, partition_key, load_id, rows, updated_at, source_url"),
        ):
            values = {
                "started_at": "now()",
                "updated_at": "now()",
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
            "insert into meta.asset_watermarks (asset, partition_key, load_id, rows, updated_at)"
            " values ('fct_trips', 'green/2025-05-01', 'version', 1, now())"
        )
        assert ledger.watermarks() == read_watermarks(connection) == {("green", "2025-05"): MARK}


def test_a_ledger_without_notes_gets_them() -> None:
    with duckdb.connect() as connection:
        Ledger(connection)
        connection.execute("alter table meta.ingestion_run_assets drop column note")
        Ledger(connection).record_asset("run", RunAsset("green", "2025-05", "loaded", note="odd"))
        assert connection.execute("select note from meta.ingestion_run_assets").fetchall() == [("odd",)]
