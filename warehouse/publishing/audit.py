"""May what is built be published? The ledger says so, or what forbids it, by name.

A failure stands until what failed is run again. It also stands no longer once a run of the same selection, or of
everything, no longer has it: a test that was removed must not forbid anything for ever.

What Spark has built forbids nothing, for it is not what is published; only its failures are told in the same way.

Messages of a stream that came since the last build forbid nothing: they come every moment, and nothing would ever be
published. What is built of them must fit together all the same: `staleness.py`.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

import duckdb

from warehouse.ledger.schema import RUN_SELECTION
from warehouse.periods import Period, compress
from warehouse.publishing.parts import PublishingError, columns_of_tables
from warehouse.publishing.project import Project
from warehouse.publishing.staleness import stale_models, waiting
from warehouse.reconciliation import RECONCILIATION, PartitionRows, reconcile

_NAMED = 10

# Runs that build or check, and what each was asked for: empty text where that was everything.
_BUILDERS = ("dbt", "spark")
_COMMANDS = ("build", "run", "seed", "snapshot", "test")
_RUNS = f"""
    with runs as (
        select
            run_id,
            kind,
            split_part(kind, ' ', 1) as tool,
            started_at,
            status,
            error,
            {RUN_SELECTION} as selection
        from meta.ingestion_runs
        where kind in {(*(f"{tool} {command}" for tool in _BUILDERS for command in _COMMANDS), "quality")}
    ),

    built as (
        select distinct run_id from meta.ingestion_run_assets
    ),

    checked as (
        select distinct run_id from meta.asset_checks
    )
"""

# The last result of each check, and the run that it is of.
_LATEST_CHECKS = f"""
    {_RUNS},

    latest as (
        select
            checks.source,
            checks.asset,
            checks.check_name,
            checks.partition_key,
            checks.severity,
            checks.passed,
            checks.observed,
            checks.expected,
            checks.checked_at,
            runs.tool,
            runs.started_at,
            runs.selection
        from meta.asset_checks as checks
        inner join runs using (run_id)
        where checks.source in {(*_BUILDERS, "great_expectations")}
        qualify
            checks.checked_at
            = max(checks.checked_at) over (partition by checks.source, checks.asset, checks.check_name)
    )
"""

# Whether a later run of the same selection, or of everything, no longer has the check.
_IS_OUTDATED = """
    exists (
        select 1
        from runs as later
        inner join checked using (run_id)
        where
            later.tool = latest.tool
            and later.started_at > latest.started_at
            and later.selection in ('', latest.selection)
    )
"""

_OUTDATED_FAILURES = f"""
    {_LATEST_CHECKS}

    select distinct source, asset, check_name
    from latest
    where not passed and {_IS_OUTDATED}
"""

_FAILED_CHECKS = f"""
    {_LATEST_CHECKS}

    select source, asset, check_name, partition_key, observed, expected, checked_at
    from latest
    where
        severity = 'error'
        and source <> 'spark'
        and not passed
        and not {_IS_OUTDATED}
    order by source, asset, check_name, partition_key
"""

# The last result of each model and seed that was not built, and the runs of dbt that ended without any result.
_FAILED_BUILDS = f"""
    {_RUNS},

    latest as (
        select assets.asset, assets.status, assets.error, runs.started_at, runs.selection
        from meta.ingestion_run_assets as assets
        inner join runs using (run_id)
        where runs.tool = $tool
        qualify runs.started_at = max(runs.started_at) over (partition by assets.asset)
    ),

    failures as (
        select asset, status || coalesce(': ' || error, '') as what, started_at, selection
        from latest
        where status <> 'built'

        union all

        select kind, coalesce(error, status), started_at, selection
        from runs
        anti join built using (run_id)
        where tool = $tool and kind not like '% test' and status <> 'success'
    )

    select asset, what, started_at
    from failures
    where
        not exists (
            select 1
            from runs as later
            inner join built using (run_id)
            where
                later.tool = $tool
                and later.started_at > failures.started_at
                and later.selection in ('', failures.selection)
        )
    order by started_at, asset
"""

_CHECKS = """
    select source, asset, check_name, bool_and(passed)
    from (
        from meta.asset_checks
        where source <> 'spark'
        qualify checked_at = max(checked_at) over (partition by source, asset, check_name)
    )
    group by source, asset, check_name
