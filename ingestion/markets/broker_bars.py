"""Daily bars of shares and of option contracts: what is asked, and what is read from the answers.

A day's bars are final when extended trading has ended and the delay of free subscriptions is over, at 20:15 in New
York. Prices are not adjusted for splits. Whether they are of all exchanges or of IEX alone is left to the subscription:
where no feed is named, the API gives the best one that it covers.

Option bars are asked for by the names of contracts, at most 100 at once. These are all contracts of the watchlist that
had not expired by that day, whether they have expired since or not. A contract that was not traded has no bar.

Sources: https://docs.alpaca.markets/us/reference/stockbars and /optionbars (`start` and `end` are both included, the
`limit` is 10,000 at most, bars are sorted by symbol and time) and /get-options-contracts (without a last day of expiry
those until the next weekend); that no feed is better named: https://github.com/bennycode/trading-signals/pull/1375
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time
from typing import Any

from ingestion.errors import NotPublishedError
from ingestion.fetch.questions import Conversation, Question
from ingestion.markets.broker_answers import LATER, bar_record, bars_of, has_any, listed_contracts, said_by_api
from ingestion.markets.broker_desk import Desk
from ingestion.markets.trading_days import NEW_YORK
from ingestion.partitions import Partition
from ingestion.readers.pages import Page, read_pages
from ingestion.readers.published_file import PublishedFile

_FINAL_AT = time(20, 15)
_MOST_BARS = 10_000
_CONTRACTS_AT_ONCE = 100
_NAMES_IN_NOTE = 20


def availability(partition: Partition) -> Conversation:
    """Whether the bars of a day are final, which the clock says: nothing is asked.

    Raises:
        NotPublishedError: they are not.
    """
    final = datetime.combine(partition.period.first_day, _FINAL_AT, NEW_YORK)
    if datetime.now(UTC) < final:
        raise NotPublishedError(
            f"{partition}: not published (yet): its bars are final on {final:%Y-%m-%d at %H:%M} in New York"
        )
    yield from ()


def ask_for_candles(desk: Desk, partition: Partition) -> Conversation:
    """Ask for the bars of the watchlist's shares.

    Raises:
        NotPublishedError: the day is not over, or no share of the watchlist has a bar.
        UnreadableFileError: an answer has no bars.
    """
    yield from availability(partition)
    pages = yield candles_question(desk, partition)
    if not has_any(pages, "bars", said_by_api(partition)):
        raise NotPublishedError(f"{partition}: not published (yet): no share of {', '.join(desk.watchlist)} has a bar")


def candles_question(desk: Desk, partition: Partition) -> Question:
    """The question for the bars of the watchlist's shares."""
    return Question(
        "bars",
        f"the bars of {len(desk.watchlist)} shares",
        f"{desk.data}/v2/stocks/bars",
        {
            "symbols": ",".join(desk.watchlist),
            **_of_day(partition.period.first_day),
            "adjustment": "raw",
            "limit": str(_MOST_BARS),
        },
    )


def ask_for_option_bars(desk: Desk, partition: Partition) -> Conversation:
    """Ask which contracts there are, then for their bars.

    Raises:
        NotPublishedError: the day is not over, or no contract has a bar.
        UnreadableFileError: an answer does not list contracts, or has no bars.
    """
    yield from availability(partition)
    day, has_bars = partition.period.first_day, False
    file = said_by_api(partition)
    for underlying in desk.watchlist:
        names = set[str]()
        for status in ("active", "inactive"):
            pages = yield desk.contracts(underlying, status, day)
            names |= {name for page in pages for name, _ in listed_contracts(page, underlying, file)}
        ordered = sorted(names)
        for start in range(0, len(ordered), _CONTRACTS_AT_ONCE):
            asked = ordered[start : start + _CONTRACTS_AT_ONCE]
            pages = yield _option_bars_question(desk, day, underlying, asked)
            has_bars = has_any(pages, "bars", file) or has_bars
    if not has_bars:
        raise NotPublishedError(
            f"{partition}: not published (yet): no contract on {', '.join(desk.watchlist)} has a bar"
        )


def _option_bars_question(desk: Desk, day: date, underlying: str, contracts: list[str]) -> Question:
    return Question(
        "bars",
        f"the bars of {len(contracts)} contracts on {underlying}",
        f"{desk.data}/v1beta1/options/bars",
        {"symbols": ",".join(contracts), **_of_day(day), "limit": str(_MOST_BARS)},
        about=underlying,
    )


def _of_day(day: date) -> dict[str, str]:
    """A day in New York. A daily bar has the time at which its day begins there."""
    first = datetime.combine(day, time(), NEW_YORK).astimezone(UTC)
    last = datetime.combine(day, time(20), NEW_YORK).astimezone(UTC)
    return {"timeframe": "1Day", "start": f"{first:%Y-%m-%dT%H:%M:%SZ}", "end": f"{last:%Y-%m-%dT%H:%M:%SZ}"}


def candles(file: PublishedFile, notes: list[str]) -> Iterator[dict[str, Any]]:
    """The bars of shares in a file, and what is unusual about them.

    Raises:
        UnreadableFileError: an answer is not what was asked for.
    """
    pages = list(read_pages(file))
    asked = [symbol for page in pages for symbol in _symbols(page)]
    found = set[str]()
    for symbol, bar in _bars(file, pages, found):
        yield bar_record({"symbol": symbol}, bar, file)
    missing = [symbol for symbol in dict.fromkeys(asked) if symbol not in found]
    if missing:
        notes.append(f"no bar of {_listed(missing)}")


def option_bars(file: PublishedFile, notes: list[str]) -> Iterator[dict[str, Any]]:
    """The bars of contracts in a file, and what is unusual about them.

    Raises:
        UnreadableFileError: an answer is not what was asked for.
    """
    underlyings: dict[str, str] = {}
    asked = dict[str, None]()

    def bar_pages() -> Iterator[Page]:
        for page in read_pages(file):
            if page.kind == "bars":
                yield page
                continue
            names = [name for name, _ in listed_contracts(page.answer, page.about, file)]
            underlyings.update(dict.fromkeys(names, page.about))
            asked.setdefault(page.about)

    for contract, bar in _bars(file, bar_pages(), set()):
        yield bar_record({"contract": contract, "underlying": underlyings[contract]}, bar, file)
    listed = set(underlyings.values())
    if none := [underlying for underlying in asked if underlying not in listed]:
        notes.append(f"no contracts on {_listed(none)}")


def _bars(file: PublishedFile, pages: Iterable[Page], found: set[str]) -> Iterator[tuple[str, Any]]:
    """The bars of these pages. Each must be of a symbol that was asked for, and the only one of it."""
    day = file.partition.period.first_day
    for page in pages:
        asked = set(_symbols(page))
        for symbol, bar in bars_of(page.answer, day, file):
            if symbol not in asked:
                raise file.unreadable("bars of what was asked for", f"one is of {symbol}", LATER)
            if symbol in found:
                raise file.unreadable(f"one bar of {symbol} a day", "there is another one", LATER)
            found.add(symbol)
            yield symbol, bar


def _symbols(page: Page) -> list[str]:
    return page.parameters["symbols"].split(",")


def _listed(names: list[str]) -> str:
    more = len(names) - _NAMES_IN_NOTE
    return ", ".join(names[:_NAMES_IN_NOTE]) + (f" and {more} more" if more > 0 else "")
