"""What is wrong by the ledger and the disks is told once, kept until it is delivered, and over once."""

import errno
import os
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from monitoring.alerts import looking, store
from monitoring.alerts.delivery import AlertSettings
from monitoring.alerts.looking import conditions_of_disks
from monitoring.alerts.store import AlertStateError, read_state, state_path
from monitoring.alerts.telling import Told, look_and_tell
from quality.disks import Disk
from quality.quarantine import accept
from quality.suites import SUBJECTS
from tests.monitoring.alerts.conftest import NOW, WrittenLedger
from tests.orchestration.sensors.conftest import held_by_another_process
from tests.orchestration.sensors.sinks import WebhookSink
from warehouse.periods import Grain
from warehouse.reconciliation import RECONCILIATION

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


def tell(at: datetime) -> Told:
    return look_and_tell(AlertSettings.from_environment(os.environ), at)


def headlines(slack: WebhookSink) -> list[str]:
    return [text.splitlines()[0].strip("*") for _, text in slack.posted]


def test_a_missing_month_is_told_once_when_it_stays_and_is_over_once(slack: WebhookSink, ledger: WrittenLedger) -> None:
    ledger.load_all()
    ledger.forget("green", "2025-02")
    # A load on its way may end it within an hour.
    tell(NOW + 59 * MINUTE)
    assert slack.posted == []
    for minutes in (65, 66, 75, 600):
        tell(NOW + minutes * MINUTE)
    ((_, text),) = slack.posted
    assert headlines(slack) == ["Gap: 1 month missing"]
    assert "- green: 2025-02, due since 2025-04-30" in text
    assert "nyc gaps --fill" in text
    assert text.endswith("\nhttp://localhost:8000/runbooks/gap/")

    ledger.load("green", "2025-02")
    for minutes in (610, 615, 621, 700):
        tell(NOW + minutes * MINUTE)
    assert headlines(slack)[1:] == ["Over: gap"]
    assert "- green 2025-02 missing" in slack.posted[1][1]

    ledger.forget("green", "2025-02")
    for hours in (13, 14, 15):
        tell(NOW + hours * HOUR)
    assert headlines(slack)[2:] == ["Gap: 1 month missing"]


def test_a_feed_that_is_behind_is_told_once_however_many_periods_it_comes_to_lack(
    slack: WebhookSink, ledger: WrittenLedger
) -> None:
    ledger.load_all()
    # June 29: April of weather is loaded, that of taxis due on the 30th.
    tell(datetime(2025, 6, 29, 12))
    before = len(slack.posted)
    for days in range(0, 100, 14):
        tell(datetime(2025, 6, 30, 12) + timedelta(days=days))
    behind = [text for _, text in slack.posted[before:] if "yellow" in text]
    assert len(behind) == 1
    assert "yellow: 2025-04, due since 2025-06-30" in behind[0]
    assert set(headlines(slack)) == {line for line in headlines(slack) if line.startswith("Freshness missed: ")}


def test_an_old_warehouse_is_told_of_at_once_and_thirty_months_are_one_message(
    slack: WebhookSink, ledger: WrittenLedger
) -> None:
    ledger.load("green", "2022-07", "2025-03")
    ledger.date(NOW - HOUR)
    tell(NOW)
    (gaps,) = [text for _, text in slack.posted if text.startswith("*Gap")]
    assert gaps.startswith("*Gap: 165 months missing*")
    assert "- green: 2022-08 … 2025-02, due since 2022-10-31" in gaps
    assert len(slack.posted) == 1
    tell(NOW + HOUR)
    assert len(slack.posted) == 1


def test_an_accepted_gap_is_silent(slack: WebhookSink, ledger: WrittenLedger) -> None:
    ledger.load_all()
    ledger.forget("green", "2025-02")
    accepted = "'green', '2025-02', 'missing', 'snow', 'ann', now(), null, '', null, null, null"
    ledger.run(f"insert into meta.accepted_gaps values ({accepted})")
    tell(NOW + 2 * HOUR)
    assert slack.posted == []


def test_a_failed_load_says_why_and_one_for_its_columns_is_schema_drift(
    slack: WebhookSink, ledger: WrittenLedger
) -> None:
    ledger.load_all()
    ledger.try_("yellow", "2025-02", "failed", error="yellow: expected http://a:s3cret@h/x?token=s3cret, but got 500")
    drifted = "green_tripdata_2025-02.parquet: expected the columns of feed green, but fare is missing. Change it."
    ledger.try_("green", "2025-02", "failed", error=drifted)
    tell(NOW + 2 * HOUR)
    assert sorted(headlines(slack)) == ["Gap: 1 load failed", "Schema drift: 1 load failed"]
    texts = "\n".join(text for _, text in slack.posted)
    assert "s3cret" not in texts
    assert "fare is missing" in texts


