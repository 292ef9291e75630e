"""Stands in for Alpaca's API: bars, chains, lists of contracts and the market's clock, in pages.

Its time is the evening of the last day published. Unlike the real one it keeps the chains of past days, and gives the
state of a day's evening for `as_of`.

Source: the API's reference, as `ingestion/markets/broker_bars.py` and `broker_chains.py` name it.
"""

import base64
from bisect import bisect_right
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from ingestion.markets.trading_days import NEW_YORK, sessions, trading_days
from sandbox.faults import Fault
from sandbox.markets.broken_pages import broken_page
from sandbox.markets.candles import candle, shares_by_symbol, utc
from sandbox.markets.option_chains import bar_of, chain, has_open_interest, open_interest, trading_day_before, value
from sandbox.markets.option_contracts import Listed, contracts_expired, contracts_listed
from sandbox.stand_ins import Call, PagedApiStandIn, Reply

_BARS = "data/v2/stocks/bars"
_SHARES = "data/v2/stocks/snapshots"
_OPTION_BARS = "data/v1beta1/options/bars"
_CHAIN = "data/v1beta1/options/snapshots/"
_CONTRACTS = "trading/v2/options/contracts"
_CLOCK = "trading/v2/clock"
_EVENING = time(20, 30)
_MOST_DAYS = 400
_MOST_CONTRACTS_ASKED = 100
_SNAPSHOTS, _CONTRACTS_LISTED, _BARS_ASKED = (100, 1_000), (100, 10_000), (1_000, 10_000)


class BadCallError(ValueError):
    """A call that the API refuses. The message is the reason that it gives."""


class BrokerApi(PagedApiStandIn):
    """Alpaca's market data and trading API, one beside the other."""

    name = "broker"
    path = "broker"
    feeds = ("candles_daily", "options_bars", "options_snapshots")
    key_variables = ("APCA_API_KEY_ID", "APCA_API_SECRET_KEY")
    key_headers = ("APCA-API-KEY-ID", "APCA-API-SECRET-KEY")

    def settings(self, url: str) -> dict[str, str]:
        here = f"{url}/{self.path}"
        return super().settings(url) | {
            "SOURCES__BROKER__BASE_URL": f"{here}/data",
            "SOURCES__BROKER__TRADING_URL": f"{here}/trading",
            "SOURCES__BROKER__KEEPS_CHAINS": "true",
        }

    def asked(self, call: Call, available_until: date) -> tuple[str, date] | None:
        try:
            if call.path in (_BARS, _OPTION_BARS):
                feed = "candles_daily" if call.path == _BARS else "options_bars"
                return feed, _moment(call, "start").astimezone(NEW_YORK).date()
            if call.path.startswith(_CHAIN):
                return "options_snapshots", _today(call, available_until)
        except BadCallError:
            pass
        return None

    def answer(self, call: Call, available_until: date) -> Reply:
        answers: dict[str, Callable[[Call, date], Reply]] = {
            _BARS: _bars,
            _SHARES: _shares,
            _OPTION_BARS: _option_bars,
            _CONTRACTS: _contracts,
            _CLOCK: _clock,
        }
        found = _chain if call.path.startswith(_CHAIN) else answers.get(call.path)
        if found is None:
            return Reply(404, {"message": "endpoint not found."})
        try:
            return found(call, available_until)
        except BadCallError as error:
            return Reply(400, {"message": str(error)})

    def refused(self, fault: Fault | None) -> Reply:
        if fault is Fault.FORBIDDEN:
            return Reply(403, {"message": "subscription does not permit querying recent SIP data"})
        return Reply(
            401 if fault is None else 403, {"message": "request is not authorized" if fault is None else "forbidden."}
        )

    def broken_page(self, call: Call, page: dict[str, Any], fault: Fault) -> dict[str, Any]:
        return broken_page(page, fault)


def _bars(call: Call, available_until: date) -> Reply:
    known = shares_by_symbol()
    days = _days(call, available_until)
    found = [
        (symbol, candle(known[symbol], day)) for symbol in sorted(_symbols(call)) if symbol in known for day in days
    ]
    return _page_of_bars(call, found)


def _option_bars(call: Call, available_until: date) -> Reply:
    names = _symbols(call)
    if len(names) > _MOST_CONTRACTS_ASKED:
        raise BadCallError(f"too many symbols: {len(names)}")
    found = []
    for day in _days(call, available_until):
        for symbol, share in shares_by_symbol().items():
            if asked := [name for name in names if name.startswith(symbol.replace(".", ""))]:
                listed = {one.name: one for one in contracts_listed(share, day)}
                bars = ((name, bar_of(share, listed[name], day)) for name in asked if name in listed)
                found += [(name, bar) for name, bar in bars if bar]
    return _page_of_bars(call, sorted(found, key=lambda one: (one[0], one[1]["t"])))


def _page_of_bars(call: Call, found: list[tuple[str, dict[str, Any]]]) -> Reply:
    keys = [f"{symbol}|{bar['t']}" for symbol, bar in found]
    start, stop, following = _slice(call, keys, _BARS_ASKED)
    bars: dict[str, list[dict[str, Any]]] = {}
    for symbol, bar in found[start:stop]:
        bars.setdefault(symbol, []).append(bar)
    return Reply(200, {"bars": bars}, following)


def _shares(call: Call, available_until: date) -> Reply:
    day = _standing(_today(call, available_until))
    known = shares_by_symbol()
    return Reply(200, {symbol: _share(symbol, day) for symbol in sorted(_symbols(call)) if symbol in known})


