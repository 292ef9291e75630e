"""One run of ingestion: each partition is fetched, read, loaded and recorded, and none stops the others."""

import logging
import shutil
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from contextlib import ExitStack
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import partial
from pathlib import Path

import duckdb

from ingestion.errors import IngestionError, NotPublishedError, load_again, message_of, raise_if_interrupted
from ingestion.fetch.retries import DEFAULT_POLICY, RetryPolicy
from ingestion.partitions import Partition
from ingestion.prefetch import DownloadJob, downloads_ahead
from ingestion.publishers import Downloaded, Visits
from ingestion.raw_data import LoadedPartition, current_state
from ingestion.readers.published import close_scratch
from ingestion.run_record import KIND, RunRecord, finish_runs_left_behind, new_run_id
from ingestion.work_folder import work_folder
from warehouse.connection import limit_memory, open_for_writing
from warehouse.full_disk import clear_write_errors
from warehouse.ledger import Fingerprint, Ledger, RunAsset, Watermark
from warehouse.paths import database_path

logger = logging.getLogger(__name__)

# What DuckDB may keep in memory while it loads; the process stays below 2 GiB at 20 million rows.
_LOAD_MEMORY = "1500MB"


class Status(StrEnum):
    """How a partition came out of a run."""

    LOADED = "loaded"
    UNCHANGED = "unchanged"  # the publisher's file is the one loaded
    NOT_PUBLISHED = "not_published"
    FAILED = "failed"


@dataclass(frozen=True)
class Result:
    """What a run did to one partition.

    `rows` are those it holds now, where that is known. `is_transient` says of a failure whether it may go better in
    some minutes, though nobody does anything about it.
    """

    partition: Partition
    status: Status
    seconds: float = 0
    rows: int | None = None
    bytes: int | None = None
    fingerprint: Fingerprint | None = None
    load_id: str | None = None
    error: str | None = None
    note: str | None = None
    is_transient: bool = False


@dataclass(frozen=True)
class Started:
    """Who started a run, as the ledger keeps it."""

    by: str
    dagster_run_id: str | None = None


STARTED_FROM_TERMINAL = Started(by="terminal")


class Progress:
    """Told what a run is doing; `downloading` by other threads. This one tells nobody."""

    def partition_started(self, partition: Partition) -> None: ...

    def downloading(self, partition: Partition, received: int, expected: int | None) -> None: ...

    def loading(self, partition: Partition) -> None: ...

    def partition_finished(self, result: Result) -> None: ...


def ingest(
    partitions: Iterable[Partition],
    *,
    force: bool = False,
    started: Started = STARTED_FROM_TERMINAL,
    progress: Progress | None = None,
    policy: RetryPolicy = DEFAULT_POLICY,
) -> list[Result]:
    """Load these partitions, skipping those whose published file is the one loaded.

    With `force` a file is loaded again even if it is the same. The run and what it did to each
    partition are written to the ledger. The DuckDB file is open only while rows or the ledger are
    written, never during a download. `policy` says how patient the downloads are.

    Whatever goes wrong with a partition is its result, and the others go on.

    Raises:
        WarehouseError: the DuckDB file cannot be opened or written, and nothing was begun.
    """
    partitions = list(partitions)
    arguments = {"partitions": [str(partition) for partition in partitions], "force": force}
    run_id = new_run_id()
    with ExitStack() as work:
        with clear_write_errors(database_path()), open_for_writing() as connection:
            ledger = Ledger(connection)
            finish_runs_left_behind(ledger)
            known = {} if force else _loaded_files(partitions, ledger, connection)
            # Before the ledger knows of the run, so that at any time the next run can tell whether it lives. And while
            # the DuckDB file is ours: nobody else clears folders meanwhile.
            folder = work.enter_context(work_folder(run_id))
            ledger.start_run(
                KIND, arguments, run_id=run_id, started_by=started.by, dagster_run_id=started.dagster_run_id
            )
        record = RunRecord(run_id, folder)
        error: str | None = "interrupted"
        try:
            results = list(_Run(record, folder, progress or Progress(), policy).ingest(partitions, known))
            error = "; ".join(result.error or "" for result in results if result.status is Status.FAILED) or None
        finally:
            record.finish("failed" if error else "success", error)
    return results


def _loaded_files(
    partitions: list[Partition], ledger: Ledger, connection: duckdb.DuckDBPyConnection
) -> dict[Partition, Watermark]:
    """The watermarks that agree with the raw tables.

    One does not where somebody changed raw data by hand, for a load writes both in one transaction:
    such a partition counts as not loaded, and is loaded again.
    """
    watermarks = ledger.watermarks()
    found = {p: watermarks[key] for p in partitions if (key := (p.feed.name, p.key)) in watermarks}
    states = {partition: current_state(partition, connection) for partition in found}
    return {
        partition: watermark
        for partition, watermark in found.items()
        if (state := states[partition]) and (state.load_id, state.rows) == (watermark.load_id, watermark.rows)
    }


