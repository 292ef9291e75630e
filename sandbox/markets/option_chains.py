"""Quotes, trades, greeks and open interest of the sandbox's option contracts, at the close of a trading day.

Prices are those of Black and Scholes at the close of the underlying's candle, with a volatility that changes from day
to day and has a skew. As in real chains, some contracts are odd: quoted with a bid of 0 or above the ask, never traded,
not traded today, without greeks, without open interest, or expired but still there.
"""

import math
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from statistics import NormalDist
from typing import Any

from ingestion.markets.trading_days import NEW_YORK, trading_days
from sandbox.markets.candles import Bar, close_on, day_begins, session_minutes, utc
from sandbox.markets.option_contracts import Listed, contracts_expired, contracts_listed, last_expiry_before
from sandbox.markets.prices import normal, uniform
from sandbox.markets.securities import Security

_RATE = 0.04
_MOST_CONTRACTS_TRADED = 4_000
_NORMAL = NormalDist()


@dataclass(frozen=True)
class Valued:
    """What an option is worth, and how that changes; `volatility` is a year's, as a fraction."""

    price: float
    volatility: float
    delta: float
    gamma: float
    theta: float
    vega: float
    rho: float


def chain(share: Security, day: date) -> dict[str, dict[str, Any]]:
    """The snapshots of a share's contracts as they stand at the close of a trading day, by name."""
    shown = list(contracts_listed(share, day))
    expiry = last_expiry_before(day)
    # One that has expired is still shown.
    shown += contracts_expired(share, expiry, expiry + timedelta(days=1))[:1]
    return {one.name: _snapshot(share, one, day) for one in sorted(shown, key=lambda one: one.name)}


