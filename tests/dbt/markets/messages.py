"""Messages of the exchange's streams for tests, and how they come into the raw tables batch by batch."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta

import duckdb
import pyarrow as pa
from dbt.artifacts.resources.types import NodeType

from ingestion.catalog import FEEDS
from ingestion.feeds import ColumnType, Feed
from ingestion.streams.decoding import Decoded, Rows
from ingestion.streams.places import Position
from ingestion.streams.writing import BatchWriter, FeedBatch
from tests.dbt.small_warehouse import Warehouse, parsed_project
from warehouse.ledger.stream_offsets import StreamOffset, read_stream_offsets

# Both sides of a clock change, and the day after.
DAYS = (date(2026, 3, 6), date(2026, 3, 9), date(2026, 3, 10))
# 14:00 and 15:00 UTC are of the same day in New York.
_MORNING = time(14)

_ARROW_TYPES = {
    ColumnType.VARCHAR: pa.string(),
    ColumnType.DOUBLE: pa.float64(),
    ColumnType.INTEGER: pa.int32(),
    ColumnType.BIGINT: pa.int64(),
    ColumnType.DATE: pa.date32(),
    ColumnType.TIMESTAMP: pa.timestamp("us"),
}

Message = dict[str, object]


@dataclass(frozen=True)
class Said:
    """What a message says: of which thing of a feed, on which day, written when, and with which numbers.

    `subject` tells one trade, moment or interval from another. `version` changes the numbers; of some versions nothing
    can be kept. `written` orders the messages about one thing, and none says nothing of it.
    """

    feed: str
    subject: int
    day: date
    version: int
    written: int | None
    partition: int = 0


@dataclass
class Topics:
    """What stands in the topics so far. A message's offset is its place among those of its partition."""

    offsets: Counter[tuple[str, int]] = field(default_factory=Counter)
    messages: list[tuple[str, Message]] = field(default_factory=list)

    def append(self, said: Said) -> tuple[str, Message]:
        """Write a message into its topic; it comes a second after the one before."""
        event_time = FEEDS[said.feed].event_time
        assert event_time
        place = (said.feed, said.partition)
        message = {
            **_MAKERS[said.feed](said),
            event_time: _event_time(said),
            "event_timestamp": _written_at(said),
            "feed": said.feed,
            "source_date": said.day,
            "kafka_partition": said.partition,
            "kafka_offset": self.offsets[place],
            "kafka_timestamp": datetime.combine(DAYS[-1], time(20)) + timedelta(seconds=len(self.messages)),
        }
        self.offsets[place] += 1
        self.messages.append((said.feed, message))
        return self.messages[-1]


def take(warehouse: Warehouse, messages: Sequence[tuple[str, Message]]) -> None:
    """Write a batch as `nyc stream` does, by its own writer: rows, offsets and watermarks, in one transaction."""
    of_feeds: dict[str, list[Message]] = {}
    for feed, message in messages:
        of_feeds.setdefault(feed, []).append(message)
    with duckdb.connect(str(warehouse.path)) as connection:
        known = read_stream_offsets(connection, of_feeds)
        batches = [
            FeedBatch(Decoded(FEEDS[feed], (Rows(_table(FEEDS[feed], those), ()),), ()), _positions(feed, those, known))
            for feed, those in of_feeds.items()
        ]
        BatchWriter(warehouse.scratch).write(batches, connection)


def _table(feed: Feed, messages: Sequence[Message]) -> pa.Table:
    columns = [column for column in feed.raw_columns if column.name != "feed"]
    schema = pa.schema([(column.name, _ARROW_TYPES[column.type]) for column in columns])
    return pa.Table.from_pylist([{**message} for message in messages], schema)


def _positions(
    feed: str, messages: Sequence[Message], known: Mapping[tuple[str, int], StreamOffset]
) -> tuple[Position, ...]:
    stream = FEEDS[feed].stream
    assert stream
    ends: dict[int, int] = {}
    for message in messages:
        place, offset = message["kafka_partition"], message["kafka_offset"]
        assert isinstance(place, int)
        assert isinstance(offset, int)
        ends[place] = max(ends.get(place, 0), offset + 1)
    return tuple(
        Position(FEEDS[feed], stream.topic, None, place, known.get((feed, place)), 0, end, end, end)
        for place, end in ends.items()
    )


def _event_time(said: Said) -> datetime:
    # A correction may give another time of the day, too; what names a moment or interval stays.
    seconds = 60 * said.subject + (said.version if said.feed == "trades" else 0)
    return datetime.combine(said.day, _MORNING) + timedelta(seconds=seconds)


def _written_at(said: Said) -> datetime | None:
    return None if said.written is None else datetime.combine(DAYS[0], _MORNING) + timedelta(minutes=said.written)


def _trade(said: Said) -> Message:
    """Trades of three symbols by two traders and by nobody. Some have no price or quantity, and some cannot be."""
    number = said.subject + said.version
    return {
        "trade_id": None if (said.subject, said.version) == (0, 3) else f"T{said.subject}",
        "symbol": (" aapl", "F", "NA")[said.subject % 3] if said.version != 4 else "",
        "side": ("BUY", "sell")[number % 2] if said.version != 5 else "HOLD",
        "price": (100.0 + 7 * number + 0.25, None, -1.0)[0 if said.version < 6 else said.version - 5],
        "quantity": 10.0 * (1 + said.version) if said.version != 2 else None,
        "trader_id": ("R1", "R2", None)[said.subject % 3],
        "account_id": "A1",
        "exchange": "xnys",
    }


def _order_book(said: Said) -> Message:
    """Books of two symbols; some are crossed or empty at one side."""
    best = 100.0 + said.version / 3
    asked = {3: best - 1, 4: None}.get(said.version, best + 0.126)
    prices = {"bid_price_1": best, "ask_price_1": asked, "bid_price_2": best - 1, "ask_price_2": best + 2}
    return {"symbol": ("AAPL", "f ")[said.subject % 2], "exchange": "XNYS", "bid_size_1": 100.0, **prices}


def _interval(said: Said) -> Message:
    """Intervals of two symbols; some have no volume, and some have prices outside their range."""
    price = 100.0 + said.version
    prices = {"open": price, "high": price + 1, "low": price - 1, "close": price + (9 if said.version == 3 else 0.5)}
    volume = None if said.version == 4 else 1000.0 * (1 + said.version)
    return {"symbol": ("AAPL", "f ")[said.subject % 2], "interval_seconds": 60, **prices, "volume": volume}


_MAKERS = {"trades": _trade, "orderbook": _order_book, "marketdata": _interval}
STREAMS = tuple(_MAKERS)


def tables_of_streams() -> dict[str, str]:
    """Every table of dbt that messages have a part in, with its schema, as dbt's manifest says."""
    nodes = parsed_project().nodes
    raw_tables = {FEEDS[feed].raw_table for feed in STREAMS}

    def reads_a_stream(id_: str) -> bool:
        if id_ not in nodes:
            return id_.split(".")[-2:-1] == ["raw_data"] and id_.split(".")[-1] in raw_tables
        return any(reads_a_stream(upstream) for upstream in nodes[id_].depends_on_nodes)

    return {
        node.name: node.schema
        for id_, node in nodes.items()
        if node.resource_type is NodeType.Model and node.config.materialized != "view" and reads_a_stream(id_)
    }
