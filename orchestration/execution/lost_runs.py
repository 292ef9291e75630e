"""Finish in the ledger what runs began whose process is gone.

The next run does that, of whatever job. Not the daemon: after a crash, opening the DuckDB file takes memory and time.
"""

import logging

import dagster as dg

from ingestion.run_record import finish_runs_left_behind
from orchestration.execution.run_lock import Lock, locks_folder, look_at
from warehouse.connection import WarehouseError, open_for_writing
from warehouse.ledger import ABANDONED, Ledger
from warehouse.paths import database_path

logger = logging.getLogger(__name__)

_SECONDS_FOR_THE_LEDGER = 3


def finish_lost_runs(instance: dg.DagsterInstance) -> None:
    """Record as failed what runs of Dagster that are over left as running, and remove the files of their locks.

    If the DuckDB file is in use, the next run does it.
    """
    over = _runs_that_are_over(instance)
    lost = [run_id for run_id, succeeded in over.items() if not succeeded]
    if lost and database_path().exists():
        try:
            with open_for_writing(timeout_seconds=_SECONDS_FOR_THE_LEDGER) as connection:
                ledger = Ledger(connection)
                # What a load could not tell the ledger is in its folder.
                finish_runs_left_behind(ledger)
                for run_id in lost:
                    ledger.finish_runs_of_dagster(run_id, ABANDONED)
        except WarehouseError as error:
            logger.warning("The ledger has %s as running until the next run: %s", ", ".join(lost), error)
            return
    for run_id in over:
        (locks_folder(instance) / run_id).unlink(missing_ok=True)


def _runs_that_are_over(instance: dg.DagsterInstance) -> dict[str, bool]:
    """Those that left a file that nobody holds, and whether they succeeded."""
    over = {}
    for file in locks_folder(instance).iterdir():
        if look_at(instance, file.name) is Lock.HELD:
            continue
        run = instance.get_run_by_id(file.name)
        # One that is not finished waits for its process, or it is not yet noticed that it has none.
        if run is None or run.is_finished:
            over[file.name] = run is not None and run.status is dg.DagsterRunStatus.SUCCESS
    return over
