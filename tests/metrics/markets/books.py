"""What traders gained and held on the days written by hand, by the plain loop over trades, as tables."""

from collections import defaultdict
from datetime import date, timedelta
from decimal import Decimal

import duckdb
import pyarrow as pa

from tests.dbt.markets.average_cost import Book
from tests.dbt.markets.trade_messages import Trade
from tests.metrics.markets.published_days import DAYS_OF_MESSAGES

_HOLIDAY = date(2026, 2, 16)

_RIGHT_TRADES = """
    select trade_id, trade_timestamp, trader_id, upper(trim(symbol)), side, quantity, price
    from raw_data.trades
    where side in ('BUY', 'SELL')
    qualify row_number() over (partition by trade_id order by event_timestamp desc) = 1
"""


def _decimal(number: float | None) -> Decimal | None:
    return None if number is None else Decimal(str(number))


def create_books(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the tables `gains`, of each trade that closed a position, and `holdings`, of trading days."""
    of_day = defaultdict(list)
    for trade_id, traded_at, trader, symbol, side, quantity, price in connection.execute(_RIGHT_TRADES).fetchall():
        trade = Trade(trade_id, traded_at, trader, symbol, side, _decimal(quantity), _decimal(price))
        of_day[trade.day].append(trade)
    book, gains, holdings = Book(), [], []
    day = min(DAYS_OF_MESSAGES)
    while day <= max(DAYS_OF_MESSAGES):
        for closing in book.trade_all(of_day[day]):
            row = {"day": day, "trader_id": closing.trader, "ticker": closing.symbol, "is_long": closing.is_long}
            gains.append(row | {"gain": float(closing.gain)})
        if day.weekday() < 5 and day != _HOLIDAY:
            for (trader, symbol), (*_, value, gain) in book.held().items():
                holdings.append({"day": day, "trader_id": trader, "ticker": symbol, "value": value, "gain": gain})
        day += timedelta(days=1)
    for name, rows in (("gains", gains), ("holdings", holdings)):
        connection.register("rows", pa.Table.from_pylist(rows))
        connection.execute(f"create temp table {name} as from rows")
        connection.unregister("rows")
