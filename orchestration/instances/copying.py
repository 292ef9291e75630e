"""Copy Dagster's whole history from SQLite to Postgres, or back.

Sensors and Dagster's own daemons remember the number of the last event that they have seen, and so do tags, checks and
events themselves. So whatever is counted across runs keeps its number: no alert is sent again, and no run missed.

SQLite has the events of a run in a file of the run, and those that others look for (of assets, of checks, of the status
of runs) once more in an index; the numbers are those of the index. Postgres has one table. The other events of a run,
which only its log shows, get numbers after all those.
"""

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from dagster._core.events import ASSET_CHECK_EVENTS, ASSET_EVENTS, EVENT_TYPE_TO_PIPELINE_RUN_STATUS
from dagster._core.storage.event_log.schema import SqlEventLogStorageMetadata, SqlEventLogStorageTable
from dagster._core.storage.runs.schema import InstanceInfo, RunsTable, RunStorageSqlMetadata
from dagster._core.storage.schedules.schema import ScheduleStorageSqlMetadata

Row = Mapping[str, Any]

EVENTS = SqlEventLogStorageTable
# What each storage says of itself, not of what has happened.
_OF_THE_STORAGE = {"secondary_indexes", "daemon_heartbeats"}
# Dagster writes these into an empty storage by itself.
_MAY_BE_THERE = {InstanceInfo.name}
# Events of no run, such as what the ledger sensor reports.
RUNLESS = ""

_OF_STATUS = {event.value for event in EVENT_TYPE_TO_PIPELINE_RUN_STATUS}
_OF_ASSETS = {event.value for event in ASSET_EVENTS | ASSET_CHECK_EVENTS}

_ROWS_A_PAGE = 2000


def tables_of(metadata: sa.MetaData) -> list[sa.Table]:
    """The tables that are copied row by row, those first that others refer to."""
    return [table for table in metadata.sorted_tables if table.name not in _OF_THE_STORAGE and table is not EVENTS]


RUN_TABLES = tables_of(RunStorageSqlMetadata)
EVENT_TABLES = tables_of(SqlEventLogStorageMetadata)
SCHEDULE_TABLES = tables_of(ScheduleStorageSqlMetadata)
ALL_TABLES = [*RUN_TABLES, *EVENT_TABLES, *SCHEDULE_TABLES, EVENTS]


def rows_of(connection: sa.Connection, query: sa.Select[Any]) -> Iterator[list[dict[str, Any]]]:
    """The rows of a query, page by page."""
    result = connection.execution_options(yield_per=_ROWS_A_PAGE).execute(query)
    for page in result.mappings().partitions(_ROWS_A_PAGE):
        yield [dict(row) for row in page]


def copy_table(source: sa.Connection, target: sa.Connection, table: sa.Table) -> None:
    """Copy all rows, with their numbers."""
    if table.name in _MAY_BE_THERE:
        target.execute(table.delete())
    for page in rows_of(source, sa.select(table).order_by(table.c.id)):
        target.execute(table.insert(), page)


def count(connection: sa.Connection, table: sa.Table) -> int:
    """How many rows a table has."""
    return int(connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one())


def filled_tables(connection: sa.Connection, tables: Sequence[sa.Table]) -> dict[str, int]:
    """How many rows the tables have that have any; but for what Dagster writes into an empty storage."""
    counts = {table.name: count(connection, table) for table in tables if table.name not in _MAY_BE_THERE}
    return {name: rows for name, rows in counts.items() if rows}


def run_ids(connection: sa.Connection) -> list[str]:
    """The runs, oldest first, and then what stands for no run."""
    return [*connection.execute(sa.select(RunsTable.c.run_id).order_by(RunsTable.c.id)).scalars(), RUNLESS]


def only_in_the_log(row: Row) -> dict[str, Any]:
    """An event that the index does not have, or no longer: of an asset that was wiped. It stays in the log of its run.

    Nobody who looks for events of assets or for the status of runs may find it, since its number is new.
    """
    if row["dagster_event_type"] in _OF_STATUS:
        return {**row, "dagster_event_type": None}
    if row["dagster_event_type"] in _OF_ASSETS:
        return {**row, "asset_key": None, "partition": None}
    return dict(row)


def is_in_the_index(row: Row) -> bool:
    """Whether SQLite has an event in its index, too."""
    kind = row["dagster_event_type"]
    return kind in _OF_STATUS or (kind in _OF_ASSETS and row["asset_key"] is not None)


def not_in_the_index(log: Iterator[list[dict[str, Any]]], indexed: Counter[bytes]) -> Iterator[dict[str, Any]]:
    """The events of a run's log that are not in the index, given how often the index has each of the run's."""
    for page in log:
        for row in page:
            digest = digest_of(row["event"])
            if indexed[digest]:
                indexed[digest] -= 1
            else:
                yield only_in_the_log(row)


def digest_of(event: str) -> bytes:
    """What tells an event from others. Its text may be long."""
    return hashlib.blake2b(event.encode(), digest_size=16).digest()
