"""What is wrong now, of all that people are told of. What counts as wrong, and the words, are those of `nyc health`."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime, time
from itertools import groupby

import duckdb

from ingestion.catalog import FEEDS
from ingestion.drift import is_drift, new_columns, troubles_of_new_columns
from ingestion.gap_plan import Planned
from ingestion.ledger_gaps import (
    due_on,
    failed_loads,
    freshness,
    plan_by_ledger,
    read_ledger_state,
    troubles_of_loads,
    troubles_of_plan,
)
from ingestion.publication import Gap
from monitoring.alerts.conditions import Condition, Look, Source
from monitoring.runbooks import Runbook
from quality.disks import Disk, disks, trouble_of_disks
from quality.health import latest_checks
from quality.judging import room, trouble_of_waiting
from quality.quarantine import rejections, suspect_files
from quality.troubles import (
    SPARK,
    failed_runs,
    if_there,
    trouble_of_builds,
    trouble_of_files,
    trouble_of_quarantine,
    trouble_of_spark_builds,
    trouble_of_spark_checks,
    troubles_of_checks,
    troubles_of_rows,
    troubles_of_runs,
    unready_files,
)
from warehouse.connection import NotThereYetError, WarehouseBusyError, WarehouseError, open_for_reading
from warehouse.paths import database_path
from warehouse.periods import Period
from warehouse.publishing.audit import failed_builds, failed_spark_builds
from warehouse.reconciliation import PartitionRows, reconcile
from warehouse.releases import Releases
from warehouse.secrets import scrubbed
from warehouse.verdict import Trouble

# Who writes the DuckDB file opens and closes it many times. For longer a sensor must not wait.
_WAIT_SECONDS = 2.0


def look(now: datetime, *, at_ledger: bool) -> tuple[Look, WarehouseError | None]:
    """Look at the disks and, if that is wanted and nobody writes to it, at the working file, at a time (UTC).

    Also gives why the working file could not be looked at, if it could not.

    Raises:
        WarehouseError: a setting is not valid.
    """
    found: list[Condition] = []
    unsure: set[str] = set()
    sources = {Source.DISK}
    problem: WarehouseError | None = None
    if at_ledger:
        try:
            with open_for_reading(_WAIT_SECONDS) as connection:
                found, unsure = conditions_of_ledger(connection, now)
            sources.add(Source.LEDGER)
        except NotThereYetError:
            pass  # Nothing is loaded yet, or the next load brings the file up to date.
        except WarehouseError as error:
            problem = error
        except duckdb.Error as error:
            problem = WarehouseError(f"{database_path()}: cannot be read: {scrubbed(str(error))[:300]}")
    of_disks, unsure_disks = conditions_of_disks(disks(), is_in_use)
    return Look((*found, *of_disks), frozenset(sources), frozenset(unsure | unsure_disks)), problem


def is_in_use() -> bool:
    """Whether somebody writes to the working file now."""
    try:
        with open_for_reading(0):
            return False
    except WarehouseError as error:
        return isinstance(error, WarehouseBusyError)


def conditions_of_disks(found: Iterable[Disk], is_in_use: Callable[[], bool]) -> tuple[list[Condition], set[str]]:
    """The disks that are nearly full, and the keys of those that nobody can judge now.

    What the next build may take is being taken while somebody writes to the working file. Until that is done, only the
    floor counts.
    """
    conditions, unsure = [], set()
    for disk in found:
        key, label = f"{Source.DISK}/{disk.mount}", f"the disk at {disk.mount}"
        if disk.is_below_floor or (disk.is_nearly_full and not is_in_use()):
            conditions.append(Condition(key, Runbook.DISK_NEARLY_FULL, label, (disk,), trouble_of_disks, False))
        elif disk.is_nearly_full:
            unsure.add(key)
    return conditions, unsure


def conditions_of_ledger(connection: duckdb.DuckDBPyConnection, now: datetime) -> tuple[list[Condition], set[str]]:
    """What is wrong by the working file, and the keys of what nobody can judge before it is built."""
    written_at = room().written_at
    since = written_at.replace(tzinfo=UTC).timestamp() if written_at else None
    rows = if_there(reconcile, connection)
    rejected = list(_of_quarantine(connection, since))
    waiting = {_quarantine_key(one.feed, one.partition_key) for one in rows if one.is_waiting}
    found = [
        *_of_gaps(connection, now, since),
        *(one for one in rejected if one.key not in waiting),
        *_of_drift(connection, since),
        *_of_checks(connection, rows, since),
        *_of_runs(connection, since),
        *_of_publication(now, since),
    ]
    return found, waiting


def _of_gaps(connection: duckdb.DuckDBPyConnection, now: datetime, since: float | None) -> Iterator[Condition]:
    """A feed that is behind is one condition, however many periods it lacks. Every other gap is one of its own."""
    state = read_ledger_state(connection)
    plan = plan_by_ledger(state, now)
    newest = {one.feed.name: one.newest for one in freshness(plan, state)}

    def is_behind(feed: str, period: Period) -> bool:
        last = newest.get(feed)
        return last is not None and period > last

    late: dict[str, list[Planned]] = {}
    for one in plan:
        feed, period = one.partition.feed.name, one.partition.period
        if one.open_gaps and is_behind(feed, period):
            late.setdefault(feed, []).append(one)
            continue
        for gap in one.open_gaps:
            at_latest = since if gap is Gap.THIN else _later(since, _due(one))
            key, label = _key("gap", gap, feed, one.partition.key), f"{one.partition} {gap}"
            yield Condition(key, Runbook.GAP, label, (one,), troubles_of_plan, since=at_latest)
    for feed, behind in late.items():
        at_latest = _later(since, min(map(_due, behind)))
        label, facts = f"{feed} behind", tuple(behind)
        yield Condition(
            _key("freshness", feed), Runbook.FRESHNESS_MISSED, label, facts, troubles_of_plan, since=at_latest
        )
    # A refused load of what is not loaded is a gap already.
    refused = {(one.partition.feed.name, one.partition.key) for one in plan if Gap.REFUSED in one.open_gaps}
    for failed in failed_loads(state):
        (feed, key), attempt = failed
        if failed[0] in refused:
            continue
        is_late = is_behind(feed, FEEDS[feed].period(key))
        runbook = Runbook.SCHEMA_DRIFT if is_drift(attempt) else Runbook.FRESHNESS_MISSED if is_late else Runbook.GAP
        label = f"the load of {feed} {key}"
        yield Condition(_key("load", feed, key), runbook, label, (failed,), troubles_of_loads, since=since)


def _of_quarantine(connection: duckdb.DuckDBPyConnection, since: float | None) -> Iterator[Condition]:
    rejected = if_there(rejections, connection)
    for feed, period in suspect_files(rejected):
        facts = tuple(one for one in rejected if (one["feed"], one["period"]) == (feed, period))
        label = f"{feed} {period}"
        yield Condition(
            _quarantine_key(feed, period), Runbook.QUARANTINE, label, facts, trouble_of_quarantine, False, since
        )
    for file in if_there(unready_files, connection):
        key, label = _key("file", file.feed, file.partition_key, file.file_name), f"{file.file_name} {file.state}"
        yield Condition(key, Runbook.QUARANTINE, label, (file,), trouble_of_files, False, since)


def _of_drift(connection: duckdb.DuckDBPyConnection, since: float | None) -> Iterator[Condition]:
    for column in if_there(new_columns, connection):
        key, label = _key("drift", column.feed, column.name), f"{column.feed}: {column.name}"
        yield Condition(key, Runbook.SCHEMA_DRIFT, label, (column,), troubles_of_new_columns, False, since)


def _of_checks(
    connection: duckdb.DuckDBPyConnection, rows: Sequence[PartitionRows], since: float | None
) -> Iterator[Condition]:
    """What forbids a publication, or is as wrong on Spark. What a check only warns of is not told."""
    failed = [one for one in if_there(latest_checks, connection) if one["severity"] == "error" and not one["passed"]]
    for (source, asset, check), group in groupby(failed, key=lambda one: (one["source"], one["asset"], one["check"])):
        key, label = _key("check", source, asset, check), f"{asset}.{check}"
        told = trouble_of_spark_checks if source == SPARK else troubles_of_checks
        yield Condition(key, Runbook.CHECK_FAILED, label, tuple(group), told, since=since)
    for one in rows:
        if one.is_built and one.lost:
            key, label = _key("rows", one.feed, one.partition_key), f"rows of {one.feed} {one.partition_key}"
            yield Condition(key, Runbook.CHECK_FAILED, label, (one,), troubles_of_rows, since=since)
    for model in if_there(failed_builds, connection):
        label = f"the build of {model}"
        yield Condition(_key("model", model), Runbook.CHECK_FAILED, label, (model,), trouble_of_builds, since=since)
    for model in if_there(failed_spark_builds, connection):
        key, label = _key("spark model", model), f"the build of {model}"
        yield Condition(key, Runbook.CHECK_FAILED, label, (model,), trouble_of_spark_builds, since=since)


def _of_runs(connection: duckdb.DuckDBPyConnection, since: float | None) -> Iterator[Condition]:
    """Runs from the terminal. Of a run of Dagster its own sensor tells, with the failed steps."""
    for run in if_there(failed_runs, connection):
        if run.dagster_run_id is None:
            label = f"the last {run.kind}"
            yield Condition(_key("run", run.kind), Runbook.RUN_FAILED, label, (run,), troubles_of_runs, since=since)


def _of_publication(now: datetime, since: float | None) -> Iterator[Condition]:
    published_at = Releases().switched_at()
    if published_at is None:
        return
    for trouble in trouble_of_waiting(room(), published_at, now):
        facts = (trouble,)
        yield Condition(_key("publication"), Runbook.FRESHNESS_MISSED, "the publication", facts, _as_it_is, since=since)


def _as_it_is(troubles: Sequence[Trouble]) -> Sequence[Trouble]:
    return troubles


def _key(*names: str) -> str:
    return "/".join((Source.LEDGER, *names))


def _quarantine_key(feed: str, period: str) -> str:
    return _key("quarantine", feed, period)


def _due(one: Planned) -> float:
    """When the period was due, in seconds since 1970: at the beginning of a day, UTC."""
    return datetime.combine(due_on(one.partition.feed, one.partition.period), time(), UTC).timestamp()


def _later(since: float | None, due: float) -> float | None:
    return None if since is None else max(since, due)
