"""Delete from Dagster's storage what is past its time: Dagster itself keeps runs for ever.

Ticks of schedules and sensors are deleted by Dagster's daemon, as dagster.yaml says. With a run, Dagster forgets what
the run materialized. So runs that hold the latest record of an asset, a partition or a check stay. Otherwise Dagster
would show it as missing, and the ledger sensor would report it again.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import chdir
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import sqlalchemy as sa
from dagster._core.execution.backfill import BulkActionsFilter, BulkActionStatus
from dagster._core.instance.ref import InstanceRef
from dagster._core.storage.dagster_run import FINISHED_STATUSES
from dagster._core.storage.event_log.schema import (
    AssetCheckExecutionsTable,
    AssetEventTagsTable,
    SqlEventLogStorageTable,
)
from dagster._core.storage.event_log.sql_event_log import SqlEventLogStorage
from dagster._core.storage.event_log.sqlite import SqliteEventLogStorage
from dagster._core.storage.local_compute_log_manager import LocalComputeLogManager
from dagster._core.storage.tags import BACKFILL_ID_TAG

from orchestration.instances.storage import is_postgres_chosen, sqlite_folder
from warehouse.maintenance import Found, Item
from warehouse.maintenance.items import nothing, retention_days, size_of
from warehouse.paths import PROJECT_ROOT

RETENTION_VARIABLE = "DAGSTER_RETENTION_DAYS"
_DEFAULT_DAYS = 30

_RUNS_A_PAGE = 500

# Events of no run that the ledger sensor and people report. There are few others, and Dagster needs them.
_RUNLESS = ""
_REPORTED = [
    event.value
    for event in (
        dg.DagsterEventType.ASSET_MATERIALIZATION,
        dg.DagsterEventType.ASSET_OBSERVATION,
        dg.DagsterEventType.ASSET_CHECK_EVALUATION,
    )
]

_Event, _Check = SqlEventLogStorageTable.c, AssetCheckExecutionsTable.c


def dagster_item(instance: dg.DagsterInstance | None = None) -> Item:
    """The item of an instance, by default that of `DAGSTER_HOME`."""

    def work(dry_run: bool) -> Found:
        days = retention_days(RETENTION_VARIABLE, _DEFAULT_DAYS)
        if instance:
            return _found(expire(instance, days, dry_run=dry_run), days)
        home = os.environ.get("DAGSTER_HOME")
        # The paths in dagster.yaml are relative to the project.
        with chdir(PROJECT_ROOT):
            if not home or not _is_there(home):
                return nothing("Dagster has not run yet")
            with dg.DagsterInstance.get() as opened:
                return _found(expire(opened, days, dry_run=dry_run), days)

    return Item("Dagster", work)


@dataclass
class Expired:
    """What was deleted: runs with their logs, events of no run, results of checks, logs of ticks; the files' bytes."""

    runs: int = 0
    kept_runs: int = 0
    events: int = 0
    checks: int = 0
    tick_logs: int = 0
    bytes: int = 0


def expire(instance: dg.DagsterInstance, days: int, *, now: datetime | None = None, dry_run: bool = False) -> Expired:
    """Delete runs that ended more than so many days ago, with their events and logs, and what was reported then.

    Runs in progress stay, those of a backfill in progress, and those with the latest record of anything.
    """
    before = (now or datetime.now(UTC)) - timedelta(days=days)
    expired = Expired()
    needed = _runs_of_latest_records(instance)
    backfills = _open_backfills(instance)
    for run in list(_runs_ended_before(instance, before)):
        if run.run_id in needed or run.tags.get(BACKFILL_ID_TAG) in backfills:
            expired.kept_runs += 1
            continue
        expired.runs += 1
        expired.bytes += sum(size_of(path) for path in _files_of(instance, run.run_id) if path.exists())
        if not dry_run:
            _delete(instance, run.run_id)
    expired.events, expired.checks = _expire_reported(instance, before, dry_run=dry_run)
    for log in list(_logs_of_ticks(instance, before)):
        expired.tick_logs += 1
        expired.bytes += size_of(log)
        if not dry_run:
            log.unlink()
    return expired


def _runs_ended_before(instance: dg.DagsterInstance, before: datetime) -> Iterator[dg.DagsterRun]:
    # A run's record is last changed when it ends.
    chosen = dg.RunsFilter(statuses=FINISHED_STATUSES, updated_before=before)
    cursor = None
    while page := instance.get_runs(chosen, cursor=cursor, limit=_RUNS_A_PAGE):
        yield from page
        cursor = page[-1].run_id


def _open_backfills(instance: dg.DagsterInstance) -> set[str | None]:
    statuses = [BulkActionStatus.REQUESTED, BulkActionStatus.CANCELING, BulkActionStatus.FAILING]
    return {backfill.backfill_id for backfill in instance.get_backfills(filters=BulkActionsFilter(statuses=statuses))}


def _runs_of_latest_records(instance: dg.DagsterInstance) -> set[str]:
    """The runs that hold the latest record of something, and the newest run and the run of the newest event.

    SQLite would give the numbers of the newest again. Sensors look for higher numbers than those that they have seen,
    and would miss what comes next.
    """
    newest = {run.run_id for run in instance.get_runs(limit=1)}
    with _storage(instance).index_connection() as connection:
        latest = [
            sa.select(_Event.run_id).where(_Event.id.in_(_latest_events())),
            sa.select(_Event.run_id).where(_Event.id == sa.select(sa.func.max(_Event.id)).scalar_subquery()),
            sa.select(_Check.run_id).where(_Check.id.in_(_latest_checks())),
        ]
        return newest | {str(run_id) for query in latest for (run_id,) in connection.execute(query) if run_id}


