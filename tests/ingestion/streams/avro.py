"""Messages in Avro, as producers with a registry write them."""

import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from io import BytesIO
from typing import Any, cast

from confluent_kafka import Message
from fastavro import parse_schema, schemaless_writer

from ingestion.catalog import FEEDS
from ingestion.streams.decoding import Decoded, Decoder
from ingestion.streams.places import StreamMessage
from ingestion.streams.registry import Registry
from ingestion.streams.settings import RegistrySettings

TRADES = FEEDS["trades"]
NOON = datetime(2026, 1, 5, 17, tzinfo=UTC)
NOON_US = int(NOON.timestamp() * 1_000_000)
MICROS = {"type": "long", "logicalType": "timestamp-micros"}
SCHEMA: dict[str, Any] = {
    "type": "record",
    "name": "Trade",
    "fields": [
        {"name": "trade_id", "type": ["null", "string"], "default": None},
        {"name": "symbol", "type": "string"},
        {"name": "price", "type": ["null", "double"]},
        {"name": "trade_timestamp", "type": MICROS},
    ],
}


def schema_of(*fields: tuple[str, Any] | Mapping[str, Any], name: str = "Trade") -> dict[str, Any]:
    """A schema with these fields, each a name and a type, and the time of the trade."""
    listed = [dict(one) if isinstance(one, Mapping) else {"name": one[0], "type": one[1]} for one in fields]
    return {"type": "record", "name": name, "fields": [*listed, {"name": "trade_timestamp", "type": MICROS}]}


def encoded(schema: dict[str, Any], schema_id: int, **values: Any) -> bytes:
    """A message of a schema; it happened at noon unless it says otherwise."""
    stream = BytesIO()
    stream.write(b"\0" + schema_id.to_bytes(4, "big"))
    schemaless_writer(stream, parse_schema(dict(schema)), {"trade_timestamp": NOON, **values})
    return stream.getvalue()


def message(value: bytes | None, offset: int = 0, *, key: bytes | None = None) -> StreamMessage:
    """A message as the broker gives it, an hour after noon."""
    given = Message(
        topic="raw.trades",
        partition=0,
        offset=offset,
        key=key,
        value=value,
        timestamp=(1, NOON_US // 1000 + 3_600_000),
    )
    return cast("StreamMessage", given)


class KnownSchemas(Registry):
    """A registry that knows these schemas, and of any other id that there is none."""

    def __init__(self, schemas: Mapping[int, str]) -> None:
        super().__init__(RegistrySettings("http://127.0.0.1:1"), threading.Event(), patience_seconds=0)
        self._known = schemas

    def schema(self, schema_id: int) -> str | None:
        return self._known.get(schema_id)


def decoded(schemas: Mapping[int, str], *values: bytes | None) -> Decoded:
    """What becomes of messages of trades, at offsets 0, 1, …"""
    decoder = Decoder(TRADES, KnownSchemas(schemas))
    return decoder.decode([message(value, offset) for offset, value in enumerate(values)])
