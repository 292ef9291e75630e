"""Messages that cannot be read, as they are kept: whole, and with the reason."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import pyarrow as pa
from confluent_kafka import TIMESTAMP_NOT_AVAILABLE

from ingestion.errors import printable
from ingestion.streams.conversions import EARLIEST_US, LATEST_US
from ingestion.streams.places import StreamMessage
from warehouse.secrets import scrubbed

_LONGEST_EXPLANATION = 590


class Reason(StrEnum):
    """Why a message cannot be read."""

    TOMBSTONE = "tombstone"
    NOT_AVRO = "not_avro"
    TOO_LARGE = "too_large"
    UNKNOWN_SCHEMA = "unknown_schema"
    INCOMPATIBLE_SCHEMA = "incompatible_schema"
    TRUNCATED = "truncated"
    MALFORMED = "malformed"
    TRAILING_BYTES = "trailing_bytes"
    BAD_VALUE = "bad_value"
    MISSING_VALUE = "missing_value"
    MISSING_EVENT_TIME = "missing_event_time"
    EVENT_OUT_OF_RANGE = "event_out_of_range"


@dataclass(frozen=True)
class Reject:
    """A message that cannot be read."""

    message: StreamMessage
    schema_id: int | None
    reason: Reason
    explanation: str


_SCHEMA = pa.schema(
    [
        ("topic", pa.string()),
        ("kafka_partition", pa.int32()),
        ("kafka_offset", pa.int64()),
        ("kafka_timestamp", pa.timestamp("us")),
        ("schema_id", pa.int32()),
        ("reason", pa.string()),
        ("explanation", pa.string()),
        ("message_key", pa.binary()),
        ("message_value", pa.binary()),
        ("headers", pa.string()),
    ]
)


def rejects_table(rejects: list[Reject]) -> pa.Table:
    """The rejects with the columns of `raw_data.stream_rejects`, but for feed and load."""
    rows = [
        (
            reject.message.topic(),
            reject.message.partition(),
            reject.message.offset(),
            kafka_us(reject.message),
            # The registry's ids are positive and of 32 bits; what claims more is no id.
            reject.schema_id if reject.schema_id is not None and reject.schema_id < 2**31 else None,
            reject.reason.value,
            scrubbed(printable(reject.explanation))[:_LONGEST_EXPLANATION],
            reject.message.key(),
            reject.message.value(),
            _headers(reject.message),
        )
        for reject in rejects
    ]
    return pa.table([list(column) for column in zip(*rows, strict=True)] if rows else [[]] * len(_SCHEMA), _SCHEMA)


def kafka_us(message: StreamMessage) -> int | None:
    """When the broker got a message, in µs since the epoch; None where it does not say, or says a time that is none."""
    kind, milliseconds = message.timestamp()
    microseconds = milliseconds * 1000
    return microseconds if kind != TIMESTAMP_NOT_AVAILABLE and EARLIEST_US <= microseconds <= LATEST_US else None


def _headers(message: StreamMessage) -> str | None:
    headers = message.headers()
    if not headers:
        return None
    listed = list(headers.items()) if isinstance(headers, Mapping) else list(headers)
    return json.dumps([[str(name), _base64(value)] for name, value in listed])


def _base64(value: str | bytes | None) -> str | None:
    if value is None:
        return None
    return base64.b64encode(value if isinstance(value, bytes) else value.encode()).decode()
