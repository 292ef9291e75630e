"""How late a feed is, by its grain, calendar and publication lag; where its rows are."""

from collections.abc import Iterator
from datetime import UTC, datetime

import duckdb
import pytest

from ingestion.results import Status
from monitoring.feed_figures import feed_figures, row_figures
from tests.monitoring.reading import of
from warehouse.accepted_gaps import AcceptedGap, accept_gaps
from warehouse.ledger import Fingerprint, Ledger, RunAsset, Watermark
from warehouse.reconciliation import PartitionRows

# March of a feed with a lag of 61 days was due on 31 May.
NOON = datetime(2025, 6, 5, 12)
DAY = 86400.0


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as opened:
        Ledger(opened)
        yield opened


def _load(connection: duckdb.DuckDBPyConnection, feed: str, *months: str, rows: int = 1000) -> None:
    for month in months:
        Ledger(connection).set_watermark(feed, month, Watermark("1", rows, None, None, Fingerprint("http://x", "e")))


def test_a_feed_is_late_from_the_day_on_which_its_file_was_due(connection: duckdb.DuckDBPyConnection) -> None:
    _load(connection, "yellow", "2025-01", "2025-02")
    due, lag = "nyc_feed_due_periods", "nyc_feed_lag_seconds"
    assert of(feed_figures(connection, datetime(2025, 5, 30, 23)), due)["yellow",] == 0
    assert of(feed_figures(connection, datetime(2025, 5, 30, 23)), lag)["yellow",] == 0
    assert of(feed_figures(connection, NOON), due)["yellow",] == 1
    assert of(feed_figures(connection, NOON), lag)["yellow",] == 5.5 * DAY
    _load(connection, "yellow", "2025-03")
    assert of(feed_figures(connection, NOON), lag)["yellow",] == 0


def test_the_lag_is_that_of_the_first_period_that_is_due(connection: duckdb.DuckDBPyConnection) -> None:
    _load(connection, "yellow", "2025-01")
    # February was due on 30 April.
    assert of(feed_figures(connection, NOON), "nyc_feed_lag_seconds")["yellow",] == 36.5 * DAY


def test_a_hole_is_a_gap_and_not_a_lag(connection: duckdb.DuckDBPyConnection) -> None:
    _load(connection, "yellow", "2025-01", "2025-03")
    assert of(feed_figures(connection, NOON), "nyc_feed_gaps")["yellow", "missing"] == 1
    assert of(feed_figures(connection, NOON), "nyc_feed_lag_seconds")["yellow",] == 0


def test_what_a_person_accepts_is_over(connection: duckdb.DuckDBPyConnection) -> None:
    _load(connection, "yellow", "2025-01", "2025-02")
    accept_gaps([AcceptedGap("yellow", "2025-03", "missing", "snow", "ann", NOON, None, Fingerprint(""))], connection)
    assert of(feed_figures(connection, NOON), "nyc_feed_due_periods")["yellow",] == 0
    assert of(feed_figures(connection, NOON), "nyc_feed_lag_seconds")["yellow",] == 0


def test_the_next_due_date_follows_the_publication_lag(connection: duckdb.DuckDBPyConnection) -> None:
    _load(connection, "yellow", "2025-01", "2025-02", "2025-03")
    due = of(feed_figures(connection, NOON), "nyc_feed_next_due_timestamp_seconds")["yellow",]
    assert datetime.fromtimestamp(due, UTC) == datetime(2025, 6, 30, tzinfo=UTC)


def test_a_failed_load_counts_until_the_next_one(connection: duckdb.DuckDBPyConnection) -> None:
    ledger = Ledger(connection)
    for day, status, failed in ((1, Status.FAILED, 1), (2, Status.LOADED, 0)):
        at = datetime(2025, 6, day)
        run_id = ledger.start_run("ingestion", {}, started_by="terminal", started_at=at)
        ledger.record_asset(run_id, RunAsset("yellow", "2025-01", status, rows=3, seconds=1.5, bytes=10))
        ledger.finish_run(run_id, "success", finished_at=at)
        _load(connection, "yellow", "2025-01")
        figures = list(feed_figures(connection, NOON))
        assert of(figures, "nyc_feed_failed_partitions")["yellow",] == failed
    assert of(figures, "nyc_feed_load_duration_seconds") == {("yellow",): 1.5}


def test_nothing_loaded_is_no_error(connection: duckdb.DuckDBPyConnection) -> None:
    assert of(feed_figures(connection, NOON), "nyc_feed_lag_seconds") == {}


def test_rows_are_counted_by_feed_and_by_the_table_that_holds_them() -> None:
    figures = list(
        row_figures(
            [
                PartitionRows(
                    "a", "2025-01", kept_in="k", quarantined_in="q", published=10, kept=7, quarantined=1, lost=2
                ),
                PartitionRows("a", "2025-02", kept_in="k", quarantined_in="q", published=1, kept=3, lost=-2),
                PartitionRows("b", "2025-02", kept_in="k", quarantined_in="q", published=9, kept=6, quarantined=3),
            ]
        )
    )
    # One row too many does not make good for one that is lost.
    assert of(figures, "nyc_feed_rows")["a", "lost"] == 4
    assert of(figures, "nyc_feed_quarantined_ratio") == {("a",): 1 / 11, ("b",): 3 / 9}
    assert of(figures, "nyc_table_feed_rows") == {("kept", "k"): 16, ("quarantined", "q"): 4}
    assert of(figures, "nyc_table_quarantined_ratio") == {("q",): 4 / 20}


@pytest.mark.parametrize("name", ['a"b', "a\\b", "a\nb", "{x}", "é"])
def test_whatever_a_label_is_it_is_read_as_it_was(name: str) -> None:
    assert of(row_figures([PartitionRows(name, "2025-01", published=1)]), "nyc_feed_rows")[name, "published"] == 1
