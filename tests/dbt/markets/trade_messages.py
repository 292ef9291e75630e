"""Random trades of some days, and a plain way to bring them as messages of the stream."""

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal

import duckdb
import pyarrow as pa

from tests.dbt.small_warehouse import Warehouse
from warehouse.ledger import Fingerprint, Ledger, Watermark

_OPENS_UTC = time(14, 30)
_SESSION_SECONDS = 6 * 3600
# Prices of a symbol are near its own.
_SYMBOLS = {f"S{number:02}": Decimal(5 + 7 * number) for number in range(20)}
_TRADERS = [f"T{number:02}" for number in range(12)]
# Such that positions are often closed to the last share, also where doubles add up to a little more or less.
_QUANTITIES = [Decimal(text) for text in ("5", "10", "10", "20", "35", "100", "0.1", "0.2", "0.3", "2.000001")]


@dataclass(frozen=True)
class Trade:
    """A trade as a message says it. What is None is missing."""

    trade_id: str
    traded_at: datetime
    trader: str | None
    symbol: str
    side: str
    quantity: Decimal | None
    price: Decimal | None

    @property
    def day(self) -> date:
        return self.traded_at.date()


def random_trades(day: date, count: int, seed: int) -> list[Trade]:
    """Trades of a day in New York's winter, many of them at the same moment, in no order. One of 50 lacks something."""
    chance = random.Random(f"{seed} {day}")
    opened = datetime.combine(day, _OPENS_UTC)
    trades = []
    for number in range(count):
        symbol = chance.choice(list(_SYMBOLS))
        lacking = chance.choice(("trader", "quantity", "price")) if chance.random() < 0.02 else ""
        cents = chance.randrange(-200, 200)
        trades.append(
            Trade(
                f"{day:%m%d}-{chance.randrange(10**9):09}-{number}",
                opened + timedelta(seconds=chance.randrange(_SESSION_SECONDS)),
                None if lacking == "trader" else chance.choice(_TRADERS),
                symbol,
                chance.choice(("BUY", "SELL")),
                None if lacking == "quantity" else chance.choice(_QUANTITIES),
                None if lacking == "price" else _SYMBOLS[symbol] + Decimal(cents) / 100,
            )
        )
    return trades


def repriced(trade: Trade) -> Trade:
    """A correction: the price was another."""
    return replace(trade, price=(trade.price or Decimal(10)) + Decimal("0.37"))


@dataclass
class Stream:
    """The topic of trades. Batches add messages to raw data, and write watermarks as the engine does."""

    warehouse: Warehouse
    trades: dict[str, Trade] = field(default_factory=dict)
    _offset: int = 0
    _batches: int = 0

    def bring(self, trades: Sequence[Trade]) -> None:
        """Write a batch. A trade whose id was there before corrects it."""
        self._batches += 1
        load_id = f"batch_{self._batches:03}"
        # Later batches are written later, so that they are right.
        written = datetime(2026, 2, 1) + timedelta(hours=self._batches)
        rows = [self._row(trade, number, written) for number, trade in enumerate(trades)]
        table = pa.Table.from_pylist(rows)
        self._offset += len(rows)
        with duckdb.connect(str(self.warehouse.path)) as connection:
            connection.register("batch", table)
            connection.execute(f"insert into raw_data.trades by name select *, '{load_id}' as _dlt_load_id from batch")
            self._record(connection, {trade.day for trade in trades}, load_id)
        self.trades |= {trade.trade_id: trade for trade in trades}

    def _row(self, trade: Trade, number: int, written: datetime) -> dict[str, object]:
        return {
            "feed": "trades",
            "source_date": trade.day,
            "kafka_partition": 0,
            "kafka_offset": self._offset + number,
            "kafka_timestamp": written,
            "trade_id": trade.trade_id,
            "symbol": trade.symbol,
            "price": None if trade.price is None else float(trade.price),
            "quantity": None if trade.quantity is None else float(trade.quantity),
            "side": trade.side,
            "trader_id": trade.trader,
            "account_id": None,
            "exchange": "XNYS",
            "trade_timestamp": trade.traded_at,
            "event_timestamp": written,
        }

    def _record(self, connection: duckdb.DuckDBPyConnection, days: Iterable[date], load_id: str) -> None:
        for day in days:
            ((rows,),) = connection.execute(
                "select count(*) from raw_data.trades where source_date = ?", [day]
            ).fetchall()
            watermark = Watermark(load_id, rows, None, None, Fingerprint("kafka://raw.trades"))
            Ledger(connection).set_watermark("trades", f"{day}", watermark)
