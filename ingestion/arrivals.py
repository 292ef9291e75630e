"""Partitions whose files are there, and how they are read: many small files ahead, by several threads."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import duckdb

from ingestion.errors import LoadError
from ingestion.feeds import Column
from ingestion.partitions import Partition
from ingestion.raw_data import LoadedPartition
from ingestion.read_ahead import prepared_ahead, read_ahead
from ingestion.readers.published import MOST_BYTES_IN_MEMORY, PublishedRows
from warehouse.ledger import Ledger, SourceFileState

# With fewer files the threads cost more than they save.
_FEWEST_TO_READ_AHEAD = 4


@dataclass(frozen=True)
class Loaded:
    """What became of a partition that was loaded. `note` says what is unusual about its file.

    `files` are the states of its files, where it has several.
    """

    state: LoadedPartition
    note: str | None
    files: tuple[SourceFileState, ...] = ()


@dataclass(frozen=True)
class Arrival:
    """A partition whose file is there.

    `read` gives the rows of the file, which has so many `bytes`; it may be called twice, and by another thread.
    `path` is where the file is, if the publisher's reader can read the files of many partitions together.
    `prepare` does ahead what needs no connection; another thread may call it before `read`.
    `record` is called in the partition's transaction, so that what it writes to the ledger and the rows are there
    together or not at all. `finished` is called once, with what went wrong, if something did.
    """

    partition: Partition
    bytes: int
    read: Callable[[duckdb.DuckDBPyConnection], PublishedRows]
    record: Callable[[Ledger, Loaded], None]
    finished: Callable[[Exception | None], None]
    prepare: Callable[[], None] | None = None
    path: Path | None = None


def reads(
    arrivals: Sequence[Arrival], columns: Sequence[Column], table: str, connection: duckdb.DuckDBPyConnection
) -> Iterator[tuple[Arrival, Callable[[], PublishedRows]]]:
    """Each partition with what gives its file's rows. Many small files are read ahead, large ones only prepared."""
    if len(arrivals) < _FEWEST_TO_READ_AHEAD or any(one.bytes > MOST_BYTES_IN_MEMORY for one in arrivals):
        if len(arrivals) > 1 and any(arrival.prepare for arrival in arrivals):
            with prepared_ahead(arrival.prepare or _do_nothing for arrival in arrivals) as steps:
                for arrival, step in zip(arrivals, steps, strict=True):
                    yield arrival, partial(_read_after, step, arrival, connection)
            return
        for arrival in arrivals:
            yield arrival, partial(arrival.read, connection)
        return
    with read_ahead((arrival.read for arrival in arrivals), table, columns) as futures:
        for arrival, future in zip(arrivals, futures, strict=True):
            yield arrival, future.result


def with_rows(arrival: Arrival, published: PublishedRows) -> PublishedRows:
    """The rows of a file.

    Raises:
        LoadError: there are none.
    """
    if published.count == 0:
        raise LoadError(
            f"{arrival.partition}: expected rows, but the published file has none. What was loaded before stays; "
            f"load the {arrival.partition.feed.grain} again when the publisher has repaired the file."
        )
    return published


def _do_nothing() -> None: ...


def _read_after(step: Future[None], arrival: Arrival, connection: duckdb.DuckDBPyConnection) -> PublishedRows:
    """The rows of a file that is prepared in another thread."""
    step.result()
    return arrival.read(connection)
