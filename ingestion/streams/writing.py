"""Writing a batch: rows, rejects, offsets and watermarks in one transaction of DuckDB."""

import logging
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

import duckdb

from ingestion.errors import LoadError
from ingestion.feeds import Column, Feed
from ingestion.raw_data import RAW_SCHEMA, raw_column_types
from ingestion.readers.columns import NewNames
from ingestion.streams.decoding import Decoded, Rows
from ingestion.streams.places import Position
from ingestion.streams.rejects import kafka_us, rejects_table
from warehouse.ledger import Fingerprint, Ledger, Watermark
from warehouse.ledger.stream_offsets import StreamOffset, read_stream_offsets, write_stream_offsets
from warehouse.sql import identifier

logger = logging.getLogger(__name__)


class MovedError(LoadError):
    """Another process has read on in the topic meanwhile."""


@dataclass(frozen=True)
class FeedBatch:
    """What a batch has of one feed: messages, decoded, and how far their partitions are read with them."""

    decoded: Decoded
    positions: Sequence[Position]


@dataclass
class Written:
    """What was written of a feed: the partitions as the ledger has them now, and the rows of each day that got some."""

    load_id: str
    offsets: list[StreamOffset]
    days: dict[date, int]


class BatchWriter:
    """Writes batches. `folder` is for dlt's files, where a raw table is made or gets a column."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._last_load_id = ""

    def write(self, batches: Sequence[FeedBatch], connection: duckdb.DuckDBPyConnection) -> dict[str, Written]:
        """Write batches of several feeds, in one transaction, and return what was written of each.

        Where a table gets new columns, its feed has a transaction of its own.

        Raises:
            MovedError: the offsets in the ledger are not those that the batch follows; nothing of it is written.
            duckdb.Error: it cannot be written.
        """
        ledger = Ledger(connection)
        self._make_tables([batch.decoded.feed for batch in batches], connection)
        selects = {batch.decoded.feed.name: _selects(batch.decoded, connection) for batch in batches}
        widening = [one for one in batches if any(select.new for select in selects[one.decoded.feed.name])]
        written: dict[str, Written] = {}
        together = [one for one in batches if one not in widening]
        if together:
            self._write_in_transaction(together, selects, connection, ledger, written)
        for batch in widening:
            self._widen(batch, selects, connection, written)
        return written

    def _make_tables(self, feeds: Sequence[Feed], connection: duckdb.DuckDBPyConnection) -> None:
        if all(raw_column_types(feed, connection) for feed in feeds):
            return
        # Imported here because dlt takes half a second to import.
        from ingestion.raw_loader import RawLoader

        RawLoader(connection, self._folder).create_missing_tables(feeds)

    def _widen(
        self,
        batch: FeedBatch,
        selects: dict[str, list["_Select"]],
        connection: duckdb.DuckDBPyConnection,
        written: dict[str, Written],
    ) -> None:
        """Write a batch that has new columns: dlt adds them, in the transaction of the rows."""
        from ingestion.dlt_runs import DltRuns
        from ingestion.partition_destination import OpenTable

        feed = batch.decoded.feed
        new = [column for select in selects[feed.name] for column in select.new]
        logger.warning("%s: new columns in %s: %s", feed.name, feed.raw_table, ", ".join(column.name for column in new))
        runs = DltRuns(connection, self._folder)

        def load(table: OpenTable) -> None:
            self._write_in_transaction(
                [batch], selects, table.connection, Ledger(table.connection), written, table.add_new_columns
            )

        runs.run([runs.model(feed.raw_table, (*feed.raw_columns, *dict.fromkeys(new)))], load)

    def _write_in_transaction(
        self,
        batches: Sequence[FeedBatch],
        selects: dict[str, list["_Select"]],
        connection: duckdb.DuckDBPyConnection,
        ledger: Ledger,
        written: dict[str, Written],
        add_columns: Callable[[], None] | None = None,
    ) -> None:
        load_id = self._new_load_id()
        connection.begin()
        try:
            _check_not_moved(batches, connection)
            if add_columns is not None:
                add_columns()
            done = {}
            for batch in batches:
                feed = batch.decoded.feed
                for select in selects[feed.name]:
                    select.insert(feed, load_id, connection)
                _insert_rejects(batch.decoded, load_id, connection)
                offsets = _advanced(batch)
                write_stream_offsets(connection, offsets)
                done[feed.name] = Written(
                    load_id, offsets, _add_to_watermarks(batch.decoded, load_id, connection, ledger)
                )
            connection.commit()
        except BaseException:
            # DuckDB may have ended the transaction itself.
            with suppress(duckdb.Error):
                connection.rollback()
            raise
        written |= done

    def _new_load_id(self) -> str:
        """An id after all before: as dlt's, the seconds since the epoch."""
        load_id = f"{time.time():.6f}"
        if load_id <= self._last_load_id:
            load_id = f"{float(self._last_load_id) + 0.000_01:.6f}"
        self._last_load_id = load_id
        return load_id


@dataclass(frozen=True)
class _Select:
    """How rows get into the raw table: `values` are SQL, by raw column; `new` are columns that it does not have yet."""

    rows: Rows
    values: dict[str, str]
    new: tuple[Column, ...]

    def insert(self, feed: Feed, load_id: str, connection: duckdb.DuckDBPyConnection) -> None:
        """Insert the rows."""
        columns = ", ".join(identifier(name) for name in (*self.values, "feed", "_dlt_load_id"))
        connection.register("stream_rows", self.rows.table)
        try:
            connection.execute(
                f"insert into {identifier(RAW_SCHEMA, feed.raw_table)} ({columns})"
                f" select {', '.join(self.values.values())}, ?, ? from stream_rows",
                [feed.name, load_id],
            )
        finally:
            connection.unregister("stream_rows")


