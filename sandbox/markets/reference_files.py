"""Makes the dated reference files: which symbols, exchanges, traders and accounts there are, as of a day.

From one file to the next some companies have another name, sector, size or exchange, some symbols are new, and some
are gone. Traders change firm, desk and risk tier, accounts their type and status.
"""

import csv
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

from sandbox.markets.exchange.parties import ACCOUNT_HEADER, TRADER_HEADER, TRADERS, account_rows, trader_rows
from sandbox.markets.securities import Security, securities

_EXCHANGES = (
    ("XNYS", "New York Stock Exchange", "America/New_York", "09:30", "16:00"),
    ("XNAS", "Nasdaq", "America/New_York", "09:30", "16:00"),
    ("XASE", "NYSE American", "America/New_York", "09:30", "16:00"),
    ("ARCX", "NYSE Arca", "America/New_York", "09:30", "16:00"),
    ("BATS", "Cboe BZX Exchange", "America/New_York", "09:30", "16:00"),
)
# Renamed on this day.
_RENAMED = date(2026, 1, 20), ("BATS", "Cboe BZX U.S. Equities Exchange")
_ENDINGS = ("Inc", "Holdings Inc", "Group Inc", "Corp")
_SIZES = ("micro", "small", "mid", "large", "mega")
_YEAR_OF_CHANGES = date(2026, 1, 1)

_SYMBOL_HEADER = ("symbol", "company_name", "sector", "market_cap_bucket", "exchange_code")
_EXCHANGE_HEADER = ("exchange_code", "name", "timezone", "opens_at", "closes_at")


def has_symbols_file(day: date) -> bool:
    """Whether a file of symbols is published on a day."""
    return day.toordinal() % 11 in (0, 4)


def has_exchanges_file(day: date) -> bool:
    """Whether a file of exchanges is published on a day."""
    return day.toordinal() % 17 == 0


def symbol_rows(day: date, count: int) -> list[tuple[str, ...]]:
    """The symbols as of a day, of so many shares."""
    return [_as_of(share, day) for share in securities(count) if _is_listed(share, day)]


def exchange_rows(day: date) -> list[tuple[str, ...]]:
    """The exchanges as of a day."""
    renamed_on, (code, name) = _RENAMED
    return [(row[0], name, *row[2:]) if row[0] == code and day >= renamed_on else row for row in _EXCHANGES]


def write_symbols(path: Path, day: date, *, shares: int, revision: int) -> None:
    """Write the file of a day. Another revision has more symbols, and one of them another name."""
    rows = symbol_rows(day, shares)
    for number in range(revision):
        symbol, name, *rest = rows[number]
        rows[number] = (symbol, f"{name} (corrected)", *rest)
        rows += [(f"NEW{number}{row}", f"New Company {number}{row}", "Energy", "micro", "XNYS") for row in range(7)]
    _write(path, _SYMBOL_HEADER, iter(rows))


def write_exchanges(path: Path, day: date, *, revision: int) -> None:
    """Write the file of a day. Another revision has more exchanges."""
    more = [(f"X{row:03}", f"Exchange {row}", "UTC", "08:00", "16:00") for row in range(7 * revision)]
    _write(path, _EXCHANGE_HEADER, iter([*exchange_rows(day), *more]))


def write_traders(path: Path, day: date, *, revision: int) -> None:
    """Write the file of a day. Another revision has more traders."""
    more = [(f"TRDX{row:03}", f"New Trader {row}", "Cedar Partners", "Equities", "low") for row in range(7 * revision)]
    _write(path, TRADER_HEADER, iter([*trader_rows(day), *more]))


def write_accounts(path: Path, day: date, *, revision: int) -> None:
    """Write the file of a day. Another revision has more accounts."""
    more = [(f"ACCX{row:03}", TRADERS[0], "cash", "active", "2025-01-02") for row in range(7 * revision)]
    _write(path, ACCOUNT_HEADER, iter([*account_rows(day), *more]))


def _write(path: Path, header: tuple[str, ...], rows: Iterator[tuple[str, ...]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


def _is_listed(share: Security, day: date) -> bool:
    if share.number % 50 == 37:
        return day < _YEAR_OF_CHANGES + timedelta(days=share.number % 365)
    if share.number % 40 == 33:
        return day >= _YEAR_OF_CHANGES - timedelta(days=200) + timedelta(days=share.number % 400)
    return True


def _as_of(share: Security, day: date) -> tuple[str, ...]:
    """A symbol's row. What changes of it, if anything, does so every half a year to a year."""
    changes = (day.toordinal() + 37 * share.number) // (180 + share.number % 170)
    name = f"{share.company} {_ENDINGS[changes % 4 if share.number % 5 == 0 else share.number % 4]}"
    sector = "Technology" if share.number % 9 == 4 and changes % 2 else share.sector
    size = _SIZES[(share.number + (changes if share.number % 4 == 1 else 0)) % 5]
    exchange = "XNAS" if share.number % 11 == 8 and changes % 2 else share.exchange
    return share.symbol, name, sector, size, exchange