def _latest_events() -> sa.Select[tuple[int]]:
    of = (_Event.dagster_event_type, _Event.asset_key, _Event.partition)
    return sa.select(sa.func.max(_Event.id)).where(_Event.dagster_event_type.in_(_REPORTED)).group_by(*of)


def _latest_checks() -> sa.Select[tuple[int]]:
    of = (_Check.asset_key, _Check.check_name, _Check.partition, _Check.execution_status)
    return sa.select(sa.func.max(_Check.id)).group_by(*of)


def _delete(instance: dg.DagsterInstance, run_id: str) -> None:
    """Delete a run's files, and last the run: if this is interrupted, the next maintenance goes on with it."""
    instance.compute_log_manager.delete_logs(prefix=[run_id])
    shutil.rmtree(Path(instance.storage_directory()) / run_id, ignore_errors=True)
    instance.delete_run(run_id)
    if shard := _shard_of(instance, run_id):
        # Dagster deletes the events, but not their file, and makes it again if it is not there.
        for path in (shard, Path(f"{shard}-wal"), Path(f"{shard}-shm")):
            path.unlink(missing_ok=True)


def _files_of(instance: dg.DagsterInstance, run_id: str) -> set[Path]:
    """Files and folders that are deleted with a run, as far as they are on this machine."""
    files = {Path(instance.storage_directory()) / run_id}
    if isinstance(manager := instance.compute_log_manager, LocalComputeLogManager):
        files.add(Path(manager.get_captured_local_path([run_id, "any"], "log")).parent)
    if shard := _shard_of(instance, run_id):
        files.add(shard)
    return files


def _shard_of(instance: dg.DagsterInstance, run_id: str) -> Path | None:
    storage = instance.event_log_storage
    return Path(storage.path_for_shard(run_id)) if isinstance(storage, SqliteEventLogStorage) else None


def _logs_of_ticks(instance: dg.DagsterInstance, before: datetime) -> Iterator[Path]:
    """What sensors and schedules logged long ago. Dagster deletes their ticks, but not the logs of these."""
    manager = instance.compute_log_manager
    if not isinstance(manager, LocalComputeLogManager):
        return
    for state in instance.all_instigator_state():
        key = [state.origin.repository_origin.repository_name, state.instigator_name, "any"]
        folder = Path(manager.get_captured_local_path(key, "log")).parent
        for file in folder.iterdir() if folder.is_dir() else ():
            if file.is_file() and file.stat().st_mtime < before.timestamp():
                yield file


def _expire_reported(instance: dg.DagsterInstance, before: datetime, *, dry_run: bool) -> tuple[int, int]:
    """Delete events of no run, and results of checks, but for the latest. Gives how many of both."""
    storage, naive = _storage(instance), before.astimezone(UTC).replace(tzinfo=None)
    old_events = sa.and_(
        _Event.run_id == _RUNLESS,
        _Event.dagster_event_type.in_(_REPORTED),
        _Event.timestamp < naive,
        _Event.id.not_in(_latest_events().subquery().select()),
    )
    # Results of checks outlive their run in Dagster.
    old_checks = sa.and_(_Check.create_timestamp < naive, _Check.id.not_in(_latest_checks().subquery().select()))
    with storage.index_connection() as connection:
        events = connection.execute(sa.select(_Event.id).where(old_events)).fetchall()
        checks = connection.execute(sa.select(_Check.id).where(old_checks)).fetchall()
        if not dry_run:
            tags = AssetEventTagsTable.c.event_id.in_(sa.select(_Event.id).where(old_events))
            connection.execute(AssetEventTagsTable.delete().where(tags))
            connection.execute(SqlEventLogStorageTable.delete().where(old_events))
            connection.execute(AssetCheckExecutionsTable.delete().where(old_checks))
    if not dry_run and isinstance(storage, SqliteEventLogStorage):
        # There events of no run have a copy in a file of their own.
        with storage.run_connection(_RUNLESS) as connection:
            connection.execute(SqlEventLogStorageTable.delete().where(old_events))
    return len(events), len(checks)


def _storage(instance: dg.DagsterInstance) -> SqlEventLogStorage:
    storage = instance.event_log_storage
    if not isinstance(storage, SqlEventLogStorage):
        raise TypeError(f"expected Dagster's events in an SQL database, but got {type(storage).__name__}")
    return storage


def _is_there(home: str) -> bool:
    """Whether the instance has storage. Opening one of SQLite that has none would make it."""
    instance = InstanceRef.from_dir(home)
    folder = sqlite_folder(instance)
    return folder is None or is_postgres_chosen(instance) or folder.is_dir()


def _found(expired: Expired, days: int) -> Found:
    said = (
        f"{expired.runs:,} runs older than {days} days, {expired.events:,} events of no run, {expired.checks:,} results"
        f" of checks, {expired.tick_logs:,} logs of ticks; {expired.kept_runs:,} old runs stay, with the"
        " latest record of something"
    )
    count = expired.runs + expired.events + expired.checks + expired.tick_logs
    return Found(said, expired.bytes, is_nothing=not count)