def _selects(decoded: Decoded, connection: duckdb.DuckDBPyConnection) -> list[_Select]:
    """How the rows of a feed get into its raw table as it is now."""
    existing = raw_column_types(decoded.feed, connection)
    declared = {column.name: column for column in decoded.feed.columns}
    selects = []
    for rows in decoded.rows:
        own = {f"c{position}" for position in range(len(rows.undeclared))}
        values = {name: identifier(name) for name in rows.table.column_names if name not in own}
        namer = NewNames(declared, existing)
        new = []
        for position, (published, type_) in enumerate(rows.undeclared):
            column = namer.column(namer.name(published, position), type_)
            while column.name in values:
                column = Column(f"{column.name}_2", column.type)
            values[column.name] = f"cast({identifier(f'c{position}')} as {column.type})"
            if column.name not in existing:
                new.append(column)
        existing |= {column.name: column.type.value for column in new}
        selects.append(_Select(rows, values, tuple(new)))
    return selects


def _check_not_moved(batches: Sequence[FeedBatch], connection: duckdb.DuckDBPyConnection) -> None:
    """See that the ledger is where the batch begins: another process may have read the same messages.

    Raises:
        MovedError: it is not.
    """
    known = read_stream_offsets(connection, [batch.decoded.feed.name for batch in batches])
    for batch in batches:
        for position in batch.positions:
            there = known.get((batch.decoded.feed.name, position.partition))
            found, expected = (one and one.next_offset for one in (there, position.stored))
            if found != expected:
                raise MovedError(
                    f"{position.topic} {position.partition}: expected the ledger to be at offset {expected}, but it is "
                    f"at {found}: another process reads this stream. Stop one of them."
                )


def _advanced(batch: FeedBatch) -> list[StreamOffset]:
    """Where the partitions of a batch are once it is written."""
    rows: Counter[int] = Counter()
    last: dict[int, int] = {}
    for each in batch.decoded.rows:
        table = each.table.set_column(
            each.table.column_names.index("kafka_timestamp"),
            "kafka_timestamp",
            each.table["kafka_timestamp"].cast("int64"),
        )
        grouped = table.group_by("kafka_partition").aggregate([("kafka_timestamp", "max"), ([], "count_all")])
        for of in grouped.to_pylist():
            rows[of["kafka_partition"]] += of["count_all"]
            newest = of["kafka_timestamp_max"]
            last[of["kafka_partition"]] = max(last.get(of["kafka_partition"], newest), newest)
    rejected: Counter[int] = Counter()
    for reject in batch.decoded.rejects:
        partition, us = reject.message.partition(), kafka_us(reject.message)
        rejected[partition] += 1
        if us is not None:
            last[partition] = max(last.get(partition, us), us)
    strange = {*rows, *rejected} - {one.partition for one in batch.positions}
    if strange:
        # Written without their offsets, they would be read again.
        raise LoadError(
            f"{batch.decoded.feed.name}: a batch has messages of partitions {strange} without their offsets"
        )
    return [
        one.advanced(rows[one.partition], rejected[one.partition], last.get(one.partition)) for one in batch.positions
    ]


def _insert_rejects(decoded: Decoded, load_id: str, connection: duckdb.DuckDBPyConnection) -> None:
    if not decoded.rejects:
        return
    table = rejects_table(list(decoded.rejects))
    columns = ", ".join(table.column_names)
    connection.register("stream_rejects_read", table)
    try:
        connection.execute(
            f"insert into {RAW_SCHEMA}.stream_rejects (feed, {columns}, _dlt_load_id)"
            f" select ?, {columns}, ? from stream_rejects_read",
            [decoded.feed.name, load_id],
        )
    finally:
        connection.unregister("stream_rejects_read")


def _add_to_watermarks(
    decoded: Decoded, load_id: str, connection: duckdb.DuckDBPyConnection, ledger: Ledger
) -> dict[date, int]:
    """Add the rows to what the ledger knows of each event day, and return how many each of these days has now."""
    feed = decoded.feed
    assert feed.stream is not None
    assert feed.event_time is not None
    day, time_ = feed.period_column.name, feed.event_time
    added: dict[date, tuple[int, datetime, datetime]] = {}
    for rows in decoded.rows:
        grouped = rows.table.group_by(day).aggregate([(time_, "min"), (time_, "max"), ([], "count_all")])
        for of in grouped.to_pylist():
            more = (of["count_all"], of[f"{time_}_min"], of[f"{time_}_max"])
            added[of[day]] = _sum(added.get(of[day]), more)
    keys = {of: feed.period_of(of).key for of in added}
    known = connection.execute(
        "select partition_key, rows, min_event_time, max_event_time from meta.asset_watermarks"
        " where asset = ? and list_contains(?, partition_key)",
        [feed.name, list(keys.values())],
    ).fetchall()
    before = {key: values for key, *values in known}
    source = Fingerprint(f"kafka://{feed.stream.topic}")
    days = {}
    for of, more in added.items():
        there = before.get(keys[of])
        rows_, earliest, latest = _sum((there[0], there[1], there[2]) if there and there[0] else None, more)
        ledger.set_watermark(feed.name, keys[of], Watermark(load_id, rows_, earliest, latest, source))
        days[of] = rows_
    return days


def _sum(
    one: tuple[int, datetime, datetime] | None, other: tuple[int, datetime, datetime]
) -> tuple[int, datetime, datetime]:
    if one is None:
        return other
    return one[0] + other[0], min(one[1], other[1]), max(one[2], other[2])
