"""What the pages about the exchange's streams show equals SQL on silver models and the ledger."""

from pathlib import Path
from typing import Any

import duckdb
import pytest

from portal.texts import count, short
from tests.portal.browsing import open_page, texts
from tests.portal.drawn import by_name, figure_of
from tests.portal.test_every_page import assert_nothing_is_none

DAY = "2025-03-12"


def figures(page: Any) -> dict[str, str]:
    return {one.label: one.value for one in page.metric}


def test_a_day_of_all_symbols(days: Path, connection: duckdb.DuckDBPyConnection) -> None:
    page = open_page("summary", {"to": DAY})

    expected = connection.execute(
        """
        select
            symbol,
            arg_min(price, (trade_timestamp, trade_id)) filter (price is not null),
            max(price),
            min(price),
            arg_max(price, (trade_timestamp, trade_id)) filter (price is not null),
            sum(price * quantity) / sum(quantity) filter (price is not null),
            sum(quantity),
            count(*)
        from core_markets.silver_trades
        where source_date = $1
        group by symbol
        order by sum(price * quantity) desc, symbol
        """,
        [DAY],
    ).fetchall()
    assert len(expected) == 16
    columns = ["symbol", "open_price", "high_price", "low_price", "close_price", "vwap", "total_volume", "trade_count"]
    shown = page.dataframe[0].value[columns].itertuples(index=False)
    for of_page, row in zip(shown, expected, strict=True):
        assert of_page[0] == row[0]
        assert list(of_page)[1:] == pytest.approx(row[1:])
    assert figures(page)["Trades"] == count(sum(row[7] for row in expected))
    assert figures(page)["Shares"] == short(sum(row[6] for row in expected))


def test_spread_and_change_of_a_symbol(days: Path, connection: duckdb.DuckDBPyConnection) -> None:
    page = open_page("summary", {"symbol": "AAPL", "from": DAY, "to": DAY})

    ((spread, change),) = connection.execute(
        """
        select
            (
                select avg(ask_price_1 - bid_price_1) from core_markets.silver_orderbook_snapshots
                where symbol = 'AAPL' and source_date = $1
            ),
            (
                select arg_max(close, interval_start) - arg_min(open, interval_start)
                from core_markets.silver_market_data
                where symbol = 'AAPL' and source_date = $1
            )
        """,
        [DAY],
    ).fetchall()
    (row,) = page.dataframe[1].value.itertuples()
    assert (row.avg_spread, row.price_change) == pytest.approx((spread, change), abs=1e-5)
    assert "Apple" in texts(page)


def test_gainers_and_losers_are_drawn_from_the_best_to_the_worst(
    days: Path, connection: duckdb.DuckDBPyConnection
) -> None:
    figure = figure_of(open_page("summary", {"to": DAY}), "Gainers and losers")

    expected = connection.execute(
        """
        select symbol, 100 * (arg_max(close, interval_start) / arg_min(open, interval_start) - 1) as change
        from core_markets.silver_market_data
        where
            source_date = $1
            and symbol in (select symbol from core_markets.silver_trades where source_date = $1)
        group by symbol
        order by change desc
        """,
        [DAY],
    ).fetchall()
    rose = [row for row in expected if row[1] > 0][:5]
    fell = [row for row in expected if row[1] < 0][-5:]
    order = figure["layout"]["yaxis"]["categoryarray"]
    assert list(order) == [symbol for symbol, _ in [*rose, *fell]]


def test_ranking_of_traders(days: Path, connection: duckdb.DuckDBPyConnection) -> None:
    page = open_page("traders", {"trader": "TRD003", "from": "2025-03-10", "to": DAY})

    trades = dict(
        connection.execute(
            "select trader_id, count(*) from core_markets.silver_trades"
            " where source_date between '2025-03-10' and $1 group by trader_id",
            [DAY],
        ).fetchall()
    )
    ranking = page.dataframe[0].value
    assert dict(zip(ranking["trader_id"], ranking["trade_count"], strict=True)) == trades
    assert list(ranking["realized_pnl"]) == sorted(ranking["realized_pnl"], reverse=True)
    ((firm, desk),) = connection.execute(
        "select firm, desk from core_markets.dim_trader"
        " where trader_id = 'TRD003' and valid_from <= $1 and coalesce(valid_to, '9999-01-01') > $1",
        [DAY],
    ).fetchall()
    (row,) = ranking[ranking["trader_id"] == "TRD003"].itertuples()
    assert (row.firm, row.desk) == (firm, desk)
    assert f"{firm} · {desk}" in texts(page)

    drawn = by_name(figure_of(page, "TRD003 by day"))
    of_mart = connection.execute(
        "select trading_date, realized_pnl from core_markets.gold_trader_performance"
        " where trader_id = 'TRD003' and trading_date between '2025-03-10' and $1",
        [DAY],
    ).fetchall()
    assert {day: value for (_, day), value in drawn.items()} == {str(day): value for day, value in of_mart}


