"""Postgres back to SQLite, in a folder beside the target that takes its place at the end."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from dagster._core.storage.event_log.sqlite import SqliteEventLogStorage
from dagster._core.storage.sqlite_storage import DagsterSqliteStorage
from sqlalchemy.pool import NullPool

from orchestration.instances.checks import CopyRefusedError, refuse_runs_in_progress
from orchestration.instances.copying import (
    ALL_TABLES,
    EVENT_TABLES,
    EVENTS,
    RUN_TABLES,
    RUNLESS,
    SCHEDULE_TABLES,
    copy_table,
    count,
    is_in_the_index,
    rows_of,
)

# What a storage of SQLite is. The rest of its folder are other things of runs.
PARTS = ("schedules", "history")


def copy_to_sqlite(source_url: sa.URL, folder: Path, say: Callable[[str], None]) -> dict[str, int]:
    """Copy everything to a folder that has no history yet. Gives the rows of each table, as counted there.

    Raises:
        CopyRefusedError: a run is in progress, the folder has a history, or the numbers of rows differ at the end. Then
            nothing was copied.
    """
    if there := [part for part in PARTS if (folder / part).exists()]:
        raise CopyRefusedError(
            f"expected no history in {folder}, but {' and '.join(there)} are there: nothing was changed. "
            "Move them away."
        )
    unfinished = folder / "being_copied"
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    engine = sa.create_engine(source_url, poolclass=NullPool, isolation_level="REPEATABLE READ")
    try:
        with engine.begin() as source:
            refuse_runs_in_progress(source)
            counted = _copy(source, unfinished, say)
            expected = {table.name: count(source, table) for table in ALL_TABLES}
        if counted != expected:
            raise CopyRefusedError(f"expected {expected}, but found {counted} in the copy. Nothing was copied.")
        for part in PARTS:
            (unfinished / part).rename(folder / part)
    finally:
        engine.dispose()
        shutil.rmtree(unfinished, ignore_errors=True)
    return counted


def _copy(source: sa.Connection, folder: Path, say: Callable[[str], None]) -> dict[str, int]:
    # This makes the files and their tables.
    storage = DagsterSqliteStorage.from_local(str(folder))
    assert isinstance(storage.event_log_storage, SqliteEventLogStorage)
    counted = {}
    files = (
        ("history/runs.db", RUN_TABLES),
        ("history/runs/index.db", EVENT_TABLES),
        ("schedules/schedules.db", SCHEDULE_TABLES),
    )
    for file, tables in files:
        with _opened(folder / file) as target:
            for table in tables:
                say(table.name)
                copy_table(source, target, table)
                counted[table.name] = count(target, table)
    counted[EVENTS.name] = _copy_events(source, storage.event_log_storage, folder, say)
    storage.dispose()
    return counted


def _copy_events(
    source: sa.Connection, storage: SqliteEventLogStorage, folder: Path, say: Callable[[str], None]
) -> int:
    copied = 0
    with _opened(folder / "history/runs/index.db") as index:
        ids: list[str] = list(source.execute(sa.select(EVENTS.c.run_id).distinct()).scalars())
        for done, run_id in enumerate(ids, start=1):
            if done % 100 == 0:
                say(f"logs of {done:,} of {len(ids):,} runs")
            # In the order in which things happened: those that were copied from SQLite have numbers in another one.
            query = sa.select(EVENTS).where(EVENTS.c.run_id == run_id).order_by(EVENTS.c.timestamp, EVENTS.c.id)
            rows = [row for page in rows_of(source, query) for row in page]
            if indexed := [row for row in rows if is_in_the_index(row)]:
                index.execute(EVENTS.insert(), indexed)
            with storage.run_connection(run_id or RUNLESS) as log:
                log.execute(EVENTS.insert(), [_without_number(row) for row in rows])
            copied += len(rows)
    return copied


def _without_number(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name != "id"}


def _opened(file: Path) -> Any:
    return sa.create_engine(f"sqlite:///{file}", poolclass=NullPool).begin()
