"""The shares that are traded in the sandbox: the same ones every day, some of them with names that trip readers up."""

from dataclasses import dataclass
from functools import cache
from itertools import count as counting

# Symbol, company, sector, exchange, and price in USD.
_WELL_KNOWN = (
    ("AAPL", "Apple", "Technology", "XNAS", 262.0),
    ("AMZN", "Amazon.com", "Consumer Discretionary", "XNAS", 228.0),
    ("BAC", "Bank of America", "Financials", "XNYS", 54.0),
    ("BRK.A", "Berkshire Hathaway", "Financials", "XNYS", 748_000.0),
    ("F", "Ford Motor", "Consumer Discretionary", "XNYS", 13.4),
    ("GE", "General Electric", "Industrials", "XNYS", 310.0),
    ("IBM", "International Business Machines", "Technology", "XNYS", 295.0),
    ("JNJ", "Johnson & Johnson", "Health Care", "XNYS", 206.0),
    ("JPM", "JPMorgan Chase", "Financials", "XNYS", 322.0),
    ("KO", "Coca-Cola", "Consumer Staples", "XNYS", 70.0),
    ("MSFT", "Microsoft", "Technology", "XNAS", 478.0),
    ("NVDA", "NVIDIA", "Technology", "XNAS", 187.0),
    ("QQQ", "Invesco QQQ Trust", "", "XNAS", 621.0),
    ("SPY", "SPDR S&P 500 ETF Trust", "", "ARCX", 688.0),
    ("TSLA", "Tesla", "Consumer Discretionary", "XNAS", 431.0),
    ("XOM", "Exxon Mobil", "Energy", "XNYS", 121.0),
)
LIQUIDITY_OF_KNOWN = 0.999
# Symbols that a reader may take for a missing value, a truth or a number, and some with other characters than capitals.
_ODD = ("NA", "NAN", "NULL", "TRUE", "FALSE", "INF", "NONE", "E", "1E5", "BF.B", "ABRpD", "BCpA", "ZVZZT", "AACB.U")

_SECTORS = (
    "Communication Services",
    "Consumer Discretionary",
    "Consumer Staples",
    "Energy",
    "Financials",
    "Health Care",
    "Industrials",
    "Materials",
    "Real Estate",
    "Technology",
    "Utilities",
)
_EXCHANGES = ("XNYS", "XNAS", "XNAS", "XNYS", "XASE", "ARCX", "BATS")
_FIRST_WORDS = ("Atlantic", "Blue", "Cedar", "Delta", "Eagle", "First", "Granite", "Hudson", "Iron", "Juniper", "Lake")
_SECOND_WORDS = (
    "Bancorp",
    "Biotech",
    "Energy",
    "Foods",
    "Logistics",
    "Materials",
    "Networks",
    "Properties",
    "Software",
)
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_GOLDEN = 0.6180339887498949


@dataclass(frozen=True)
class Security:
    """A share. `number` counts from 0; `liquidity` is its rank from 0 (hardly traded) to 1 (traded every minute)."""

    number: int
    symbol: str
    company: str
    sector: str
    exchange: str
    price: float
    liquidity: float


@cache
def securities(count: int) -> tuple[Security, ...]:
    """So many shares, sorted by symbol as the publishers sort: by its bytes. The odd ones are always among them."""
    found = [Security(number, *values, liquidity=LIQUIDITY_OF_KNOWN) for number, values in enumerate(_WELL_KNOWN)]
    found += [_made_up(number, symbol, 0.7) for number, symbol in enumerate(_ODD, len(found))]
    symbols = {security.symbol for security in found}
    for name in counting():
        if len(found) >= count:
            break
        if (symbol := _symbol(name)) not in symbols:
            symbols.add(symbol)
            found.append(_made_up(len(found), symbol, len(found) * _GOLDEN % 1))
    return tuple(sorted(found, key=lambda security: security.symbol.encode()))


def _symbol(name: int) -> str:
    """Four letters, all over the alphabet; no name twice until all are used."""
    number, letters = name * 7919 % 26**4, ""
    for _ in range(4):
        number, letter = divmod(number, 26)
        letters += _LETTERS[letter]
    return letters


def _made_up(number: int, symbol: str, liquidity: float) -> Security:
    company = f"{_FIRST_WORDS[number % 11]} {_SECOND_WORDS[number // 11 % 9]} {number}"
    price = round(0.3 + 400 * (number * _GOLDEN * 7 % 1) ** 3, 2)
    return Security(number, symbol, company, _SECTORS[number % 11], _EXCHANGES[number % 7], price, liquidity)
