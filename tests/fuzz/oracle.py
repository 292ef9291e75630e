"""What must hold after a run of ingestion, whatever the publishers answered.

It reads the database with SQL of its own; nothing here knows how files are read.
"""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from ingestion.catalog import FEEDS, raw_tables
from ingestion.feeds import ColumnType
from ingestion.partitions import Partition
from ingestion.pipeline import Result, Status
from tests.fuzz.cases import Columns, Expected
from tests.fuzz.publisher import key
from warehouse.periods import Grain

_LONGEST_ERROR = 600
# A library's own advice, or its insides, instead of what a person can do.
_NOT_FOR_PEOPLE = re.compile(
    r"Traceback|sample_size|ignore_errors|read_csv\(|read_json\(|LINE 1|stack trace|INTERNAL Error"
)

_KEY_FORMATS = {Grain.MONTH: "%Y-%m", Grain.DAY: "%Y-%m-%d", Grain.HOUR: "%Y-%m-%dT%H"}
_PartitionKey = tuple[str, str, str]  # raw table, feed, period


@dataclass(frozen=True)
class State:
    """What is loaded: a hash of every partition's rows, the columns of the tables, the watermarks, the other tables."""

    partitions: dict[_PartitionKey, tuple[int, int]]
    columns: dict[str, list[tuple[str, str]]]
    watermarks: dict[tuple[str, str], tuple[object, ...]]
    tables: frozenset[tuple[str, str]]


def state_of(database: Path, columns_of: State | None = None) -> State:
    """The state of a database; hashed are the columns that another state has, or else all that are there."""
    with duckdb.connect(str(database), read_only=True) as connection:
        rows = connection.execute("select schema_name, table_name from duckdb_tables()").fetchall()
        tables = frozenset((schema, name) for schema, name in rows)
        raw = [name for name in raw_tables() if ("raw_data", name) in tables]
        columns = {
            table: [(name, type_) for name, type_, *_ in connection.execute(f"describe raw_data.{table}").fetchall()]
            for table in raw
        }
        partitions: dict[_PartitionKey, tuple[int, int]] = {}
        hashed = columns_of.columns if columns_of else columns
        for table in hashed.keys() & columns.keys():
            found, there = hashed[table], {name for name, _ in columns[table]}
            listed = ", ".join('"' + name.replace('"', '""') + '"' for name, _ in found if name in there)
            for feed, month, count, digest in connection.execute(
                f"select feed, {_key_of_table(table)}, count(*), sum(hash(row({listed})))"
                f" from raw_data.{table} group by all"
            ).fetchall():
                partitions[table, feed, month] = count, digest
        first = "asset, partition_key, load_id, rows"
        marks = connection.execute(
            f"select {first}, * exclude ({first}, updated_at) from meta.asset_watermarks"
        ).fetchall()
    return State(partitions, columns, {(row[0], row[1]): row[2:] for row in marks}, tables)


def _key_of_table(table: str) -> str:
    grain = next(feed.grain for feed in FEEDS.values() if feed.raw_table == table)
    return f"strftime({grain.column}, '{_KEY_FORMATS[grain]}')"


def problems(
    database: Path, before: State, expected: dict[Partition, Expected], results: Sequence[Result]
) -> list[str]:
    """All that is wrong after a run, in words."""
    found = [] if [r.partition for r in results] == list(expected) else ["not one result for each partition, in order"]
    for result in results:
        found += _problems_of_result(database, result, expected[result.partition])
    found += _problems_of_state(before, state_of(database, before), results)
    found += _problems_of_ledger(database, results)
    work = database.parent / "work"
    left = [str(path) for path in work.rglob("*")] if work.exists() else []
    strangers = {p.name for p in database.parent.iterdir()} - {database.name, "work", f"{database.name}.wal"}
    found += [f"left behind: {left}"] if left else []
    found += [f"beside the database: {strangers}"] if strangers else []
    return found


def _problems_of_result(database: Path, result: Result, expected: Expected) -> list[str]:
    name = f"{result.partition} is {result.status}"
    if result.status not in expected.statuses:
        return [f"{name}, expected {' or '.join(sorted(expected.statuses))}: {str(result.error)[:1000]}"]
    if result.status is Status.FAILED:
        return [f"{name}: {problem}: {str(result.error)[:1500]!r}" for problem in _problems_of_error(database, result)]
    if result.status is Status.LOADED:
        return [f"{name}, but {problem}" for problem in _problems_of_rows(database, result, expected)]
    return []


def _problems_of_error(database: Path, result: Result) -> list[str]:
    error, partition = result.error or "", result.partition
    found = []
    if key(partition) not in error and str(partition) not in error:
        found.append("the message names neither the file nor the partition")
    if "expected" not in error:
        found.append("the message does not say what was expected")
    if len(error) >= _LONGEST_ERROR:
        found.append(f"the message has {len(error)} characters")
    if _NOT_FOR_PEOPLE.search(error):
        found.append("the message is not for people")
    if str(database.parent / "work") in error:
        found.append("the message names a working folder that is gone")
    if any(ord(character) < 32 and character != "\n" for character in error):
        found.append("the message has control characters")
    return found


