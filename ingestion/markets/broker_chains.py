"""Chains of options as they stand: what is asked, and what is read from the answers.

The API has no chains of past days. It gives the one that stands at the moment, so a day's chain can be taken from the
close of its session until the next session opens; the API's own clock says when that is. Before, the day is not over.
Afterwards it is too late for good: a day whose chain nobody took has none, and a chain that was taken is not taken
again, unless it is forced while it still stands.

All rows of a day have the same `snapshot_at`, the time of that clock before the first question. Open interest is that
of the list of contracts, which is counted overnight: in the evening of a day it is still that of the day before.
`volume` is that of the day: 0 of a contract whose last bar is of an earlier day. `underlying_price` is the close of the
underlying's bar of that day.

Sources: https://docs.alpaca.markets/us/reference/optionchain (`limit` up to 1,000; greeks and implied volatility are
missing where they cannot be computed), /legacyclock, /get-options-contracts (`open_interest` as text, with the day that
it is of), /stocksnapshots. A contract's root may differ from the symbol:
https://github.com/alpacahq/Alpaca-API/issues/266
"""

from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from typing import Any

from ingestion.errors import NotPublishedError
from ingestion.fetch.questions import Conversation, Question
from ingestion.markets.broker_answers import (
    LATER,
    contract_of,
    day_in_new_york,
    field_of,
    has_any,
    is_root_of,
    listed_contracts,
    name_of,
    new_york_day,
    object_of,
    said_by_api,
    time_of,
    with_others,
)
from ingestion.markets.broker_desk import Desk
from ingestion.markets.trading_days import trading_days
from ingestion.partitions import Partition
from ingestion.readers.pages import Page, read_pages
from ingestion.readers.published_file import PublishedFile

_MOST_SNAPSHOTS = 1_000
# Longer than the exchange was ever closed since there are options by this API.
_LONGEST_PAUSE = timedelta(days=14)
_GREEKS = ("delta", "gamma", "theta", "vega", "rho")
# The objects of a snapshot that something is taken from, with all their known fields. Not kept are the places and
# conditions of quotes and trades, and what the contract's own bar has.
_KNOWN_FIELDS = {
    "latestQuote": {"t", "bp", "bs", "bx", "ap", "as", "ax", "c"},
    "latestTrade": {"t", "p", "s", "x", "c"},
    "dailyBar": {"t", "o", "h", "l", "c", "v", "n", "vw"},
    "greeks": set(_GREEKS),
}
_KNOWN = {*_KNOWN_FIELDS, "impliedVolatility", "minuteBar", "prevDailyBar"}


def availability(desk: Desk, partition: Partition) -> Conversation:
    """Ask the API's clock whether the chain that stands now is that of the day.

    Raises:
        NotPublishedError: it is not, yet or any longer.
        UnreadableFileError: the answer is no clock.
    """
    day = partition.period.first_day
    clock = (yield Question("clock", "the market's clock", f"{desk.trading}/v2/clock", desk.as_of(day)))[0]
    file = said_by_api(partition)
    standing, now = _standing_day(clock, file), time_of(field_of(clock, "timestamp", file), file)
    if standing == day:
        return
    if day >= (standing or day_in_new_york(now)):
        raise NotPublishedError(f"{partition}: not published (yet): a chain is taken after its session has closed")
    raise NotPublishedError(
        f"{partition}: no longer to be had: the API gives chains only as they stand, those of a day until the next "
        "session opens. What was not taken then stays missing; accept it with nyc gaps --accept."
    )


def _standing_day(clock: Mapping[str, Any], file: PublishedFile) -> date | None:
    """The day of the last session, whose chains stand until the next one opens; None while one is open."""
    is_open = field_of(clock, "is_open", file)
    if not isinstance(is_open, bool):
        raise file.unreadable("true or false as is_open", f"got {str(is_open)[:50]!a}", LATER)
    if is_open:
        return None
    opens = new_york_day(field_of(clock, "next_open", file), file)
    return max(trading_days(opens - _LONGEST_PAUSE, opens - timedelta(days=1)), default=None)


def ask_for_chains(desk: Desk, partition: Partition) -> Conversation:
    """Ask for the chains of the watchlist, and what belongs to them.

    The clock is asked again at the end: a session may have opened meanwhile.

    Raises:
        NotPublishedError: the day's chains do not stand now, or there are none.
        UnreadableFileError: the clock's answer is no clock, or that of a chain has no snapshots.
    """
    day, file = partition.period.first_day, said_by_api(partition)
    has_contracts = False
    yield from availability(desk, partition)
    yield Question(
        "shares",
        f"the prices of {len(desk.watchlist)} shares",
        f"{desk.data}/v2/stocks/snapshots",
        {"symbols": ",".join(desk.watchlist), **desk.as_of(day)},
    )
    for underlying in desk.watchlist:
        yield desk.contracts(underlying, "active", day, desk.as_of(day))
        pages = yield chain_question(desk, partition, underlying)
        has_contracts = has_any(pages, "snapshots", file) or has_contracts
    yield from availability(desk, partition)
    if not has_contracts:
        raise NotPublishedError(f"{partition}: not published (yet): no contracts on {', '.join(desk.watchlist)}")


