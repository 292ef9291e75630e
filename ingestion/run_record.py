"""What the ledger is told of a run: its beginning, each partition, its end. What fails is told later."""

import json
import logging
import shutil
import uuid
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from ingestion.work_folder import NOT_RECORDED, left_behind
from warehouse.connection import WarehouseError, open_for_writing
from warehouse.full_disk import clear_write_errors
from warehouse.ledger import ABANDONED, Fingerprint, Ledger, RunAsset, RunStatus, utc_now
from warehouse.paths import database_path

logger = logging.getLogger(__name__)

KIND = "ingestion"
STREAM_KIND = "stream"


class RunRecord:
    """The ledger's record of one run. What cannot be written waits for the next time, or for the next run."""

    def __init__(self, run_id: str, folder: Path) -> None:
        self._run_id = run_id
        self._folder = folder
        self._waiting: list[RunAsset] = []
        self._has_warned = False

    def add(self, ledger: Ledger, done: RunAsset) -> None:
        """Record what the run did to a partition, in the ledger's open transaction."""
        ledger.record_asset(self._run_id, done)

    def note(self, done: RunAsset) -> None:
        """Remember what the run did to a partition until the next `write`."""
        self._waiting.append(done)

    def write(self, connection: duckdb.DuckDBPyConnection | None = None) -> None:
        """Write what was noted, over this connection or one of its own. If that fails, it stays noted."""
        if not self._waiting:
            return
        try:
            self._in_transaction(lambda ledger: None, connection)
        except WarehouseError as error:
            # Once: while a disk is full, each of a hundred partitions would say so.
            level = logging.INFO if self._has_warned else logging.WARNING
            self._has_warned = True
            names = ", ".join(f"{done.asset} {done.partition_key}" for done in self._waiting[:3])
            logger.log(level, "%s%s: cannot be recorded yet: %s", names, " …" * (len(self._waiting) > 3), error)
        else:
            self._waiting.clear()

    def finish(self, status: RunStatus, error: str | None, timeout_seconds: float | None = None) -> None:
        """Record how the run ended; if that fails, or the file is in use for so long, the next run does it."""
        ended_at = utc_now()
        try:
            self._in_transaction(
                lambda ledger: ledger.finish_run(self._run_id, status, error, finished_at=ended_at),
                None,
                timeout_seconds,
            )
        except BaseException as failure:
            self._leave(status, error, ended_at)
            if not isinstance(failure, WarehouseError):
                raise
            logger.warning("how the run ended cannot be recorded yet; the next run will do it: %s", failure)

    def _in_transaction(
        self,
        write: Callable[[Ledger], None],
        connection: duckdb.DuckDBPyConnection | None,
        timeout_seconds: float | None = None,
    ) -> None:
        if connection is None:
            with clear_write_errors(database_path()), open_for_writing(timeout_seconds=timeout_seconds) as opened:
                self._in_transaction(write, opened)
            return
        with clear_write_errors(database_path()):
            ledger = Ledger(connection)
            with ledger.transaction():
                for done in self._waiting:
                    ledger.record_asset(self._run_id, done)
                write(ledger)

    def _leave(self, status: RunStatus, error: str | None, ended_at: datetime) -> None:
        """Leave in the work folder what could not be written."""
        left = {
            "status": status,
            "error": error,
            "ended_at": ended_at.isoformat(),
            "assets": [asdict(done) for done in self._waiting],
        }
        part = self._folder / f"{NOT_RECORDED}.part"
        try:
            part.write_text(json.dumps(left))
            part.replace(self._folder / NOT_RECORDED)
        except OSError as failure:
            # The next run finds the folder gone, and records that this one did not say how it ended.
            logger.warning("%s: cannot be written: %s", part, failure)


def new_run_id() -> str:
    """A run id that no other run has."""
    return str(uuid.uuid4())


def finish_runs_left_behind(ledger: Ledger) -> None:
    """Record how runs ended that could not do so themselves, and remove what they left.

    Every run has a locked folder for as long as it lives. So a run that the ledger calls running and that has no such
    folder is dead, whenever it was killed.
    """
    folders, in_use = left_behind()
    running = {*ledger.running(KIND), *ledger.running(STREAM_KIND)}
    for run_id in running - in_use:
        left = next((found for folder in folders if folder.name == run_id and (found := _left_in(folder))), None)
        with ledger.transaction():
            if left is None:
                ledger.finish_run(run_id, "failed", ABANDONED)
                continue
            for asset in left["assets"]:
                ledger.record_asset(run_id, asset)
            ledger.finish_run(run_id, left["status"], left["error"], finished_at=left["ended_at"])
    # Last: until here a kill leaves everything for the next run.
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)


def _left_in(folder: Path) -> dict[str, Any] | None:
    """What a run left for the ledger in its folder; None where there is nothing, or it is not whole."""
    try:
        left = json.loads((folder / NOT_RECORDED).read_text())
        assets = [
            RunAsset(**asset | {"fingerprint": asset["fingerprint"] and Fingerprint(**asset["fingerprint"])})
            for asset in left["assets"]
        ]
        return {**left, "assets": assets, "ended_at": datetime.fromisoformat(left["ended_at"])}
    except (OSError, ValueError, KeyError, TypeError):
        return None
