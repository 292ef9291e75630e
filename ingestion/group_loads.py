"""Many small partitions of a feed written together: in one scan of their files and one transaction.

A partition by itself costs some 20 ms, whatever its size. A group costs that once. It is a matter of speed only:
what cannot be loaded together is loaded one by one, and every partition is there whole or not at all either way.
"""

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import suppress
from itertools import groupby

import duckdb

from ingestion.arrivals import Arrival, Loaded
from ingestion.errors import LoadError, raise_if_interrupted
from ingestion.feeds import Column, Feed
from ingestion.load_errors import cause_of
from ingestion.partition_destination import OpenTable
from ingestion.partitions import Partition
from ingestion.publishers import GroupReader
from ingestion.raw_data import RAW_SCHEMA, current_states
from ingestion.raw_selects import select_of_groups
from ingestion.readers.file_lists import SourceFile
from ingestion.readers.published import MOST_BYTES_IN_MEMORY, ROWS_READ, RowsOfPartitions
from ingestion.source_files import file_states
from warehouse.ledger import Ledger
from warehouse.sql import identifier

logger = logging.getLogger(__name__)

# With fewer a transaction of its own costs a partition little.
_FEWEST = 4
# All rows of a group are in memory, and those of the next one.
_MOST_BYTES = 64_000_000
_MOST_PARTITIONS = 500


class _NotTogetherError(LoadError):
    """Something about a group that only its partitions one by one can settle."""


class _Group:
    """Partitions of one feed, and their rows once they are read."""

    def __init__(self, arrivals: Sequence[Arrival]) -> None:
        self.arrivals = arrivals
        self._rows: Future[RowsOfPartitions] | None = None

    def begin(self, reading: Executor) -> None:
        """Begin to read, unless that has begun."""
        if self._rows is None and len(self.arrivals) >= _FEWEST:
            reader = self.arrivals[0].partition.feed.publisher.read
            assert isinstance(reader, GroupReader)
            files = [(one.partition, one.path) for one in self.arrivals if one.path is not None]
            self._rows = reading.submit(reader.read_together, files)

    def rows(self) -> RowsOfPartitions:
        """The rows, or what was raised while they were read."""
        assert self._rows is not None
        return self._rows.result()

    def halves(self) -> "list[_Group]":
        """Two groups of these partitions."""
        half = len(self.arrivals) // 2
        return [_Group(self.arrivals[:half]), _Group(self.arrivals[half:])]


def load_groups(
    arrivals: Sequence[Arrival],
    columns: Sequence[Column],
    table: OpenTable,
    ledger: Callable[[], Ledger],
    loaded: Callable[[Arrival], None],
) -> list[Arrival]:
    """Load in groups what can be, tell `loaded` of each partition that was, and return the others, in their order.

    A group that fails is halved, so that a bad partition keeps few others from going on together.

    Raises:
        duckdb.Error: DuckDB has given the database up.
    """
    together: set[Partition] = set()
    waiting = [_Group(arrivals) for arrivals in _groups(arrivals)]
    # The next group is read while the rows of this one are written.
    with ThreadPoolExecutor(1, thread_name_prefix="read") as reading:
        while waiting:
            group = waiting.pop(0)
            if len(group.arrivals) < _FEWEST:
                continue
            group.begin(reading)
            for following in waiting[:1]:
                following.begin(reading)
            try:
                done = _replace(group, columns, table, ledger())
            # Whatever it is: it is raised again by the partition whose it is.
            except Exception as error:
                raise_if_interrupted(error)
                named = group.arrivals[0].partition
                logger.debug(
                    "%s and %d others cannot be loaded together", named, len(group.arrivals) - 1, exc_info=True
                )
                if isinstance(cause_of(error), duckdb.FatalException | duckdb.InternalException):
                    raise
                waiting[:0] = group.halves()
                continue
            for arrival in done:
                together.add(arrival.partition)
                loaded(arrival)
    return [arrival for arrival in arrivals if arrival.partition not in together]


def _is_small(arrival: Arrival) -> bool:
    return arrival.path is not None and arrival.bytes <= MOST_BYTES_IN_MEMORY


def _groups(arrivals: Iterable[Arrival]) -> Iterator[list[Arrival]]:
    """Partitions of one feed that follow each other, as many as fit into a group."""
    for _, of_feed in groupby(filter(_is_small, arrivals), key=lambda arrival: arrival.partition.feed.name):
        group: list[Arrival] = []
        size = 0
        for arrival in of_feed:
            if group and (len(group) == _MOST_PARTITIONS or size + arrival.bytes > _MOST_BYTES):
                yield group
                group, size = [], 0
            group.append(arrival)
            size += arrival.bytes
        yield group


def _replace(group: _Group, columns: Sequence[Column], table: OpenTable, ledger: Ledger) -> list[Arrival]:
    """Replace the partitions of a group that have rows by what their files hold; returns those."""
    arrivals = group.arrivals
    connection, feed = table.connection, arrivals[0].partition.feed
    try:
        rows = group.rows()
        if new := {column.name for column in rows.columns} - {column.name for column in columns}:
            raise _NotTogetherError(f"expected the raw table's columns, but got also {', '.join(sorted(new))}")
        counts = {arrival: count for arrival, count in zip(arrivals, rows.counts, strict=True) if count}
        if rows.rows is not None:
            connection.register(ROWS_READ, rows.rows)
        # Outside the transaction, for a transaction cannot write to two databases.
        connection.execute(f"create or replace temp view partition_rows as {select_of_groups(feed, rows, columns)}")
        connection.begin()
        if counts:
            _delete(feed, list(counts), table)
        connection.execute(table.insert)
        files = dict(zip((arrival.partition for arrival in arrivals), rows.files, strict=False))
        _record(counts, {partition: listed for partition, listed in files.items() if listed}, table, ledger)
        connection.commit()
        return list(counts)
    except BaseException:
        # DuckDB may have ended the transaction itself.
        with suppress(duckdb.Error):
            connection.rollback()
        raise
    finally:
        with suppress(duckdb.Error):
            connection.unregister(ROWS_READ)


def _delete(feed: Feed, arrivals: Sequence[Arrival], table: OpenTable) -> None:
    """Delete the rows that the partitions have had."""
    period = identifier(feed.period_column.name)
    starts = [arrival.partition.period.value for arrival in arrivals]
    table.connection.execute(
        f"delete from {identifier(RAW_SCHEMA, table.name)} where feed = ? and {period} between ? and ?"
        f" and {period} in (select unnest(?))",
        [feed.name, min(starts), max(starts), starts],
    )


def _record(
    counts: dict[Arrival, int], files: dict[Partition, Sequence[SourceFile]], table: OpenTable, ledger: Ledger
) -> None:
    """Record the partitions, if each holds what its files have."""
    if not counts:
        return
    states = current_states([arrival.partition for arrival in counts], table.connection)
    of_files = file_states(files, table.connection)
    with ledger.together():
        for arrival, count in counts.items():
            state = states.get(arrival.partition.period.value)
            if state is None or (state.load_id, state.rows) != (table.load_id, count):
                raise _NotTogetherError(
                    f"{arrival.partition}: expected {count:,} rows of load {table.load_id}, but it would hold {state}"
                )
            arrival.record(ledger, Loaded(state, None, tuple(of_files.get(arrival.partition, ()))))
