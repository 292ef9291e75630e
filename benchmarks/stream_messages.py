"""Messages of streams for measuring: all columns of a feed, in Avro."""

import json
import random
from collections.abc import Iterator
from io import BytesIO
from typing import Any

from fastavro import parse_schema, schemaless_writer

from ingestion.feeds import ColumnType, Feed

_AVRO: dict[ColumnType, Any] = {
    ColumnType.INTEGER: "int",
    ColumnType.BIGINT: "long",
    ColumnType.DOUBLE: "double",
    ColumnType.VARCHAR: "string",
    ColumnType.TIMESTAMP: {"type": "long", "logicalType": "timestamp-micros"},
    ColumnType.DATE: {"type": "int", "logicalType": "date"},
}


def avro_schema(feed: Feed) -> dict[str, Any]:
    """A schema with the columns that a feed declares; those that it does not require may be null."""
    fields: list[dict[str, Any]] = [
        {"name": column.name, "type": _AVRO[column.type] if column.required else ["null", _AVRO[column.type]]}
        for column in feed.columns
    ]
    return {"type": "record", "name": feed.name, "fields": fields}


def messages(feed: Feed, schema_id: int, count: int, first_us: int) -> Iterator[bytes]:
    """So many messages, a millisecond apart from `first_us` (µs since the epoch): the same each time."""
    dice = random.Random(feed.name)
    described = avro_schema(feed)
    for field in described["fields"]:
        # Without logical types, so that times are numbers.
        field["type"] = json.loads(json.dumps(field["type"]).replace(json.dumps(_AVRO[ColumnType.TIMESTAMP]), '"long"'))
    schema = parse_schema(described)
    header = b"\0" + schema_id.to_bytes(4, "big")
    for number in range(count):
        record = {column.name: _value(column.type, column.name, number, first_us, dice) for column in feed.columns}
        stream = BytesIO(header)
        stream.seek(len(header))
        schemaless_writer(stream, schema, record)
        yield stream.getvalue()


def _value(type_: ColumnType, name: str, number: int, first_us: int, dice: random.Random) -> Any:
    match type_:
        case ColumnType.TIMESTAMP:
            return first_us + number * 1000
        case ColumnType.DOUBLE:
            return round(dice.uniform(1, 500), 2)
        case ColumnType.VARCHAR:
            return f"{name[:4]}-{number:09d}" if name == "trade_id" else f"{name[:4]}{dice.randrange(500)}"
        case _:
            return dice.randrange(1, 1000)
