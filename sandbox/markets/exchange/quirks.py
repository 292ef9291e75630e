"""What goes wrong between the exchange and the topics: duplicates, corrections, late and odd messages.

Each quirk has an exact share of the messages, spread evenly, so that a short stretch has its share too.
"""

import heapq
import random
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TypeVar

from ingestion.markets.trading_days import NEW_YORK, trading_days
from sandbox.markets.exchange.events import Event, price, shares_traded
from sandbox.markets.exchange.schemas import Edition, Record

Choice = TypeVar("Choice", bound=StrEnum)

_GOLDEN = 0.6180339887498949
_UNSET_CLOCK = datetime(1970, 1, 1, tzinfo=UTC)
_EVENT_TIMES = {"trades": "trade_timestamp", "orderbook": "snapshot_timestamp", "marketdata": "interval_start"}
_SHARES = {share.symbol: share for share in shares_traded()}
# A trade that is late is of one of so many days before.
_LATE_DAYS = 12


class Quirk(StrEnum):
    """What can be odd about an event."""

    DUPLICATE = "duplicate"  # the same message twice
    CORRECTION = "correction"  # of a trade: sent again later, with a later event_timestamp and another price
    EARLY_CORRECTION = "early_correction"  # the correction comes first
    LATE = "late"  # a trade of days before
    OUT_OF_ORDER = "out_of_order"  # others overtake it
    NO_PRICE = "no_price"
    NO_QUANTITY = "no_quantity"
    NO_ID = "no_id"
    NO_SYMBOL = "no_symbol"
    UNTIDY_SYMBOL = "untidy_symbol"  # in small letters, with blanks
    NO_VOLUME = "no_volume"
    CROSSED = "crossed"  # the book's bid is above its ask
    IMPOSSIBLE_BAR = "impossible_bar"  # the low is above the high
    FAST_CLOCK = "fast_clock"  # times are up to 90 seconds ahead
    UNSET_CLOCK = "unset_clock"  # times are of 1970; such a message cannot be read
    NOT_AVRO = "not_avro"
    UNKNOWN_SCHEMA = "unknown_schema"
    TRUNCATED = "truncated"
    TOMBSTONE = "tombstone"


# Messages with these are rejected by whoever reads the topics.
UNREADABLE = frozenset({Quirk.UNSET_CLOCK, Quirk.NOT_AVRO, Quirk.UNKNOWN_SCHEMA, Quirk.TRUNCATED, Quirk.TOMBSTONE})

# Of the messages of each feed.
_OF_ALL = {
    Quirk.DUPLICATE: 0.01,
    Quirk.OUT_OF_ORDER: 0.02,
    Quirk.NO_SYMBOL: 0.0005,
    Quirk.UNTIDY_SYMBOL: 0.005,
    Quirk.FAST_CLOCK: 0.002,
    Quirk.UNSET_CLOCK: 0.0002,
    Quirk.NOT_AVRO: 0.0003,
    Quirk.UNKNOWN_SCHEMA: 0.0002,
    Quirk.TRUNCATED: 0.0002,
    Quirk.TOMBSTONE: 0.0003,
}
SHARES: dict[str, dict[Quirk, float]] = {
    "trades": _OF_ALL
    | {
        Quirk.CORRECTION: 0.008,
        Quirk.EARLY_CORRECTION: 0.002,
        Quirk.LATE: 0.004,
        Quirk.NO_PRICE: 0.002,
        Quirk.NO_QUANTITY: 0.002,
        Quirk.NO_ID: 0.001,
    },
    "orderbook": _OF_ALL | {Quirk.CROSSED: 0.003},
    "marketdata": _OF_ALL | {Quirk.NO_VOLUME: 0.003, Quirk.IMPOSSIBLE_BAR: 0.002},
}
EDITIONS = {
    Edition.ADDED: 0.02,
    Edition.REMOVED: 0.01,
    Edition.RENAMED: 0.02,
    Edition.MILLIS: 0.02,
    Edition.INCOMPATIBLE: 0.0005,
}


@dataclass(frozen=True)
class Sent:
    """An event as it is sent: how it is written, and what is odd about it."""

    event: Event
    edition: Edition = Edition.FIRST
    quirk: Quirk | None = None

    @property
    def is_readable(self) -> bool:
        """Whether a reader can make a row of it."""
        return self.edition is not Edition.INCOMPATIBLE and self.quirk not in UNREADABLE