def _share(symbol: str, day: date) -> dict[str, Any]:
    share = shares_by_symbol()[symbol]
    bar = candle(share, day)
    trade = {"t": utc(datetime.combine(day, time(19, 59), NEW_YORK)), "p": bar["c"], "s": 100, "x": "V", "z": "C"}
    return {"dailyBar": bar, "prevDailyBar": candle(share, trading_day_before(day)), "latestTrade": trade}


def _chain(call: Call, available_until: date) -> Reply:
    share = shares_by_symbol().get(call.path.removeprefix(_CHAIN))
    snapshots = chain(share, _standing(_today(call, available_until))) if share else {}
    names = list(snapshots)
    start, stop, following = _slice(call, names, _SNAPSHOTS)
    return Reply(200, {"snapshots": {name: snapshots[name] for name in names[start:stop]}}, following)


def _contracts(call: Call, available_until: date) -> Reply:
    today = _standing(_today(call, available_until))
    first, last = (_date(call, f"expiration_date_{end}") for end in ("gte", "lte"))
    status = call.value("status", "active")
    if status not in ("active", "inactive"):
        raise BadCallError(f"invalid status: {status}")
    found: list[Listed] = []
    for symbol in _symbols(call, "underlying_symbols"):
        if share := shares_by_symbol().get(symbol):
            is_active = status == "active"
            found += contracts_listed(share, today) if is_active else contracts_expired(share, first, today)
    found = sorted((one for one in found if first <= one.expires <= last), key=lambda one: one.name)
    start, stop, following = _slice(call, [one.name for one in found], _CONTRACTS_LISTED)
    return Reply(200, {"option_contracts": [_contract(one, status, today) for one in found[start:stop]]}, following)


def _contract(one: Listed, status: str, today: date) -> dict[str, Any]:
    """A contract as the list has it: numbers are texts there. Open interest is that of the evening before."""
    counted_on = trading_day_before(today)
    word = "Call" if one.is_call else "Put"
    said = {
        "id": base64.b16encode(one.name.encode()).decode().lower(),
        "symbol": one.name,
        "name": f"{one.underlying} {one.expires:%b %d %Y} {one.strike:g} {word}",
        "status": status,
        "tradable": status == "active",
        "expiration_date": one.expires.isoformat(),
        "root_symbol": one.root,
        "underlying_symbol": one.underlying,
        "type": word.lower(),
        "style": "american",
        "strike_price": f"{one.strike:g}",
        "multiplier": "100",
        "size": "100",
        "open_interest": None,
        "open_interest_date": None,
    }
    if has_open_interest(one) and one.expires >= today:
        said |= {"open_interest": str(open_interest(one, counted_on)), "open_interest_date": counted_on.isoformat()}
        share = shares_by_symbol()[one.underlying]
        said["close_price"] = f"{max(0.01, value(share, one, counted_on).price):.2f}"
    return said


def _clock(call: Call, available_until: date) -> Reply:
    today = _today(call, available_until)
    following = sessions(today + timedelta(days=1), today + timedelta(days=14))[0]
    opens, closes = (
        datetime.combine(following.day, clock, NEW_YORK) for clock in (following.opens_at, following.closes_at)
    )
    return Reply(
        200,
        {
            "timestamp": datetime.combine(today, _EVENING, NEW_YORK).isoformat(),
            "is_open": False,
            "next_open": opens.isoformat(),
            "next_close": closes.isoformat(),
        },
    )


def _today(call: Call, available_until: date) -> date:
    """The day in whose evening the API is: the one asked for, or the last one published."""
    last = available_until - timedelta(days=1)
    return min(last, _date(call, "as_of")) if "as_of" in call.query else last


def _standing(today: date) -> date:
    """The day of the last session."""
    return max(trading_days(today - timedelta(days=14), today))


def _days(call: Call, available_until: date) -> list[date]:
    """The trading days whose bars begin from `start` to `end`."""
    if call.value("timeframe") != "1Day":
        raise BadCallError(f"invalid timeframe: {call.value('timeframe')}")
    start, end = _moment(call, "start"), _moment(call, "end")
    first = max(start.astimezone(NEW_YORK).date(), available_until - timedelta(days=_MOST_DAYS * 10))
    last = min(end.astimezone(NEW_YORK).date(), available_until - timedelta(days=1))
    days = sorted(trading_days(first, last))[:_MOST_DAYS]
    return [day for day in days if start <= datetime.combine(day, time(), NEW_YORK) <= end]


def _symbols(call: Call, name: str = "symbols") -> list[str]:
    found = call.value(name).split(",")
    if not all(found):
        raise BadCallError(f"{name} is required")
    return list(dict.fromkeys(found))


def _slice(call: Call, keys: list[str], limits: tuple[int, int]) -> tuple[int, int, str | None]:
    """Where a page begins and ends among keys in their order, and the token of the next one: its last key."""
    usual, most = limits
    text = call.value("limit", str(usual))
    if not text.isdecimal() or not 1 <= int(text) <= most:
        raise BadCallError(f"limit must be between 1 and {most}")
    start = bisect_right(keys, _read(call.token)) if call.token else 0
    stop = min(len(keys), start + int(text))
    return start, stop, base64.urlsafe_b64encode(keys[stop - 1].encode()).decode() if stop < len(keys) else None


def _read(token: str) -> str:
    try:
        return base64.urlsafe_b64decode(token).decode()
    except ValueError as error:
        raise BadCallError("invalid page_token") from error


def _moment(call: Call, name: str) -> datetime:
    try:
        moment = datetime.fromisoformat(call.value(name))
    except ValueError as error:
        raise BadCallError(f"invalid {name}: {call.value(name)[:40]}") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _date(call: Call, name: str) -> date:
    try:
        return date.fromisoformat(call.value(name))
    except ValueError as error:
        raise BadCallError(f"invalid {name}: {call.value(name)[:40]}") from error