def test_a_new_column_is_told_at_once(slack: WebhookSink, ledger: WrittenLedger) -> None:
    ledger.load_all()
    ledger.run("create schema if not exists raw_data")
    ledger.run("create table raw_data.green_taxi as select 'green' as feed, 1 as vendor_id, 0.5 as _new")
    ledger.run("alter table raw_data.green_taxi add column empty varchar")
    tell(NOW)
    assert headlines(slack) == ["Schema drift: 1 new column published"]
    assert "- green: _new (DECIMAL(2,1))" in slack.posted[0][1]
    tell(NOW + HOUR)
    assert len(slack.posted) == 1


def test_while_somebody_writes_the_disks_are_looked_at_and_what_was_told_stays(
    slack: WebhookSink, ledger: WrittenLedger, database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger.load_all()
    ledger.forget("green", "2025-02")
    tell(NOW + 2 * HOUR)
    monkeypatch.setattr(looking, "_WAIT_SECONDS", 0.2)
    with held_by_another_process(database):
        monkeypatch.setenv("DISK_FLOOR_GB", "1000000")
        told = tell(NOW + 3 * HOUR)
        tell(NOW + 4 * HOUR)
        assert told.problem
    assert [line.partition(":")[0] for line in headlines(slack)] == ["Gap", "Disk nearly full"]
    monkeypatch.setenv("DISK_FLOOR_GB", "0")
    tell(NOW + 5 * HOUR)
    tell(NOW + 6 * HOUR)
    assert headlines(slack)[2:] == ["Over: disk nearly full"]


def test_what_a_build_takes_while_it_runs_is_no_full_disk() -> None:
    disk = Disk(Path("/"), ("the working file",), free=5, needed=10, floor=1)
    key = "disk//"
    assert conditions_of_disks([disk], lambda: True) == ([], {key})
    ((condition,), unsure) = conditions_of_disks([disk], lambda: False)
    assert (condition.key, unsure) == (key, set())
    full = Disk(Path("/"), ("the working file",), free=0, needed=10, floor=1)
    assert [one.key for one in conditions_of_disks([full], lambda: True)[0]] == [key]


def test_what_cannot_be_delivered_is_tried_again_and_keeps_nothing_else(
    slack: WebhookSink, ledger: WrittenLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger.load_all()
    ledger.forget("green", "2025-02")
    monkeypatch.setenv("DISK_FLOOR_GB", "1000000")
    slack.status = 400
    told = tell(NOW + 2 * HOUR)
    assert len(told.failures) == 2
    assert (len(read_state().waiting), len(slack.posted)) == (2, 2)
    slack.status = 200
    assert tell(NOW + 2 * HOUR + MINUTE).failures == ()
    tell(NOW + 2 * HOUR + 2 * MINUTE)
    assert (read_state().waiting, len(slack.posted)) == ([], 4)
    assert "s3cret" not in state_path().read_text() + str(told)


def test_on_a_full_disk_what_was_told_is_kept_in_the_room_that_it_has(
    slack: WebhookSink, ledger: WrittenLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger.load_all()
    tell(NOW)
    size = state_path().stat().st_size

    def full(path: Path, text: str) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(store, "write_durably", full)
    monkeypatch.setenv("DISK_FLOOR_GB", "1000000")
    for minutes in range(1, 5):
        tell(NOW + minutes * MINUTE)
    assert [line.partition(":")[0] for line in headlines(slack)] == ["Disk nearly full"]
    assert state_path().stat().st_size == size


def test_a_damaged_file_of_what_was_told_starts_over_and_an_unreadable_one_is_named(
    slack: WebhookSink, ledger: WrittenLedger
) -> None:
    ledger.load_all()
    for damage in ("{", "[]", '{"outages": {"x": 1}}', "null", "\x00"):
        state_path().write_text(damage)
        assert tell(NOW).alerts == ()
    state_path().unlink()
    state_path().mkdir()
    with pytest.raises(AlertStateError, match="cannot be read"):
        tell(NOW)


def test_a_run_of_the_terminal_that_failed_is_told_and_one_of_dagster_is_not(
    slack: WebhookSink, ledger: WrittenLedger
) -> None:
    ledger.load_all()
    for kind, dagster_run in (("publish", "null"), ("export", "'a-run-of-dagster'")):
        ledger.run(
            "insert into meta.ingestion_runs (run_id, kind, started_by, started_at, status, error, dagster_run_id)"
            f" values ('{kind}', '{kind}', 'x', '2025-06-05', 'failed', 'no room', {dagster_run})"
        )
    tell(NOW + 2 * HOUR)
    assert headlines(slack) == ["Run failed: the last publish failed"]
    assert "no room" in slack.posted[0][1]


def test_what_fails_on_spark_is_told_as_such_until_it_is_mended(slack: WebhookSink, ledger: WrittenLedger) -> None:
    def build(day: str, status: str, asset_status: str, passed: bool) -> None:
        ledger.run(
            "insert into meta.ingestion_runs (run_id, kind, started_by, started_at, finished_at, status)"
            f" values ('{day}', 'spark build', 'x', '{day}', '{day}', '{status}')"
        )
        ledger.run(
            "insert into meta.ingestion_run_assets (run_id, asset, status, error)"
            f" values ('{day}', 'facts', '{asset_status}', 'no memory')"
        )
        ledger.run(
            "insert into meta.asset_checks (run_id, asset, check_name, source, severity, passed, checked_at)"
            f" values ('{day}', 'facts', 'unique', 'spark', 'error', {passed}, '{day}')"
        )

    ledger.load_all()
    build("2025-05-05", "failed", "failed", False)
    tell(NOW + HOUR)
    assert headlines(slack) == ["Check failed: 1 check failed or warned on Spark; 1 model not built on Spark"]
    assert slack.posted[0][1].count("dbt build --target spark") == 2
    assert "nyc build" not in slack.posted[0][1]

    build("2025-05-06", "success", "built", True)
    for minutes in (120, 135):
        tell(NOW + minutes * MINUTE)
    assert headlines(slack)[1:] == ["Over: check failed"]


def test_a_file_with_too_many_rejected_rows_is_told_until_that_is_accepted(
    slack: WebhookSink, ledger: WrittenLedger
) -> None:
    ledger.load_all()
    subject = next(one for one in SUBJECTS if one.quarantines and one.quarantines[0].grain is Grain.MONTH)
    quarantine = subject.quarantines[0]
    shown = ", ".join(f"null as {column}" for column in quarantine.shown.values())
    ledger.run(f"create schema {quarantine.table.partition('.')[0]}")
    ledger.run(
        f"create table {quarantine.table} as select 'green' as feed, date '2025-02-01' as {quarantine.grain.column},"
        f" 'backwards' as reason, range as source_row, {shown} from range(100)"
    )
    # Before the file is built nobody can say whose rows these are.
    tell(NOW)
    assert slack.posted == []
    columns = "feed, partition_key, published, in_raw_data, kept, quarantined, is_built"
    ledger.run("create schema core_checks")
    ledger.run(
        f"create table {RECONCILIATION} as select * from (values ('green', '2025-02', 1000, 1000, 900, 100, true))"
        f" as t({columns}), (values ('x', 'y', now()::timestamp)) as u(subject, kind, period_start)"
    )
    tell(NOW + MINUTE)
    tell(NOW + HOUR)
    assert headlines(slack) == ["Quarantine above tolerance: 1 file with too many rejected rows"]
    assert "- green 2025-02: 10.00% of its rows, tolerated are 1.00%" in slack.posted[0][1]
    accept(["green:2025-02"], "known")
    tell(NOW + 2 * HOUR)
    tell(NOW + 3 * HOUR)
    assert headlines(slack)[1:] == ["Over: quarantine above tolerance"]


def test_thirty_files_are_one_message_of_a_bounded_length(slack: WebhookSink, ledger: WrittenLedger) -> None:
    ledger.load_all()
    for month in range(1, 13):
        for feed in ("yellow", "green", "fhv"):
            ledger.try_(feed, f"2024-{month:02}", "failed", error="x" * 500)
    tell(NOW + 2 * HOUR)
    (text,) = [text for _, text in slack.posted if "load" in text.splitlines()[0]]
    assert "36 loads failed" in text
    assert "- and 26 more: nyc health --live" in text
    assert "nyc load --from 2024-01" in text
    assert len(text) < 5000