def _problems_of_rows(database: Path, result: Result, expected: Expected) -> list[str]:
    feed = result.partition.feed
    columns = [column.name for column in feed.columns]
    doubles = [column.name for column in feed.columns if column.type is ColumnType.DOUBLE]
    with duckdb.connect(str(database), read_only=True) as connection:
        scope = f"from raw_data.{feed.raw_table} where feed = ? and {feed.period_column.name} = ?"
        parameters = [feed.name, result.partition.period.first_day]
        listed = ", ".join(f'"{name}"' for name in columns)
        rows = connection.execute(f"select {listed} {scope} order by source_row", parameters).fetchall()
        positions = connection.execute(f"select source_row {scope} order by all", parameters).fetchall()
        endless = " or ".join(["false", *(f"not isfinite({name})" for name in doubles)])
        ((not_finite,),) = connection.execute(f"select count(*) filter ({endless}) {scope}", parameters).fetchall()
    found = []
    if [row for (row,) in positions] != list(range(len(rows))):
        found.append(f"source_row is not 0 to {len(rows) - 1}: {positions[:5]} …")
    if result.rows != len(rows):
        found.append(f"it has {len(rows)} rows, not {result.rows}")
    if not_finite:
        found.append(f"it holds {not_finite} values that are no numbers")
    loaded = dict(zip(columns, map(list, zip(*rows, strict=True)), strict=True))
    if expected.rows and all(_difference(loaded, each) for each in expected.rows):
        found.append(_difference(loaded, expected.rows[0]))
    return found


def _difference(loaded: Columns, expected: Columns) -> str:
    """Where the rows differ first; empty where they do not."""
    for name, values in expected.items():
        if len(loaded[name]) != len(values):
            return f"{len(loaded[name])} rows instead of {len(values)}"
        for row, (came, right) in enumerate(zip(loaded[name], values, strict=True)):
            if came != right or (isinstance(came, float) and math.isnan(came)):
                return f"{name} is {str(came)[:200]!r} instead of {str(right)[:200]!r} in row {row}"
    return ""


def _problems_of_state(before: State, after: State, results: Sequence[Result]) -> list[str]:
    loaded = {(r.partition.feed.name, r.partition.key): r for r in results if r.status is Status.LOADED}
    found = []
    for partition, digest in before.partitions.items():
        if partition[1:] not in loaded and after.partitions.get(partition) != digest:
            found.append(f"the rows of {partition} changed, which was not loaded")
    for partition in after.partitions.keys() - before.partitions.keys():
        if partition[1:] not in loaded:
            found.append(f"rows of {partition} appeared, which was not loaded")
    for feed_month, mark in before.watermarks.items():
        if feed_month not in loaded and after.watermarks.get(feed_month) != mark:
            found.append(f"the watermark of {feed_month} changed, which was not loaded")
    for feed_month, result in loaded.items():
        if after.watermarks.get(feed_month, (None, None))[:2] != (result.load_id, result.rows):
            found.append(f"the watermark of {feed_month} is {after.watermarks.get(feed_month)}")
    noted = {FEEDS[feed].raw_table for (feed, _), result in loaded.items() if result.note}
    for table, columns in before.columns.items():
        now = after.columns.get(table, [])
        if now != columns and not (table in noted and now[: len(columns)] == columns):
            found.append(f"the columns of {table} changed: {sorted(set(now) ^ set(columns))[:5]}")
    strangers = {f"{schema}.{table}" for schema, table in after.tables - before.tables}
    lost = {f"{schema}.{table}" for schema, table in before.tables - after.tables}
    return found + [f"new tables: {strangers}"] * bool(strangers) + [f"lost tables: {lost}"] * bool(lost)


def _problems_of_ledger(database: Path, results: Sequence[Result]) -> list[str]:
    with duckdb.connect(str(database), read_only=True) as connection:
        run_id, status, finished_at, error = connection.execute(
            "select run_id, status, finished_at, error from meta.ingestion_runs order by started_at desc limit 1"
        ).fetchall()[0]
        assets = connection.execute(
            "select asset, partition_key, status, rows, error from meta.ingestion_run_assets where run_id = ?", [run_id]
        ).fetchall()
        ((running,),) = connection.execute(
            "select count(*) from meta.ingestion_runs where status = 'running'"
        ).fetchall()
        ((pending,),) = connection.execute("select count(*) from raw_data._dlt_loads where status <> 0").fetchall()
    found = []
    failed = any(result.status is Status.FAILED for result in results)
    if (status, bool(error)) != (("failed", True) if failed else ("success", False)) or finished_at is None:
        found.append(f"the ledger's run is {status}, finished {finished_at}, error {error}")
    wanted = sorted((r.partition.feed.name, r.partition.key, r.status.value, r.rows, r.error) for r in results)
    if sorted(assets, key=str) != sorted(wanted, key=str):
        found.append(f"the ledger has {assets} for the partitions, not {wanted}")
    if running or pending:
        found.append(f"{running} runs are still running, {pending} loads of dlt are open")
    return found
