"""From messages to rows of a feed and messages that cannot be read. Nothing of a message stops the others."""

import gc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from io import BytesIO
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from fastavro import schemaless_reader

from ingestion.feeds import Feed
from ingestion.streams.places import StreamMessage
from ingestion.streams.plans import Plan, Planned, Unreadable, plan_of
from ingestion.streams.registry import Registry
from ingestion.streams.rejects import Reason, Reject, kafka_us

# What a broker takes by default, and a little more.
LARGEST_MESSAGE_BYTES = 1_100_000
_HEADER_BYTES = 5
_DECODED_AT_ONCE = 2_000
_QUARTER_US = 15 * 60 * 1_000_000


@dataclass(frozen=True)
class Rows:
    """Rows of a feed by one plan.

    The table has the declared columns that the messages have, the period's and Kafka's, by their raw names, and what
    the feed does not declare as c0, c1, …: `undeclared` has the published names and DuckDB's types of these.
    """

    table: pa.Table
    undeclared: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Decoded:
    """What became of messages of a feed: each is in the rows or in the rejects."""

    feed: Feed
    rows: tuple[Rows, ...]
    rejects: tuple[Reject, ...]

    @property
    def count(self) -> int:
        """How many rows there are."""
        return sum(rows.table.num_rows for rows in self.rows)


class Decoder:
    """Decodes the messages of a feed; remembers a plan for each schema."""

    def __init__(self, feed: Feed, registry: Registry) -> None:
        self._feed = feed
        self._registry = registry
        self._plans: dict[int, Plan | Unreadable] = {}

    def decode(self, messages: Sequence[StreamMessage]) -> Decoded:
        """Decode messages.

        Raises:
            RegistryError, RegistryRefusedError, StoppedError: there is no answer to what a schema is.
        """
        rejects: list[Reject] = []
        by_schema: dict[int, list[tuple[StreamMessage, bytes]]] = {}
        for message in messages:
            value = message.value()
            if value is None or len(value) > LARGEST_MESSAGE_BYTES or len(value) < _HEADER_BYTES or value[0] != 0:
                rejects.append(_not_avro(message, value))
            else:
                by_schema.setdefault(int.from_bytes(value[1:_HEADER_BYTES], "big"), []).append((message, value))
        rows = []
        for schema_id, of_schema in by_schema.items():
            plan = self._plan(schema_id)
            if isinstance(plan, Unreadable):
                rejects += [Reject(message, schema_id, plan.reason, plan.explanation) for message, _ in of_schema]
            else:
                decoding = _Decoding(self._feed, plan, rejects)
                with _without_garbage_collection():
                    tables = [decoding.table(some) for some in _parts(of_schema)]
                rows.append(Rows(pa.concat_tables(tables), decoding.undeclared))
        return Decoded(self._feed, tuple(rows), tuple(rejects))

    def _plan(self, schema_id: int) -> Plan | Unreadable:
        found = self._plans.get(schema_id)
        if found is None:
            text = self._registry.schema(schema_id)
            if text is None:
                # Not remembered: the registry may know it later.
                return Unreadable(
                    Reason.UNKNOWN_SCHEMA, f"expected a schema of the registry, but it has none of id {schema_id}"
                )
            found = self._plans[schema_id] = plan_of(self._feed, schema_id, text)
        return found


def _parts(messages: list[tuple[StreamMessage, bytes]]) -> Iterator[list[tuple[StreamMessage, bytes]]]:
    """The messages in parts so small that what is read of one stays in the processor's cache."""
    for start in range(0, len(messages), _DECODED_AT_ONCE):
        yield messages[start : start + _DECODED_AT_ONCE]


