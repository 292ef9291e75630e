"""What may be wrong with the data and with runs: each kind is asked of the ledger, and told with what to do."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any, NamedTuple

import duckdb

from quality.health import Check, count_failed
from quality.quarantine import Rejection, suspect_files
from warehouse.accepted_gaps import REJECTED
from warehouse.ledger import utc_now
from warehouse.periods import Period, compress
from warehouse.reconciliation import PartitionRows
from warehouse.verdict import PUBLISH_COMMANDS, Level, Trouble, counted

_LONGEST_TEXT = 300

# Files that one command accepts, so that it can be read.
_FILES = 5

# The last run of each kind, if it failed. Failures of dbt on either engine, of checks and of single files are told by
# name elsewhere. A publication keeps everybody else from the working file: one that a reader finds running was killed.
_FAILED_RUNS = """
    with latest as (
        from meta.ingestion_runs
        where
            split_part(kind, ' ', 1) not in ('dbt', 'spark', 'quality')
            and (status <> 'running' or kind = 'publish')
        qualify started_at = max(started_at) over (partition by kind)
    )

    select kind, started_at, case when status = 'running' then 'it did not end' else error end, dagster_run_id
    from latest
    where
        status <> 'success'
        and not exists (
            select 1
            from meta.ingestion_run_assets as assets
            where assets.run_id = latest.run_id and assets.status in ('failed', 'refused')
        )
    order by kind
"""
# The source of checks of the tables on Spark, as the ledger has it.
SPARK = "spark"
_ON_SPARK = ("(cd dbt && dbt build --target spark)",)
_AGAIN = {"ingestion": ("nyc gaps --fill", *PUBLISH_COMMANDS), "publish": ("nyc publish",)}


# Whoever writes a file for longer than this has stopped in the middle of a line.
_LONGEST_WRITING = timedelta(hours=1)

_UNREADY_FILES = """
    select feed, partition_key, file_name, state, rows, unreadable_rows
    from meta.source_files as files
    where
        (state = 'broken' or (state = 'incomplete' and coalesce(last_modified, loaded_at) < $before))
        and not exists (
            select 1
            from meta.accepted_gaps as accepted
            where
                accepted.asset = files.feed
                and accepted.partition_key = files.partition_key
                and accepted.state = $rejected
                and accepted.load_id = files.load_id
        )
    order by feed, partition_key, file_name
"""


class UnreadyFile(NamedTuple):
    """A loaded file that is broken or incomplete. Its rows are its lines."""

    feed: str
    partition_key: str
    file_name: str
    state: str
    rows: int
    unreadable_rows: int


class FailedRun(NamedTuple):
    """A run of a kind that failed, and after which none of its kind has ended."""

    kind: str
    started_at: datetime
    error: str | None
    dagster_run_id: str | None = None


def if_there(
    ask: Callable[[duckdb.DuckDBPyConnection], Iterable[Any]], connection: duckdb.DuckDBPyConnection
) -> list[Any]:
    """What is found, or nothing where its tables are not there yet."""
    try:
        return list(ask(connection))
    except duckdb.CatalogException:
        return []


def troubles_of_checks(checks: Sequence[Check]) -> Iterator[Trouble]:
    """What the last checks found, but for those of Spark; that nothing was checked is a trouble, too."""
    if not checks:
        yield Trouble(
            Level.ATTENTION,
            "nothing was checked",
            advice="Build with its tests, and run the suites.",
            commands=("nyc build", "nyc check", "nyc publish"),
        )
    if failed := count_failed(checks):
        advice = "Do not use what it is of. Mend the data or load it again, then check again."
        commands = ("nyc build", "nyc check", "nyc publish")
        yield Trouble(Level.WRONG, f"{counted(failed, 'check')} failed", _said_of(checks, "error"), advice, commands)
    if warned := count_failed(checks, "warn"):
        advice = "Look whether it is as it should be. It forbids nothing. Once the data is mended, check again."
        commands = ("nyc build", "nyc check", "nyc publish")
        yield Trouble(Level.ATTENTION, f"{counted(warned, 'check')} warned", _said_of(checks, "warn"), advice, commands)


def trouble_of_spark_checks(checks: Sequence[Check]) -> Iterator[Trouble]:
    """What the last checks of Spark's tables found. No release is made of those."""
    if failed := count_failed(checks) + count_failed(checks, "warn"):
        yield Trouble(
            Level.ATTENTION,
            f"{counted(failed, 'check')} failed or warned on Spark",
            (*_said_of(checks, "error"), *_said_of(checks, "warn")),
            "Look whether Spark's tables are as they should be. Once the data is mended, build them again.",
            _ON_SPARK,
        )


def _said_of(checks: Sequence[Check], severity: str) -> tuple[str, ...]:
    return tuple(said_of(check) for check in checks if check["severity"] == severity and not check["passed"])


def said_of(check: Check) -> str:
    """What a check found, in a line."""
    of = f" of {check['partition']}" if check["partition"] else ""
    rows = f": {', '.join(check['rows'])}" if check["rows"] else ""
    return _cut(
        f"{check['asset']}.{check['check']}{of}: observed {check['observed']}, expected {check['expected']}{rows}"
    )


