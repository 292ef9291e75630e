"""Is all well? Each kind of trouble is told, and clears itself."""

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from quality.disks import Disk, disks, trouble_of_disks
from quality.health import latest_checks
from quality.judging import Room, judge, trouble_of_waiting, troubles_of_data
from quality.troubles import (
    FailedRun,
    failed_runs,
    trouble_of_quarantine,
    troubles_of_checks,
    troubles_of_rows,
    troubles_of_runs,
)
from warehouse.accepted_gaps import REJECTED, AcceptedGap, accept_gaps
from warehouse.connection import WarehouseError
from warehouse.ledger import (
    Check,
    Fingerprint,
    Ledger,
    PartitionSourceFiles,
    RunAsset,
    SourceFileState,
    utc_now,
)
from warehouse.paths import DATABASE_FILE
from warehouse.publishing.audit import count_checks
from warehouse.reconciliation import PartitionRows
from warehouse.verdict import Level, Trouble, Verdict

PLENTY = Room(Path("/"), taken=1, free=2)
NOW = datetime(2025, 6, 1, 12)


def _check(passed: bool, severity: str = "error", partition: str | None = None) -> dict[str, Any]:
    return {
        "source": "dbt",
        "asset": "facts",
        "check": "is_true",
        "partition": partition,
        "severity": severity,
        "passed": passed,
        "observed": "<b>3</b> rows",
        "expected": "0 rows",
        "rows": [],
    }


def _rejection(
    share: float, period: str = "2025-01", explanation: str | None = None, *, rows: int = 100
) -> dict[str, Any]:
    return {
        "feed": "cars",
        "period": period,
        "rows": rows,
        "share": share,
        "tolerance": 0.01,
        "explanation": explanation,
    }


def test_without_trouble_all_is_well() -> None:
    verdict = judge([], [], PLENTY)

    assert (verdict.line, verdict.level, verdict.troubles) == ("All is well.", Level.WELL, ())


def test_what_is_wrong_comes_before_what_needs_attention() -> None:
    verdict = judge([Trouble(Level.ATTENTION, "1 month missing")], [Trouble(Level.WRONG, "1 check failed")], PLENTY)

    assert (verdict.line, verdict.level) == ("Not well: 1 check failed; 1 month missing.", Level.WRONG)


def test_the_line_counts_what_it_does_not_name() -> None:
    verdict = Verdict.of([Trouble(Level.ATTENTION, f"trouble {number}") for number in range(7)])

    assert verdict.line == "Needs attention: trouble 0; trouble 1; trouble 2; trouble 3; and 3 more."


def test_a_failed_check_is_wrong_and_counts_once_for_all_its_partitions() -> None:
    (trouble,) = troubles_of_checks([_check(False, partition="2025-01"), _check(False, partition="2025-02")])

    assert (trouble.level, trouble.summary) == (Level.WRONG, "1 check failed")
    assert trouble.reasons[0] == "facts.is_true of 2025-01: observed <b>3</b> rows, expected 0 rows"
    assert trouble.commands == ("nyc build", "nyc check", "nyc publish")


def test_a_warning_needs_attention_and_passed_checks_nothing() -> None:
    (trouble,) = troubles_of_checks([_check(True), _check(False, "warn")])

    assert (trouble.level, trouble.summary) == (Level.ATTENTION, "1 check warned")
    assert list(troubles_of_checks([_check(True)])) == []


def test_that_nothing_was_checked_is_a_trouble() -> None:
    (trouble,) = troubles_of_checks([])

    assert (trouble.summary, trouble.level) == ("nothing was checked", Level.ATTENTION)


def test_a_file_has_too_many_rejected_rows_by_all_its_reasons_together() -> None:
    (trouble,) = trouble_of_quarantine([_rejection(0.006), _rejection(0.006), _rejection(0.006, "2025-02")])

    assert trouble.summary == "1 file with too many rejected rows"
    assert trouble.reasons == ("cars 2025-01: 1.20% of its rows, tolerated are 1.00%",)


