"""One run of ingestion: each partition is fetched, read, loaded and recorded, and none stops the others."""

import logging
import tempfile
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from pathlib import Path

import duckdb
import requests

from ingestion.download import download, http_session
from ingestion.errors import IngestionError, NotPublishedError
from ingestion.feeds import Feed
from ingestion.partitions import Partition
from ingestion.raw_loader import current_state, load_partition
from ingestion.sources import SOURCES
from warehouse.connection import WarehouseError, open_for_writing
from warehouse.ledger import Fingerprint, Ledger, RunAsset, Watermark
from warehouse.paths import database_path

logger = logging.getLogger(__name__)


class Status(StrEnum):
    """How a partition came out of a run."""

    LOADED = "loaded"
    UNCHANGED = "unchanged"  # the publisher's file is the one loaded
    NOT_PUBLISHED = "not_published"
    FAILED = "failed"


@dataclass(frozen=True)
class Result:
    """What a run did to one partition. `rows` are those it holds now, where that is known."""

    partition: Partition
    status: Status
    seconds: float = 0
    rows: int | None = None
    bytes: int | None = None
    fingerprint: Fingerprint | None = None
    load_id: str | None = None
    error: str | None = None


@dataclass(frozen=True)
class Started:
    """Who started a run, as the ledger keeps it."""

    by: str
    dagster_run_id: str | None = None


STARTED_FROM_TERMINAL = Started(by="terminal")


class Progress:
    """Told what a run is doing. This one tells nobody."""

    def partition_started(self, partition: Partition) -> None: ...

    def downloading(self, received: int, expected: int | None) -> None: ...

    def loading(self) -> None: ...

    def partition_finished(self, result: Result) -> None: ...


def partitions_of(feeds: Iterable[Feed], months: Iterable[date]) -> list[Partition]:
    """Every month of every feed, month by month."""
    feeds = list(feeds)
    return [Partition(feed, month) for month in months for feed in feeds]


def ingest(
    partitions: Iterable[Partition],
    *,
    force: bool = False,
    started: Started = STARTED_FROM_TERMINAL,
    progress: Progress | None = None,
) -> list[Result]:
    """Load these partitions, skipping those whose published file is the one loaded.

    With `force` a file is loaded again even if it is the same. The run and what it did to each
    partition are written to the ledger. The DuckDB file is open only while rows or the ledger are
    written, never during a download.

    Raises:
        WarehouseError: the DuckDB file cannot be opened.
    """
    partitions = list(partitions)
    arguments = {"partitions": [str(partition) for partition in partitions], "force": force}
    with open_for_writing() as connection:
        ledger = Ledger(connection)
        run_id = ledger.start_run("ingestion", arguments, started_by=started.by, dagster_run_id=started.dagster_run_id)
        known = {} if force else _loaded_files(partitions, ledger, connection)
    results: list[Result] = []
    error: str | None = "interrupted"
    try:
        with http_session() as session:
            run = _Run(run_id, session, progress or Progress())
            for partition in partitions:
                results.append(run.ingest(partition, known.get(partition)))
        error = "; ".join(result.error or "" for result in results if result.status is Status.FAILED) or None
    finally:
        with open_for_writing() as connection:
            Ledger(connection).finish_run(run_id, "failed" if error else "success", error)
    return results


def _loaded_files(
    partitions: list[Partition], ledger: Ledger, connection: duckdb.DuckDBPyConnection
) -> dict[Partition, Watermark]:
    """The watermarks that agree with the raw tables.

    One that does not was left behind when a run was killed between load and ledger: such a
    partition counts as not loaded, and is loaded again.
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

    def __init__(self, run_id: str, session: requests.Session, progress: Progress) -> None:
        self._run_id = run_id
        self._session = session
        self._progress = progress

    def ingest(self, partition: Partition, known: Watermark | None) -> Result:
        """Fetch and load one partition; whatever goes wrong with it becomes its result."""
        self._progress.partition_started(partition)
        begun = time.monotonic()
        try:
            with _work_folder() as folder:
                result = self._fetch_and_load(partition, known, Path(folder))
        except NotPublishedError as error:
            result = Result(partition, Status.NOT_PUBLISHED, error=str(error))
        except (IngestionError, WarehouseError, duckdb.Error, OSError) as error:
            logger.debug("%s failed", partition, exc_info=True)
            result = Result(partition, Status.FAILED, error=str(error))
        result = replace(result, seconds=time.monotonic() - begun)
        with open_for_writing() as connection:
            Ledger(connection).record_asset(self._run_id, _run_asset(result))
        self._progress.partition_finished(result)
        return result

    def _fetch_and_load(self, partition: Partition, known: Watermark | None, folder: Path) -> Result:
        source = SOURCES[partition.feed.publisher]
        file = download(
            source.addresses(partition.feed, partition.month),
            folder,
            self._session,
            known=known.fingerprint if known else None,
            progress=self._progress.downloading,
        )
        if file is None and known is not None:
            return Result(
                partition, Status.UNCHANGED, rows=known.rows, load_id=known.load_id, fingerprint=known.fingerprint
            )
        assert file is not None, "a download is skipped only if the file is known"
        self._progress.loading()
        with duckdb.connect() as reader, open_for_writing() as connection:
            rows = source.rows(partition.feed, file.path, reader)
            loaded = load_partition(partition, rows, connection, folder)
            Ledger(connection).set_watermark(
                partition.feed.name,
                partition.key,
                Watermark(loaded.load_id, loaded.rows, loaded.min_event_time, loaded.max_event_time, file.fingerprint),
            )
        return Result(
            partition,
            Status.LOADED,
            rows=loaded.rows,
            bytes=file.bytes,
            load_id=loaded.load_id,
            fingerprint=file.fingerprint,
        )


def _work_folder() -> tempfile.TemporaryDirectory[str]:
    """A folder on the database's disk for downloads and dlt's files, gone when the partition is done."""
    parent = database_path().parent / "work"
    parent.mkdir(parents=True, exist_ok=True)
    return tempfile.TemporaryDirectory(dir=parent)


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
    )
