"""The command lines, as a user runs them, and what they leave in the ledger."""

import json
import re
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import duckdb
import pytest

from quality import health, open_docs, quarantine, run
from quality.suites import SUBJECTS, SUITES
from tests.dbt.small_warehouse import Warehouse
from tests.dbt.test_dbt_waits import held
from warehouse import summary
from warehouse.releases import Release

BREAK_FARES = "update raw_data.yellow_taxi set fare_amount = -fare_amount * 100 where source_month = date '2025-02-01'"


def _execute(database: Path, sql: str) -> list[tuple[object, ...]]:
    with duckdb.connect(str(database)) as connection:
        return connection.execute(sql).fetchall()


def test_a_run_that_passes_says_so_and_leaves_docs_and_checks(sample: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run.main(["--select", "dim_time,stg_weather__hourly"]) == 0
    said = capsys.readouterr().out
    assert re.search(r"stg_weather__hourly +\d+ +0 +0 +\d", said)
    page = sample.parent / "quality_docs" / "index.html"
    assert str(page) in said
    assert "dim_time" in page.read_text()
    ((run_id, status, arguments),) = _execute(
        sample,
        "select run_id, status, arguments->>'select' from meta.ingestion_runs where kind = 'quality'"
        " and started_by = 'terminal' and started_at < finished_at",
    )
    assert (status, arguments) == ("success", "dim_time,stg_weather__hourly")
    checks = _execute(sample, f"select distinct asset, source, passed from meta.asset_checks where run_id = '{run_id}'")
    assert sorted(checks) == [
        ("dim_time", "great_expectations", True),
        ("stg_weather__hourly", "great_expectations", True),
    ]


def test_a_failure_is_named_with_its_file_and_figures_everywhere(
    sample: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _execute(sample, BREAK_FARES)
    assert run.main(["--select", "stg_tlc__yellow_taxi"]) == 1
    said = capsys.readouterr().out
    failed = r"stg_tlc__yellow_taxi\.fare_amount_mean of yellow/2025-02: observed -[\d,.]+, expected at least 5"
    assert re.search(f"failed {failed}", said)
    assert "fare_amount_mean of yellow/2025-02" in (sample.parent / "quality_docs" / "index.html").read_text()
    ((status, error),) = _execute(sample, "select status, error from meta.ingestion_runs where kind = 'quality'")
    assert status == "failed"
    assert str(error).startswith("stg_tlc__yellow_taxi.")
    assert health.main(["--live"]) == 1
    said = capsys.readouterr().out
    assert re.search(f"failed {failed}", said)
    assert re.search(r"dbt +\d+ +0 +0 ", said)


def test_data_docs_load_nothing_from_elsewhere(sample: Path) -> None:
    assert run.main(["--select", "dim_time"]) == 0
    docs = sample.parent / "quality_docs"
    pages = list(docs.rglob("*.html"))
    assert len(pages) >= 3
    for page in pages:
        assert not re.search(r"(src|href)=[\"']https?://(?!greatexpectations.io/newsletter)", page.read_text()), page
        for style in re.findall(r"href='([^']*data_docs\.css)'", page.read_text()):
            assert (page.parent / style).exists()


def test_the_docs_are_those_of_the_last_run(sample: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("webbrowser.open", lambda _: True)
    assert open_docs.main() == 1
    for suite in ("dim_time", "dim_date"):
        assert run.main(["--select", suite]) == 0
    assert open_docs.main() == 0
    page = (sample.parent / "quality_docs" / "index.html").read_text()
    assert "dim_date" in page
    assert "dim_time" not in page


@pytest.mark.usefixtures("database")
def test_nothing_to_check_and_bad_arguments_have_their_own_status(
    capsys: pytest.CaptureFixture[str], database: Path
) -> None:
    assert run.main([]) == quarantine.main(["--live"]) == health.main(["--live"]) == 3
    assert capsys.readouterr().err.count("there is none. Load a month first") == 3
    assert not database.exists(), "looking makes no database"
    _execute(database, "create table nothing (i integer)")
    assert run.main([]) == quarantine.main(["--live"]) == health.main(["--live"]) == 3
    assert "Run dbt build in dbt/" in capsys.readouterr().err
    assert run.main(["--select", "fct_trip"]) == 2
    assert "'fct_trip'" in capsys.readouterr().err


def test_suites_are_listed_without_a_database(database: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run.main(["--list"]) == 0
    said = capsys.readouterr().out
    assert all(suite.name in said for suite in SUITES)
    assert not database.exists()


def test_feeds_that_are_not_loaded_are_no_failure(sample: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _execute(sample, "delete from raw_data.hvfhv_taxi; delete from meta.asset_watermarks where asset = 'hvfhv'")
    assert run.main(["--select", "stg_tlc__hvfhv_taxi,dim_time", "--no-docs"]) == 0
    assert "nothing loaded" in capsys.readouterr().out
    assert run.main(["--select", "stg_tlc__hvfhv_taxi", "--no-docs"]) == 3


def test_quarantine_shows_rows_by_reason_with_their_share_and_examples(
    sample: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _execute(
        sample,
        """
        update meta.asset_watermarks set partition_key = '2015-02', period_start = '2015-02-01',
            period_end = '2015-03-01' where asset = 'fhv' and partition_key = '2025-02';
        update core_core.quarantined_trips set source_month = '2015-02-01', reason = 'missing_times',
            dropoff_datetime = null
        where feed = 'fhv' and source_month = '2025-02-01';
        insert into core_core.quarantined_trips by name
            select trip_id, feed, date '2015-02-01' as source_month, 7 as source_row, trip_type, load_id,
                pickup_datetime, 'missing_times' as reason
            from core_core.fct_trips where feed = 'fhv' limit 100
        """,
    )
    # There is a reason that is known.
    assert quarantine.main(["--live"]) == 0
    said = capsys.readouterr().out
    assert re.search(r"yellow 2025-01  \w+: \d+ rows, 0\.\d+% of the file\n    row \d+: pickup 20", said)
    assert re.search(r"fhv 2015-02  missing_times: \d+ rows, [1-9]\d?\.\d+% of the file", said)
    assert "the files of for-hire bases of 2015 and 2016 have no drop-off times" in said
    assert "drop-off missing" in said
    assert "failed" not in said


@pytest.mark.parametrize(
    ("fault", "test", "severity"),
    [
        ("update core_core.fct_hourly_mobility set total_revenue = total_revenue + 3", "adds_up_to_the_trips", "error"),
        ("update core_core.fct_hourly_mobility set total_passengers = 0", "adds_up_to_the_trips", "error"),
        (
            "update core_core.fct_hourly_mobility set total_revenue = 'nan' where pickup_date = '2025-02-05'",
            "adds_up_to_the_trips",
            "error",
        ),
        (
            "update core_core.fct_hourly_mobility set total_revenue = '-inf' where pickup_date = '2025-02-05'",
            "revenue_is_a_number",
            "error",
        ),
        ("delete from core_core.dim_weather where hour_of_day = 8", "no_row_is_lost", "error"),
        ("update core_core.dim_weather set has_weather = false where hour_of_day = 8", "weather_of_their", "error"),
        (
            "delete from raw_data.weather_hourly; delete from meta.asset_watermarks where asset = 'weather'",
            "month_of_trips_has_weather",
            "warn",
        ),
        (
            "delete from core_staging.int_daily_trips where pickup_date = '2025-02-05' and feed = 'yellow'",
            "no_day_of_a_loaded_month",
            "warn",
        ),
        (
            "update core_staging.int_daily_trips set trip_count = trip_count * 4"
            " where pickup_date = '2025-02-05' and feed = 'citibike'",
            "like_those_of_its_weekday",
            "warn",
        ),
    ],
)
def test_dbt_holds_what_is_true_across_tables(
    warehouse: Warehouse, capsys: pytest.CaptureFixture[str], fault: str, test: str, severity: str
) -> None:
    names = {"assert_no_row_is_lost", *(path.stem for path in Path("dbt/tests").rglob("assert_*.sql"))}
    (name,) = (name for name in names if test in name)
    warehouse.execute(fault)
    assert warehouse.dbt("test", "--select", name).success == (severity == "warn")
    ((passed, said_severity),) = warehouse.execute(
        f"select passed, severity from meta.asset_checks where check_name = '{name}' order by checked_at desc limit 1",
    )
    assert (passed, said_severity) == (False, severity)
    if severity == "warn":
        health.main(["--live"])
        said = capsys.readouterr().out
        assert "2025-02-05" in said or "months of trips without weather: 2025-01, 2025-02" in said


REPORTS: tuple[Callable[[Sequence[str]], int], ...] = (summary.main, health.main, quarantine.main)


@pytest.mark.usefixtures("published")
def test_reports_show_the_release_at_once_while_somebody_writes(
    sample: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    live = [(report(["--live", "--json"]), json.loads(capsys.readouterr().out)) for report in REPORTS]
    assert all(rows for _, rows in live)
    _execute(
        sample, "delete from meta.asset_checks; delete from core_core.fct_trips; drop table core_core.quarantined_trips"
    )
    with held(sample):
        monkeypatch.setenv("DUCKDB_LOCK_TIMEOUT_SECONDS", "0.2")
        assert [(report(["--json"]), json.loads(capsys.readouterr().out)) for report in REPORTS] == live
        for report, (status, _) in zip(REPORTS, live, strict=True):
            assert report([]) == status
            last = capsys.readouterr().out.splitlines()[-1]
            assert re.fullmatch(r"release \d{8}T\d{6}Z-[0-9a-f]{4}, published just now", last)
            assert report(["--live"]) == 1
            assert "still has it open" in capsys.readouterr().err


@pytest.mark.usefixtures("sample")
@pytest.mark.parametrize("report", REPORTS)
def test_a_report_says_that_nothing_is_published(
    capsys: pytest.CaptureFixture[str], report: Callable[[list[str]], int]
) -> None:
    assert report([]) == 3
    captured = capsys.readouterr()
    assert "nothing has been published yet. Publish what is built: nyc publish" in captured.err
    assert captured.out == ""
    report(["--live"])
    assert capsys.readouterr().out.splitlines()[-1].startswith("working file ")


def test_a_release_has_all_that_reports_read_and_if_it_is_gone_they_say_what_to_do(
    published: Release, capsys: pytest.CaptureFixture[str]
) -> None:
    there = {table.full_name for table in published.tables}
    assert {f"core_checks.{listing.test}" for subject in SUBJECTS for listing in subject.listings} <= there
    assert {quarantine.table for subject in SUBJECTS for quarantine in subject.quarantines} <= there
    assert "core_checks.reconciliation" in there
    published.folder.chmod(0o755)
    shutil.rmtree(published.folder)
    for report in REPORTS:
        assert report([]) == 1
        assert f"{published.folder} is gone. Publish again" in capsys.readouterr().err
