"""What keeps a history from being copied: Dagster that runs, a target that has something, another schema."""

import time
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from dagster._core.storage.base_storage import DagsterStorage
from dagster._core.storage.dagster_run import IN_PROGRESS_RUN_STATUSES, DagsterRunStatus
from dagster._core.storage.runs.schema import RunsTable

from orchestration.instances.copying import ALL_TABLES, filled_tables
from orchestration.instances.settings import DagsterStorageError

# Dagster's daemon says every half minute that it is alive.
_SILENT_SECONDS = 45
_POLL_SECONDS = 1

# A run that waits in the queue has no process that would go on writing.
_HAS_A_PROCESS = [
    status.value
    for status in IN_PROGRESS_RUN_STATUSES
    if status not in {DagsterRunStatus.QUEUED, DagsterRunStatus.NOT_STARTED}
]


class CopyRefusedError(DagsterStorageError):
    """A history that is not copied, and why. Nothing was changed."""


def refuse_a_running_daemon(
    storage: DagsterStorage[Any],
    say: Callable[[str], None],
    *,
    now: Callable[[], float] = time.time,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Wait until it is certain that no daemon uses the storage: after one has ended, up to 45 seconds.

    Raises:
        CopyRefusedError: the daemon says that it is alive.
    """
    seen = _last_heartbeat(storage)
    if seen + _SILENT_SECONDS > now():
        say("Dagster's daemon was there a moment ago: looking whether it has ended")
    while seen + _SILENT_SECONDS > now():
        sleep(_POLL_SECONDS)
        if _last_heartbeat(storage) > seen:
            raise CopyRefusedError(
                "expected that Dagster does not run, but its daemon does. Stop Dagster first: what it writes during "
                "the copy would be lost."
            )


def _last_heartbeat(storage: DagsterStorage[Any]) -> float:
    return max((beat.timestamp for beat in storage.run_storage.get_daemon_heartbeats().values()), default=0)


def refuse_runs_in_progress(runs: sa.Connection) -> None:
    """Refuse a source with runs whose processes would go on writing to it.

    Raises:
        CopyRefusedError: there are some.
    """
    query = sa.select(RunsTable.c.run_id, RunsTable.c.status).where(RunsTable.c.status.in_(_HAS_A_PROCESS))
    if found := [f"{run_id} is {status}" for run_id, status in runs.execute(query)]:
        raise CopyRefusedError(
            f"expected no run in progress, but {', '.join(found)}. Let it end or terminate it in the UI, then stop "
            "Dagster and copy again."
        )


def refuse_a_filled_target(target: sa.Connection) -> None:
    """Refuse a target that has a history.

    Raises:
        CopyRefusedError: it has one.
    """
    if filled := filled_tables(target, ALL_TABLES):
        found = ", ".join(f"{name} has {rows:,} rows" for name, rows in filled.items())
        raise CopyRefusedError(
            f"expected an empty database, but {found}: nothing was changed. Name an empty one in DAGSTER_PG_DB, or "
            "drop this one and create it anew, if what it has is not needed."
        )


def refuse_another_schema(name: str, storage: DagsterStorage[Any]) -> None:
    """Refuse a storage whose tables are not those of the Dagster that is installed.

    Raises:
        CopyRefusedError: they are of another version.
    """
    for part in (storage.run_storage, storage.event_log_storage, storage.schedule_storage):
        found, expected = part.alembic_version() or (None, None)
        if found != expected:
            raise CopyRefusedError(
                f"{name}: expected tables of version {expected}, but got {found}. Run `dagster instance migrate` with "
                f"DAGSTER_STORAGE={name}, then copy again."
            )
