"""Loading downloaded files: those that came together over one connection, in one run of dlt."""

import logging
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import duckdb

from ingestion.arrivals import Arrival, Loaded
from ingestion.errors import IngestionError, RefusedError, load_again, message_of
from ingestion.partitions import Partition
from ingestion.publishers import Downloaded, GroupReader, UnpackingReader
from ingestion.readers.published import PublishedRows, Read
from ingestion.results import Result, RunProgress, Status
from ingestion.run_record import RunRecord
from warehouse.connection import WarehouseError, limit_memory, open_for_writing
from warehouse.ledger import Ledger, PartitionSourceFiles, Watermark

logger = logging.getLogger(__name__)

# What DuckDB may keep in memory while it loads; the process stays below 2 GiB at 20 million rows.
_LOAD_MEMORY = "1500MB"


class Stopwatch:
    """Divides a run's time among its partitions."""

    def __init__(self) -> None:
        self._begun = time.monotonic()

    def lap(self) -> float:
        """The seconds since the last lap."""
        begun, self._begun = self._begun, time.monotonic()
        return self._begun - begun


class FileLoader:
    """Loads files into the warehouse: each with its watermark and its result in the ledger, in one transaction.

    `finished` is told each result as it comes. `folder` is worked in.
    """

    def __init__(
        self,
        folder: Path,
        record: RunRecord,
        progress: RunProgress,
        stopwatch: Stopwatch,
        finished: Callable[[Result], None],
    ) -> None:
        self._folder = folder
        self._record = record
        self._progress = progress
        self._stopwatch = stopwatch
        self._finished = finished

    def load(self, files: Mapping[Partition, Downloaded]) -> None:
        """Load the files, and write what the run's record has not told the ledger yet.

        Whatever goes wrong with a file is its result, and the others go on.

        Raises:
            KeyboardInterrupt: the run was interrupted.
        """
        # With dlt, which takes half a second to import: only who loads waits for it.
        from ingestion.raw_loader import RawLoader

        waiting = [self._arrival(partition, file) for partition, file in files.items()]
        while waiting:
            try:
                with open_for_writing() as connection:
                    limit_memory(connection, _LOAD_MEMORY)
                    waiting = RawLoader(connection, self._folder).load(waiting)
                    if not waiting:
                        self._record.write(connection)
            except WarehouseError as error:
                for arrival in waiting:
                    arrival.finished(error)
                return

    def _arrival(self, partition: Partition, file: Downloaded) -> Arrival:
        results: list[Result] = []
        prepare, read_file = _steps(partition, file.path)

        def read(connection: duckdb.DuckDBPyConnection) -> PublishedRows:
            self._progress.loading(partition)
            return read_file(connection)

        def record(ledger: Ledger, loaded: Loaded) -> None:
            result = _loaded(partition, file, loaded, self._stopwatch.lap())
            set_watermark(ledger, partition, file, loaded)
            self._record.add(ledger, result.for_ledger())
            # Called again where a transaction failed after it.
            results[:] = [result]

        def finished(error: Exception | None) -> None:
            if error is None:
                (result,) = results
            else:
                result = failure(partition, error, self._stopwatch.lap())
                self._record.note(result.for_ledger())
            self._finished(result)

        together = file.path if isinstance(partition.feed.publisher.read, GroupReader) else None
        return Arrival(partition, file.bytes, read, record, finished, prepare, together)


def _steps(partition: Partition, path: Path) -> tuple[Callable[[], None] | None, Read]:
    """What can be done ahead for a file, if anything, and what reads its rows, whether or not that was done."""
    reader = partition.feed.publisher.read
    if not isinstance(reader, UnpackingReader):
        return None, partial(reader, partition, path)
    unpacked: list[Read] = []

    def prepare() -> None:
        unpacked.append(reader.unpack(partition, path))

    def read(connection: duckdb.DuckDBPyConnection) -> PublishedRows:
        # What is unpacked can be read once.
        return (unpacked.pop() if unpacked else reader.unpack(partition, path))(connection)

    return prepare, read


def load_file(partition: Partition, file: Downloaded) -> Result:
    """Load one downloaded file and set its watermark, in one transaction, outside of any run.

    The file's folder is worked in and may be thrown away afterwards.

    Raises:
        IngestionError: the file cannot be read, or its rows cannot be written; nothing is changed then.
        WarehouseError: the DuckDB file cannot be opened.
    """
    from ingestion.raw_loader import RawLoader

    results: list[Result] = []
    errors: list[Exception] = []

    def record(ledger: Ledger, loaded: Loaded) -> None:
        set_watermark(ledger, partition, file, loaded)
        results.append(_loaded(partition, file, loaded))

    def finished(error: Exception | None) -> None:
        if error is not None:
            errors.append(error)

    with open_for_writing() as connection:
        limit_memory(connection, _LOAD_MEMORY)
        read = partial(partition.feed.publisher.read, partition, file.path)
        RawLoader(connection, file.path.parent).load([Arrival(partition, file.bytes, read, record, finished)])
    if errors:
        raise errors[0]
    return results[0]


def failure(partition: Partition, error: Exception, seconds: float) -> Result:
    """The result of a partition for which this was raised."""
    logger.debug("%s failed", partition, exc_info=error)
    is_transient = error.is_transient if isinstance(error, IngestionError) else True
    message = message_of(error, str(partition), load_again(partition.feed.grain))
    status = Status.REFUSED if isinstance(error, RefusedError) else Status.FAILED
    return Result(partition, status, seconds, error=message, is_transient=is_transient)


def set_watermark(ledger: Ledger, partition: Partition, file: Downloaded, loaded: Loaded) -> None:
    """Record in the ledger what a partition holds now, and which files that is from."""
    state = loaded.state
    ledger.set_watermark(
        partition.feed.name,
        partition.key,
        Watermark(state.load_id, state.rows, state.min_event_time, state.max_event_time, file.fingerprint),
    )
    if loaded.files:
        ledger.set_source_files(PartitionSourceFiles(partition.feed.name, partition.key, state.load_id, loaded.files))


def _loaded(partition: Partition, file: Downloaded, loaded: Loaded, seconds: float = 0) -> Result:
    return Result(
        partition,
        Status.LOADED,
        seconds,
        rows=loaded.state.rows,
        bytes=file.bytes,
        fingerprint=file.fingerprint,
        load_id=loaded.state.load_id,
        note=loaded.note,
    )
