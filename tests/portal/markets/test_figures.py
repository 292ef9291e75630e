"""What the pages of markets show equals SQL on the release, written from the words on the page."""

import subprocess
import sys
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from portal.markets import SECTION
from portal.texts import plain, short
from tests.portal.browsing import open_page, texts
from tests.portal.drawn import by_name, figure_of, values_of
from tests.portal.test_every_page import assert_nothing_is_none
from warehouse.paths import PROJECT_ROOT

# A Wednesday. The clocks changed on the Sunday before.
DAY = "2025-03-12"

WITHOUT_DAGSTER_AND_STREAMLIT = """
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0].startswith(("dagster", "streamlit")):
            raise ModuleNotFoundError(f"No module named {name!r}")

sys.meta_path.insert(0, Absent())
from cli.app import app
app(sys.argv[1:], prog_name="nyc")
"""


PAGES = [page.path for page in SECTION.pages]


def of_sql(connection: duckdb.DuckDBPyConnection, sql: str, *values: object) -> list[tuple[object, ...]]:
    return connection.execute(sql, list(values)).fetchall()


@pytest.mark.parametrize("path", [*PAGES, "overview", "metrics", "health"])
def test_every_page_is_whole(days: Path, path: str) -> None:
    page = open_page(path)

    assert_nothing_is_none(page)
    assert not page.error
    # Other subjects are not loaded.
    assert path not in PAGES or not page.info


def test_the_overview_draws_shares_by_day_and_session(days: Path, connection: duckdb.DuckDBPyConnection) -> None:
    drawn = by_name(figure_of(open_page("overview"), "Shares traded by day"))

    names = {"premarket": "Pre-market", "market": "Market", "postmarket": "Post-market", "closed": "Closed"}
    expected = {
        (names[str(session)], str(day)): pytest.approx(shares)
        for day, session, shares in of_sql(
            connection, "select source_date, session, sum(volume) from core_markets.silver_minute_aggs group by all"
        )
    }
    assert len({day for _, day in expected}) == 6
    assert drawn == expected


def test_the_overview_counts_what_rose_and_fell(days: Path, connection: duckdb.DuckDBPyConnection) -> None:
    drawn = by_name(figure_of(open_page("overview"), "Rose and fell"))

    rose, fell = of_sql(
        connection,
        """
        with closes as (
            select ticker, source_date, arg_max(close, window_start) as close
            from core_markets.silver_minute_aggs
            where session = 'market' and source_date in ('2025-03-11', '2025-03-12')
            group by all
        )
        select count(*) filter (now.close > before.close), count(*) filter (now.close < before.close)
        from closes as now
        inner join closes as before using (ticker)
        where now.source_date = '2025-03-12' and before.source_date = '2025-03-11'
        """,
    )[0]
    assert (drawn["Rose", DAY], drawn["Fell", DAY]) == (rose, fell)
    assert rose


@pytest.fixture
def ticker(connection: duckdb.DuckDBPyConnection) -> str:
    """The ticker with most minutes on the day."""
    rows = of_sql(
        connection,
        "select ticker from core_markets.silver_minute_aggs where source_date = $1"
        " group by ticker order by count(*) desc, ticker",
        DAY,
    )
    return str(rows[0][0])


def test_candles_by_day(days: Path, connection: duckdb.DuckDBPyConnection, ticker: str) -> None:
    page = open_page("candles", {"ticker": ticker, "from": "2025-03-10", "to": DAY})

    expected = of_sql(
        connection,
        """
        select
            source_date,
            arg_min(open, window_start) filter (session = 'market'), max(high) filter (session = 'market'),
            min(low) filter (session = 'market'), arg_max(close, window_start) filter (session = 'market'),
            sum(volume), sum(transactions)
        from core_markets.silver_minute_aggs
        where ticker = $1 and source_date between '2025-03-10' and '2025-03-12'
        group by source_date
        order by source_date desc
        """,
        ticker,
    )
    shown = page.dataframe[0].value[["source_date", "open", "high", "low", "close", "volume", "trade_count"]]
    assert [day.date() for day in shown["source_date"]] == [row[0] for row in expected]
    for row, of_page in zip(expected, shown.itertuples(index=False), strict=True):
        assert list(of_page)[1:] == pytest.approx(row[1:], nan_ok=True)
    candles, bars = figure_of(page, f"{ticker} by day")["data"]
    assert candles["type"] == "candlestick"
    assert values_of(bars, "y") == pytest.approx([row[5] for row in expected[::-1]])
    figures = {one.label: one.value for one in page.metric}
    assert figures["Shares"] == short(float(str(expected[0][5])))
    assert figures["Close, USD"] == f"{expected[0][4]:,.2f}"


