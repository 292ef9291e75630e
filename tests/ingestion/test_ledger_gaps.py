"""What is missing, by the ledger alone."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import duckdb
import pytest

from ingestion.gap_plan import Planned
from ingestion.ledger_gaps import LedgerState, freshness, plan_by_ledger, read_ledger_state, troubles_of_gaps
from ingestion.publication import Gap, State
from warehouse.accepted_gaps import AcceptedGap, accept_gaps
from warehouse.ledger import Fingerprint, Ledger, RunAsset, Watermark

# By then March of taxis is due (61 days), and April of bikes and weather.
NOW = datetime(2025, 6, 5, 12)


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as opened:
        Ledger(opened)
        yield opened


def _load(connection: duckdb.DuckDBPyConnection, feed: str, *months: str, rows: int = 1000, load: str = "1") -> None:
    for month in months:
        Ledger(connection).set_watermark(feed, month, Watermark(load, rows, None, None, Fingerprint("http://x", "e")))


def _load_all(connection: duckdb.DuckDBPyConnection) -> None:
    for feed in ("yellow", "green", "fhv"):
        _load(connection, feed, "2025-01", "2025-02", "2025-03")
    for feed in ("citibike", "weather"):
        _load(connection, feed, "2025-01", "2025-02", "2025-03", "2025-04")


def _try(connection: duckdb.DuckDBPyConnection, feed: str, month: str, status: str, at: datetime, **more: Any) -> None:
    ledger = Ledger(connection)
    run_id = ledger.start_run("ingestion", {}, started_by="terminal", started_at=at)
    ledger.record_asset(run_id, RunAsset(feed, month, status, **more))
    ledger.finish_run(run_id, "success", finished_at=at)


def _accept(connection: duckdb.DuckDBPyConnection, feed: str, month: str, state: Gap, at: datetime = NOW) -> None:
    gap = AcceptedGap(feed, month, state, "<b>snow</b>", "ann", at, "1", Fingerprint(""))
    accept_gaps([gap], connection)


def _summaries(connection: duckdb.DuckDBPyConnection, now: datetime = NOW) -> list[str]:
    return [trouble.summary for trouble in troubles_of_gaps(read_ledger_state(connection), now)]


def _cell(connection: duckdb.DuckDBPyConnection, name: str, now: datetime = NOW) -> Planned:
    plan = plan_by_ledger(read_ledger_state(connection), now)
    return next(one for one in plan if str(one.partition) == name)


def test_what_is_loaded_up_to_the_lag_has_no_gaps(connection: duckdb.DuckDBPyConnection) -> None:
    _load_all(connection)

    assert _summaries(connection) == []
    assert _cell(connection, "yellow 2025-04").state is State.NOT_PUBLISHED


def test_the_month_after_is_missing_when_its_lag_is_over(connection: duckdb.DuckDBPyConnection) -> None:
    _load_all(connection)

    assert _summaries(connection, datetime(2025, 6, 29, 23)) == ["2 months missing"]
    (trouble,) = troubles_of_gaps(read_ledger_state(connection), datetime(2025, 6, 30))
    assert trouble.reasons[0] == "yellow: 2025-04, due since 2025-06-30"
    assert trouble.summary == "5 months missing"
    assert trouble.commands == ("nyc gaps --fill", "nyc build", "nyc publish")


def test_feeds_that_are_loaded_by_name_only_are_missing_only_once_loaded(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    _load_all(connection)
    assert "hvfhv" not in {one.partition.feed.name for one in plan_by_ledger(read_ledger_state(connection), NOW)}

    _load(connection, "hvfhv", "2025-02")
    (trouble,) = troubles_of_gaps(read_ledger_state(connection), NOW)
    assert trouble.reasons == ("hvfhv: 2025-01, 2025-03, due since 2025-04-02",)


def test_half_of_the_feeds_missing_is_told_by_feed(connection: duckdb.DuckDBPyConnection) -> None:
    _load(connection, "yellow", "2025-01", "2025-02", "2025-03")

    (trouble,) = troubles_of_gaps(read_ledger_state(connection), NOW)
    assert [reason.partition(":")[0] for reason in trouble.reasons] == ["green", "fhv", "citibike", "weather"]
    of_green = next(one for one in _freshness(connection) if one.feed.name == "green")
    assert (of_green.newest, of_green.due, str(of_green.next)) == (None, 3, "2025-01")


def _freshness(connection: duckdb.DuckDBPyConnection, now: datetime = NOW) -> list[Any]:
    state = read_ledger_state(connection)
    return freshness(plan_by_ledger(state, now), state)


def test_nothing_loaded_has_no_gaps(connection: duckdb.DuckDBPyConnection) -> None:
    assert plan_by_ledger(read_ledger_state(connection), NOW) == []
    assert plan_by_ledger(LedgerState(), NOW) == []
    with duckdb.connect() as empty:
        assert read_ledger_state(empty) == LedgerState()


def test_a_period_before_the_first_of_a_feed_is_not_missing(connection: duckdb.DuckDBPyConnection) -> None:
    _load(connection, "yellow", "2013-01")

    plan = plan_by_ledger(read_ledger_state(connection), NOW)
    first = {one.partition.feed.name: one.partition.key for one in reversed(plan)}
    assert first["yellow"] == "2013-01"
    assert first["citibike"] == "2013-06"


def test_what_the_publisher_did_not_have_when_it_was_due_is_overdue(connection: duckdb.DuckDBPyConnection) -> None:
    _load_all(connection)
    later = datetime(2025, 7, 5)
    _load(connection, "weather", "2025-05")
    _load(connection, "citibike", "2025-05")
    _load(connection, "green", "2025-04")
    _load(connection, "fhv", "2025-04")
    # Asked before it was due: that says nothing.
    _try(connection, "yellow", "2025-04", "not_published", datetime(2025, 6, 1))
    assert _summaries(connection, later) == ["1 month missing"]

    _try(connection, "yellow", "2025-04", "not_published", datetime(2025, 7, 4))
    (trouble,) = troubles_of_gaps(read_ledger_state(connection), later)
    assert trouble.summary == "1 month overdue"
    # To ask again is to load it where it is there by now.
    assert trouble.commands == ("nyc gaps --fill", "nyc build", "nyc publish")
    _try(connection, "green", "2025-05", "not_published", datetime(2025, 8, 4))
    _try(connection, "yellow", "2025-05", "not_published", datetime(2025, 8, 4))
    troubles = troubles_of_gaps(read_ledger_state(connection), datetime(2025, 8, 5))
    (of_all,) = [each.otherwise[0] for each in troubles if "overdue" in each.summary]
    assert of_all == "nyc gaps --accept yellow:2025-04,yellow:2025-05,green:2025-05 --reason 'say why'"
    assert _cell(connection, "yellow 2025-04", later).note == "due by now, but not at the publisher"

    _load(connection, "yellow", "2025-04")
    assert _summaries(connection, later) == []


def test_an_accepted_gap_is_no_trouble_and_says_why(connection: duckdb.DuckDBPyConnection) -> None:
    _load_all(connection)
    connection.execute("delete from meta.asset_watermarks where asset = 'green' and partition_key = '2025-02'")
    assert _summaries(connection) == ["1 month missing"]

    _accept(connection, "green", "2025-02", Gap.MISSING)
    assert _summaries(connection) == []
    assert _cell(connection, "green 2025-02").accepted == {Gap.MISSING: "<b>snow</b>"}


def test_far_fewer_rows_than_its_neighbours_are_thin_until_accepted(connection: duckdb.DuckDBPyConnection) -> None:
    _load_all(connection)
    _load(connection, "yellow", "2025-02", rows=100)
    (trouble,) = troubles_of_gaps(read_ledger_state(connection), NOW)
    assert trouble.reasons[0].startswith("yellow 2025-02: 100 rows, ")
    assert trouble.commands == ("nyc gaps --fill", "nyc build", "nyc publish")
    # Readers of releases see what was accepted only once it is published.
    assert trouble.otherwise == ("nyc gaps --accept yellow:2025-02 --reason 'say why'", "nyc publish")

    _accept(connection, "yellow", "2025-02", Gap.THIN)
    assert _summaries(connection) == []


def test_a_period_accepted_as_thin_for_its_days_is_shown_as_accepted(connection: duckdb.DuckDBPyConnection) -> None:
    _load_all(connection)
    _accept(connection, "yellow", "2025-02", Gap.THIN)
    assert _cell(connection, "yellow 2025-02").accepted == {Gap.THIN: "<b>snow</b>"}

    Ledger(connection).set_watermark("yellow", "2025-02", Watermark("2", 999, None, None, Fingerprint("http://y", "f")))
    assert _cell(connection, "yellow 2025-02").accepted == {}


def test_a_failed_load_is_told_until_it_is_loaded_or_accepted(connection: duckdb.DuckDBPyConnection) -> None:
    _load_all(connection)
    _try(connection, "yellow", "2025-02", "failed", NOW, error="<script>\n x </script>" + "y" * 9000)
    (trouble,) = troubles_of_gaps(read_ledger_state(connection), NOW)
    assert trouble.summary == "1 load failed"
    assert trouble.reasons[0].startswith("yellow 2025-02: <script> x </script>yyy")
    assert len(trouble.reasons[0]) < 400
    assert trouble.commands[0] == "nyc load --from 2025-02 --to 2025-02 --sources yellow"

    _try(connection, "yellow", "2025-02", "unchanged", NOW + timedelta(hours=1))
    assert _summaries(connection) == []

    _try(connection, "yellow", "2025-02", "failed", NOW + timedelta(hours=2), error="x")
    _accept(connection, "yellow", "2025-02", Gap.THIN, NOW)
    assert _summaries(connection) == ["1 load failed"]
    _accept(connection, "yellow", "2025-02", Gap.THIN, NOW + timedelta(hours=3))
    assert _summaries(connection) == []


def test_a_refused_load_is_a_gap_with_the_publishers_reason_and_told_once(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    _load_all(connection)
    connection.execute(
        "delete from meta.asset_watermarks where asset = 'green' and partition_key in ('2025-01', '2025-02')"
    )
    for month in ("2025-01", "2025-02"):
        error = (
            f"http://x/{month}: expected the file, but the publisher does not give it to these keys (403). Ask for it."
        )
        _try(connection, "green", month, "refused", NOW, error=error)
    (trouble,) = troubles_of_gaps(read_ledger_state(connection), NOW)
    assert trouble.summary == "2 months refused"
    reason = "the publisher does not give it to these keys (403). Ask for it."
    assert trouble.reasons == (f"green: 2025-01 … 2025-02: {reason}",)
    assert trouble.otherwise[0] == "nyc gaps --accept green:2025-01,green:2025-02 --reason 'say why'"
    cell = _cell(connection, "green 2025-01")
    assert (cell.state, cell.note) == (State.REFUSED, reason)

    # What is loaded stays so, though a new file of it was refused.
    _try(connection, "yellow", "2025-02", "refused", NOW, error="x")
    assert _summaries(connection) == ["2 months refused", "1 load failed"]
    _accept(connection, "green", "2025-01", Gap.MISSING)
    assert _summaries(connection) == ["1 month refused", "1 load failed"], "accepted while nobody had asked"
    _load(connection, "green", "2025-02")
    _try(connection, "green", "2025-02", "loaded", NOW + timedelta(hours=1))
    assert _summaries(connection) == ["1 load failed"]


def test_a_feed_that_there_is_no_more_troubles_nobody(connection: duckdb.DuckDBPyConnection) -> None:
    _load_all(connection)
    _load(connection, "rickshaws", "2020-01")
    _try(connection, "rickshaws", "2020-02", "failed", NOW, error="gone")

    assert _summaries(connection) == []


def test_freshness_says_what_comes_next_and_when_it_is_due(connection: duckdb.DuckDBPyConnection) -> None:
    _load_all(connection)
    by_feed = {one.feed.name: one for one in _freshness(connection)}
    yellow = by_feed["yellow"]
    assert (str(yellow.newest), str(yellow.next), str(yellow.next_due_on)) == ("2025-03", "2025-04", "2025-06-30")
    assert not yellow.is_behind

    by_feed = {one.feed.name: one for one in _freshness(connection, datetime(2025, 8, 30))}
    assert (by_feed["yellow"].due, str(by_feed["yellow"].next_due_on)) == (3, "2025-06-30")