def test_positions_are_what_was_bought_less_what_was_sold(days: Path, connection: duckdb.DuckDBPyConnection) -> None:
    page = open_page("positions", {"day": DAY, "trader": "TRD003"})

    expected = connection.execute(
        """
        select symbol, sum(if(side = 'BUY', quantity, -quantity)) as held
        from core_markets.silver_trades
        where trader_id = 'TRD003' and source_date <= $1 and price is not null and quantity is not null
        group by symbol
        having held <> 0
        """,
        [DAY],
    ).fetchall()
    shown = page.dataframe[0].value
    assert dict(zip(shown["symbol"], shown["net_quantity"], strict=True)) == dict(expected)
    assert figures(page)["Positions"] == count(len(expected))
    drawn = by_name(figure_of(page, "Unrealised PnL by symbol"), x="y", y="x")
    of_mart = dict(zip(shown["symbol"], shown["unrealized_pnl"], strict=True))
    assert {symbol: value for (_, symbol), value in drawn.items()} == pytest.approx(of_mart)
    assert figures(page)["Unrealised PnL, USD"] == short(float(shown["unrealized_pnl"].sum()))


def test_a_position_can_be_chosen_by_symbol(days: Path) -> None:
    page = open_page("positions", {"day": DAY, "symbol": "AAPL"})

    assert set(page.dataframe[0].value["symbol"]) == {"AAPL"}
    assert "all traders · AAPL" in texts(page)


def test_streams_show_what_was_read_and_what_could_not_be(days: Path, connection: duckdb.DuckDBPyConnection) -> None:
    page = open_page("streams")

    raw = dict(
        connection.execute("select feed, sum(published) from core_checks.reconciliation group by feed").fetchall()
    )
    partitions = page.dataframe[0].value
    assert len(partitions) == 9
    read = partitions.groupby("feed")["rows"].sum().to_dict()
    assert read == {feed: raw[feed] for feed in ("trades", "orderbook", "marketdata")}
    ((rejected,),) = connection.execute("select count(*) from core_checks.stream_rejects").fetchall()
    assert rejected > 0
    assert figures(page)["Rejected"] == count(rejected)
    assert page.dataframe[1].value["messages"].sum() == rejected
    assert figures(page)["Behind"] == "0"


def test_one_stream_alone(days: Path) -> None:
    page = open_page("streams", {"stream": "orderbook"})

    assert set(page.dataframe[0].value["topic"]) == {"raw.orderbook"}
    assert set(page.dataframe[2].value["topic"]) == {"raw.orderbook"}


def test_the_overview_says_until_when_trades_are_loaded(days: Path) -> None:
    assert f"trades of the exchange until {DAY}" in texts(open_page("overview")).replace("\\", "")


@pytest.mark.parametrize(
    ("path", "address", "said"),
    [
        ("positions", {"day": "2025-03-09"}, "Day: 2025-03-09 is none of the trading days loaded"),
        ("positions", {"trader": "x'; drop table t"}, "is none of the traders with positions. This is All."),
        ("summary", {"symbol": "<b>"}, "is none of the symbols traded"),
        ("streams", {"stream": "candles"}, "Stream: candles is none of the streams that were read. This is All."),
    ],
)
def test_what_is_no_choice_is_said(days: Path, path: str, address: dict[str, str], said: str) -> None:
    page = open_page(path, address)

    assert_nothing_is_none(page)
    assert said in page.warning[0].value.replace("\\", "")
