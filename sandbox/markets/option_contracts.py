"""Which option contracts there are in the sandbox on a day: their expiries, strikes and names.

A contract's strikes follow from its expiry alone, so that it is the same one every day. Each share has weekly expiries
for eight weeks and monthly ones for a year.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

from ingestion.markets.trading_days import trading_days
from sandbox.markets.prices import level_on
from sandbox.markets.securities import Security

# Of these there are no options, though there are shares.
WITHOUT_OPTIONS = frozenset({"BRK.A"})
# This company's options have a digit after their root, as after a split: their strikes are not round.
_ADJUSTED = {"XOM": "XOM2"}

_WEEKS = 8
_DAYS = 365
_STRIKES_EACH_SIDE = 20
_STEPS = (0.5, 1.0, 2.5, 5.0, 10.0, 25.0, 50.0)
_FRIDAY = 4


@dataclass(frozen=True)
class Listed:
    """A contract. `moneyness` is the strike over the price that the strikes were listed around."""

    name: str
    root: str
    underlying: str
    expires: date
    strike: float
    is_call: bool
    moneyness: float


def contracts_listed(share: Security, day: date) -> tuple[Listed, ...]:
    """The contracts on a share that are listed on a day and have not expired before it, by name."""
    found = [one for expiry in expiries(day) for one in _contracts(share, expiry)]
    return tuple(sorted(found, key=lambda one: one.name))


def contracts_expired(share: Security, first: date, before: date) -> tuple[Listed, ...]:
    """The contracts that expired from the first day on, before another one, by name."""
    found = [one for expiry in _fridays(first, before - timedelta(days=1)) for one in _contracts(share, expiry)]
    return tuple(sorted(found, key=lambda one: one.name))


@lru_cache(maxsize=512)
def expiries(day: date) -> tuple[date, ...]:
    """The days of expiry that are listed on a day."""
    weekly = _fridays(day, day + timedelta(weeks=_WEEKS))
    monthly = [expiry for expiry in _fridays(day, day + timedelta(days=_DAYS)) if _is_third_week(expiry)]
    return tuple(sorted({*weekly, *monthly}))


def last_expiry_before(day: date) -> date:
    """The last day of expiry before a day."""
    return max(_fridays(day - timedelta(days=14), day - timedelta(days=1)))


@lru_cache(maxsize=4096)
def _contracts(share: Security, expiry: date) -> tuple[Listed, ...]:
    if share.symbol in WITHOUT_OPTIONS:
        return ()
    return tuple(_both_types(share, expiry))


def _both_types(share: Security, expiry: date) -> Iterator[Listed]:
    # The level of a day that was known long before: of another one for each month, so that strikes move with prices.
    around = level_on(share, expiry.replace(day=1) - timedelta(weeks=_WEEKS))
    step = max(step for step in _STEPS if step <= max(_STEPS[0], around * 0.02))
    middle = round(around / step)
    root = share.symbol.replace(".", "")
    for number in range(max(1, middle - _STRIKES_EACH_SIDE), middle + _STRIKES_EACH_SIDE + 1):
        for is_call in (True, False):
            strike = number * step
            yield _listed(share, root, expiry, strike, is_call, strike / around)
    if share.symbol in _ADJUSTED and _is_third_week(expiry):
        strike = round(middle * step / 1.07, 2)
        yield _listed(share, _ADJUSTED[share.symbol], expiry, strike, False, strike / around)


def _listed(share: Security, root: str, expiry: date, strike: float, is_call: bool, moneyness: float) -> Listed:
    name = f"{root}{expiry:%y%m%d}{'C' if is_call else 'P'}{round(strike * 1000):08}"
    return Listed(name, root, share.symbol, expiry, strike, is_call, moneyness)


def _fridays(first: date, last: date) -> tuple[date, ...]:
    """The last trading days of the weeks that end from the first day to the last: Fridays, or the day before one."""
    friday = first + timedelta(days=(_FRIDAY - first.weekday()) % 7)
    found = []
    while friday <= last + timedelta(days=4):
        if expiry := _last_trading_day(friday):
            found.append(expiry)
        friday += timedelta(weeks=1)
    return tuple(expiry for expiry in found if first <= expiry <= last)


@lru_cache(maxsize=4096)
def _last_trading_day(friday: date) -> date | None:
    return max(trading_days(friday - timedelta(days=4), friday), default=None)


def _is_third_week(expiry: date) -> bool:
    """Whether a day of expiry is that of the month."""
    friday = expiry + timedelta(days=(_FRIDAY - expiry.weekday()) % 7)
    return 15 <= friday.day <= 21