def test_rows_whose_rejection_is_explained_are_no_trouble() -> None:
    assert list(trouble_of_quarantine([_rejection(0.9, explanation="as it was then"), _rejection(0.01)])) == []


def test_lost_rows_are_wrong_and_what_is_not_built_is_named() -> None:
    built = PartitionRows("cars", "2025-01", published=5, kept=5, is_built=True)
    lost = replace(built, kept=3, lost=2)
    waiting = replace(built, is_built=False)

    assert list(troubles_of_rows([built])) == []
    first, second = troubles_of_rows([built, lost, waiting])
    assert (first.level, first.reasons) == (Level.WRONG, ("cars 2025-01: 2 of 5 rows are lost",))
    assert (second.summary, second.reasons) == ("1 file loaded, but not built", ("cars: 2025-01",))
    assert second.commands == ("nyc build", "nyc publish")


def _disk(free: int, needed: int = 4_000_000_000, floor: int = 1_000_000_000) -> Disk:
    return Disk(Path("/data"), ("the working file", "logs"), free, needed, floor)


def test_a_disk_with_less_room_than_the_next_work_needs_is_told() -> None:
    (trouble,) = judge([], [], replace(PLENTY, disks=(_disk(3_000_000_000),))).troubles

    assert (trouble.summary, trouble.level) == ("the disk is almost full", Level.ATTENTION)
    assert trouble.reasons == (
        "/data (the working file, logs): 3.0 GB are free, a full build and a publication may take 4.0 GB.",
    )
    assert list(trouble_of_disks([_disk(4_000_000_000)])) == []


def test_a_disk_below_the_floor_is_told_however_little_is_needed() -> None:
    (trouble,) = trouble_of_disks([_disk(900_000_000, needed=100), _disk(1_000_000_000, needed=100)])

    assert trouble.reasons == (
        "/data (the working file, logs): 0.9 GB are free, 1.0 GB are to be free in any case (DISK_FLOOR_GB).",
    )


