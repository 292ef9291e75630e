"""The rebuild of one ticker's day: what it refuses, and what it says of the ticker."""

from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pytest

from ingestion.catalog import FEEDS
from ingestion.pipeline import Status, ingest
from orchestration import defs
from sandbox.server import SamplePublisher
from tests.partitions import partition_of

DAY, OTHER = date(2026, 1, 14), date(2026, 1, 15)
JOB = defs.resolve_job_def("silver_ticker_job")


def _config(ticker: str, day: str) -> dict[str, Any]:
    return {"ops": {"build_silver_for_ticker": {"config": {"ticker": ticker, "date": day}}}}


def _run(ticker: str, day: date) -> dg.ExecuteInProcessResult:
    return JOB.execute_in_process(_config(ticker, f"{day}"), raise_on_error=False)


def _load(*days: date) -> None:
    assert {one.status for one in ingest([partition_of(FEEDS["minute_aggs"], day) for day in days])} == {Status.LOADED}


@pytest.fixture
def loaded(database: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A database with two days."""
    with SamplePublisher(DAY, OTHER, rows=2000) as bucket:
        for name, value in bucket.environment.items():
            monkeypatch.setenv(name, value)
        _load(DAY, OTHER)
    return database


def _failure(result: dg.ExecuteInProcessResult) -> str:
    (event,) = result.get_step_failure_events()
    assert not [one for one in result.all_events if one.event_type is dg.DagsterEventType.STEP_UP_FOR_RETRY]
    return str(event.step_failure_data.error)


@pytest.mark.usefixtures("logs")
def test_the_day_is_rebuilt_and_the_run_says_what_there_is_of_the_ticker(loaded: Path) -> None:
    result = _run("NA", DAY)
    assert result.success, _failure(result)
    with duckdb.connect(str(loaded), read_only=True) as connection:
        expected = connection.execute(
            "select session, count(*), sum(volume), max_by(close, window_start) from core_markets.silver_minute_aggs"
            " where ticker = 'NA' and source_date = $day group by session",
            {"day": DAY},
        ).fetchall()
    (output,) = [one for one in result.all_events if one.event_type is dg.DagsterEventType.STEP_OUTPUT]
    said = {name: value.value for name, value in output.step_output_data.metadata.items()}
    assert said == {
        "bars": sum(bars for _, bars, _, _ in expected),
        **{
            name: f"{bars:,} bars, {volume:,.0f} shares, last {close:,.2f} USD"
            for name, bars, volume, close in expected
        },
    }


def test_a_ticker_never_seen_and_a_day_that_is_not_loaded_fail_at_once_with_what_to_do(loaded: Path) -> None:
    assert loaded.exists()
    assert "ticker: 'AAPLE' is in no row of minute_aggs 2026-01-14. Write it as published" in _failure(
        _run("AAPLE", DAY)
    )
    assert "ticker: 'aapl' is in no row" in _failure(_run("aapl", DAY))
    assert 'ticker: "x\' or true --" is in no row' in _failure(_run("x' or true --", DAY))
    not_loaded = _failure(_run("AAPL", date(2026, 1, 16)))
    load = "nyc load --from 2026-01-16 --to 2026-01-16 --sources minute_aggs"
    assert f"minute_aggs 2026-01-16 is not loaded. Load it first: {load}" in not_loaded


@pytest.mark.parametrize("is_there", [True, False], ids=["of other feeds", "none"])
def test_where_no_day_was_ever_loaded_it_says_so_too(database: Path, is_there: bool) -> None:
    if is_there:
        duckdb.connect(str(database)).close()
    assert f"minute_aggs {DAY} is not loaded. Load it first: nyc load" in _failure(_run("AAPL", DAY))


@pytest.mark.parametrize(
    ("ticker", "day", "said"),
    [
        ("", "2026-01-14", "ticker: expected 1 to 20 characters, such as AAPL, but got ''"),
        ("  ", "2026-01-14", "ticker: expected 1 to 20 characters"),
        ("A" * 5000, "2026-01-14", "ticker: expected 1 to 20 characters"),
        (
            "AAPL",
            "2026-01-19",
            "2026-01-19: minute_aggs has no file then, by the trading days of the New York Stock Exchange",
        ),
        (
            "AAPL",
            "2026-01-17",
            "2026-01-17: minute_aggs has no file then, by the trading days of the New York Stock Exchange",
        ),
        ("AAPL", "2026-01", "expected a day as YYYY-MM-DD, such as 2025-01-03, but got '2026-01'"),
        ("AAPL", "2026-02-30", "2026-02-30"),
        ("AAPL", "14.1.2026", "expected a day as YYYY-MM-DD"),
        ("AAPL", "2000-01-03", "expected a day from 2003-09-10 until today, but got 2000-01-03"),
        ("AAPL", "2040-01-03", "expected a day from 2003-09-10 until today, but got 2040-01-03"),
        ("AAPL", "2999-01-04", "2999-01-04"),
        ("AAPL", "2026-01-14'; drop table x; --", "expected a day as YYYY-MM-DD"),
    ],
)
def test_what_cannot_be_is_refused_before_there_is_a_run(ticker: str, day: str, said: str) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        with pytest.raises(dg.DagsterInvalidConfigError) as refused:
            instance.create_run_for_job(JOB, run_config=_config(ticker, day))
        first = str(refused.value).splitlines()[0]
        assert first.startswith("No run was started: ")
        assert said in first
        assert len(first) < 600
        assert instance.get_runs() == []


def test_steps_are_tried_again_by_the_policies_of_bronze_and_silver() -> None:
    """Bronze five times from 30 seconds, silver three times from 60, ever more patiently."""
    policies = {
        (node.name, policy.max_retries, policy.delay, policy.backoff, policy.jitter)
        for job in ("backfill_sequential_job", "backfill_parallel_job", "silver_ticker_job")
        for node in defs.resolve_job_def(job).nodes
        if (policy := node.retry_policy)
    }
    patiently = (dg.Backoff.EXPONENTIAL, dg.Jitter.PLUS_MINUS)
    assert policies == {
        ("backfill_sequential", 5, 30, *patiently),
        ("backfill_parallel", 5, 30, *patiently),
        ("dbt_build", 3, 60, *patiently),
        ("build_silver_for_ticker", 3, 60, *patiently),
    }
    # What is wrong with rows or a check is the same at the next attempt.
    untried = {node.name for node in defs.resolve_job_def("backfill_parallel_job").nodes if not node.retry_policy}
    assert untried == {"validate_day", "check_quality", "publish"}
