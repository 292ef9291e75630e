"""What happens at the exchange: trades, snapshots of the order book, and prices by minute, all of them in order.

Prices are those of the minute files and candles. Prices by minute are made of the trades themselves.
"""

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

from ingestion.markets.trading_days import NEW_YORK, Session
from sandbox.markets.exchange.parties import ACCOUNTS_OF, TRADERS
from sandbox.markets.exchange.schemas import Record
from sandbox.markets.prices import price_at
from sandbox.markets.securities import LIQUIDITY_OF_KNOWN, Security, securities

_SHARES = 40
_MINUTE = timedelta(minutes=1)
_SECONDS = 60
_TICK = 0.01
# Some levels of the book have more than two decimals.
_LESS_THAN_A_CENT = 0.0012
# Of the trades and snapshots together.
_SHARE_OF_TRADES = 0.65
_LEVELS = (1, 2, 3)
_LOTS = (1, 5, 10, 25, 50, 100, 100, 100, 200, 300, 500, 1000)
# Nobody trades many shares that cost as much as a house.
_PRICE_OF_FEW = 10_000


@dataclass(frozen=True)
class Event:
    """Something that happened: a record of a feed, in the first edition of its schema. Times are UTC.

    `at` is when it is published.
    """

    feed: str
    at: datetime
    record: Record


@lru_cache(maxsize=1)
def shares_traded() -> tuple[Security, ...]:
    """The shares that are traded: those that everybody knows."""
    return tuple(share for share in securities(_SHARES) if share.liquidity == LIQUIDITY_OF_KNOWN)


@lru_cache(maxsize=100_000)
def _price(share: Security, day: date, minute: int) -> float:
    return price_at(share, day, minute)


def price(share: Security, at: datetime) -> float:
    """The price of a share at a time, in USD, to the cent."""
    local = at.astimezone(NEW_YORK)
    day, minute = local.date(), local.hour * _SECONDS + local.minute
    first, then = _price(share, day, minute), _price(share, day, minute + 1)
    part = (local.second + local.microsecond / 1e6) / _SECONDS
    return max(_TICK, round(first + (then - first) * part, 2))


def moments(session: Session, count: int, seed: int = 0) -> Iterator[datetime]:
    """So many moments of a session, in order and about evenly spread, in UTC."""
    drawn = random.Random(f"moments/{seed}/{session.day}")
    opens = datetime.combine(session.day, session.opens_at, NEW_YORK).astimezone(UTC)
    closes = datetime.combine(session.day, session.closes_at, NEW_YORK).astimezone(UTC)
    step = (closes - opens) / count
    for number in range(count):
        yield opens + step * (number + drawn.random())


class Market:
    """Turns moments into events. The same moments and the same seed give the same events."""

    def __init__(self, seed: int = 0) -> None:
        self._drawn = random.Random(f"market/{seed}")
        self._minute: datetime | None = None
        self._bars: dict[str, Record] = {}

    def events(self, happening: Iterable[datetime]) -> Iterator[Event]:
        """A trade or a snapshot for each moment, and at the end of a minute its prices."""
        for at in happening:
            yield from self._prices_until(at)
            share = self._drawn.choice(shares_traded())
            if self._drawn.random() < _SHARE_OF_TRADES:
                yield self._trade(share, at)
            else:
                yield self._snapshot(share, at)

    def close(self) -> Iterator[Event]:
        """The prices of the minute that has not ended yet."""
        if self._minute is not None:
            yield from self._prices_until(self._minute + _MINUTE)

    def _trade(self, share: Security, at: datetime) -> Event:
        drawn = self._drawn
        trader = drawn.choice(TRADERS)
        paid = max(_TICK, round(price(share, at) * (1 + drawn.uniform(-0.0004, 0.0004)), 2))
        quantity = float(drawn.choice(_LOTS)) if paid < _PRICE_OF_FEW else 1.0
        self._add_to_bar(share, paid, quantity)
        record = {
            "trade_id": f"T{at:%Y%m%d%H%M%S%f}-{drawn.randrange(10_000):04d}",
            "symbol": share.symbol,
            "exchange": share.exchange,
            "trader_id": trader,
            "account_id": drawn.choice(ACCOUNTS_OF[trader]),
            "side": drawn.choice(("BUY", "SELL")),
            "price": paid,
            "quantity": quantity,
            "trade_timestamp": at,
            "event_timestamp": at,
        }
        return Event("trades", at, record)

    def _snapshot(self, share: Security, at: datetime) -> Event:
        drawn, middle = self._drawn, price(share, at)
        half = max(_TICK, round(middle * drawn.uniform(0.0001, 0.0004), 2))
        record: Record = {"symbol": share.symbol, "exchange": share.exchange}
        for side, sign in (("bid", -1), ("ask", 1)):
            for level in _LEVELS:
                exact = middle + sign * half * (2 * level - 1) + drawn.choice((0, 0, _LESS_THAN_A_CENT))
                record[f"{side}_price_{level}"] = max(_TICK, round(exact, 4))
                record[f"{side}_size_{level}"] = float(drawn.choice(_LOTS) * level)
        return Event("orderbook", at, {**record, "snapshot_timestamp": at, "event_timestamp": at})

    def _add_to_bar(self, share: Security, paid: float, quantity: float) -> None:
        bar = self._bars.setdefault(
            share.symbol, {"open": paid, "high": paid, "low": paid, "close": paid, "volume": 0.0}
        )
        bar["high"], bar["low"], bar["close"] = max(bar["high"], paid), min(bar["low"], paid), paid
        bar["volume"] += quantity

    def _prices_until(self, at: datetime) -> Iterator[Event]:
        minute = at.replace(second=0, microsecond=0)
        if self._minute is not None and minute > self._minute:
            ended = self._minute + _MINUTE
            for symbol, bar in self._bars.items():
                times = {"interval_start": self._minute, "event_timestamp": ended}
                yield Event("marketdata", ended, {"symbol": symbol, "interval_seconds": _SECONDS, **bar, **times})
            self._bars.clear()
        self._minute = minute
