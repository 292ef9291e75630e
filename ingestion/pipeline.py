"""One run of ingestion: each partition is fetched, read, loaded and recorded, and none stops the others."""

import logging
import shutil
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import duckdb

from ingestion.errors import NotPublishedError, raise_if_interrupted
from ingestion.fetch.retries import DEFAULT_POLICY, RetryPolicy
from ingestion.file_loads import FileLoader, Stopwatch, failure, load_file
from ingestion.partitions import Partition
from ingestion.prefetch import DownloadJob, downloads_ahead
from ingestion.publishers import Downloaded, Visits
from ingestion.raw_data import rows_by_load
from ingestion.readers.file_lists import list_beside
from ingestion.results import Result, RunProgress, Status
from ingestion.run_record import KIND, RunRecord, finish_runs_left_behind, new_run_id
from ingestion.work_folder import work_folder
from warehouse.connection import open_for_writing
from warehouse.full_disk import clear_write_errors
from warehouse.ledger import INTERRUPTED, Ledger, Watermark
from warehouse.paths import database_path

__all__ = ["STARTED_FROM_TERMINAL", "Partition", "Result", "RunProgress", "Started", "Status", "ingest", "load_file"]

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Started:
    """Who started a run, as the ledger keeps it."""

    by: str
    dagster_run_id: str | None = None


STARTED_FROM_TERMINAL = Started(by="terminal")


def ingest(
    partitions: Iterable[Partition],
    *,
    force: bool = False,
    started: Started = STARTED_FROM_TERMINAL,
    progress: RunProgress | None = None,
    policy: RetryPolicy = DEFAULT_POLICY,
) -> list[Result]:
    """Load these partitions, skipping those whose published file is the one loaded.

    With `force` a file is loaded again even if it is the same. Files that have come are loaded together, each in a
    transaction of its own. The run and what it did to each partition are written to the ledger. The DuckDB file is open
    only while rows or the ledger are written, never during a download. `policy` says how patient the downloads are.

    Whatever goes wrong with a partition is its result, and the others go on. Results come in the order of the
    partitions.

    Raises:
        WarehouseError: the DuckDB file cannot be opened or written, and nothing was begun.
    """
    partitions = list(dict.fromkeys(partitions))
    arguments = {"partitions": [str(partition) for partition in partitions], "force": force}
    run_id = new_run_id()
    with ExitStack() as work:
        with clear_write_errors(database_path()), open_for_writing() as connection:
            ledger = Ledger(connection)
            finish_runs_left_behind(ledger)
            known = {} if force else _loaded_files(partitions, ledger, connection)
            # Before the ledger knows of the run, so that the next run can always tell whether it lives. And while the
            # DuckDB file is ours: nobody else clears folders meanwhile.
            folder = work.enter_context(work_folder(run_id))
            ledger.start_run(
                KIND, arguments, run_id=run_id, started_by=started.by, dagster_run_id=started.dagster_run_id
            )
        record = RunRecord(run_id, folder)
        error: str | None = INTERRUPTED
        try:
            results = list(_Run(record, folder, progress or RunProgress(), policy).ingest(partitions, known))
            error = "; ".join(result.error or "" for result in results if result.status.is_failure) or None
        finally:
            record.finish("failed" if error else "success", error)
    return results


def _loaded_files(
    partitions: list[Partition], ledger: Ledger, connection: duckdb.DuckDBPyConnection
) -> dict[Partition, Watermark]:
    """The watermarks that agree with the raw tables.

    A load writes both in one transaction. Where they disagree somebody has changed raw data by hand: the partition
    counts as not loaded, and is loaded again.
    """
    watermarks = ledger.watermarks()
    found = {p: watermarks[key] for p in partitions if (key := (p.feed.name, p.key)) in watermarks}
    held = rows_by_load(found, connection)
    return {
        partition: watermark
        for partition, watermark in found.items()
        if held.get(partition) == (watermark.load_id, watermark.rows)
    }


