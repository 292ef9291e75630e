"""What the sections of markets say, from a few literal rows."""

from collections.abc import Iterator
from datetime import date, datetime

import duckdb
import pytest

from briefings.day import Day
from briefings.feed_days import FeedDay, Loaded
from briefings.markets.anomalies import anomalies
from briefings.markets.in_short import in_short
from briefings.markets.options import flow, volatility
from briefings.markets.trading import movers
from briefings.markets.watchlist import watchlist
from ingestion.catalog import FEEDS
from warehouse.periods import Grain, Period
from warehouse.releases import Source

DAY = date(2026, 1, 20)
PERIOD = Period.parse(Grain.DAY, "2026-01-20")
FOUND = ("minute_aggs", "candles_daily", "options_snapshots")

TABLES = """
    create schema core_markets;
    create table core_markets.dim_trading_day as
        select
            date '2026-01-20' as trading_date, date '2026-01-16' as previous_trading_date, false as is_half_day,
            timestamp '2026-01-20 16:00:00' as closes_at;
    create table core_markets.fct_market_days as
        select
            source_date, 5 as ticker_count, 1200 as trade_count, volume, notional, 4 as compared_count,
            2 as advancer_count, 1 as decliner_count, 1 as unchanged_count
        from (values (date '2026-01-16', 1e6, 2e6), (date '2026-01-20', 1.5e6, 1.9e6)) as v (
            source_date, volume, notional
        );
    create table core_markets.fct_ticker_days as
        select date '2026-01-20' as source_date, *
        from (values
            ('UP', 11.0e0, 10.0e0, 1e6, 11e6), ('NULL', 0.5e0, -50.0e0, 4e6, 2e6), ('FLAT', 3.0e0, 0.0e0, 1e6, 3e6),
            ('NEW', 7.0e0, null, 1e6, 7e6), ('ER', 5.0e0, 2.5e0, 2e5, 1e6), ('THIN', 9.0e0, 900.0e0, 11e4, 99e4)
        ) as v (ticker, close, change_pct, volume, notional);
    create table core_markets.dim_symbol as
        select *
        from (values
            ('UP', 'Old name', date '2025-01-01', date '2026-01-20'),
            ('UP', '[click](http://evil.example)|<b>', date '2026-01-20', null)
        ) as v (symbol, company_name, valid_from, valid_to);
    create table core_markets.fct_candles_daily as
        select source_date, 'SPY' as symbol, close as open, close as high, close as low, close, 2e6 as volume,
        1.0e0 as vwap
        from (values (date '2026-01-16', 100.0e0), (date '2026-01-20', 98.0e0)) as v (source_date, close);
    create table core_markets.derived_metrics as
        select
            date '2026-01-20' as source_date, 'SPY' as underlying, 680.0e0 as underlying_price,
            1.6e0 as put_call_ratio_volume, 0.8e0 as put_call_ratio_open_interest, 0.153e0 as atm_implied_volatility,
            0.85e0 as implied_volatility_rank, 23 as implied_volatility_days, 50 as call_volume, 80 as put_volume,
            500 as call_open_interest, 400 as put_open_interest, 0.021e0 as volatility_skew,
            null::double as realised_volatility, true as is_volatility_high, false as is_volatility_low,
            true as is_put_heavy, false as is_call_heavy;
    create table core_markets.options_flow as
        select
            date '2026-01-20' as source_date, date '2026-01-16' as previous_source_date, 'SPY' as underlying,
            contract, 'put' as option_type, strike, date '2026-02-20' as expiration_date, 500.0e0 as open_interest,
            change
            as open_interest_change, 40.0e0 as volume, premium
        from (values ('P1', 650.0e0, -120.0e0, 1000.0e0), ('P2', 0.5e0, 30.0e0, 2e6), ('P3', 1.0e0, null, null)) as v (
            contract, strike, change, premium
        );
"""


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as opened:
        opened.execute(TABLES)
        yield opened


