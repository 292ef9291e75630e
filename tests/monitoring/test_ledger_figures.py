"""Figures of runs, tables, checks and streams, by what the ledger says."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import duckdb
import pytest

from ingestion.catalog import FEEDS
from ingestion.streams.lag import PartitionLag
from monitoring.broker_figures import broker_figures
from monitoring.ledger_figures import check_figures, run_figures, stream_figures, table_figures
from tests.monitoring.reading import of
from warehouse.ledger import Check, Ledger, RunAsset
from warehouse.ledger.stream_offsets import StreamOffset, write_stream_offsets

MONDAY, TUESDAY = datetime(2025, 6, 2, 4), datetime(2025, 6, 3, 4)


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as opened:
        Ledger(opened)
        yield opened


def _run(connection: duckdb.DuckDBPyConnection, kind: str, status: str | None, at: datetime) -> str:
    ledger = Ledger(connection)
    run_id = ledger.start_run(kind, {}, started_by="terminal", started_at=at)
    if status:
        ledger.finish_run(run_id, status, finished_at=at.replace(minute=2))  # type: ignore[arg-type]
    return run_id


def test_a_failed_run_shows_until_one_of_its_kind_ends_well(connection: duckdb.DuckDBPyConnection) -> None:
    _run(connection, "publish", "failed", MONDAY)
    assert of(run_figures(connection), "nyc_run_last_failed") == {("publish",): 1}
    _run(connection, "publish", None, TUESDAY)
    assert of(run_figures(connection), "nyc_run_last_failed") == {("publish",): 1}
    _run(connection, "publish", "success", TUESDAY.replace(hour=5))
    figures = list(run_figures(connection))
    assert of(figures, "nyc_run_last_failed") == {("publish",): 0}
    assert of(figures, "nyc_runs") == {(("publish", status)): 1 for status in ("failed", "running", "success")}
    assert of(figures, "nyc_run_last_success_duration_seconds") == {("publish",): 120}


def test_a_run_that_was_killed_shows_by_its_start(connection: duckdb.DuckDBPyConnection) -> None:
    _run(connection, "ingestion", None, MONDAY)
    since = of(run_figures(connection), "nyc_run_running_since_timestamp_seconds")["ingestion",]
    assert datetime.fromtimestamp(since, UTC) == MONDAY.replace(tzinfo=UTC)


def test_tables_have_what_their_last_build_had(connection: duckdb.DuckDBPyConnection) -> None:
    for at, rows in ((MONDAY, 5), (TUESDAY, 7)):
        run_id = _run(connection, "dbt build", "success", at)
        Ledger(connection).record_asset(run_id, RunAsset("fact", None, "built", rows=rows, seconds=rows / 2))
    on_spark = _run(connection, "spark build", "success", TUESDAY + timedelta(hours=1))
    Ledger(connection).record_asset(on_spark, RunAsset("fact", None, "built", rows=1, seconds=100))
    figures = list(table_figures(connection))
    assert of(figures, "nyc_table_rows") == {("fact",): 7}
    assert of(figures, "nyc_table_build_duration_seconds") == {("fact",): 3.5}
    assert of(figures, "nyc_tables_not_built") == {(): 0}


def test_a_model_that_dbt_could_not_build_is_counted(connection: duckdb.DuckDBPyConnection) -> None:
    run_id = _run(connection, "dbt build", "failed", MONDAY)
    Ledger(connection).record_asset(run_id, RunAsset("fact", None, "failed", error="no"))
    assert of(table_figures(connection), "nyc_tables_not_built") == {(): 1}


def test_checks_count_once_by_their_last_result(connection: duckdb.DuckDBPyConnection) -> None:
    def check(passed: bool, severity: str = "error", partition: str | None = None) -> Check:
        return Check("fact", f"is_right_{severity}", "dbt", severity, passed, "1", "0", partition)  # type: ignore[arg-type]

    run_id = _run(connection, "dbt build", "failed", MONDAY)
    Ledger(connection).record_checks(run_id, [check(False, partition="a/2025-01"), check(False, partition="a/2025-02")])
    Ledger(connection).record_checks(run_id, [check(False, "warn")])
    figures = list(check_figures(connection))
    assert of(figures, "nyc_table_failed_checks") == {("error", "fact"): 1, ("warn", "fact"): 1}
    assert of(figures, "nyc_checks")["failed", "error", "dbt"] == 1
    run_id = _run(connection, "dbt build", "success", TUESDAY)
    Ledger(connection).record_checks(run_id, [check(True), check(False, "warn")])
    figures = list(check_figures(connection))
    assert of(figures, "nyc_table_failed_checks") == {("error", "fact"): 0, ("warn", "fact"): 1}
    assert of(figures, "nyc_checks")["passed", "error", "dbt"] == 1


def _offset(partition: int, next_offset: int, end_offset: int) -> StreamOffset:
    return StreamOffset("trades", "t", partition, None, 0, next_offset, end_offset, next_offset, 0, 0, MONDAY)


def test_the_lag_of_a_stream_is_what_was_not_read(connection: duckdb.DuckDBPyConnection) -> None:
    write_stream_offsets(connection, [_offset(0, 90, 100), _offset(1, 50, 50)])
    figures = list(stream_figures(connection))
    assert of(figures, "nyc_stream_lag_messages") == {("trades", "0"): 10, ("trades", "1"): 0}
    assert (
        of(figures, "nyc_stream_newest_message_timestamp_seconds")["trades", "0"]
        == MONDAY.replace(tzinfo=UTC).timestamp()
    )


def test_the_broker_tells_of_messages_that_nobody_has_read(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def lag(feeds: list[object], known: object) -> list[PartitionLag]:
        asked.append(len(feeds))
        return [PartitionLag("trades", "t", 0, 90, 0, 100), PartitionLag("trades", "t", 1, None, 5, 9)]

    monkeypatch.setattr("monitoring.broker_figures.lag", lag)
    assert of(broker_figures({}), "nyc_stream_broker_lag_messages") == {("trades", "0"): 10, ("trades", "1"): 4}
    assert asked == [sum(feed.is_stream for feed in FEEDS.values())]
