"""A session of streams: from its record in the ledger over batches to its end."""

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from datetime import date
from pathlib import Path
from typing import TypeVar

import duckdb

from ingestion.feeds import Feed
from ingestion.pipeline import Started
from ingestion.results import Status
from ingestion.run_record import STREAM_KIND, RunRecord, finish_runs_left_behind, new_run_id
from ingestion.streams.decoding import Decoder
from ingestion.streams.ends import BrokerError
from ingestion.streams.places import StreamMessage
from ingestion.streams.registry import Registry, RegistryError, StoppedError
from ingestion.streams.restart import forget
from ingestion.streams.results import StreamResult
from ingestion.streams.settings import BatchBounds, KafkaSettings, RegistrySettings
from ingestion.streams.source import Source
from ingestion.streams.writing import BatchWriter, FeedBatch, MovedError, Written
from ingestion.work_folder import work_folder
from warehouse.connection import (
    LONGEST_POLL_SECONDS,
    WarehouseBusyError,
    limit_memory,
    lock_timeout,
    open_for_writing,
)
from warehouse.full_disk import clear_write_errors
from warehouse.ledger import INTERRUPTED, Ledger, RunAsset
from warehouse.ledger.stream_offsets import StreamOffset, read_stream_offsets
from warehouse.paths import database_path
from warehouse.waiting import is_waited_for

logger = logging.getLogger(__name__)

T = TypeVar("T")

# How often a batch looks whether the DuckDB file is free. Shorter than others do, so that it has its turn in between.
_SECONDS_BETWEEN_TRIES = 0.1
# How long a session to the current end waits for a broker or registry that does not answer.
_PATIENCE_SECONDS = 60.0
_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.5, 15.0
# To record a session that was stopped, no longer than this.
_SECONDS_TO_RECORD = 3.0
_MEMORY = "1000MB"


