"""Writing partitions into their raw tables with dlt: each whole, or not at all.

Partitions that come together share one run of dlt, and so a load id. Each is read, checked and recorded in a
transaction of its own.
"""

import logging
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import replace
from pathlib import Path

import duckdb
from dlt.common.exceptions import DltException

from ingestion.arrivals import Arrival, Loaded, reads, with_rows
from ingestion.catalog import raw_tables
from ingestion.dlt_runs import DltRuns
from ingestion.errors import LoadError, UnreadableFileError, raise_if_interrupted
from ingestion.feeds import Column, ColumnType, Feed
from ingestion.group_loads import load_groups
from ingestion.load_errors import cause_of, explained
from ingestion.partition_destination import OpenTable
from ingestion.partitions import Partition
from ingestion.raw_data import (
    RAW_SCHEMA,
    LoadedPartition,
    current_state,
    existing_tables,
    raw_column_types,
    scope,
)
from ingestion.raw_selects import partition_columns, select_of_rows
from ingestion.readers.published import ROWS_READ, PublishedRows, close_scratch
from ingestion.readers.published_file import PublishedFile
from ingestion.source_files import file_states
from warehouse.ledger import Ledger, SourceFileState
from warehouse.sql import identifier

logger = logging.getLogger(__name__)


class _DatabaseLostError(Exception):
    """DuckDB has given the database up after an error. It has to be opened again before anything else is written."""


class _OtherRowsError(LoadError):
    """Not as many rows were written as the file has."""


