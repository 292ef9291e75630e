"""Prices of shares, the same wherever they are published: in minute files, candles and chains of options.

A share's level is a function of the day alone: a slow wave, and each day a shock of the market and one of its own.
Within the day its price swings around the level, each day in another way.
"""

import hashlib
import math
from dataclasses import dataclass
from datetime import date

from sandbox.markets.securities import Security

_WAVE = 0.04
_WAVE_DAYS = 30.0
_SHOCK = 0.008
_SHOCK_OF_MARKET = 0.005


@dataclass(frozen=True)
class _Swing:
    """A wave within the day: how far it goes, as a share of the level, and how many minutes a radian of it takes.

    It begins elsewhere for each share, and on each day.
    """

    size: float
    minutes: float
    of_share: float
    of_day: float


# Together they look like no wave at all. A session is less than half of the longest.
_SWINGS = (
    _Swing(0.006, 140.0, 1.0, 1.9),
    _Swing(0.0025, 37.0, 2.3, 0.8),
    _Swing(0.001, 11.0, 3.7, 2.6),
    _Swing(0.0005, 3.7, 5.1, 4.3),
)


def uniform(*words: object) -> float:
    """A number in [0, 1) that depends on the words alone."""
    digest = hashlib.blake2b("/".join(map(str, words)).encode(), digest_size=8).digest()
    return (int.from_bytes(digest) >> 11) * 2.0**-53


def normal(*words: object) -> float:
    """A number that depends on the words alone, about as a normal distribution has it."""
    return math.sqrt(3) * (sum(uniform(*words, part) for part in range(4)) - 2)


def level_on(share: Security, day: date) -> float:
    """The price that a share swings around on a day, in USD."""
    wave = _WAVE * math.sin(day.toordinal() / _WAVE_DAYS + share.number)
    shock = _SHOCK * normal("level", share.symbol, day) + _SHOCK_OF_MARKET * normal("level of all", day)
    return share.price * math.exp(wave + shock)


def price_at(share: Security, day: date, minute: int) -> float:
    """The price in a minute of the day, by New York's clock, in USD."""
    swings = (
        one.size * math.sin(minute / one.minutes + share.number * one.of_share + day.toordinal() * one.of_day)
        for one in _SWINGS
    )
    return level_on(share, day) * (1 + sum(swings))


def swing_in_sql(minute: str, number: str, day: date) -> str:
    """How far the price of a share is from its level in a minute of the day, as `price_at` has it, as SQL."""
    terms = (
        f"{one.size} * sin(({minute}) / {one.minutes} + {number} * {one.of_share} + {day.toordinal() * one.of_day})"
        for one in _SWINGS
    )
    return f"({' + '.join(terms)})"
