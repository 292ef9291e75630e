"""Who trades at the exchange: traders and their accounts, and how they change over time."""

from dataclasses import dataclass
from datetime import date

TRADERS = tuple(f"TRD{number:03d}" for number in range(1, 31))
# Every third trader has two accounts.
ACCOUNTS_OF = {
    trader: tuple(f"ACC{number:03d}{letter}" for letter in ("A", "B")[: 2 if number % 3 == 0 else 1])
    for number, trader in enumerate(TRADERS, 1)
}

_FIRST_NAMES = ("Ada", "Bela", "Chidi", "Dana", "Emil", "Fatou", "Goran", "Hana", "Ines", "Jomo", "Kim", "Lena")
_LAST_NAMES = ("Abbott", "Berg", "Castro", "Diallo", "Evans", "Fischer", "Garcia")
_FIRMS = ("Atlantic Capital", "Blue River Trading", "Cedar Partners", "Hudson Securities")
_DESKS = ("Equities", "Derivatives", "Market Making", "Quantitative")
_RISK_TIERS = ("low", "medium", "high")
_ACCOUNT_TYPES = ("cash", "margin", "institutional")

TRADER_HEADER = ("trader_id", "name", "firm", "desk", "risk_tier")
ACCOUNT_HEADER = ("account_id", "trader_id", "account_type", "status", "created_on")


@dataclass(frozen=True)
class _Change:
    """How often something has changed by a day, if it does so every so many days."""

    every: int
    shift: int

    def times(self, day: date) -> int:
        return (day.toordinal() + self.shift) // self.every


def has_traders_file(day: date) -> bool:
    """Whether a file of traders is published on a day."""
    return day.toordinal() % 9 == 2


def has_accounts_file(day: date) -> bool:
    """Whether a file of accounts is published on a day."""
    return day.toordinal() % 7 == 3


def trader_rows(day: date) -> list[tuple[str, ...]]:
    """The traders as of a day."""
    return [_trader(number, trader, day) for number, trader in enumerate(TRADERS)]


def account_rows(day: date) -> list[tuple[str, ...]]:
    """The accounts as of a day."""
    return [
        _account(number, trader, account, day)
        for number, trader in enumerate(TRADERS)
        for account in ACCOUNTS_OF[trader]
    ]


def _trader(number: int, trader: str, day: date) -> tuple[str, ...]:
    firm = _Change(400 + 17 * (number % 5), 31 * number).times(day) if number % 4 == 1 else 0
    desk = _Change(120 + 11 * (number % 7), 13 * number).times(day) if number % 3 == 0 else 0
    tier = _Change(60 + 7 * (number % 11), 19 * number).times(day) if number % 5 == 2 else 0
    return (
        trader,
        f"{_FIRST_NAMES[number % 12]} {_LAST_NAMES[number % 7]}",
        _FIRMS[(number + firm) % 4],
        _DESKS[(number // 4 + desk) % 4],
        _RISK_TIERS[(number + tier) % 3],
    )


def _account(number: int, trader: str, account: str, day: date) -> tuple[str, ...]:
    kind = _Change(90 + 13 * (number % 6), 23 * number).times(day) if number % 4 == 2 else 0
    is_suspended = number % 6 == 5 and _Change(45, 11 * number).times(day) % 3 == 0
    created_on = date(2015 + number % 9, 1 + number % 12, 1 + number % 28)
    second = int(account.endswith("B"))
    return (
        account,
        trader,
        _ACCOUNT_TYPES[(number + kind + second) % 3],
        "suspended" if is_suspended else "active",
        str(created_on),
    )
