"""Prices of shares, the same wherever they are published: in minute files, candles and chains of options.

A share's level is a function of the day alone: a slow wave, and a shock of its own each day. Within the day its price
swings around the level.
"""

import hashlib
import math
from datetime import date

from sandbox.markets.securities import Security

SWING = 0.01
SWING_MINUTES = 50.0

_WAVE = 0.04
_WAVE_DAYS = 30.0
_SHOCK = 0.008


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
    return share.price * math.exp(wave + _SHOCK * normal("level", share.symbol, day))


def price_at(share: Security, day: date, minute: int) -> float:
    """The price in a minute of the day, by New York's clock, in USD."""
    return level_on(share, day) * (1 + SWING * math.sin(minute / SWING_MINUTES + share.number))