"""


class AuditError(PublishingError):
    """What is built may not be published. `objections` say why, each by name."""

    def __init__(self, objections: Sequence[str]) -> None:
        named = [*objections[:_NAMED], *([f"and {len(objections) - _NAMED} more"] if len(objections) > _NAMED else [])]
        super().__init__("\n  ".join(["nothing was published, because:", *named]))
        self.objections = tuple(objections)


def audit(connection: duckdb.DuckDBPyConnection, project: Project) -> None:
    """Look whether everything is built from what is loaded, and no blocking check has failed since.

    Raises:
        AuditError: something forbids it.
    """
    if objections := list(_objections(connection, project)):
        raise AuditError(objections)


def count_checks(connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """How many checks of what is published passed when they were last run, and how many only warned.

    Not those that there are no more.
    """
    outdated = outdated_failures(connection)
    passed = [is_passed for *check, is_passed in connection.execute(_CHECKS).fetchall() if tuple(check) not in outdated]
    return {"passed": passed.count(True), "warned": passed.count(False)}


def _objections(connection: duckdb.DuckDBPyConnection, project: Project) -> Iterator[str]:
    failed = list(failed_builds(connection))
    yield from failed
    there = columns_of_tables(connection)
    missing = [model.full_name for model in project.models if not model.is_optional and model.full_name not in there]
    if missing:
        # What failed to build is named already.
        if not failed:
            yield f"{', '.join(missing)}: not built. Build everything: nyc build"
        return
    reconciliation = next((model.relation for model in project.models if model.full_name == RECONCILIATION), None)
    partitions = reconcile(connection, reconciliation or RECONCILIATION)
    if not partitions:
        yield "nothing is loaded. Load a month: nyc load --year 2025 --months 1"
    yield from _unbuilt(partitions)
    yield from stale_models(connection, project.models, partitions)
    yield from _failed_checks(connection)


def outdated_failures(connection: duckdb.DuckDBPyConnection) -> set[tuple[str, str, str]]:
    """Checks that failed when they were last run, but that there are no more: their source, asset and name."""
    return set(connection.execute(_OUTDATED_FAILURES).fetchall())


def failed_builds(connection: duckdb.DuckDBPyConnection) -> Iterator[str]:
    """What dbt did not build in the DuckDB file when it last tried, in words with what to do."""
    for text in _failed_builds(connection, "dbt"):
        yield f"{text}. Mend it, then: nyc build"


def failed_spark_builds(connection: duckdb.DuckDBPyConnection) -> Iterator[str]:
    """What dbt did not build on Spark when it last tried, in words."""
    return _failed_builds(connection, "spark")


def _failed_builds(connection: duckdb.DuckDBPyConnection, tool: str) -> Iterator[str]:
    for asset, what, started_at in connection.execute(_FAILED_BUILDS, {"tool": tool}).fetchall():
        text = " ".join(what.split())
        yield f"{asset}: {text[:300]} ({tool}, {started_at:%Y-%m-%d %H:%M} UTC)"


def _unbuilt(partitions: Sequence[PartitionRows]) -> Iterator[str]:
    for feed, periods in _by_feed(waiting(partitions)):
        yield f"{feed} {periods}: loaded, but not built. Build: nyc build"
    for rows in partitions:
        if rows.is_built and rows.lost:
            yield (
                f"{rows.feed} {rows.partition_key}: expected all {rows.published:,} published rows to be kept or "
                f"quarantined, but {abs(rows.lost):,} are {'lost' if rows.lost > 0 else 'too many'}. "
                "Build anew: nyc build --full-refresh"
            )


def _by_feed(partitions: Iterable[PartitionRows]) -> Iterator[tuple[str, str]]:
    in_order = sorted(partitions, key=lambda rows: (rows.feed, rows.partition_key))
    for feed, group in groupby(in_order, key=lambda rows: rows.feed):
        yield feed, compress(Period.of_any_grain(rows.partition_key) for rows in group)


def _failed_checks(connection: duckdb.DuckDBPyConnection) -> Iterator[str]:
    for source, asset, check, partition, observed, expected, checked_at in connection.execute(
        _FAILED_CHECKS
    ).fetchall():
        of = f" of {partition}" if partition else ""
        again = "nyc build" if source == "dbt" else "nyc check"
        yield (
            f"{asset}.{check}{of} failed: observed {observed}, expected {expected} ({source}, "
            f"{checked_at:%Y-%m-%d %H:%M} UTC). Mend the data, then: {again}"
        )
