"""A file of a day on which the exchange is closed: it is data like any other, and a day without one is no gap."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import duckdb
import pytest

from ingestion import gaps, run_pipeline
from ingestion.catalog import FEEDS
from ingestion.ledger_gaps import freshness, plan_by_ledger, read_ledger_state
from ingestion.partitions import unexpected_between
from sandbox.faults import Fault
from sandbox.server import SamplePublisher
from warehouse.paths import LOG_FOLDER_VARIABLE
from warehouse.periods import day, month

# A Wednesday, New Year's Day, Friday and a Saturday.
WEDNESDAY, HOLIDAY, FRIDAY, SATURDAY = date(2025, 12, 31), date(2026, 1, 1), date(2026, 1, 2), date(2026, 1, 3)
RANGE = ["--sources", "minute_aggs", "--from", f"{WEDNESDAY}", "--to", f"{SATURDAY}"]
ALONE = ["--sources", "minute_aggs", "--from", f"{HOLIDAY}", "--to", f"{HOLIDAY}"]
ROWS = 200


@pytest.fixture
def bucket(database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SamplePublisher]:
    """Three days are published, and the second is a holiday, of which there is a file."""
    monkeypatch.setenv(LOG_FOLDER_VARIABLE, str(tmp_path / "logs"))
    with SamplePublisher(WEDNESDAY, SATURDAY, rows=ROWS) as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        server.break_("minute_aggs", HOLIDAY, Fault.UNEXPECTED)
        yield server


def _rows(database: Path) -> list[tuple[date, int]]:
    with duckdb.connect(str(database), read_only=True) as connection:
        query = "select source_date, count(*) from raw_data.minute_aggs group by all order by all"
        return connection.execute(query).fetchall()


def _fetched(bucket: SamplePublisher) -> list[str]:
    """The days whose files were asked for."""
    paths = [entry.path for entry in bucket.requests if "list-type" not in entry.path]
    return [path[-17:-7] for path in paths]


def test_it_is_loaded_with_its_range_and_known_as_loaded(
    bucket: SamplePublisher, database: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_pipeline.main(RANGE) == 0
    assert _rows(database) == [(day, ROWS) for day in (WEDNESDAY, HOLIDAY, FRIDAY)]
    assert run_pipeline.main(RANGE) == 0
    assert sorted(_fetched(bucket)) == [f"{day}" for day in (WEDNESDAY, HOLIDAY, FRIDAY)], "once each"
    capsys.readouterr()
    assert gaps.main(RANGE) == 0
    said = capsys.readouterr().out
    assert "2025-12-31, 2026-01-01, 2026-01-02" in said
    assert "2026-01-03" not in said, "Saturday"


def test_it_is_loaded_alone_where_there_is_one_and_else_the_calendar_is_named(
    bucket: SamplePublisher, database: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_pipeline.main(ALONE) == 0
    assert _rows(database) == [(HOLIDAY, ROWS)]
    saturday = ["--sources", "minute_aggs", "--from", f"{SATURDAY}", "--to", f"{SATURDAY}"]
    assert run_pipeline.main(saturday) == 2
    expected = "2026-01-03: minute_aggs has no file then, by the trading days of the New York Stock Exchange, and the "
    assert f"{expected}publisher lists none.\n" in capsys.readouterr().err
    assert _fetched(bucket) == [f"{HOLIDAY}"]


def test_one_that_came_later_or_was_replaced_is_a_gap_and_filled(
    bucket: SamplePublisher, database: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_pipeline.main(RANGE) == 0
    bucket.break_("minute_aggs", SATURDAY, Fault.UNEXPECTED)
    bucket.replace("minute_aggs", HOLIDAY)
    capsys.readouterr()
    assert gaps.main(RANGE) == 3
    said = " ".join(capsys.readouterr().out.split())
    assert "missing 1 2026-01-03" in said
    assert "replaced 1 2026-01-01" in said
    assert gaps.main(["--accept", "minute_aggs:2026-01-01", "--reason", "a test of the publisher's"]) == 0
    assert gaps.main(["--reopen", "minute_aggs:2026-01-01"]) == 0
    assert gaps.main(["--accept", "minute_aggs:2025-12-25,symbols:2025-12-25", "--reason", "x"]) == 2
    nothing = "there is nothing wrong with minute_aggs 2025-12-25 (not published), symbols 2025-12-25 (not published)"
    assert nothing in capsys.readouterr().err
    assert gaps.main([*RANGE, "--fill"]) == 0
    assert _rows(database)[1:] == [(HOLIDAY, ROWS + 7), (FRIDAY, ROWS), (SATURDAY, ROWS)]


def test_readers_of_a_release_see_it_as_loaded_and_miss_no_other_holiday(
    bucket: SamplePublisher, database: Path
) -> None:
    assert run_pipeline.main(RANGE) == 0
    with duckdb.connect(str(database), read_only=True) as connection:
        state = read_ledger_state(connection)
    now = day(2026, 1, 5).end
    plan = [one for one in plan_by_ledger(state, now) if one.partition.feed.name == "minute_aggs"]
    assert [(one.partition.key, one.open_gaps) for one in plan][:3] == [
        ("2025-12-31", ()),
        ("2026-01-01", ()),
        ("2026-01-02", ()),
    ]
    assert [one.partition.key for one in plan][3:] == ["2026-01-05", "2026-01-06"]
    (fresh,) = freshness(plan, state)
    assert (fresh.newest, fresh.next) == (day(2026, 1, 2), day(2026, 1, 5))


def test_who_may_not_list_the_bucket_gets_the_trading_days(bucket: SamplePublisher, database: Path) -> None:
    bucket.break_("minute_aggs", FRIDAY, Fault.ENDLESS_LISTING)
    assert run_pipeline.main(RANGE) == 0
    assert _rows(database) == [(WEDNESDAY, ROWS), (FRIDAY, ROWS)]


def test_only_publishers_that_list_their_files_are_asked_for_more_than_the_calendar_has() -> None:
    january = month(2026, 1)
    assert len(unexpected_between([FEEDS["minute_aggs"]], january, january)) == 31 - 20
    for name in ("candles_daily", "symbols", "citibike", "taxi_zones", "yellow"):
        assert unexpected_between([FEEDS[name]], january, january) == []
