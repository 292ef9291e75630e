"""The ledger keeps what it is told, and opens what earlier versions wrote."""

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


def test_a_run_that_never_finished_is_recorded_as_failed_and_a_finished_one_is_left_alone() -> None:
    with duckdb.connect() as connection:
        ledger = Ledger(connection)
        killed, done = (ledger.start_run("ingestion", {}, started_by="terminal") for _ in range(2))
        ledger.finish_run(done, "success")
        for run_id in (killed, done):
            ledger.finish_abandoned_run(run_id)
        rows = connection.execute("select run_id, status, error is null from meta.ingestion_runs").fetchall()
        assert set(rows) == {(killed, "failed", False), (done, "success", True)}


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