def test_candles_by_minute_with_sessions_shaded(days: Path, connection: duckdb.DuckDBPyConnection, ticker: str) -> None:
    figure = figure_of(
        open_page("candles", {"ticker": ticker, "bars": "Minutes", "from": DAY, "to": DAY}), f"{ticker} by minute"
    )

    expected = of_sql(
        connection,
        "select timestamp, close from core_markets.silver_minute_aggs"
        " where ticker = $1 and source_date = $2 order by timestamp",
        ticker,
        DAY,
    )
    candles = figure["data"][0]
    assert [pd.Timestamp(time) for time in values_of(candles, "x")] == [time for time, _ in expected]
    assert values_of(candles, "close") == pytest.approx([close for _, close in expected])
    shaded = [(pd.Timestamp(shape["x0"]), pd.Timestamp(shape["x1"])) for shape in figure["layout"]["shapes"]]
    hours = [(f"{DAY} 04:00", f"{DAY} 09:30"), (f"{DAY} 16:00", f"{DAY} 20:00")]
    # Once in each part of the chart.
    assert set(shaded) == {(pd.Timestamp(begin), pd.Timestamp(end)) for begin, end in hours}


def test_a_long_range_of_minutes_is_cut_to_its_last_days(days: Path, ticker: str) -> None:
    page = open_page("candles", {"ticker": ticker, "bars": "Minutes", "from": "2025-03-05", "to": DAY})

    assert "Minutes are shown of the last 5 days" in texts(page)
    assert "6 Mar to 12 Mar 2025" in texts(page)


@pytest.mark.parametrize(
    ("ticker", "said"),
    [
        ("AAPLX", "Ticker: AAPLX is none of the tickers loaded. This is AAPL."),
        ("aapl", "Ticker: aapl is none of the tickers loaded. This is AAPL."),
        ("'; drop table t; --", "Ticker: '; drop table t; -- is none of the tickers loaded. This is AAPL."),
        ("<b>[x](http://x.example)", "Ticker: <b>[x](http://x.example) is none of the tickers loaded. This is AAPL."),
        ("x" * 100_000, f"Ticker: {'x' * 60}… is none of the tickers loaded. This is AAPL."),
    ],
)
def test_a_ticker_that_is_none_is_named_and_the_first_shown(days: Path, ticker: str, said: str) -> None:
    page = open_page("candles", {"ticker": ticker})

    assert not page.exception
    assert "AAPL by day" in texts(page)
    assert [one.value for one in page.warning] == [plain(said)]


@pytest.mark.parametrize(
    ("path", "name"), [("candles", "from"), ("candles", "to"), ("options", "to"), ("briefing", "date")]
)
@pytest.mark.parametrize("day", ["2025-03-08", "2025-07-04", "2025-02-31", "today"])
def test_a_day_without_trading_is_named_and_another_shown(days: Path, path: str, name: str, day: str) -> None:
    page = open_page(path, {name: day})

    assert not page.exception
    (said,) = (one.value for one in page.warning)
    assert plain(f"{day} is none of the trading days loaded. This is 2025-03-") in said


def test_candles_say_whose_they_are_and_of_which_day(days: Path, connection: duckdb.DuckDBPyConnection) -> None:
    # No list of exchanges was published in these days.
    ((company, sector),) = of_sql(
        connection,
        "select company_name, sector from core_markets.dim_symbol"
        " where symbol = 'MSFT' and valid_from <= $1 and coalesce(valid_to > $1, true)",
        DAY,
    )
    for path, name in (("candles", "ticker"), ("options", "underlying")):
        page = open_page(path, {name: "MSFT", "to": DAY})
        assert plain(f"{company} · {sector} · Wed 12 Mar 2025") in texts(page)


def test_the_first_days_before_any_list_of_symbols_have_no_company(days: Path, ticker: str) -> None:
    page = open_page("candles", {"ticker": ticker, "from": "2025-03-05", "to": "2025-03-05"})

    assert not page.exception
    assert plain("Wed 5 Mar 2025") in texts(page)