def day(connection: duckdb.DuckDBPyConnection, *loaded: str) -> Day:
    """The day with these feeds loaded."""
    found = Loaded(PERIOD, 1, "1", datetime(2026, 1, 21))
    feeds = tuple(FeedDay(FEEDS[name], PERIOD, found if name in loaded else None) for name in FOUND)
    return Day(DAY, Source(), connection, feeds)


def test_the_market_in_a_few_lines(connection: duckdb.DuckDBPyConnection) -> None:
    said = in_short(day(connection, *FOUND))

    assert "- **1.50 M shares** of 5 tickers were traded for **1.90 M USD**, in 1.20 k trades." in said
    assert "Against 16 January 2026: shares +50.00 %, value -5.00 %." in said
    assert "- Of 4 tickers with closing prices on both days, **2 rose**, **1 fell**, and 1 closed unchanged." in said
    assert "half-day" not in said


def test_without_the_day_before_there_is_no_change(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute(
        "delete from core_markets.fct_market_days where source_date = '2026-01-16';"
        "update core_markets.fct_market_days set compared_count = 0;"
        "update core_markets.dim_trading_day set is_half_day = true, closes_at = timestamp '2026-01-20 13:00:00'"
    )
    said = in_short(day(connection, *FOUND))

    assert "Against" not in said
    assert "Minute bars of 16 January 2026 are not loaded" in said
    assert "the market closed at 13:00" in said


def test_movers_are_named_as_of_the_day_and_their_names_are_no_markup(connection: duckdb.DuckDBPyConnection) -> None:
    said = movers(day(connection, *FOUND))
    gains, losses, most = said.split("### ")[1:]

    name = r"\[click\]\(http\://evil.example\)\|\<b\>"
    assert f"| UP | {name} | 11.00 | +10.00 % | 1.00 M | 11.0 M |" in gains
    assert [line.split(" | ")[0] for line in gains.splitlines() if line.startswith("| ")][2:] == ["| UP", "| ER"]
    assert "| NULL | — | 0.5000 | -50.00 % | 4.00 M | 2.00 M |" in losses
    assert "FLAT" not in gains + losses
    assert "| NEW | — | 7.00 | — |" in most
    assert "Old name" not in said
    # A change of what is hardly traded says nothing.
    assert "THIN" not in said
    assert "Among the 5 tickers with most value traded, each at least 1.00 M USD." in said


def test_the_largest_moves_are_in_short(connection: duckdb.DuckDBPyConnection) -> None:
    said = in_short(day(connection, *FOUND))
    assert "- Of the 5 most traded tickers **UP** rose most (+10.00 %) and **NULL** fell most (-50.00 %)." in said


def test_of_many_tickers_those_with_most_value_are_the_most_traded(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute(
        """
        insert into core_markets.fct_ticker_days
        select date '2026-01-20', 'T' || n, 1.0, 0.0, 1e6, 1e6 + hash(n) % 1000000 from range(5000) as numbers (n);
        insert into core_markets.dim_symbol
        select 'T' || n, 'Company ' || n, date '2025-01-01', null from range(20000) as numbers (n);
        """
    )
    said = movers(day(connection, *FOUND)).partition("### Most traded by value")[2]
    most = connection.execute("select ticker from core_markets.fct_ticker_days order by notional desc limit 5")
    assert [line.split(" | ")[0] for line in said.splitlines()[4:9]] == [f"| {ticker}" for (ticker,) in most.fetchall()]


def test_what_is_not_loaded_is_said_once_and_has_no_section(connection: duckdb.DuckDBPyConnection) -> None:
    nothing = day(connection)

    assert in_short(nothing) == "## In short\n\n- Minute bars of this day are not loaded."
    assert [section(nothing) for section in (movers, watchlist, volatility, flow, anomalies)] == [""] * 5


def test_what_is_loaded_and_not_built_is_said(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute("delete from core_markets.fct_market_days")
    assert "loaded, but not built yet: nyc build" in in_short(day(connection, *FOUND))


def test_the_watchlist_is_compared_with_the_trading_day_before(connection: duckdb.DuckDBPyConnection) -> None:
    found = day(connection, *FOUND)

    assert "| SPY | 98.00 | 98.00 | 98.00 | 98.00 | -2.00 % | 2.00 M | 1.00 |" in watchlist(found)
    assert "- Watchlist: **SPY** -2.00 %." in in_short(found)


def test_of_a_long_watchlist_those_that_moved_most_are_named(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute(
        "insert into core_markets.fct_candles_daily"
        " select source_date, 'S' || n, close, close, close, close + n * (day(source_date) = 20)::int, volume, vwap"
        " from core_markets.fct_candles_daily, range(10, 20) as numbers (n)"
    )
    assert (
        "- Watchlist: **S19** +17.00 %, **S18** +16.00 %, **S17** +15.00 %, **S16** +14.00 %, **S12** +10.00 %, "
        "**S11** +9.00 %, **S10** +8.00 %, **SPY** -2.00 %, and 3 between them."
    ) in in_short(day(connection, *FOUND))


def test_options_have_ratios_volatilities_and_signals_in_words(connection: duckdb.DuckDBPyConnection) -> None:
    found = day(connection, *FOUND)
    said = in_short(found)

    assert "| SPY | 680.00 | 1.60 | 0.80 | 15.3 % | 85 % | +2.1 | — |" in volatility(found)
    assert "- Options are dear, with implied volatility near its highest: **SPY** (rank 85 %)." in said
    assert "- Many puts for each call traded: **SPY** (1.60)." in said
    assert "cheap" not in said
    assert "Few puts" not in said


def test_few_contracts_and_few_days_say_nothing(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute(
        "update core_markets.derived_metrics set call_volume = 39, put_volume = 60, call_open_interest = 99,"
        " put_open_interest = null, implied_volatility_days = 19, is_volatility_high = false"
    )
    found = day(connection, *FOUND)

    assert "| SPY | 680.00 | — | — | 15.3 % | — | +2.1 | — |" in volatility(found)
    assert "- Options: neither volatility nor the ratio of puts and calls stands out." in in_short(found)


def test_flow_has_the_largest_changes_and_most_premium(connection: duckdb.DuckDBPyConnection) -> None:
    changes, premiums = flow(day(connection, *FOUND)).split("### ")[1:]

    assert "Since the snapshot of 16 January 2026." in changes
    rows = [line for line in changes.splitlines() if line.startswith("| SPY")]
    assert rows == [
        "| SPY 20 Feb 2026 650 put | -120 | 500 | 40 | 1.00 k |",
        "| SPY 20 Feb 2026 0.5 put | +30 | 500 | 40 | 2.00 M |",
    ]
    assert [line for line in premiums.splitlines() if line.startswith("| SPY")] == rows[::-1]


def test_anomalies_are_told_where_there_is_a_table_of_them(connection: duckdb.DuckDBPyConnection) -> None:
    found = day(connection, *FOUND)

    assert anomalies(found) == ""
    assert "days before" not in in_short(found)
    connection.execute(
        """
        create table core_markets.ticker_anomalies as
            select
                date '2026-01-20' as source_date, 'T' || n as ticker,
                ['not_traded', 'likely_split', 'volume_spike'][n % 3 + 1] as reason, 2000.0e0 as volume,
                n as median_volume, 20.0e0 as volume_ratio, 11.0e0 as close, 44.0e0 as previous_close,
                0.25e0 as close_ratio
            from range(12) as numbers (n)
        """
    )
    rows = [line for line in anomalies(found).splitlines() if line.startswith("| T1")]
    assert anomalies(found).splitlines()[4] == "| T10 | Likely a split | 0.25 | 2.00 k | 10 | 11.00 | 44.00 |"
    assert rows[-1] == "| T11 | Much more volume | 20.00 | 2.00 k | 11 | 11.00 | 44.00 |"
    assert anomalies(found).endswith("And 2 more.")
    assert (
        "- 12 tickers were unlike their own days before: likely a split (4), not traded (4), much more volume (4)."
    ) in in_short(found)
    connection.execute("delete from core_markets.ticker_anomalies")
    assert "- No ticker was unlike its own days before." in in_short(found)
