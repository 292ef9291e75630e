"""Reading small files in threads of their own, while the rows of the files before them are written.

One connection reads and casts a small file on one core. So where many files come together, each thread reads into a
DuckDB of its own in memory, and hands the rows over as Arrow.
"""

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from itertools import islice
from typing import TypeVar

import duckdb
import pyarrow as pa

from ingestion.feeds import Column
from ingestion.raw_data import RAW_SCHEMA
from ingestion.readers.published import ROWS_READ, PublishedRows, Read, close_scratch
from warehouse.connection import open_in_memory
from warehouse.sql import identifier

T = TypeVar("T")

_THREADS = 2
# Rows of as many files wait in memory.
_FILES_AHEAD = 4


@contextmanager
def read_ahead(
    reads: Iterable[Read], table: str, columns: Sequence[Column]
) -> Iterator[Iterator[Future[PublishedRows]]]:
    """Read files in threads, in this order, at most a few before the one that is asked for.

    Yields an iterator with one future a file. Its result has the rows themselves; it raises what reading the file
    raised. `columns` are those that the raw table has. When the context is left, no thread reads any more.
    """
    readers = _Readers(table, columns)
    executor = ThreadPoolExecutor(_THREADS, thread_name_prefix="read")
    try:
        yield _in_order((executor.submit(readers.read, read) for read in reads), _FILES_AHEAD)
    finally:
        readers.interrupt()
        executor.shutdown(wait=True, cancel_futures=True)
        readers.close()


@contextmanager
def prepared_ahead(steps: Iterable[Callable[[], None]]) -> Iterator[Iterator[Future[None]]]:
    """Take these steps in a thread, in this order, one before the one that is asked for.

    Yields an iterator with one future a step, which raises what the step raised.
    """
    executor = ThreadPoolExecutor(1, thread_name_prefix="prepare")
    try:
        yield _in_order((executor.submit(step) for step in steps), 2)
    finally:
        executor.shutdown(wait=True, cancel_futures=True)


def _in_order(futures: Iterator[Future[T]], ahead: int) -> Iterator[Future[T]]:
    begun = list(islice(futures, ahead))
    while begun:
        yield begun.pop(0)
        begun += islice(futures, 1)


class _Readers:
    """A connection for each thread, with an empty copy of the raw table."""

    def __init__(self, table: str, columns: Sequence[Column]) -> None:
        self._table = table
        self._columns = columns
        self._of_thread = threading.local()
        self._all: list[duckdb.DuckDBPyConnection] = []

    def read(self, read: Read) -> PublishedRows:
        connection = self._connection()
        try:
            return _with_rows(read(connection), connection)
        finally:
            close_scratch(connection)

    def interrupt(self) -> None:
        """End what the threads are doing."""
        for connection in self._all:
            connection.interrupt()

    def close(self) -> None:
        for connection in self._all:
            connection.close()

    def _connection(self) -> duckdb.DuckDBPyConnection:
        connection: duckdb.DuckDBPyConnection | None = getattr(self._of_thread, "connection", None)
        if connection is None:
            connection = self._of_thread.connection = open_in_memory().__enter__()
            self._all.append(connection)
            connection.execute("set threads = 1")
            listed = ", ".join(f"{identifier(column.name)} {column.type}" for column in self._columns)
            connection.execute(f"create schema {RAW_SCHEMA}")
            connection.execute(f"create table {identifier(RAW_SCHEMA, self._table)} ({listed})")
        return connection


def _with_rows(published: PublishedRows, connection: duckdb.DuckDBPyConnection) -> PublishedRows:
    """The same with the rows themselves."""
    try:
        # A reader may have left a result that it did not fetch.
        connection.execute("select 1").fetchall()
        rows = _rows(published, connection)
        if published.otherwise is not None and (rows is None or len(rows) != published.count):
            return _with_rows(published.otherwise(connection), connection)
    finally:
        for piece in published.pieces:
            piece.unlink(missing_ok=True)
    return replace(published, query=f"select * from {ROWS_READ}", rows=rows, pieces=(), otherwise=None)


def _rows(published: PublishedRows, connection: duckdb.DuckDBPyConnection) -> pa.Table | None:
    """The rows; None if a value is none, and they can be read otherwise.

    Raises:
        UnreadableFileError: a value is none, and they cannot.
    """
    try:
        return connection.sql(published.query).to_arrow_table()
    except duckdb.InterruptException:
        raise
    except duckdb.Error as error:
        if published.otherwise is not None:
            return None
        raise published.file.wrong_values(error) from error