@dataclass
class Quirks:
    """Gives events their quirks. The same events and the same seed give the same messages, in the same order.

    `shares` are those of the quirks by feed, `editions` those of the schemas' editions; none of them makes messages
    without quirks.
    """

    seed: int = 0
    shares: Mapping[str, Mapping[Quirk, float]] = field(default_factory=lambda: SHARES)
    editions: Mapping[Edition, float] = field(default_factory=lambda: EDITIONS)
    _waiting: list[tuple[datetime, int, Sent]] = field(default_factory=list, init=False)
    _numbers: dict[str, int] = field(default_factory=dict, init=False)
    _queued: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self._drawn = random.Random(f"quirks/{self.seed}")

    def apply(self, events: Iterable[Event]) -> Iterator[Sent]:
        """The messages of events, in the order in which they are sent. Corrections may still be due afterwards."""
        for event in events:
            for sent in self._of(event):
                self._queued += 1
                heapq.heappush(self._waiting, (sent.event.at, self._queued, sent))
            while self._waiting and self._waiting[0][0] <= event.at:
                yield heapq.heappop(self._waiting)[2]

    def flush(self, at: datetime) -> Iterator[Sent]:
        """What is still due, sent now: times of sending are no later than this."""
        while self._waiting:
            sent = heapq.heappop(self._waiting)[2]
            event = sent.event
            if event.at > at:
                published = event.record["event_timestamp"]
                # A correction stays later than what it corrects.
                record = {**event.record, "event_timestamp": min(published, at)}
                sent = replace(sent, event=replace(event, at=at, record=record))
            yield sent

    def _of(self, event: Event) -> list[Sent]:
        number = self._numbers.get(event.feed, 0)
        self._numbers[event.feed] = number + 1
        edition = _chosen(self.editions, number, 0.37 + self.seed * 0.01) or Edition.FIRST
        quirk = _chosen(self.shares.get(event.feed, {}), number, self.seed * 0.01)
        sent = Sent(event, edition, quirk)
        match quirk:
            case Quirk.DUPLICATE:
                return [sent, self._later(sent, timedelta(seconds=self._drawn.uniform(0.001, 5)))]
            case Quirk.CORRECTION:
                return [replace(sent, quirk=None), self._corrected(sent, is_soon=self._drawn.random() < 0.75)]
            case Quirk.EARLY_CORRECTION:
                corrected = self._corrected(sent, is_soon=True)
                return [corrected, self._later(replace(sent, quirk=None), corrected.event.at - event.at, after=True)]
            case Quirk.OUT_OF_ORDER:
                return [self._later(sent, timedelta(seconds=self._drawn.uniform(0.1, 30)))]
            case None:
                return [sent]
        change = _CHANGES.get(quirk)
        record = change(event, self._drawn) if change else event.record
        return [replace(sent, event=replace(event, record=record))]

    def _later(self, sent: Sent, wait: timedelta, *, after: bool = False) -> Sent:
        """The same record, published so much later."""
        at = sent.event.at + wait + (timedelta(milliseconds=1) if after else timedelta())
        return replace(sent, event=replace(sent.event, at=at))

    def _corrected(self, sent: Sent, *, is_soon: bool) -> Sent:
        """The trade with another price: corrected within minutes, or a day or more later."""
        drawn = self._drawn
        seconds = drawn.uniform(1, 600) if is_soon else drawn.uniform(20, 100) * 3600
        at = sent.event.at + timedelta(seconds=round(seconds))
        record = {
            **sent.event.record,
            "price": max(0.01, round(sent.event.record["price"] * (1 + drawn.choice((-1, 1)) * 0.002), 2)),
            "event_timestamp": at,
        }
        return Sent(Event(sent.event.feed, at, record), sent.edition, Quirk.CORRECTION)


def _chosen(shares: Mapping[Choice, float], number: int, shift: float) -> Choice | None:
    """The choice of a number: multiples of the golden ratio fill each share evenly, however few there are."""
    place = (number * _GOLDEN + shift) % 1
    reached = 0.0
    for choice, share in shares.items():
        reached += share
        if place < reached:
            return choice
    return None


def _without(name: str) -> Callable[[Event, random.Random], Record]:
    return lambda event, _: {**event.record, name: None}


def _untidy(event: Event, _: random.Random) -> Record:
    return {**event.record, "symbol": f" {event.record['symbol'].lower()} "}


def _crossed(event: Event, _: random.Random) -> Record:
    record = event.record
    return {**record, "bid_price_1": record["ask_price_1"] + 0.05, "ask_price_1": record["bid_price_1"]}


def _impossible(event: Event, _: random.Random) -> Record:
    return {**event.record, "low": round(event.record["high"] + 0.5, 2)}


def _ahead(event: Event, drawn: random.Random) -> Record:
    skew = timedelta(seconds=round(drawn.uniform(1, 90), 3))
    times = (_EVENT_TIMES[event.feed], "event_timestamp")
    return {**event.record, **{name: event.record[name] + skew for name in times}}


def _unset(event: Event, _: random.Random) -> Record:
    return {**event.record, _EVENT_TIMES[event.feed]: _UNSET_CLOCK}


def _late(event: Event, drawn: random.Random) -> Record:
    """The trade as one of a trading day before, at the same time of the day and that day's price."""
    local = event.at.astimezone(NEW_YORK)
    earlier = sorted(trading_days(local.date() - timedelta(days=_LATE_DAYS), local.date() - timedelta(days=1)))
    day = drawn.choice(earlier)
    traded = datetime.combine(day, local.time(), NEW_YORK).astimezone(UTC)
    return {**event.record, "price": price(_SHARES[event.record["symbol"]], traded), "trade_timestamp": traded}


_CHANGES: dict[Quirk, Callable[[Event, random.Random], Record]] = {
    Quirk.NO_PRICE: _without("price"),
    Quirk.NO_QUANTITY: _without("quantity"),
    Quirk.NO_ID: _without("trade_id"),
    Quirk.NO_SYMBOL: _without("symbol"),
    Quirk.NO_VOLUME: _without("volume"),
    Quirk.UNTIDY_SYMBOL: _untidy,
    Quirk.CROSSED: _crossed,
    Quirk.IMPOSSIBLE_BAR: _impossible,
    Quirk.FAST_CLOCK: _ahead,
    Quirk.UNSET_CLOCK: _unset,
    Quirk.LATE: _late,
}
