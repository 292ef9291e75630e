"""The Avro schemas of the exchange's messages, and what became of them over time."""

from copy import deepcopy
from enum import StrEnum
from typing import Any

from ingestion.catalog import FEEDS

Schema = dict[str, Any]
Record = dict[str, Any]

STREAMS = ("trades", "orderbook", "marketdata")
_LEVELS = (1, 2, 3)
_BOOK = tuple(f"{side}_{what}_{level}" for side in ("bid", "ask") for level in _LEVELS for what in ("price", "size"))


class Edition(StrEnum):
    """An edition of a schema. Messages of each are in the topics at the same time, as while producers are renewed."""

    FIRST = "first"
    ADDED = "added"  # has one more field, with a default
    REMOVED = "removed"  # lacks one
    RENAMED = "renamed"  # calls one by another name, and says so by an alias
    MILLIS = "millis"  # has times in milliseconds
    INCOMPATIBLE = "incompatible"  # has a record where there was a number


# Of each feed the field that is removed, the one that is renamed with its new name, and the one of another type.
_CHANGED = {
    "trades": ("account_id", ("quantity", "size"), "price"),
    "orderbook": ("exchange", ("bid_size_1", "bid_quantity_1"), "bid_price_1"),
    "marketdata": ("interval_seconds", ("volume", "traded_volume"), "close"),
}
_ADDED = "source_system"


def _optional(name: str, type_: Any) -> Schema:
    return {"name": name, "type": ["null", type_], "default": None}


def _time() -> Schema:
    return {"type": "long", "logicalType": "timestamp-micros"}


def _schema(name: str, event_time: str, *fields: Schema) -> Schema:
    times = [{"name": event_time, "type": _time()}, _optional("event_timestamp", _time())]
    return {"type": "record", "name": name, "namespace": "exchange", "fields": [*fields, *times]}


_FIRST = {
    "trades": _schema(
        "Trade",
        "trade_timestamp",
        *(_optional(name, "string") for name in ("trade_id", "symbol", "exchange", "trader_id", "account_id", "side")),
        *(_optional(name, "double") for name in ("price", "quantity")),
    ),
    "orderbook": _schema(
        "OrderBookSnapshot",
        "snapshot_timestamp",
        *(_optional(name, "string") for name in ("symbol", "exchange")),
        *(_optional(name, "double") for name in _BOOK),
    ),
    "marketdata": _schema(
        "MarketInterval",
        "interval_start",
        _optional("symbol", "string"),
        _optional("interval_seconds", "int"),
        *(_optional(name, "double") for name in ("open", "high", "low", "close", "volume")),
    ),
}


def subject_of(feed: str) -> str:
    """The registry's name for the schemas of a feed's topic."""
    stream = FEEDS[feed].stream
    assert stream is not None
    return f"{stream.topic}-value"


def schema_of(feed: str, edition: Edition = Edition.FIRST) -> Schema:
    """The schema of a feed's messages in an edition."""
    schema = deepcopy(_FIRST[feed])
    fields: list[Schema] = schema["fields"]
    removed, (renamed, name), retyped = _CHANGED[feed]
    match edition:
        case Edition.ADDED:
            fields.append({"name": _ADDED, "type": "string", "default": "main"})
        case Edition.REMOVED:
            schema["fields"] = [field for field in fields if field["name"] != removed]
        case Edition.RENAMED:
            _field(schema, renamed).update(name=name, aliases=[renamed])
        case Edition.MILLIS:
            for field in fields:
                for type_ in field["type"] if isinstance(field["type"], list) else [field["type"]]:
                    if isinstance(type_, dict):
                        type_["logicalType"] = "timestamp-millis"
        case Edition.INCOMPATIBLE:
            parts = [{"name": "units", "type": "long"}, {"name": "nanos", "type": "int"}]
            _field(schema, retyped).update(type={"type": "record", "name": "Money", "fields": parts})
            del _field(schema, retyped)["default"]
    return schema


def as_edition(feed: str, record: Record, edition: Edition) -> Record:
    """A record of the first edition, as it is written in another one."""
    removed, (renamed, name), retyped = _CHANGED[feed]
    match edition:
        case Edition.ADDED:
            return {**record, _ADDED: "backup"}
        case Edition.REMOVED:
            return {field: value for field, value in record.items() if field != removed}
        case Edition.RENAMED:
            return {name if field == renamed else field: value for field, value in record.items()}
        case Edition.INCOMPATIBLE:
            units, rest = divmod(record[retyped] or 0.0, 1)
            return {**record, retyped: {"units": int(units), "nanos": int(rest * 1e9)}}
    return record


def _field(schema: Schema, name: str) -> Schema:
    found: Schema = next(field for field in schema["fields"] if field["name"] == name)
    return found
