"""Daily candles of the sandbox's shares, as Alpaca's API has them. They follow the prices of the minute files."""

from datetime import UTC, date, datetime, time
from functools import lru_cache
from typing import Any

from ingestion.markets.trading_days import NEW_YORK, sessions
from sandbox.markets.prices import price_at, uniform
from sandbox.markets.securities import Security, securities

_SHARES = 40
# Shares traded by the most liquid ones on an ordinary day.
_MOST_VOLUME = 60_000_000

Bar = dict[str, Any]


@lru_cache(maxsize=1)
def shares_by_symbol() -> dict[str, Security]:
    """The shares that the API knows."""
    return {share.symbol: share for share in securities(_SHARES)}


def day_begins(day: date) -> str:
    """The time of a daily bar: midnight in New York, in UTC."""
    return utc(datetime.combine(day, time(), NEW_YORK))


def utc(moment: datetime) -> str:
    """A time as the API writes it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@lru_cache(maxsize=4096)
def session_minutes(day: date) -> tuple[int, int]:
    """The minutes of the day at which the session opens and closes."""
    (session,) = sessions(day, day)
    opens, closes = session.opens_at, session.closes_at
    return opens.hour * 60 + opens.minute, closes.hour * 60 + closes.minute


@lru_cache(maxsize=20_000)
def close_on(share: Security, day: date) -> float:
    """The last price of the session of a trading day."""
    return round(price_at(share, day, session_minutes(day)[1]), 2)


def candle(share: Security, day: date) -> Bar:
    """The candle of a trading day."""
    opens, closes = session_minutes(day)
    prices = [price_at(share, day, minute) for minute in range(opens, closes + 1, 5)]
    first, last = round(price_at(share, day, opens), 2), close_on(share, day)
    high, low = max(*prices, first, last) * 1.0005, min(*prices, first, last) * 0.9995
    volume = max(100, round(_MOST_VOLUME * share.liquidity**40 * (0.6 + 0.8 * uniform("volume", share.symbol, day))))
    return {
        "t": day_begins(day),
        "o": first,
        "h": round(high, 2),
        "l": round(low, 2),
        "c": last,
        "v": volume,
        "n": max(1, volume // 90),
        "vw": round(sum(prices) / len(prices), 6),
    }
