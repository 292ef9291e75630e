"""Messages as Kafka has them: the event in Avro, after five bytes that say by which schema (Confluent's format)."""

import io
import struct
from collections.abc import Callable, Iterator
from datetime import date

from fastavro import parse_schema, schemaless_writer

from ingestion.catalog import FEEDS
from ingestion.markets.trading_days import sessions
from sandbox.kafka_broker import Message
from sandbox.markets.exchange.events import Market, moments
from sandbox.markets.exchange.quirks import Quirk, Quirks, Sent
from sandbox.markets.exchange.schemas import STREAMS, Edition, Schema, as_edition, schema_of, subject_of

# No registry has given so many schemas an id.
_UNKNOWN_SCHEMA = 2_000_000_000

# Gives a schema its id: the registry's subject and the schema.
Register = Callable[[str, Schema], int]


class Encoder:
    """Writes events in Avro. Every edition of every schema is registered first."""

    def __init__(self, register: Register) -> None:
        self._schemas = {}
        for feed in STREAMS:
            for edition in Edition:
                schema = schema_of(feed, edition)
                self._schemas[feed, edition] = (register(subject_of(feed), schema), parse_schema(schema))

    def message(self, sent: Sent) -> Message:
        """The message: its key is the symbol, and its timestamp is when it was published."""
        stream = FEEDS[sent.event.feed].stream
        assert stream is not None
        symbol = sent.event.record["symbol"]
        return Message(
            stream.topic,
            self._value(sent),
            key=(symbol or "").strip().upper().encode(),
            timestamp_ms=int(sent.event.at.timestamp() * 1000),
        )

    def _value(self, sent: Sent) -> bytes | None:
        number, schema = self._schemas[sent.event.feed, sent.edition]
        match sent.quirk:
            case Quirk.TOMBSTONE:
                return None
            case Quirk.NOT_AVRO:
                return b'{"trade_id": "not in Avro"}'
            case Quirk.UNKNOWN_SCHEMA:
                number = _UNKNOWN_SCHEMA
        buffer = io.BytesIO()
        buffer.write(struct.pack(">bI", 0, number))
        schemaless_writer(buffer, schema, as_edition(sent.event.feed, sent.event.record, sent.edition))
        value = buffer.getvalue()
        # The last field is a time: a few bytes less, and it is incomplete.
        return value[:-3] if sent.quirk is Quirk.TRUNCATED else value


def sent_between(first: date, last: date, *, happening: int, seed: int = 0, has_quirks: bool = True) -> Iterator[Sent]:
    """What is sent on the trading days from the first to the last, in order.

    `happening` is the number of trades and snapshots of a day. Prices by minute and duplicates come on top of it.
    """
    market = Market(seed)
    quirks = Quirks(seed) if has_quirks else Quirks(seed, {}, {})
    ended = None
    for session in sessions(first, last):
        yield from quirks.apply(market.events(moments(session, happening, seed)))
        for event in market.close():
            ended = event.at
            yield from quirks.apply([event])
    if ended is not None:
        yield from quirks.flush(ended)
