"""Small files of the feeds of markets, as rows of their raw tables. Another version of a file says something else."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from itertools import product
from zoneinfo import ZoneInfo

from tests.dbt.small_warehouse import Trip

Row = Trip

FEEDS = (
    "minute_aggs",
    "symbols",
    "options_snapshots",
    "candles_daily",
    "options_bars",
    "exchanges",
    "traders",
    "accounts",
)
# Both sides of a clock change, and the day after.
DAYS = (date(2026, 3, 6), date(2026, 3, 9), date(2026, 3, 10))
FIRST, _, LAST = DAYS
# So many days of minute bars before that a ticker has a past.
PAST = [day for number in range(15) if (day := date(2026, 2, 19) + timedelta(number)).weekday() < 5]
# The days between are yet to come.
LOADED_FIRST = [("minute_aggs", day) for day in PAST] + list(product(FEEDS, (FIRST, LAST)))

_NEW_YORK = ZoneInfo("America/New_York")
_OPTION_TYPES = {"C": "call", "P": "put"}


def rows_of(feed: str, day: date, version: int) -> list[Row]:
    """What a version of the day's file says. Of version 3 nothing can be kept, or there is nothing."""
    return list(_MAKERS[feed](day, version))


def bar(ticker: str, day: date, clock: str, close: float, **columns: object) -> Row:
    """A bar of one minute, by New York's clock."""
    moment = datetime.combine(day, time.fromisoformat(clock), _NEW_YORK)
    return {
        "ticker": ticker,
        "window_start": int(moment.timestamp()) * 10**9,
        **{"open": close, "high": close + 1, "low": close - 1, "close": close, "volume": 100.5, "transactions": 3},
        **columns,
    }


def _minute_aggs(day: date, version: int) -> Iterator[Row]:
    """Two tickers in all sessions, more of them in later versions; a doubled minute and bars that cannot be.

    The price of the one and the volume of the other are so unlike those of another version that days before are no
    measure of them.
    """
    if version < 3:
        for number in range(17 + version):
            yield bar("NA", day, f"09:{25 + number:02}", 50 * 2**version + number)
        yield bar("F", day, "03:59", 12.0 + version)
        yield bar("F", day, "10:00", 12.0, volume=20_000.5 * 10**version)
        yield bar("F", day, "20:00", 13.0)
        yield bar("NA", day, "09:30", 999.0)
    if version:
        yield bar("F", day + timedelta(days=version), "10:00", 12.0)
        yield bar("F", day, "10:01", 12.0, high=1.0)


def _symbols(day: date, version: int) -> Iterator[Row]:
    """A symbol that is always there, one that changes with the version, one that comes and goes, and a doubled one."""
    if version == 3:
        yield {"symbol": "", "company_name": "Nameless"}
        return
    yield {"symbol": "F", "company_name": "Ford", "sector": "Autos", "exchange_code": "XNYS"}
    yield {"symbol": "NA", "company_name": f"North {version}", "sector": None, "exchange_code": "XNAS"}
    if (day.day + version) % 2:
        yield {"symbol": "GE", "company_name": "General", "sector": "Industry", "exchange_code": "XNYS"}
    if version:
        yield {"symbol": "F", "company_name": f"Second {version}"}


def _exchanges(day: date, version: int) -> Iterator[Row]:
    if version < 3:
        yield {"exchange_code": "XNYS", "name": f"New York {version}", "timezone": "America/New_York"}
        if (day.day + version) % 2:
            yield {"exchange_code": "XNAS", "name": "Nasdaq", "timezone": "America/New_York"}
    yield {"exchange_code": "", "name": "Nowhere"}


def _traders(day: date, version: int) -> Iterator[Row]:
    """A trader who is always there, one who changes desk with the version, and one who comes and goes."""
    if version < 3:
        yield {"trader_id": "R1", "name": "Ada", "firm": "One", "desk": "Equities", "risk_tier": "low"}
        yield {"trader_id": "R2", "name": "Bob", "firm": "Two", "desk": f"Desk {version}", "risk_tier": None}
        if (day.day + version) % 2:
            yield {"trader_id": "R3", "name": "Cleo", "firm": "One", "desk": "Rates", "risk_tier": "high"}
    yield {"trader_id": "", "name": "Nobody"}


def _accounts(day: date, version: int) -> Iterator[Row]:
    """An account whose type and status change with version and day, and one that comes and goes."""
    if version < 3:
        of_type = ("cash", "margin")[(day.day + version) % 2]
        yield {"account_id": "A1", "trader_id": "R1", "account_type": of_type, "status": f"status {version}"}
        if (day.day + version) % 2:
            yield {"account_id": "A2", "trader_id": "R2", "account_type": "cash", "status": "active"}
    yield {"account_id": "A1", "account_type": "second"}


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), _NEW_YORK).astimezone(UTC).replace(tzinfo=None)


def _daily(day: date, close: float) -> Row:
    prices = {"open": close, "high": close + 2, "low": close - 2, "close": close, "vwap": close}
    return {"timestamp": _midnight(day), **prices, "volume": 1000, "trade_count": 10}


def _candles_daily(day: date, version: int) -> Iterator[Row]:
    if version < 3:
        yield {"symbol": "XYZ", **_daily(day, 100.0 + day.day + version)}
        yield {"symbol": "F", **_daily(day, 12.0)}
    if version:
        yield {"symbol": "XYZ", **_daily(day + timedelta(days=1), 101.0)}


def _contract(strike: float, letter: str) -> Row:
    expires = date(2026, 4, 17)
    name = f"XYZ{expires:%y%m%d}{letter}{int(strike * 1000):08}"
    return {
        "contract": name,
        "underlying": "XYZ",
        "expiration_date": expires,
        "strike": strike,
        "option_type": _OPTION_TYPES[letter],
    }


def _options_bars(day: date, version: int) -> Iterator[Row]:
    if version < 3:
        for letter in "CP":
            name = _contract(100.0, letter)["contract"]
            yield {"contract": name, "underlying": "XYZ", **_daily(day, 5.0 + version)}
    if version:
        yield {"contract": _contract(100.0, "C")["contract"], "underlying": "XYZ", **_daily(day, -5.0)}


def _options_snapshots(day: date, version: int) -> Iterator[Row]:
    """A chain of two to four contracts; in version 3 an empty one."""
    if version == 3:
        return
    for strike in (95.0, 100.0, 105.0)[: 1 + (day.day + version) % 3]:
        for letter in "CP":
            yield {
                **_contract(strike, letter),
                "snapshot_at": datetime.combine(day, time(20)),
                **{"bid": 4.0, "ask": 4.5, "last_price": 4.2, "bid_size": 10, "ask_size": 10},
                **{"volume": 10 * day.day + version, "open_interest": 100 * day.day + 7 * version},
                **{"implied_volatility": 0.2 + day.day / 100 + version / 1000, "delta": 0.3 if letter == "C" else -0.3},
                "underlying_price": 100.0 + day.day,
            }
    if version:
        yield {**_contract(100.0, "C"), "strike": None, "snapshot_at": datetime.combine(day, time(20))}


_MAKERS = {
    "minute_aggs": _minute_aggs,
    "symbols": _symbols,
    "exchanges": _exchanges,
    "traders": _traders,
    "accounts": _accounts,
    "candles_daily": _candles_daily,
    "options_bars": _options_bars,
    "options_snapshots": _options_snapshots,
}
