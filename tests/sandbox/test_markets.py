"""Minute files and reference files of the sandbox: deterministic, in the publishers' form, with their quirks."""

import gzip
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import duckdb
import pytest

from ingestion.catalog import FEEDS
from ingestion.markets.trading_days import NEW_YORK, trading_days
from sandbox.catalog import file_stand_in_of
from sandbox.faults import Fault
from sandbox.files import row_count, write_file
from sandbox.markets.prices import price_at
from sandbox.markets.reference_files import exchange_rows, symbol_rows
from sandbox.markets.securities import securities
from sandbox.server import SamplePublisher
from tests.partitions import partition_of

ROWS = 8000
BEFORE_2026, HALF_DAY, IN_2026 = date(2025, 11, 26), date(2025, 11, 28), date(2026, 1, 5)
TYPES = "ticker varchar, volume double, open double, close double, high double, low double, started bigint, n bigint"


@pytest.fixture(scope="module")
def bars(tmp_path_factory: pytest.TempPathFactory) -> duckdb.DuckDBPyConnection:
    """The rows of three days, numbered as they are in their files."""
    folder = tmp_path_factory.mktemp("bars")
    connection = duckdb.connect()
    connection.execute(f"create table bars (day date, row_number bigint, {TYPES})")
    for day in (BEFORE_2026, HALF_DAY, IN_2026):
        path = write_file("minute_aggs", day, folder, rows=ROWS)
        with gzip.open(path, "rt") as file:
            assert file.readline() == "ticker,volume,open,close,high,low,window_start,transactions\n"
        types = dict(column.split() for column in TYPES.split(", "))
        connection.execute(
            "insert into bars select ?, row_number() over () - 1, *"
            f" from read_csv(?, header = true, auto_detect = false, delim = ',', columns = {types})",
            [day, str(path)],
        )
    return connection


def _one(bars: duckdb.DuckDBPyConnection, query: str, day: date) -> Any:
    (row,) = bars.execute(f"select {query} from bars where day = ?", [day]).fetchall()
    return row[0] if len(row) == 1 else row


def _clock(nanoseconds: int) -> time:
    return datetime.fromtimestamp(nanoseconds // 1_000_000_000, NEW_YORK).time()


@pytest.mark.parametrize("day", [BEFORE_2026, HALF_DAY, IN_2026])
def test_bars_are_as_published(bars: duckdb.DuckDBPyConnection, day: date) -> None:
    assert _one(bars, "count(*)", day) == row_count("minute_aggs", day, rows=ROWS)
    assert _one(bars, "count(distinct (ticker, started))", day) == row_count("minute_aggs", day, rows=ROWS)
    assert _one(bars, "bool_and(high >= greatest(open, close) and low <= least(open, close))", day)
    assert _one(bars, "bool_and(started % 60_000_000_000 = 0 and n >= 1 and volume >= 1 and low > 0)", day)
    # By ticker and time; tickers as bytes.
    rows = bars.execute("select ticker, started from bars where day = ? order by row_number", [day]).fetchall()
    assert rows == sorted(rows, key=lambda row: (row[0].encode(), row[1]))
    first, last = _one(bars, "min(started), max(started)", day)
    assert _clock(first) >= time(4)
    assert time(20) <= _clock(last) < time(20, 5), "some bars are after the last session"


def test_volume_is_fractional_from_2026_on(bars: duckdb.DuckDBPyConnection) -> None:
    fractional = "count(*) filter (where volume <> floor(volume)) / count(*)"
    assert _one(bars, fractional, BEFORE_2026) == 0
    assert 0.3 < _one(bars, fractional, IN_2026) < 0.4


def test_most_bars_are_in_the_session_which_is_short_on_a_half_day(bars: duckdb.DuckDBPyConnection) -> None:
    for day, closes in ((IN_2026, time(16)), (HALF_DAY, time(13))):
        times = [_clock(at) for (at,) in bars.execute("select started from bars where day = ?", [day]).fetchall()]
        assert 0.7 < sum(time(9, 30) <= at < closes for at in times) / len(times) < 0.9
        assert sum(at < time(9, 30) for at in times) > 100
    assert row_count("minute_aggs", HALF_DAY, rows=ROWS) < 0.6 * ROWS


def test_a_share_that_rises_on_one_day_falls_on_another() -> None:
    days = trading_days(date(2026, 1, 5), date(2026, 1, 30))
    rose = {
        share.symbol: [price_at(share, day, 16 * 60) > price_at(share, day, 9 * 60 + 30) for day in days]
        for share in securities(40)
    }
    assert all(5 <= sum(each) <= len(days) - 5 for each in rose.values())
    assert all(5 <= sum(each) <= len(rose) - 5 for each in zip(*rose.values(), strict=True))


def test_most_is_traded_of_shares_that_everybody_knows(bars: duckdb.DuckDBPyConnection) -> None:
    by_value = bars.execute("select ticker from bars group by ticker order by sum(volume * close) desc").fetchall()
    assert {"AAPL", "NVDA", "SPY", "TSLA"} <= {ticker for (ticker,) in by_value[:20]}


def test_odd_tickers_are_always_there(bars: duckdb.DuckDBPyConnection) -> None:
    odd = {"NA", "NAN", "NULL", "TRUE", "INF", "BRK.A", "ABRpD"}
    assert odd <= set(_one(bars, "list(distinct ticker)", IN_2026))
    assert len({share.symbol for share in securities(10_000)}) == 10_000


def test_companies_change_from_file_to_file_and_are_the_same_whenever_asked() -> None:
    january, december = (
        {row[0]: row[1:] for row in symbol_rows(day, 1000)} for day in (date(2026, 1, 2), date(2026, 12, 1))
    )
    changed = [symbol for symbol in january if symbol in december and january[symbol] != december[symbol]]
    assert 100 < len(changed) < 800
    pairs = [(january[symbol], december[symbol]) for symbol in changed]
    assert [any(old[column] != new[column] for old, new in pairs) for column in range(4)] == [True] * 4
    assert january.keys() - december.keys(), "some are gone"
    assert december.keys() - january.keys(), "some are new"
    assert exchange_rows(date(2026, 1, 2)) != exchange_rows(date(2026, 1, 20))


def test_a_holiday_may_have_a_file_all_the_same(tmp_path: Path) -> None:
    holiday = partition_of(FEEDS["minute_aggs"], date(2026, 1, 1))
    with SamplePublisher(date(2026, 1, 1), date(2026, 1, 2), rows=200, folder=tmp_path) as publisher:
        stand_in = file_stand_in_of("minute_aggs")
        assert len(publisher.store.names(stand_in, "")) == 1
        publisher.break_("minute_aggs", date(2026, 1, 1), Fault.UNEXPECTED)
        names = publisher.store.names(stand_in, "")
        assert [name[-17:] for name in names] == ["2026-01-01.csv.gz", "2026-01-02.csv.gz"]
        assert publisher.store.find((holiday,)).size > 1000


def test_files_are_made_ahead_where_that_is_asked_for(tmp_path: Path) -> None:
    with SamplePublisher(date(2026, 1, 1), date(2026, 1, 6), rows=200, folder=tmp_path) as publisher:
        publisher.store.make(["minute_aggs"])
        assert len(list(tmp_path.rglob("*.csv.gz"))) == 3
        assert list(tmp_path.rglob("symbols*")) == []