def test_options_of_a_day(days: Path, connection: duckdb.DuckDBPyConnection) -> None:
    page = open_page("options", {"underlying": "SPY", "to": DAY})

    ratio, open_ratio, volatility = of_sql(
        connection,
        """
        select
            sum(volume) filter (option_type = 'put') / sum(volume) filter (option_type = 'call'),
            sum(open_interest) filter (option_type = 'put') / sum(open_interest) filter (option_type = 'call'),
            (select atm_implied_volatility from core_markets.derived_metrics where underlying = 'SPY' and
            source_date = '2025-03-12')
        from core_markets.fct_options_snapshots
        where underlying = 'SPY' and source_date = '2025-03-12'
        """,
    )[0]
    figures = {one.label: one.value for one in page.metric}
    assert figures["Put/call, volume"] == f"{ratio:,.2f}"
    assert figures["Put/call, open"] == f"{open_ratio:,.2f}"
    assert figures["Implied volatility"] == f"{volatility:.1%}"
    drawn = by_name(figure_of(page, "Puts per call"))
    assert drawn["By volume", DAY] == pytest.approx(ratio)


def test_the_flow_by_strike_is_the_difference_of_two_snapshots(
    days: Path, connection: duckdb.DuckDBPyConnection
) -> None:
    figure = figure_of(open_page("options", {"underlying": "SPY", "to": DAY}), "Change of open interest by strike")
    drawn = {
        (trace["name"], strike): change
        for trace in figure["data"]
        for strike, change in zip(values_of(trace, "x"), values_of(trace, "y"), strict=True)
    }

    names = {"call": "Calls", "put": "Puts"}
    expected = {
        (names[str(kind)], strike): change
        for kind, strike, change in of_sql(
            connection,
            """
            select now.option_type, now.strike, sum(now.open_interest - before.open_interest) as change
            from core_markets.fct_options_snapshots as now
            inner join core_markets.fct_options_snapshots as before using (contract)
            where now.underlying = 'SPY' and now.source_date = '2025-03-12' and before.source_date = '2025-03-11'
            group by all having change <> 0
            """,
        )
    }
    assert len(expected) > 20
    assert drawn == expected


def test_the_briefing_is_the_file_that_the_command_writes(days: Path) -> None:
    page = open_page("briefing", {"date": DAY})
    assert not page.exception

    command = ["briefing", "--date", DAY]
    assert page.code[-1].value == f"nyc {' '.join(command)}"
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_DAGSTER_AND_STREAMLIT, *command],
        capture_output=True,
        text=True,
        cwd=PROJECT_ROOT,
    )
    assert done.returncode == 0, done.stderr
    path = Path(done.stdout.strip())
    assert path == days / "briefings" / f"{DAY}.md"
    title, _, text = path.read_text().partition("\n\n")
    assert title == "# Markets on Wednesday, 12 March 2025"
    assert text.strip() in {block.value.strip() for block in page.markdown}


def test_the_figures_of_the_briefing(days: Path, connection: duckdb.DuckDBPyConnection) -> None:
    said = next(block.value for block in open_page("briefing", {"date": DAY}).markdown if "## In short" in block.value)

    shares, tickers, trades = of_sql(
        connection,
        "select sum(volume), count(distinct ticker), sum(transactions) from core_markets.silver_minute_aggs"
        " where source_date = $1",
        DAY,
    )[0]
    assert f"**{short(float(str(shares)))} shares** of {tickers:,} tickers were traded for " in said
    assert f" in {short(float(str(trades)))} trades." in said
    for session, words in (("premarket", "Pre-market"), ("market", "Market"), ("postmarket", "Post-market")):
        count, volume = of_sql(
            connection,
            "select count(distinct ticker), sum(volume) from core_markets.silver_minute_aggs"
            " where source_date = $1 and session = $2",
            DAY,
            session,
        )[0]
        assert f"| {words} | {count:,} | {short(float(str(volume)))} |" in said
    for symbol, close in of_sql(
        connection, "select symbol, close from core_markets.fct_candles_daily where source_date = $1", DAY
    ):
        assert any(line.startswith(f"| {symbol} |") and f"| {close:,.2f} |" in line for line in said.splitlines())