def chain_question(desk: Desk, partition: Partition, underlying: str) -> Question:
    """The question for the chain of an underlying."""
    return Question(
        "chain",
        f"the chain of {underlying}",
        f"{desk.data}/v1beta1/options/snapshots/{underlying}",
        {"limit": str(_MOST_SNAPSHOTS), **desk.as_of(partition.period.first_day)},
        about=underlying,
    )


def snapshots(file: PublishedFile, notes: list[str]) -> Iterator[dict[str, Any]]:
    """The contracts of the chains in a file, and what is unusual about them.

    Raises:
        UnreadableFileError: an answer is not what was asked for.
    """
    chains = _Chains(file)
    for page in read_pages(file):
        yield from chains.records(page)
    notes += chains.notes()


class _Chains:
    """Reads the pages of a file in their order: the list of an underlying's contracts comes before its chain."""

    def __init__(self, file: PublishedFile) -> None:
        self._file = file
        self._taken_at: datetime | None = None
        self._prices: dict[str, Any] = {}
        self._open_interest: dict[str, Any] = {}
        self._contracts: dict[str, set[str]] = {}

    def records(self, page: Page) -> Iterator[dict[str, Any]]:
        """The contracts of a page; none of a page that is not of a chain."""
        file, said = self._file, page.answer
        match page.kind:
            case "clock":
                self._taken_at = self._taken_at or time_of(field_of(said, "timestamp", file), file)
            case "shares":
                self._prices |= {name: self._close_of(share) for name, share in said.items()}
            case "chain":
                yield from self._chain(page)
            case _:
                for name, contract in listed_contracts(said, page.about, file):
                    self._open_interest[name] = contract.get("open_interest")

    def notes(self) -> list[str]:
        """What is unusual about the chains."""
        none = [underlying for underlying, contracts in self._contracts.items() if not contracts]
        without = [underlying for underlying in self._contracts if self._prices.get(underlying) is None]
        return [
            f"{what} {', '.join(named[:20])}"
            for what, named in (("no contracts on", none), ("no price of the day of", without))
            if named
        ]

    def _chain(self, page: Page) -> Iterator[dict[str, Any]]:
        file, underlying = self._file, page.about
        chain = object_of(field_of(page.answer, "snapshots", file), "snapshots", file)
        of_underlying = self._contracts.setdefault(underlying, set())
        if chain and not any(is_root_of(name, underlying) for name in chain):
            first = next(iter(chain))[:40]
            raise file.unreadable(f"the chain of {underlying}", f"its contracts are such as {first!a}", LATER)
        for contract, snapshot in chain.items():
            name_of(contract, file)
            if contract in of_underlying:
                raise file.unreadable(f"{contract} once in the chain", "it is on two pages", LATER)
            of_underlying.add(contract)
            yield self._record(underlying, contract, object_of(snapshot, contract, file))

    def _record(self, underlying: str, contract: str, said: Mapping[str, Any]) -> dict[str, Any]:
        file = self._file
        quote, trade, greeks = (
            object_of(said.get(name), name, file) for name in ("latestQuote", "latestTrade", "greeks")
        )
        about = contract_of(contract)
        record = {
            "underlying": underlying,
            "contract": contract,
            "expiration_date": about and about.expiration_date,
            "strike": about and about.strike,
            "option_type": about and about.option_type,
            "snapshot_at": self._taken_at,
            "bid": quote.get("bp"),
            "ask": quote.get("ap"),
            "bid_size": quote.get("bs"),
            "ask_size": quote.get("as"),
            "last_price": trade.get("p"),
            "quoted_at": quote.get("t"),
            "last_trade_at": trade.get("t"),
            "volume": self._volume(said),
            "open_interest": self._open_interest.get(contract),
            "implied_volatility": said.get("impliedVolatility"),
            **{greek: greeks.get(greek) for greek in _GREEKS},
            "underlying_price": self._prices.get(underlying),
        }
        return with_others(record, self._others(said))

    def _volume(self, said: Mapping[str, Any]) -> Any:
        """The volume of the day. A contract's daily bar is of the last day on which it was traded."""
        bar = object_of(said.get("dailyBar"), "dailyBar", self._file)
        if not bar:
            return None
        day, traded_on = self._file.partition.period.first_day, new_york_day(bar.get("t"), self._file)
        if traded_on == day:
            return bar.get("v")
        return 0 if traded_on < day else None

    def _close_of(self, share: Any) -> Any:
        """The close of a share's bar of the day; None where its last bar is of another day."""
        file = self._file
        bar = object_of(object_of(share, "a share", file).get("dailyBar"), "dailyBar", file)
        if not bar or new_york_day(bar.get("t"), file) != file.partition.period.first_day:
            return None
        return bar.get("c")

    def _others(self, said: Mapping[str, Any]) -> dict[str, Any]:
        """Fields that nobody knows; of the known objects by names such as greeks_charm."""
        others = {name: value for name, value in said.items() if name not in _KNOWN}
        for part, known in _KNOWN_FIELDS.items():
            fields = object_of(said.get(part), part, self._file)
            others |= {f"{part}_{name}": value for name, value in fields.items() if name not in known}
        return others
