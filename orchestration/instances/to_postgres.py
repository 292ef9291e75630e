"""SQLite to Postgres, in one transaction: a copy that is killed leaves the database as empty as it was."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from dagster._core.storage.sqlite_storage import DagsterSqliteStorage
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool

from orchestration.instances.checks import CopyRefusedError, refuse_a_filled_target, refuse_runs_in_progress
from orchestration.instances.copying import (
    ALL_TABLES,
    EVENT_TABLES,
    EVENTS,
    RUN_TABLES,
    SCHEDULE_TABLES,
    Row,
    copy_table,
    count,
    digest_of,
    not_in_the_index,
    rows_of,
    run_ids,
)

_SECONDS_TO_WAIT_FOR_A_WRITER = 5
_ROWS_AN_INSERT = 2000


def copy_to_postgres(source: DagsterSqliteStorage, target_url: sa.URL, say: Callable[[str], None]) -> dict[str, int]:
    """Copy everything into an empty database that has Dagster's tables. Gives the rows of each table, as counted there.

    Raises:
        CopyRefusedError: the database is not empty, a run is in progress, somebody is writing, or the numbers of rows
            differ at the end. Then nothing was copied.
    """
    engine = sa.create_engine(target_url, poolclass=NullPool)
    history = Path(source.base_dir) / "history"
    try:
        with (
            _held(history / "runs.db") as runs,
            _held(history / "runs" / "index.db") as index,
            _held(Path(source.base_dir) / "schedules" / "schedules.db") as schedules,
            engine.begin() as target,
        ):
            _hold_all_tables(target)
            refuse_a_filled_target(target)
            refuse_runs_in_progress(runs)
            expected: dict[str, int] = {}
            for connection, tables in ((runs, RUN_TABLES), (index, EVENT_TABLES), (schedules, SCHEDULE_TABLES)):
                for table in tables:
                    say(table.name)
                    copy_table(connection, target, table)
                    expected[table.name] = count(connection, table)
            expected[EVENTS.name] = _copy_events(history / "runs", runs, index, target, say)
            return _verified(target, expected)
    finally:
        engine.dispose()


@contextmanager
def _held(path: Path) -> Iterator[sa.Connection]:
    """A file of SQLite that nobody else can write to meanwhile."""
    engine = sa.create_engine(
        f"sqlite:///{path}",
        poolclass=NullPool,
        isolation_level="AUTOCOMMIT",
        connect_args={"timeout": _SECONDS_TO_WAIT_FOR_A_WRITER},
    )
    with engine.connect() as connection:
        try:
            connection.exec_driver_sql("begin immediate")
        except OperationalError:
            raise CopyRefusedError(
                f"{path.name}: expected that nobody writes to it, but somebody does. Stop Dagster first."
            ) from None
        yield connection
        connection.exec_driver_sql("rollback")


def _hold_all_tables(target: sa.Connection) -> None:
    """Let nobody else look into the tables before everything is there: a Dagster that is started meanwhile waits."""
    quoted = ", ".join(target.dialect.identifier_preparer.format_table(table) for table in ALL_TABLES)
    target.exec_driver_sql(f"lock table {quoted} in access exclusive mode")


def _copy_events(
    folder: Path, runs: sa.Connection, index: sa.Connection, target: sa.Connection, say: Callable[[str], None]
) -> int:
    """Copy the index, and what only the logs of runs have. Gives how many events there are."""
    copy_table(index, target, EVENTS)
    number = int(index.execute(sa.select(sa.func.coalesce(sa.func.max(EVENTS.c.id), 0))).scalar_one())
    copied = count(index, EVENTS)
    ids = run_ids(runs)
    for done, run_id in enumerate(ids, start=1):
        if done % 100 == 0:
            say(f"logs of {done:,} of {len(ids):,} runs")
        file = folder / f"{run_id}.db"
        if not file.exists():
            continue
        rows: list[Row] = []
        for row in _of_the_log_alone(file, run_id, index):
            number += 1
            rows.append({**row, "id": number})
        for start in range(0, len(rows), _ROWS_AN_INSERT):
            target.execute(EVENTS.insert(), rows[start : start + _ROWS_AN_INSERT])
        copied += len(rows)
    return copied


def _of_the_log_alone(file: Path, run_id: str, index: sa.Connection) -> Sequence[dict[str, Any]]:
    of_run = sa.select(EVENTS.c.event).where(EVENTS.c.run_id == run_id)
    events: Iterator[str] = iter(index.execute(of_run).scalars())
    indexed = Counter(digest_of(event) for event in events)
    engine = sa.create_engine(f"sqlite:///{file}", poolclass=NullPool)
    with engine.connect() as log:
        query = sa.select(EVENTS).where(EVENTS.c.run_id == run_id).order_by(EVENTS.c.id)
        return list(not_in_the_index(rows_of(log, query), indexed))


def _verified(target: sa.Connection, expected: dict[str, int]) -> dict[str, int]:
    """Count what is there, and let the next numbers follow the highest of each table."""
    counted = {table.name: count(target, table) for table in ALL_TABLES}
    if wrong := [
        f"{name}: {rows:,}, not {expected[name]:,}" for name, rows in counted.items() if rows != expected[name]
    ]:
        raise CopyRefusedError(f"expected as many rows as in SQLite, but found {'; '.join(wrong)}. Nothing was copied.")
    for table in ALL_TABLES:
        highest = sa.select(sa.func.max(table.c.id)).scalar_subquery()
        sequence = sa.func.pg_get_serial_sequence(table.name, "id")
        target.execute(sa.select(sa.func.setval(sequence, sa.func.coalesce(highest, 1), highest.is_not(None))))
    return counted