def trouble_of_quarantine(found: Sequence[Rejection]) -> Iterator[Trouble]:
    """Files with more rejected rows than is tolerated, without those whose reason is known."""
    tolerances = {(each["feed"], each["period"]): each["tolerance"] for each in found}
    if above := suspect_files(found):
        yield Trouble(
            Level.ATTENTION,
            f"{counted(len(above), 'file')} with too many rejected rows",
            tuple(
                f"{feed} {period}: {share:.2%} of its rows, tolerated are {tolerances[feed, period]:.2%}"
                for (feed, period), share in above.items()
            ),
            "They are in no figure. Look at the reasons; if the file is damaged, load it when it is mended.",
            ("nyc quarantine",),
            (accept_command([f"{feed}:{period}" for feed, period in above]), "nyc publish"),
        )


def unready_files(connection: duckdb.DuckDBPyConnection) -> list[UnreadyFile]:
    """Loaded files that are broken, or have been incomplete for too long, and that nobody has accepted."""
    question = {"before": utc_now() - _LONGEST_WRITING, "rejected": REJECTED}
    return [UnreadyFile(*row) for row in connection.execute(_UNREADY_FILES, question).fetchall()]


def trouble_of_files(found: Sequence[UnreadyFile]) -> Iterator[Trouble]:
    """Files of which no line can be read, or whose last line was never written to its end."""
    if not found:
        return
    partitions = list(dict.fromkeys(f"{file.feed}:{file.partition_key}" for file in found))
    yield Trouble(
        Level.ATTENTION,
        f"{counted(len(found), 'file')} broken or incomplete",
        tuple(
            _cut(
                f"{file.feed} {file.partition_key}: {file.file_name} is {file.state}: {file.unreadable_rows:,} of "
                f"{counted(file.rows, 'line')} cannot be read"
            )
            for file in found
        ),
        "Have whoever writes them mend them, and load them again; or accept them as they are.",
        ("nyc gaps --fill", *PUBLISH_COMMANDS),
        (accept_command(partitions), "nyc publish"),
    )


def accept_command(files: Sequence[str]) -> str:
    """The command that accepts what was rejected of files, for copying."""
    return f"nyc quarantine {' '.join(f'--accept {file}' for file in files[:_FILES])} --reason 'say why'"


def troubles_of_rows(partitions: Sequence[PartitionRows]) -> Iterator[Trouble]:
    """Rows that are neither kept nor quarantined, and what is loaded but not built."""
    if lost := [rows for rows in partitions if rows.is_built and rows.lost]:
        yield Trouble(
            Level.WRONG,
            f"rows lost in {counted(len(lost), 'file')}",
            tuple(
                f"{rows.feed} {rows.partition_key}: {abs(rows.lost):,} of {rows.published:,} rows are "
                f"{'lost' if rows.lost > 0 else 'too many'}"
                for rows in lost
            ),
            "Build everything anew.",
            ("nyc build --full-refresh", "nyc publish"),
        )
    if waiting := [rows for rows in partitions if rows.is_waiting]:
        yield Trouble(
            Level.ATTENTION,
            f"{counted(len(waiting), 'file')} loaded, but not built",
            tuple(
                _cut(f"{feed}: {compress(Period.of_any_grain(rows.partition_key) for rows in group)}")
                for feed, group in groupby(sorted(waiting, key=_by_feed), key=_by_feed)
            ),
            "Build and publish.",
            PUBLISH_COMMANDS,
        )


def _by_feed(rows: PartitionRows) -> str:
    return rows.feed


def trouble_of_builds(failed: Sequence[str]) -> Iterator[Trouble]:
    """What dbt could not build."""
    if failed:
        yield Trouble(
            Level.WRONG, f"{counted(len(failed), 'model')} not built", tuple(failed), "Mend it.", PUBLISH_COMMANDS
        )


def trouble_of_spark_builds(failed: Sequence[str]) -> Iterator[Trouble]:
    """What dbt could not build on Spark. No release is made of it."""
    if failed:
        summary = f"{counted(len(failed), 'model')} not built on Spark"
        yield Trouble(Level.ATTENTION, summary, tuple(failed), "Mend it, then build on Spark again.", _ON_SPARK)


def failed_runs(connection: duckdb.DuckDBPyConnection) -> list[FailedRun]:
    """The last run of each kind, if it failed as a whole."""
    return [FailedRun(*row) for row in connection.execute(_FAILED_RUNS).fetchall()]


def troubles_of_runs(failed: Sequence[FailedRun]) -> Iterator[Trouble]:
    """A trouble for each kind of run whose last one failed."""
    for run in failed:
        error = " ".join((run.error or "no reason recorded").split())
        yield Trouble(
            Level.ATTENTION,
            f"the last {run.kind} failed",
            (_cut(f"{run.started_at:%Y-%m-%d %H:%M} UTC: {error}"),),
            "Mend what it names, then run it again.",
            _AGAIN.get(run.kind, ()),
        )


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST_TEXT else f"{text[:_LONGEST_TEXT]}…"