def bar_of(share: Security, contract: Listed, day: date) -> Bar | None:
    """The contract's bar of a trading day; None where it was not traded."""
    volume = _volume(contract, day)
    if not volume or contract.expires < day:
        return None
    last = _last_price(share, contract, day)
    first = max(0.01, round(last * (0.94 + 0.12 * uniform("first", contract.name, day)), 2))
    high, low = max(first, last), min(first, last)
    return {
        "t": day_begins(day),
        "o": first,
        "h": round(high * 1.02, 2),
        "l": max(0.01, round(low * 0.98, 2)),
        "c": last,
        "v": volume,
        "n": max(1, volume // 6),
        "vw": round((first + last) / 2, 6),
    }


def open_interest(contract: Listed, day: date) -> int:
    """The contracts that are open at the end of a trading day."""
    if _is(contract, "without interest", 11):
        return 0
    listed_for = 365 - (contract.expires - day).days
    most = 6_000 * math.exp(-8 * abs(contract.moneyness - 1)) * (0.3 + uniform("interest", contract.name))
    return round(most * (0.3 + 0.7 * listed_for / 365) * (0.85 + 0.3 * uniform("interest", contract.name, day)))


def has_open_interest(contract: Listed) -> bool:
    """Whether the list of contracts says how many are open: it does not of new ones."""
    return not _is(contract, "new", 41)


def trading_day_before(day: date) -> date:
    """The trading day before a day."""
    return _trading_day_before(day)


@lru_cache(maxsize=4096)
def _trading_day_before(day: date) -> date:
    return max(trading_days(day - timedelta(days=14), day - timedelta(days=1)))


def volatility(share: Security, strike: float, spot: float, years: float, day: date) -> float:
    """The implied volatility of a strike: highest for low strikes, and different every day."""
    level = 0.18 + 0.12 * uniform("volatility", share.symbol)
    level += 0.05 * math.sin(day.toordinal() / 23 + share.number) + 0.01 * normal("volatility", share.symbol, day)
    distance = math.log(strike / spot) / math.sqrt(years + 0.05)
    return min(1.5, max(0.08, level - 0.08 * distance + 0.05 * distance**2))


@lru_cache(maxsize=50_000)
def value(share: Security, contract: Listed, day: date) -> Valued:
    """The value of a contract at the close of a day, by Black and Scholes."""
    spot, strike = close_on(share, day), contract.strike
    years = max(0.5, (contract.expires - day).days) / 365
    sigma = volatility(share, strike, spot, years, day)
    root = sigma * math.sqrt(years)
    d1 = (math.log(spot / strike) + (_RATE + sigma**2 / 2) * years) / root
    d2 = d1 - root
    sign = 1 if contract.is_call else -1
    discounted = strike * math.exp(-_RATE * years)
    in_money, at_end = _NORMAL.cdf(sign * d1), _NORMAL.cdf(sign * d2)
    density = math.exp(-(d1**2) / 2) / math.sqrt(2 * math.pi)
    decay = spot * density * sigma / (2 * math.sqrt(years)) + sign * _RATE * discounted * at_end
    return Valued(
        price=max(0.0, sign * (spot * in_money - discounted * at_end)),
        volatility=sigma,
        delta=sign * in_money,
        gamma=density / (spot * root),
        theta=-decay / 365,
        vega=spot * density * math.sqrt(years) / 100,
        rho=sign * discounted * years * at_end / 100,
    )


def _is(contract: Listed, what: str, one_in: int) -> bool:
    """Whether a contract is odd in this way, for good."""
    return int(uniform(what, contract.name) * one_in) == 0


def _volume(contract: Listed, day: date) -> int:
    if _is(contract, "never traded", 17):
        return 0
    interest = math.exp(-10 * abs(contract.moneyness - 1)) * math.exp(-max(0, (contract.expires - day).days) / 90)
    return int(_MOST_CONTRACTS_TRADED * interest * uniform("traded", contract.name, day) ** 3)


def _last_price(share: Security, contract: Listed, day: date) -> float:
    near = value(share, contract, day).price * (0.97 + 0.06 * uniform("last", contract.name, day))
    return max(0.01, round(near, 2))


def _at(day: date, minutes_before_close: float) -> str:
    close = session_minutes(day)[1]
    moment = datetime.combine(day, time(close // 60, close % 60), NEW_YORK) - timedelta(minutes=minutes_before_close)
    return utc(moment).replace("Z", f".{int(uniform('ns', day, minutes_before_close) * 1e9):09d}Z")


def _snapshot(share: Security, contract: Listed, day: date) -> dict[str, Any]:
    if contract.expires < day:
        return {"latestQuote": _quote(0.0, 0.01, contract, contract.expires)}
    worth = value(share, contract, day)
    half = max(0.005, 0.01 * worth.price)
    bid, ask = max(0.0, round(worth.price - half, 2)), max(0.01, round(worth.price + half, 2))
    if bid and _is(contract, "crossed", 97):
        bid = round(ask + 0.05, 2)
    said: dict[str, Any] = {"latestQuote": _quote(bid, ask, contract, day)}
    traded_on = _last_traded(contract, day)
    if traded_on:
        bar = bar_of(share, contract, traded_on)
        assert bar is not None, "it was traded on that day"
        trade = {"c": "I", "p": bar["c"], "s": 1 + bar["v"] % 9, "t": _at(traded_on, 3 + bar["v"] % 60), "x": "C"}
        said |= {"dailyBar": bar, "latestTrade": trade}
    if worth.price >= 0.05 and not _is(contract, "without greeks", 53):
        greeks = {name: round(getattr(worth, name), 6) for name in ("delta", "gamma", "rho", "theta", "vega")}
        said |= {"greeks": greeks, "impliedVolatility": round(worth.volatility, 6)}
    return said


def _last_traded(contract: Listed, day: date) -> date | None:
    """The last day on which a contract was traded, of the last few ones."""
    for _ in range(4):
        if _volume(contract, day):
            return day
        day = trading_day_before(day)
    return None


def _quote(bid: float, ask: float, contract: Listed, day: date) -> dict[str, Any]:
    sizes = [1 + int(500 * uniform(side, contract.name, day)) for side in ("bid", "ask")]
    bid_size = sizes[0] if bid else 0
    return {"ap": ask, "as": sizes[1], "ax": "B", "bp": bid, "bs": bid_size, "bx": "C", "c": "A", "t": _at(day, 0.01)}