@contextmanager
def _without_garbage_collection() -> Iterator[None]:
    """Python looks through all objects whenever some hundreds are new: in a batch, for as long as the reading takes."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _not_avro(message: StreamMessage, value: bytes | None) -> Reject:
    if value is None:
        return Reject(message, None, Reason.TOMBSTONE, "expected a message, but it has no value")
    if len(value) > LARGEST_MESSAGE_BYTES:
        expected = f"expected at most {LARGEST_MESSAGE_BYTES:,} bytes, but it has {len(value):,}"
        return Reject(message, None, Reason.TOO_LARGE, expected)
    came = f"it begins with {value[:_HEADER_BYTES]!r}" if value else "it is empty"
    expected = f"expected a 0 and the 4 bytes of a schema's id before the values in Avro, but {came}"
    return Reject(message, None, Reason.NOT_AVRO, expected)


class _Decoding:
    """The decoding of messages by one plan. What cannot be read is added to the rejects."""

    def __init__(self, feed: Feed, plan: Plan, rejects: list[Reject]) -> None:
        self._feed = feed
        self._plan = plan
        self._rejects = rejects

    @property
    def undeclared(self) -> tuple[tuple[str, str], ...]:
        """Published names and DuckDB's types of the columns c0, c1, …"""
        return tuple((planned.field, planned.conversion.duckdb_type) for planned in self._plan.undeclared)

    def table(self, messages: Sequence[tuple[StreamMessage, bytes]]) -> pa.Table:
        """The rows of those that can be read, in their order."""
        good, records = self._records(messages)
        bad: dict[int, tuple[Reason, str]] = {}
        columns = {}
        for planned in self._plan.declared:
            assert planned.column is not None
            array = columns[planned.column.name] = _column(planned, records, bad)
            if planned.column.required and array.null_count:
                self._note_missing(planned.column.name, array, bad)
        for position, planned in enumerate(self._plan.undeclared):
            columns[f"c{position}"] = _column(planned, records, bad)
        columns |= self._place_columns(columns, good, bad)
        table = pa.table(columns)
        if bad:
            for position in sorted(bad):
                self._reject(good[position], *bad[position])
            kept = [position for position in range(len(good)) if position not in bad]
            table = table.take(pa.array(kept, pa.int64()))
        return table

    def _records(
        self, messages: Sequence[tuple[StreamMessage, bytes]]
    ) -> tuple[list[StreamMessage], list[dict[str, Any]]]:
        """The messages that are Avro of the schema, and what is in them."""
        decoder = self._plan.decoder
        good: list[StreamMessage] = []
        records: list[Any] = []
        for message, value in messages:
            stream = BytesIO(value)
            stream.seek(_HEADER_BYTES)
            try:
                record = schemaless_reader(stream, decoder, None)
            # Whatever bytes do to a library, they must not stop the others.
            except Exception as error:  # noqa: BLE001
                self._reject(message, *_not_readable(error, stream.tell(), len(value)))
            else:
                left = len(value) - stream.tell()
                if left:
                    self._reject(message, Reason.TRAILING_BYTES, f"expected its end, but {left:,} more bytes follow")
                else:
                    good.append(message)
                    records.append(record)
        return good, records

    def _reject(self, message: StreamMessage, reason: Reason, explanation: str) -> None:
        schema_id = self._plan.schema_id
        self._rejects.append(Reject(message, schema_id, reason, f"schema {schema_id}: {explanation}"))

    def _note_missing(self, name: str, array: pa.Array, bad: dict[int, tuple[Reason, str]]) -> None:
        reason = Reason.MISSING_EVENT_TIME if name == self._feed.event_time else Reason.MISSING_VALUE
        for position in np.flatnonzero(array.is_null().to_numpy(zero_copy_only=False)):
            bad.setdefault(int(position), (reason, f"expected a value of {name}, but it has none"))

    def _place_columns(
        self, columns: dict[str, pa.Array], messages: list[StreamMessage], bad: dict[int, tuple[Reason, str]]
    ) -> dict[str, pa.Array]:
        """Where each message stood, and the period of its event."""
        now = int(datetime.now(UTC).timestamp() * 1_000_000)
        # A broker of long ago gives no time. Then it is when the message came here.
        received = np.fromiter((us if (us := kafka_us(one)) is not None else now for one in messages), np.int64)
        assert self._feed.event_time is not None
        times = columns[self._feed.event_time].cast(pa.int64())
        event_days = self._days(pc.fill_null(times, 0).to_numpy(zero_copy_only=False))
        # A clock that is wrong must not let in days that are far ahead of us.
        last_days = self._days(np.minimum(received, now)) + 1
        first_day = (self._feed.first_day - date(1970, 1, 1)).days
        for position in np.flatnonzero((event_days < first_day) | (event_days > last_days)):
            if times[int(position)].is_valid:
                event, last = (date(1970, 1, 1) + timedelta(int(of[position])) for of in (event_days, last_days))
                expected = f"expected an event from {self._feed.first_day} to {last}, but it is of {event}"
                bad.setdefault(int(position), (Reason.EVENT_OUT_OF_RANGE, expected))
        return {
            self._feed.period_column.name: pa.array(event_days, pa.int32()).cast(pa.date32()),
            "kafka_partition": pa.array([message.partition() for message in messages], pa.int32()),
            "kafka_offset": pa.array([message.offset() for message in messages], pa.int64()),
            "kafka_timestamp": pa.array(received, pa.int64()).cast(pa.timestamp("us")),
        }

    def _days(self, times: np.ndarray[Any, np.dtype[np.int64]]) -> np.ndarray[Any, np.dtype[np.int64]]:
        """The days, since the epoch, that times in µs are of in the stream's zone."""
        assert self._feed.stream is not None
        day_of = _day_of_quarter(self._feed.stream.zone)
        quarters, positions = np.unique(times // _QUARTER_US, return_inverse=True)
        return np.fromiter((day_of(int(quarter)) for quarter in quarters), np.int64, len(quarters))[positions]


@cache
def _day_of_quarter(zone: str) -> Callable[[int], int]:
    """From a quarter of an hour since the epoch to the day in a zone: no day of any zone ends within a quarter."""
    place = ZoneInfo(zone)
    known: dict[int, int] = {}

    def day_of(quarter: int) -> int:
        if quarter not in known:
            if len(known) > 100_000:
                known.clear()
            time = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(minutes=15 * quarter)
            try:
                local = time.astimezone(place).date()
            except OverflowError:  # at the ends of the calendar
                local = time.date()
            known[quarter] = (local - date(1970, 1, 1)).days
        return known[quarter]

    return day_of


def _not_readable(error: Exception, read: int, size: int) -> tuple[Reason, str]:
    """Why fastavro could not read a message, of which it has read so many bytes."""
    if read >= size and isinstance(error, EOFError | IndexError):
        return Reason.TRUNCATED, f"expected more than {size:,} bytes"
    return Reason.MALFORMED, f"expected Avro, but {type(error).__name__}: {str(error)[:150]}"


def _column(planned: Planned, records: Sequence[dict[str, Any]], bad: dict[int, tuple[Reason, str]]) -> pa.Array:
    name = planned.field
    array, bad_values = planned.conversion.convert([record[name] for record in records])
    for position, expected in bad_values.items():
        came = str(records[position][name])[:60]
        bad.setdefault(position, (Reason.BAD_VALUE, f"expected {expected} in {name[:60]!a}, but it is {came!a}"))
    return array
