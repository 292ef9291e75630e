"""Positions and PnL of 100,000 random trades, built day by day, late and corrected, equal those of a plain loop."""

from datetime import date, datetime, timedelta

import pytest

from tests.dbt.markets.average_cost import Held, Performance, by_day
from tests.dbt.markets.trade_messages import Stream, Trade, random_trades, repriced
from tests.dbt.small_warehouse import Warehouse

# The 19th is a holiday. On the 21st nobody trades, and positions are carried over it.
THURSDAY, FRIDAY, TUESDAY, QUIET, LATER, LAST = (date(2026, 1, day) for day in (15, 16, 20, 21, 22, 23))
DAYS = (THURSDAY, FRIDAY, TUESDAY, QUIET, LATER, LAST)

GOLD = ("gold_closing_trades", "gold_portfolio_positions", "gold_trader_performance")
TABLES = ("int_trades_of_several_days", "silver_trades", "silver_trader_activity", *GOLD)

POSITIONS = """
    select trading_date, trader_id, symbol, net_quantity, avg_entry_price, avg_entry_at, last_price, position_value,
        unrealized_pnl
    from core_markets.gold_portfolio_positions
"""
PERFORMANCE = """
    select trading_date, trader_id, closing_trade_count, winning_trade_count, realized_pnl, max_drawdown,
        avg_hold_minutes, sharpe_proxy, win_rate
    from core_markets.gold_trader_performance
"""


def _near(figure: float | None) -> object:
    # The last digit that gold keeps of a figure is the eighth decimal, of minutes the sixth.
    return None if figure is None else pytest.approx(figure, rel=1e-9, abs=1e-6)


def _compare_positions(warehouse: Warehouse, expected: dict[tuple[date, str, str], Held]) -> None:
    built = {row[:3]: row[3:] for row in warehouse.execute(POSITIONS)}
    assert built.keys() == expected.keys()
    for key, (quantity, price, entered_at, last_price, value, gain) in expected.items():
        found = built[key]
        assert (found[0], found[3]) == (quantity, last_price), key
        assert found[1] == pytest.approx(price, rel=1e-9), key
        assert isinstance(found[2], datetime)
        assert abs(found[2] - entered_at) <= timedelta(microseconds=10), key
        assert found[4] == pytest.approx(value, rel=1e-9), key
        # A difference of prices that are nearly the same has their last digits.
        assert found[5] == pytest.approx(gain, rel=1e-9, abs=1e-9 * abs(value)), key


def _compare_performance(warehouse: Warehouse, expected: dict[tuple[date, str], Performance]) -> None:
    built = {row[:2]: row[2:] for row in warehouse.execute(PERFORMANCE)}
    assert built.keys() == expected.keys(), "every trader closes something on every day"
    for key, one in expected.items():
        figures = (_near(one.realized), _near(one.drawdown), _near(one.hold_minutes), _near(one.sharpe))
        assert built[key] == (one.closings, one.wins, *figures, pytest.approx(one.wins / one.closings)), key


def _build(markets: Warehouse) -> dict[str, set[str]]:
    """The days of gold that were built again."""
    markets.build("--select", *TABLES)
    return {model: markets.rebuilt(model) for model in GOLD}


def _keys(*days: date) -> set[str]:
    return {f"{day}" for day in days}


def _brought(markets: Warehouse) -> list[Trade]:
    """Bring all days: one of them late, one in two parts, and corrections of the second. Returns what is right then."""
    stream = Stream(markets)
    trades = {day: random_trades(day, 20_000, seed=7) for day in DAYS if day != QUIET}
    stream.bring(trades[THURSDAY])
    stream.bring(trades[FRIDAY])
    _build(markets)

    stream.bring(trades[LATER])
    stream.bring(trades[LAST][:9_000])
    built = _build(markets)
    assert built["gold_portfolio_positions"] == _keys(TUESDAY, QUIET, LATER, LAST), "trading days are carried over"
    assert built["gold_closing_trades"] == built["gold_trader_performance"] == _keys(LATER, LAST)

    stream.bring(trades[LAST][9_000:])
    assert set(map(frozenset, _build(markets).values())) == {frozenset(_keys(LAST))}

    stream.bring(trades[TUESDAY])
    built = _build(markets)
    assert built["gold_portfolio_positions"] == _keys(TUESDAY, QUIET, LATER, LAST)
    assert built["gold_closing_trades"] == built["gold_trader_performance"] == _keys(TUESDAY, LATER, LAST)

    stream.bring([repriced(trade) for trade in trades[FRIDAY][:500]])
    assert _build(markets)["gold_trader_performance"] == _keys(FRIDAY, TUESDAY, LATER, LAST)
    return list(stream.trades.values())


def test_positions_and_pnl_are_those_of_a_plain_loop_over_all_trades(markets: Warehouse) -> None:
    trades = _brought(markets)
    assert len(trades) == 100_000
    positions, performance = by_day(trades, DAYS)
    _compare_positions(markets, positions)
    _compare_performance(markets, performance)
    assert len({key[0] for key in positions}) == 6
    assert any(held[0] < 0 for held in positions.values())
    assert len({trader for _, trader in performance}) == 12

    incremental = {model: _contents(markets, model) for model in GOLD}
    markets.build("--full-refresh", "--select", *TABLES)
    assert {model: _contents(markets, model) for model in GOLD} == incremental


def _contents(markets: Warehouse, model: str) -> list[tuple[object, ...]]:
    return markets.execute(f"from core_markets.{model} order by all")