class Session:
    """Reads feeds until the end, or until `stop` is set."""

    def __init__(
        self,
        feeds: Sequence[Feed],
        kafka: KafkaSettings,
        registry: RegistrySettings,
        bounds: BatchBounds,
        stop: threading.Event,
        *,
        once: bool,
    ) -> None:
        self._feeds = feeds
        self._kafka = kafka
        self._registry = registry
        self._bounds = bounds
        self._stop = stop
        self._once = once
        self._results = {feed.name: StreamResult(feed.name, feed.stream.topic) for feed in feeds if feed.stream}
        self._days: dict[tuple[str, date], int] = {}
        self._last_progress = time.monotonic()

    def run(self, started: Started, *, skip_lost: bool, start_over: bool) -> list[StreamResult]:
        """Run the session, and record in the ledger that it began, what it did and how it ended."""
        run_id = new_run_id()
        arguments = {"streams": [feed.name for feed in self._feeds], "once": self._once}
        with ExitStack() as work:
            try:
                with self._warehouse() as connection:
                    ledger = Ledger(connection)
                    finish_runs_left_behind(ledger)
                    # Before the ledger knows of the run, and while the file is ours: as `ingest` does.
                    folder = work.enter_context(work_folder(run_id))
                    ledger.start_run(
                        STREAM_KIND,
                        arguments,
                        run_id=run_id,
                        started_by=started.by,
                        dagster_run_id=started.dagster_run_id,
                    )
                    known = read_stream_offsets(connection, self._results)
            except StoppedError:
                return list(self._results.values())
            record = RunRecord(run_id, folder)
            error: str | None = INTERRUPTED
            try:
                self._read(folder, known, skip_lost=skip_lost, start_over=start_over)
                error = " ".join(result.error for result in self._results.values() if result.error) or None
            except Exception as raised:
                error = str(raised)
                raise
            finally:
                self._note(record)
                seconds = _SECONDS_TO_RECORD if self._stop.is_set() else None
                record.finish("failed" if error else "success", error, seconds)
        return list(self._results.values())

    def _read(
        self, folder: Path, known: dict[tuple[str, int], StreamOffset], *, skip_lost: bool, start_over: bool
    ) -> None:
        patience = _PATIENCE_SECONDS if self._once else None
        with (
            closing(Registry(self._registry, self._stop, patience)) as registry,
            closing(Source(self._kafka, self._feeds, known, skip_lost=skip_lost)) as source,
        ):
            decoders = {feed.name: Decoder(feed, registry) for feed in self._feeds}
            writer = BatchWriter(folder)
            try:
                self._answered(lambda: source.look(now=True))
                if start_over and source.recreated:
                    self._start_over(source)
                while not self._stop.is_set() and not self._is_over(source):
                    self._answered(source.look)
                    self._read_batch(source, decoders, writer)
            except StoppedError:
                logger.info("stopped while it waited: the batch in hand is read again the next time")
            except RegistryError as error:
                for result in self._results.values():
                    result.errors.append(str(error))
                    result.is_transient = True
            for feed in source.missing:
                self._results[feed.name].is_missing = True
            for name, problems in source.problems.items():
                self._results[name].errors += problems

    def _is_over(self, source: Source) -> bool:
        """Whether there is nothing left to read."""
        if not self._once:
            return not source.positions and not source.missing
        return all(position.is_done for position in source.positions.values()) and not source.unwritten

    def _read_batch(self, source: Source, decoders: dict[str, Decoder], writer: BatchWriter) -> None:
        if not source.positions:
            self._stop.wait(_FIRST_PAUSE_SECONDS)
            return
        messages = source.take(self._bounds, self._stop, until_done=self._once)
        if not source.unwritten:
            self._give_up_if_stuck()
            return
        batches = self._decoded(source, decoders, messages)
        try:
            with self._warehouse() as connection:
                written = writer.write(batches, connection)
        except MovedError as error:
            logger.warning("%s", error)
            with self._warehouse() as connection:
                source.start_again(read_stream_offsets(connection, self._results))
            return
        self._note_written(source, batches, written)
        self._let_others()

    def _decoded(
        self, source: Source, decoders: dict[str, Decoder], messages: dict[str, list[StreamMessage]]
    ) -> list[FeedBatch]:
        batches = []
        for feed in self._feeds:
            positions = [position for position in source.unwritten if position.feed is feed]
            if positions:
                assert feed.stream is not None
                decoded = decoders[feed.name].decode(messages.get(feed.stream.topic, ()))
                batches.append(FeedBatch(decoded, positions))
        return batches

    def _note_written(self, source: Source, batches: list[FeedBatch], written: dict[str, Written]) -> None:
        self._last_progress = time.monotonic()
        for batch in batches:
            name = batch.decoded.feed.name
            result, done = self._results[name], written[name]
            before = {position.partition: position.stored for position in batch.positions}
            result.rows += batch.decoded.count
            result.rejected += len(batch.decoded.rejects)
            result.skipped += sum(
                offset.skipped - (stored.skipped if (stored := before[offset.kafka_partition]) else 0)
                for offset in done.offsets
            )
            result.batches += 1
            result.last_load_id = done.load_id
            self._days |= {(name, day): rows for day, rows in done.days.items()}
            source.written(done.offsets)
            logger.info(
                "feed=%s load_id=%s rows=%d rejected=%d",
                name,
                done.load_id,
                batch.decoded.count,
                len(batch.decoded.rejects),
            )

    def _start_over(self, source: Source) -> None:
        with self._warehouse() as connection:
            for feed in source.recreated:
                forget(feed, connection)
            known = read_stream_offsets(connection, self._results)
        source.forgive()
        source.start_again(known)
        self._answered(lambda: source.look(now=True))

    def _give_up_if_stuck(self) -> None:
        """End a session to the current end that gets no messages any more."""
        if self._once and time.monotonic() - self._last_progress > _PATIENCE_SECONDS:
            raise BrokerError(
                f"expected messages from Kafka at {self._kafka.bootstrap_servers[:100]}, but none came for "
                f"{_PATIENCE_SECONDS:g} seconds. What was read is loaded; run this again."
            )

    def _answered(self, ask: Callable[[], T]) -> T:
        """Ask the broker. A session without an end waits for it."""
        begun, pause = time.monotonic(), _FIRST_PAUSE_SECONDS
        while True:
            try:
                return ask()
            except BrokerError as error:
                if self._once:
                    raise
                level = logging.WARNING if pause == _FIRST_PAUSE_SECONDS else logging.INFO
                logger.log(level, "%s Waiting since %.0f s.", error, time.monotonic() - begun)
            if self._stop.wait(pause):
                raise StoppedError
            pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)

    @contextmanager
    def _warehouse(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """The DuckDB file, as soon as nobody else has it.

        Raises:
            StoppedError: the session was stopped meanwhile.
            WarehouseError: it cannot be opened or written.
        """
        with clear_write_errors(database_path()), self._opened() as connection:
            limit_memory(connection, _MEMORY)
            yield connection

    def _opened(self) -> "closing[duckdb.DuckDBPyConnection]":
        begun, has_said = time.monotonic(), False
        while True:
            try:
                return open_for_writing(timeout_seconds=0)  # type: ignore[return-value]
            except WarehouseBusyError as error:
                waited = time.monotonic() - begun
                if self._once and waited > lock_timeout():
                    raise
                if waited > 1 and not has_said:
                    has_said = True
                    logger.warning("the DuckDB file is in use by %s: waiting for it", error.holder)
            if self._stop.wait(_SECONDS_BETWEEN_TRIES):
                raise StoppedError

    def _let_others(self) -> None:
        """Leave the DuckDB file alone while somebody waits for it, for as long as that one takes to look again."""
        path, begun = database_path(), time.monotonic()
        while is_waited_for(path) and time.monotonic() - begun < LONGEST_POLL_SECONDS + 0.3:
            if self._stop.wait(0.02):
                return

    def _note(self, record: RunRecord) -> None:
        """Tell the record what the session did: an entry for each event day, not for each batch."""
        for (name, day), rows in sorted(self._days.items()):
            load_id = self._results[name].last_load_id
            record.note(RunAsset(name, day.isoformat(), Status.LOADED, rows=rows, load_id=load_id))
        for result in self._results.values():
            if result.error:
                record.note(RunAsset(result.feed, None, Status.FAILED, error=result.error))
