"""Positions and what traders gained, by a plain loop over trades with exact decimals: what gold has to say.

It is written from what the columns mean, and has nothing of the models' SQL.
"""

import statistics
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from tests.dbt.markets.trade_messages import Trade

_START = datetime(2026, 1, 1)
_MICROSECOND = timedelta(microseconds=1)
# Figures in USD count to so many decimals.
_CENTS = Decimal("1e-8")


@dataclass
class Position:
    """Shares held, below 0 when short, at an average price, entered at an average time in microseconds."""

    quantity: Decimal
    price: Decimal
    entered: Decimal

    @property
    def entered_at(self) -> datetime:
        return _START + timedelta(microseconds=round(self.entered))


@dataclass(frozen=True)
class Closing:
    """Shares of a position that a trade closed, what that gained, and for how many minutes they were held."""

    trader: str
    symbol: str
    is_long: bool
    quantity: Decimal
    gain: Decimal
    minutes: Decimal


@dataclass(frozen=True)
class Performance:
    """What a trader gained on a day."""

    closings: int
    wins: int
    realized: float
    drawdown: float
    hold_minutes: float | None
    sharpe: float | None


Held = tuple[float, float, datetime, float, float, float]
"""Quantity, average price and time, last price, value and unrealised gain."""


class Book:
    """All positions, from the first trade on."""

    def __init__(self) -> None:
        self.positions: dict[tuple[str, str], Position] = {}
        self.prices: dict[str, Decimal] = {}

    def trade_all(self, trades: Iterable[Trade]) -> list[Closing]:
        """The trades of a day, one after the other; returns what they closed."""
        closings = []
        for trade in sorted(trades, key=lambda one: (one.traded_at, one.trade_id)):
            if trade.price is not None:
                self.prices[trade.symbol] = trade.price
            if trade.trader and trade.price is not None and trade.quantity is not None:
                closings += self._trade(trade, trade.trader, trade.price, trade.quantity)
        return closings

    def _trade(self, trade: Trade, trader: str, price: Decimal, quantity: Decimal) -> list[Closing]:
        key, signed = (trader, trade.symbol), quantity if trade.side == "BUY" else -quantity
        moment = Decimal((trade.traded_at - _START) // _MICROSECOND)
        held = self.positions.get(key)
        if held is None:
            self.positions[key] = Position(signed, price, moment)
            return []
        if (held.quantity > 0) == (signed > 0):
            total = held.quantity + signed
            held.price = (held.price * held.quantity + price * signed) / total
            held.entered = (held.entered * held.quantity + moment * signed) / total
            held.quantity = total
            return []
        closed = min(quantity, abs(held.quantity))
        is_long = held.quantity > 0
        gain_of_one = price - held.price if is_long else held.price - price
        minutes = (moment - held.entered) / 60_000_000
        held.quantity += signed
        if held.quantity == 0:
            del self.positions[key]
        elif (held.quantity > 0) == (signed > 0):
            self.positions[key] = Position(held.quantity, price, moment)
        return [Closing(trader, trade.symbol, is_long, closed, (gain_of_one * closed).quantize(_CENTS), minutes)]

    def held(self) -> dict[tuple[str, str], Held]:
        """The positions as they stand, by trader and symbol."""
        return {
            (trader, symbol): (
                float(one.quantity),
                float(one.price),
                one.entered_at,
                float(self.prices[symbol]),
                float(one.quantity * self.prices[symbol]),
                float((self.prices[symbol] - one.price) * one.quantity),
            )
            for (trader, symbol), one in self.positions.items()
        }


def performance(closings: Sequence[Closing]) -> dict[str, Performance]:
    """What each trader gained who closed something."""
    by_trader = defaultdict(list)
    for closing in closings:
        by_trader[closing.trader].append(closing)
    return {trader: _performance_of(own) for trader, own in by_trader.items()}


def _performance_of(closings: Sequence[Closing]) -> Performance:
    total = peak = fall = Decimal(0)
    for closing in closings:
        total += closing.gain
        peak = max(peak, total)
        fall = max(fall, peak - total)
    gains = [closing.gain for closing in closings]
    shares = sum(closing.quantity for closing in closings)
    return Performance(
        len(gains),
        sum(gain > 0 for gain in gains),
        float(total),
        float(fall),
        float(sum(closing.minutes * closing.quantity for closing in closings) / shares),
        float(statistics.mean(gains) / statistics.stdev(gains)) if len(set(gains)) > 1 else None,
    )


def by_day(
    trades: Iterable[Trade], days: Iterable[date]
) -> tuple[dict[tuple[date, str, str], Held], dict[tuple[date, str], Performance]]:
    """Positions by day, trader and symbol at the end of each of these days, and what was gained by day and trader."""
    book = Book()
    positions: dict[tuple[date, str, str], Held] = {}
    performances: dict[tuple[date, str], Performance] = {}
    of_day = defaultdict(list)
    for trade in trades:
        of_day[trade.day].append(trade)
    for day in sorted(days):
        gained = performance(book.trade_all(of_day[day]))
        positions |= {(day, *key): held for key, held in book.held().items()}
        performances |= {(day, trader): one for trader, one in gained.items()}
    return positions, performances