class _Run:
    """What the partitions of one run share."""

    def __init__(self, record: RunRecord, folder: Path, progress: Progress, policy: RetryPolicy) -> None:
        self._record = record
        self._folder = folder
        self._progress = progress
        self._policy = policy

    def ingest(self, partitions: list[Partition], known: dict[Partition, Watermark]) -> Iterator[Result]:
        """Load partition after partition, while the next files are fetched; whatever goes wrong is its result."""
        partitions = list(dict.fromkeys(partitions))
        with (
            Visits(partitions, self._policy) as visits,
            downloads_ahead(self._job(one, known.get(one), visits) for one in partitions) as downloads,
        ):
            for partition in partitions:
                self._progress.partition_started(partition)
                begun = time.monotonic()
                result = self._load(partition, next(downloads), known.get(partition))
                shutil.rmtree(self._folder_of(partition), ignore_errors=True)
                result = replace(result, seconds=time.monotonic() - begun)
                self._record.add(_run_asset(result))
                _log(result)
                self._progress.partition_finished(result)
                yield result

    def _job(self, partition: Partition, known: Watermark | None, visits: Visits) -> DownloadJob:
        folder = self._folder_of(partition)
        fetch = partial(
            visits.to(partition).fetch,
            partition,
            folder,
            known=known.fingerprint if known else None,
            progress=partial(self._progress.downloading, partition),
        )
        return DownloadJob(folder, fetch)

    def _folder_of(self, partition: Partition) -> Path:
        """The folder that a partition's file is fetched into and read in."""
        return self._folder / f"{partition.feed.name}-{partition.key}"

    def _load(self, partition: Partition, download: Future[Downloaded | None], known: Watermark | None) -> Result:
        try:
            file = download.result()
            if file is not None:
                self._progress.loading(partition)
                return load_file(partition, file)
            assert known is not None, "a download is skipped only if the file is known"
            return Result(
                partition, Status.UNCHANGED, rows=known.rows, load_id=known.load_id, fingerprint=known.fingerprint
            )
        except NotPublishedError as error:
            return Result(partition, Status.NOT_PUBLISHED, error=str(error))
        # Files come from outside, and may do to a library what nobody has thought of: one must not stop the others.
        except Exception as error:
            raise_if_interrupted(error)
            logger.debug("%s failed", partition, exc_info=True)
            is_transient = error.is_transient if isinstance(error, IngestionError) else True
            message = message_of(error, str(partition), load_again(partition.feed.grain))
            return Result(partition, Status.FAILED, error=message, is_transient=is_transient)


def load_file(partition: Partition, file: Downloaded) -> Result:
    """Load a downloaded file and record it in the ledger, in one transaction.

    The file's folder is worked in and may be thrown away afterwards.

    Raises:
        IngestionError: the file cannot be read, or its rows cannot be written; nothing is changed then.
        WarehouseError: the DuckDB file cannot be opened.
    """
    # With dlt, which takes half a second: only who loads waits for it.
    from ingestion.raw_loader import load_partition

    with open_for_writing() as connection:
        limit_memory(connection, _LOAD_MEMORY)
        published = partition.feed.publisher.read(partition, file.path, connection)
        record = partial(_set_watermark, partition, file)
        loaded = load_partition(partition, published, connection, file.path.parent, record)
        close_scratch(connection)
    return Result(
        partition,
        Status.LOADED,
        rows=loaded.rows,
        bytes=file.bytes,
        load_id=loaded.load_id,
        fingerprint=file.fingerprint,
        note=published.note,
    )


def _set_watermark(
    partition: Partition, file: Downloaded, transaction: duckdb.DuckDBPyConnection, loaded: LoadedPartition
) -> None:
    Ledger(transaction).set_watermark(
        partition.feed.name,
        partition.key,
        Watermark(loaded.load_id, loaded.rows, loaded.min_event_time, loaded.max_event_time, file.fingerprint),
    )


def _run_asset(result: Result) -> RunAsset:
    return RunAsset(
        asset=result.partition.feed.name,
        partition_key=result.partition.key,
        status=result.status,
        rows=result.rows,
        bytes=result.bytes,
        seconds=result.seconds,
        fingerprint=result.fingerprint,
        load_id=result.load_id,
        error=result.error,
        note=result.note,
    )


def _log(result: Result) -> None:
    """One line for what became of a partition."""
    rows = "" if result.rows is None else f" rows={result.rows}"
    why = "".join(f" {name}={value!r}" for name, value in (("error", result.error), ("note", result.note)) if value)
    level = logging.ERROR if result.status is Status.FAILED else logging.INFO
    logger.log(
        level,
        "feed=%s month=%s status=%s%s seconds=%.1f%s",
        result.partition.feed.name,
        result.partition.key,
        result.status,
        rows,
        result.seconds,
        why,
    )