class _Run:
    """What the partitions of one run share."""

    def __init__(self, record: RunRecord, folder: Path, progress: RunProgress, policy: RetryPolicy) -> None:
        self._record = record
        self._folder = folder
        self._progress = progress
        self._policy = policy
        self._stopwatch = Stopwatch()

    def ingest(self, partitions: list[Partition], known: dict[Partition, Watermark]) -> Iterator[Result]:
        """Load the files that have come, while the next ones are fetched."""
        waiting = deque(partitions)
        with (
            Visits(partitions, self._policy) as visits,
            downloads_ahead(self._job(one, known.get(one), visits) for one in partitions) as batches,
        ):
            while waiting:
                self._progress.partition_started(waiting[0])
                downloads = next(batches)
                batch = {waiting.popleft(): download for download in downloads}
                for partition in list(batch)[1:]:
                    self._progress.partition_started(partition)
                yield from self._finish(batch, known)
                for partition in batch:
                    self._remove(self._folder_of(partition))

    def _job(self, partition: Partition, known: Watermark | None, visits: Visits) -> DownloadJob:
        folder = self._folder_of(partition)
        visit = visits.to(partition)
        fetch = partial(
            visit.fetch,
            partition,
            folder,
            known=known.fingerprint if known else None,
            progress=partial(self._progress.downloading, partition),
        )
        return DownloadJob(folder, fetch, lambda: visit.needs_folder)

    def _folder_of(self, partition: Partition) -> Path:
        """The folder that a partition's file is fetched into and read in."""
        return self._folder / f"{partition.feed.name}-{partition.key}"

    @staticmethod
    def _remove(folder: Path) -> None:
        """Remove what was fetched."""
        if folder.is_dir():
            shutil.rmtree(folder, ignore_errors=True)
        else:
            list_beside(folder).unlink(missing_ok=True)

    def _finish(
        self, batch: dict[Partition, Future[Downloaded | None]], known: dict[Partition, Watermark]
    ) -> Sequence[Result]:
        """Load what was downloaded, and say what became of each partition, in their order."""
        results: dict[Partition, Result] = {}
        files: dict[Partition, Downloaded] = {}

        def finished(result: Result) -> None:
            _log(result)
            self._progress.partition_finished(result)
            results[result.partition] = result

        for partition, download in batch.items():
            outcome = self._outcome(partition, download, known.get(partition))
            if isinstance(outcome, Downloaded):
                files[partition] = outcome
            else:
                self._record.note(outcome.for_ledger())
                finished(outcome)
        if files:
            FileLoader(self._folder, self._record, self._progress, self._stopwatch, finished).load(files)
        self._record.write()
        return [results[partition] for partition in batch]

    def _outcome(
        self, partition: Partition, download: Future[Downloaded | None], known: Watermark | None
    ) -> Downloaded | Result:
        """The file to load, or the result where there is nothing to load."""
        try:
            file = download.result()
        except NotPublishedError as error:
            return Result(partition, Status.NOT_PUBLISHED, self._stopwatch.lap(), error=str(error))
        # Whatever a file does to a library, it must not stop the others.
        except Exception as error:  # noqa: BLE001
            raise_if_interrupted(error)
            return failure(partition, error, self._stopwatch.lap())
        if file is not None:
            return file
        assert known is not None, "a download is skipped only if the file is known"
        return Result(
            partition,
            Status.UNCHANGED,
            self._stopwatch.lap(),
            rows=known.rows,
            load_id=known.load_id,
            fingerprint=known.fingerprint,
        )


def _log(result: Result) -> None:
    """One line for what became of a partition."""
    rows = "" if result.rows is None else f" rows={result.rows}"
    why = "".join(f" {name}={value!r}" for name, value in (("error", result.error), ("note", result.note)) if value)
    level = logging.ERROR if result.status.is_failure else logging.INFO
    logger.log(
        level,
        "feed=%s %s=%s status=%s%s seconds=%.1f%s",
        result.partition.feed.name,
        result.partition.feed.grain,
        result.partition.key,
        result.status,
        rows,
        result.seconds,
        why,
    )
