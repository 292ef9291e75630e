"""Telling the ledger of a run: when it begins, after each partition, at its end; what fails is told later."""

import json
import logging
import shutil
import uuid
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from ingestion.work_folder import UNTOLD, left_behind
from warehouse.connection import WarehouseError, open_for_writing
from warehouse.full_disk import clear_write_errors
from warehouse.ledger import ABANDONED, Fingerprint, Ledger, RunAsset, RunStatus, utc_now
from warehouse.paths import database_path

logger = logging.getLogger(__name__)

KIND = "ingestion"


class RunRecord:
    """What the ledger is told of one run; what it could not be told waits for the next time, or for the next run."""

    def __init__(self, run_id: str, folder: Path) -> None:
        self._run_id = run_id
        self._folder = folder
        self._untold: list[RunAsset] = []

    def add(self, done: RunAsset) -> None:
        """Record what the run did to a partition; if that fails, it is recorded with the next."""
        self._untold.append(done)
        try:
            with clear_write_errors(database_path()), open_for_writing() as connection:
                ledger = Ledger(connection)
                with ledger.transaction():
                    self._write(ledger)
        except WarehouseError as error:
            # Once: while a disk is full, each of a hundred months would say so.
            level = logging.WARNING if len(self._untold) == 1 else logging.INFO
            logger.log(level, "%s %s: cannot be recorded yet: %s", done.asset, done.partition_key, error)
        else:
            self._untold.clear()

    def finish(self, status: RunStatus, error: str | None) -> None:
        """Record how the run ended; if that fails, the next run does it."""
        ended_at = utc_now()
        try:
            with clear_write_errors(database_path()), open_for_writing() as connection:
                ledger = Ledger(connection)
                with ledger.transaction():
                    self._write(ledger)
                    ledger.finish_run(self._run_id, status, error, finished_at=ended_at)
        except BaseException as failure:
            self._leave(status, error, ended_at)
            if not isinstance(failure, WarehouseError):
                raise
            logger.warning("how the run ended cannot be recorded yet; the next run will do it: %s", failure)

    def _write(self, ledger: Ledger) -> None:
        for done in self._untold:
            ledger.record_asset(self._run_id, done)

    def _leave(self, status: RunStatus, error: str | None, ended_at: datetime) -> None:
        """Leave in the work folder what the ledger was not told."""
        untold = {
            "status": status,
            "error": error,
            "ended_at": ended_at.isoformat(),
            "assets": [asdict(done) for done in self._untold],
        }
        part = self._folder / f"{UNTOLD}.part"
        try:
            part.write_text(json.dumps(untold))
            part.replace(self._folder / UNTOLD)
        except OSError as failure:
            # The next run finds the folder gone, and records that this one did not say how it ended.
            logger.warning("%s: cannot be written: %s", part, failure)


def new_run_id() -> str:
    """A run id that no other run has."""
    return str(uuid.uuid4())


def finish_runs_left_behind(ledger: Ledger) -> None:
    """Record how runs ended that could not do so themselves, and remove what they left.

    Every run has a locked folder for as long as it lives. So one that the ledger calls running and that has none is
    dead, whenever it was killed.
    """
    folders, in_use = left_behind()
    for run_id in set(ledger.running(KIND)) - in_use:
        told = next((untold for folder in folders if folder.name == run_id and (untold := _untold(folder))), None)
        with ledger.transaction():
            if told is None:
                ledger.finish_run(run_id, "failed", ABANDONED)
                continue
            for asset in told["assets"]:
                ledger.record_asset(run_id, asset)
            ledger.finish_run(run_id, told["status"], told["error"], finished_at=told["ended_at"])
    # Last: until here a kill leaves everything for the next run.
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)


def _untold(folder: Path) -> dict[str, Any] | None:
    """What a run left for the ledger in its folder; None where that is nothing, or not whole."""
    try:
        told = json.loads((folder / UNTOLD).read_text())
        assets = [
            RunAsset(**asset | {"fingerprint": asset["fingerprint"] and Fingerprint(**asset["fingerprint"])})
            for asset in told["assets"]
        ]
        return {**told, "assets": assets, "ended_at": datetime.fromisoformat(told["ended_at"])}
    except (OSError, ValueError, KeyError, TypeError):
        return None