class RawLoader:
    """Loads partitions over one open connection. `folder` holds dlt's files and may be thrown away afterwards."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, folder: Path) -> None:
        self._connection = connection
        self._folder = folder
        self._dlt = DltRuns(connection, folder)
        self._unfinished: list[Arrival] = []
        # Partitions that have to wait because their raw table lacks a column.
        self._put_off: list[Arrival] = []
        self._committed: Arrival | None = None
        self._ledger: tuple[duckdb.DuckDBPyConnection, Ledger] | None = None

    def load(self, arrivals: Sequence[Arrival]) -> list[Arrival]:
        """Replace each partition of its raw table by the rows of its file.

        Whatever goes wrong with a partition is told to its `finished`, and the others go on. After an error that makes
        the connection useless it stops. Returns the arrivals that were not finished then: load them over another one.

        Raises:
            KeyboardInterrupt: the run was interrupted, and some arrivals may not be finished.
        """
        self._unfinished = list(arrivals)
        try:
            self.create_missing_tables({arrival.partition.feed for arrival in arrivals})
            waiting = list(arrivals)
            while waiting:
                # The others go on after the one that is loaded alone, for they may have the same new columns.
                waiting = self._load_into_known_columns(waiting)
                if waiting:
                    self._load_with_new_columns(waiting.pop(0))
        except _DatabaseLostError:
            # One by one from now on: the one that it was because of has to be found.
            return [replace(arrival, path=None) for arrival in self._unfinished]
        # Of dlt itself: a full disk, for one, can end it anywhere.
        except Exception as error:
            raise_if_interrupted(error)
            logger.debug("dlt failed", exc_info=True)
            for arrival in list(self._unfinished):
                file = PublishedFile(arrival.partition, self._folder / "rows", called=str(arrival.partition))
                self._finish(arrival, explained(file, error))
        return []

    def _load_into_known_columns(self, arrivals: Sequence[Arrival]) -> list[Arrival]:
        """Load the partitions whose columns the raw tables have, in one run of dlt; returns the others."""
        feeds = dict.fromkeys(arrival.partition.feed for arrival in arrivals)
        columns = {feed.raw_table: self._known_columns(feed) for feed in feeds}
        self._put_off = []

        def load(table: OpenTable) -> None:
            known = {column.name for column in columns[table.name]}
            of_table = [arrival for arrival in arrivals if arrival.partition.feed.raw_table == table.name]
            of_table = self._load_together(of_table, columns[table.name], table)
            for arrival, read in reads(of_table, columns[table.name], table.name, self._connection):
                with self._work_on(arrival):
                    published = with_rows(arrival, read())
                    if {column.name for column in published.columns} <= known:
                        self._replace(arrival, published, columns[table.name], table)
                    else:
                        self._put_off.append(arrival)

        self._dlt.run([self._dlt.model(name, listed) for name, listed in columns.items()], load)
        return self._put_off

    def _load_together(self, arrivals: Sequence[Arrival], columns: Sequence[Column], table: OpenTable) -> list[Arrival]:
        """Load the partitions that can be loaded in groups; returns the others."""
        try:
            return load_groups(arrivals, columns, table, lambda: self._ledger_on(table.connection), self._finish)
        except (duckdb.FatalException, duckdb.InternalException) as error:
            raise _DatabaseLostError from error

    def _load_with_new_columns(self, arrival: Arrival) -> None:
        """Load a partition in a run of its own, so that its new columns are in its own transaction."""
        self._put_off = []
        with self._work_on(arrival):
            published = with_rows(arrival, arrival.read(self._connection))
            table = arrival.partition.feed.raw_table
            columns = (*published.columns, *partition_columns(arrival.partition.feed))
            self._dlt.run(
                [self._dlt.model(table, columns)],
                lambda opened: self._replace(arrival, published, columns, opened, has_new_columns=True),
            )

    @contextmanager
    def _work_on(self, arrival: Arrival) -> Iterator[None]:
        """Make whatever is raised in the block the failure of this partition."""
        failure: Exception | None = None
        try:
            yield
        # Whatever a file does to a library, it must not stop the others.
        except Exception as error:  # noqa: BLE001
            raise_if_interrupted(error)
            failure = error
        finally:
            with suppress(duckdb.Error):
                close_scratch(self._connection)
        if failure is None and arrival in self._put_off:
            return
        if failure is not None and arrival is self._committed:
            logger.warning("%s is loaded, but dlt could not end its run: %s", arrival.partition, failure)
            failure = None
        self._finish(arrival, failure)
        if failure and isinstance(cause_of(failure), duckdb.FatalException | duckdb.InternalException):
            raise _DatabaseLostError from failure

    def _finish(self, arrival: Arrival, error: Exception | None = None) -> None:
        self._unfinished.remove(arrival)
        arrival.finished(error)

    def _replace(
        self,
        arrival: Arrival,
        published: PublishedRows,
        columns: Sequence[Column],
        table: OpenTable,
        *,
        has_new_columns: bool = False,
    ) -> None:
        try:
            # Around the transaction, because one that failed takes no more settings.
            with _in_any_order(table.connection) if published.pieces else nullcontext():
                self._replace_in_transaction(arrival, published, columns, table, has_new_columns)
        except (UnreadableFileError, _OtherRowsError) as error:
            if published.otherwise is None:
                raise
            logger.debug("%s is read again in another way: %s", arrival.partition, error)
            read_otherwise = with_rows(arrival, published.otherwise(self._connection))
            self._replace_in_transaction(arrival, read_otherwise, columns, table, has_new_columns)
        finally:
            for piece in published.pieces:
                piece.unlink(missing_ok=True)

    def _replace_in_transaction(
        self,
        arrival: Arrival,
        published: PublishedRows,
        columns: Sequence[Column],
        table: OpenTable,
        has_new_columns: bool,
    ) -> None:
        connection, partition = table.connection, arrival.partition
        ledger = self._ledger_on(connection)
        try:
            if published.rows is not None:
                connection.register(ROWS_READ, published.rows)
            # Outside the transaction, for a transaction cannot write to two databases.
            connection.execute(
                f"create or replace temp view partition_rows as {select_of_rows(partition, published, columns)}"
            )
            connection.begin()
            if has_new_columns:
                table.add_new_columns()
            connection.execute(f"delete from {identifier(RAW_SCHEMA, table.name)} where {scope(partition)}")
            connection.execute(table.insert)
            state = _checked_state(partition, published, table)
            arrival.record(ledger, Loaded(state, published.note, _states_of_files(partition, published, connection)))
            connection.commit()
            self._committed = arrival
        except BaseException as error:
            # DuckDB may have ended the transaction itself.
            with suppress(duckdb.Error):
                connection.rollback()
            if isinstance(error, DltException | duckdb.Error):
                raise_if_interrupted(error)
                raise explained(published.file, error) from cause_of(error)
            raise

    def _ledger_on(self, connection: duckdb.DuckDBPyConnection) -> Ledger:
        """The ledger on dlt's connection, made once for each: its tables are looked after every time."""
        if self._ledger is None or self._ledger[0] is not connection:
            self._ledger = (connection, Ledger(connection))
        return self._ledger[1]

    def _known_columns(self, feed: Feed) -> tuple[Column, ...]:
        """The columns of a feed's raw table that dlt can fill."""
        declared = {column.name: column for column in feed.raw_columns}
        return tuple(
            declared.get(name) or Column(name, ColumnType(type_))
            for name, type_ in raw_column_types(feed, self._connection).items()
            if name in declared or (type_ in set(ColumnType) and name != "_dlt_load_id")
        )

    def create_missing_tables(self, feeds: Iterable[Feed]) -> None:
        """Have dlt create every raw table of the catalog, so that dbt's sources all exist; and those of these feeds."""
        existing = existing_tables(self._connection)
        declared = raw_tables() | raw_tables(feeds)
        missing = {name: columns for name, columns in declared.items() if name not in existing}
        if missing:
            self._dlt.create_tables(missing)


@contextmanager
def _in_any_order(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Let DuckDB write rows in any order: in theirs, several threads write most of them twice, and the file doubles."""
    connection.execute("set preserve_insertion_order = false")
    try:
        yield
    finally:
        # A database that DuckDB has given up takes it no more, and is opened again.
        with suppress(duckdb.FatalException):
            connection.execute("set preserve_insertion_order = true")


def _states_of_files(
    partition: Partition, published: PublishedRows, connection: duckdb.DuckDBPyConnection
) -> tuple[SourceFileState, ...]:
    """The states of the partition's files, where it has several."""
    if not published.files:
        return ()
    return tuple(file_states({partition: published.files}, connection)[partition])


def _checked_state(partition: Partition, published: PublishedRows, table: OpenTable) -> LoadedPartition:
    """What the partition holds before the transaction ends.

    Raises:
        _OtherRowsError: that is not what the file has.
    """
    state = current_state(partition, table.connection)
    if state is None or (state.load_id, state.rows) != (table.load_id, published.count):
        raise _OtherRowsError(
            f"{partition}: expected {published.count:,} rows of load {table.load_id} in {RAW_SCHEMA}.{table.name}, but "
            f"it would hold {state}. Nothing was changed; load the {partition.feed.grain} again."
        )
    return state