def test_the_disks_are_those_that_are_written_to_and_need_what_is_there(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DISK_FLOOR_GB", "0.5")
    database.write_bytes(bytes(1000))
    release = database.parent / "published" / "releases" / "1"
    release.mkdir(parents=True)
    (release / "part.parquet").write_bytes(bytes(300))
    (release / DATABASE_FILE).write_bytes(bytes(10))
    (database.parent / "published" / DATABASE_FILE).symlink_to(release / DATABASE_FILE)

    found = next(disk for disk in disks() if "the working file" in disk.holds)
    assert (found.needed, found.floor) == (1310, 500_000_000)
    assert "releases" in found.holds
    assert found.mount.is_mount()

    monkeypatch.setenv("DISK_FLOOR_GB", "much")
    with pytest.raises(WarehouseError, match="DISK_FLOOR_GB"):
        disks()


def test_a_working_file_that_is_long_ahead_of_the_release_is_told() -> None:
    def waits(written_after: timedelta, now_after: timedelta) -> list[str]:
        found = replace(PLENTY, written_at=NOW + written_after)
        return [trouble.summary for trouble in trouble_of_waiting(found, NOW, NOW + now_after)]

    # Its last write is that of the publication, or it will be published by the next day's job.
    assert waits(timedelta(seconds=20), timedelta(days=30)) == []
    assert waits(timedelta(hours=20), timedelta(hours=30)) == []
    assert list(trouble_of_waiting(PLENTY, NOW, NOW + timedelta(days=30))) == []

    assert waits(timedelta(hours=20), timedelta(days=3)) == ["nothing published for 3 days"]
    ahead = replace(PLENTY, written_at=NOW + timedelta(hours=20))
    (trouble,) = judge([], [], ahead, published_at=NOW).troubles
    assert trouble.commands == ("nyc health --live", "nyc build", "nyc publish")
    assert judge([], [], ahead).troubles == ()


def test_a_few_rejected_rows_of_a_small_file_are_no_trouble() -> None:
    assert list(trouble_of_quarantine([_rejection(0.02, rows=3), _rejection(0.02, rows=2)])) == []
    assert len(list(trouble_of_quarantine([_rejection(0.02, rows=3), _rejection(0.02, rows=3)]))) == 1


def test_an_error_of_a_run_is_one_line_that_ends() -> None:
    (trouble,) = troubles_of_runs([FailedRun("publish", NOW, "no\n  room " + "x" * 5000)])

    assert trouble.reasons[0].startswith("2025-06-01 12:00 UTC: no room xxx")
    assert len(trouble.reasons[0]) < 310
    assert trouble.commands == ("nyc publish",)


@pytest.fixture
def connection() -> duckdb.DuckDBPyConnection:
    return duckdb.connect()


def _run(ledger: Ledger, kind: str, status: Any, minutes: int, arguments: dict[str, str] | None = None) -> str:
    run_id = ledger.start_run(kind, arguments or {}, started_by="terminal", started_at=NOW + timedelta(minutes=minutes))
    ledger.finish_run(run_id, status, "it broke" if status == "failed" else None)
    return run_id


def test_a_failed_run_is_told_until_the_next_of_its_kind_succeeds(connection: duckdb.DuckDBPyConnection) -> None:
    ledger = Ledger(connection)
    _run(ledger, "publish", "failed", 0)
    _run(ledger, "other", "success", 1)
    assert [run.kind for run in failed_runs(connection)] == ["publish"]

    _run(ledger, "publish", "success", 2)
    assert failed_runs(connection) == []


def test_a_publication_that_was_killed_is_told(connection: duckdb.DuckDBPyConnection) -> None:
    ledger = Ledger(connection)
    ledger.start_run("publish", {}, started_by="terminal", started_at=NOW)
    ledger.start_run("ingestion", {}, started_by="terminal", started_at=NOW)
    assert [(run.kind, run.error) for run in failed_runs(connection)] == [("publish", "it did not end")]

    _run(ledger, "publish", "success", 2)
    assert failed_runs(connection) == []


def test_a_load_that_failed_for_some_files_is_told_by_its_files(connection: duckdb.DuckDBPyConnection) -> None:
    ledger = Ledger(connection)
    ledger.record_asset(_run(ledger, "ingestion", "failed", 0), RunAsset("yellow", "2025-01", "failed"))
    assert failed_runs(connection) == []

    _run(ledger, "ingestion", "failed", 1)
    assert [run.error for run in failed_runs(connection)] == ["it broke"]


def test_a_failed_check_that_is_there_no_more_is_forgotten(connection: duckdb.DuckDBPyConnection) -> None:
    ledger = Ledger(connection)
    gone = Check("facts", "removed", "dbt", "warn", False, "1", "0")
    kept = Check("facts", "kept", "dbt", "error", True, "0", "0")
    ledger.record_checks(_run(ledger, "dbt build", "success", 0), [gone, kept])
    assert [check["check"] for check in latest_checks(connection) if not check["passed"]] == ["removed"]

    # A run of something else does not know.
    ledger.record_checks(_run(ledger, "dbt build", "success", 1, {"select": "other"}), [kept])
    assert len(latest_checks(connection)) == 2

    ledger.record_checks(_run(ledger, "dbt build", "success", 2), [kept])
    assert [check["check"] for check in latest_checks(connection)] == ["kept"]
    # Of a release as of its ledger: pages show both.
    assert count_checks(connection) == {"passed": 1, "warned": 0}


def test_a_model_that_was_not_built_is_wrong_until_it_is(connection: duckdb.DuckDBPyConnection) -> None:
    ledger = Ledger(connection)
    ledger.record_asset(
        _run(ledger, "dbt build", "failed", 0), RunAsset("facts", None, "failed", error="<script>alert(1)</script>")
    )
    (built,) = [trouble for trouble in troubles_of_data(connection) if "not built" in trouble.summary]
    assert built.level is Level.WRONG
    assert "<script>alert(1)</script>" in built.reasons[0]

    ledger.record_asset(_run(ledger, "dbt build", "success", 1), RunAsset("facts", None, "built"))
    assert not [trouble for trouble in troubles_of_data(connection) if "not built" in trouble.summary]


def test_what_fails_on_spark_needs_attention_until_it_does_not(connection: duckdb.DuckDBPyConnection) -> None:
    ledger = Ledger(connection)
    of_release = Check("facts", "unique", "dbt", "error", True, "0", "0")
    ledger.record_checks(_run(ledger, "dbt build", "success", 0), [of_release])
    failed = _run(ledger, "spark build", "failed", 1)
    ledger.record_checks(failed, [Check("facts", "unique", "spark", "error", False, "1", "0")])
    ledger.record_asset(failed, RunAsset("facts", None, "failed", error="no memory"))

    troubles = troubles_of_data(connection)
    assert {(trouble.level, trouble.summary) for trouble in troubles} == {
        (Level.ATTENTION, "1 check failed or warned on Spark"),
        (Level.ATTENTION, "1 model not built on Spark"),
    }
    assert {trouble.commands for trouble in troubles} == {("(cd dbt && dbt build --target spark)",)}
    # What is published is not of Spark.
    assert count_checks(connection) == {"passed": 1, "warned": 0}

    mended = _run(ledger, "spark build", "success", 2)
    ledger.record_asset(mended, RunAsset("facts", None, "built"))
    # The test was removed meanwhile.
    ledger.record_checks(mended, [Check("facts", "not_null", "spark", "error", True, "0", "0")])
    assert troubles_of_data(connection) == []


def test_checks_on_spark_are_none_of_what_is_published(connection: duckdb.DuckDBPyConnection) -> None:
    ledger = Ledger(connection)
    ledger.record_checks(
        _run(ledger, "spark build", "success", 0), [Check("facts", "unique", "spark", "error", True, "0", "0")]
    )
    assert [trouble.summary for trouble in troubles_of_data(connection)] == ["nothing was checked"]


def test_files_are_told_that_are_broken_or_incomplete_for_long_until_mended_or_accepted(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    ledger, now = Ledger(connection), utc_now()

    def load(load_id: str, **files: tuple[Any, timedelta]) -> list[str]:
        states = [
            SourceFileState(f"08/{name}.jsonl", state, 3, 0 if state == "whole" else 1, 90, None, now - age)
            for name, (state, age) in files.items()
        ]
        ledger.set_source_files(PartitionSourceFiles("events", "2026-01-05T08", load_id, states))
        return told()

    def told() -> list[str]:
        found = [one for one in troubles_of_data(connection) if "incomplete" in one.summary]
        return [reason.partition(": ")[2].partition(":")[0] for one in found for reason in one.reasons]

    young, old = timedelta(minutes=59), timedelta(minutes=61)
    assert load("1", a=("whole", old), b=("incomplete", young)) == []
    assert load("2", a=("broken", young), b=("incomplete", old)) == [
        "08/a.jsonl is broken",
        "08/b.jsonl is incomplete",
    ]
    accept_gaps(
        [AcceptedGap("events", "2026-01-05T08", REJECTED, "a test", "ada", now, "2", Fingerprint(""))], connection
    )
    assert told() == []
    assert load("3", a=("broken", old), b=("whole", old)) == ["08/a.jsonl is broken"], "another load, another file"
    assert load("4", a=("whole", old)) == []


def test_without_any_table_only_the_checks_are_missed(connection: duckdb.DuckDBPyConnection) -> None:
    assert [trouble.summary for trouble in troubles_of_data(connection)] == ["nothing was checked"]
