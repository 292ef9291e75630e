"""What the ledger knows of models, checks and the release, and what Dagster's latest records of them are."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

import dagster as dg
import duckdb
from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionRecord

from orchestration.assets.dbt_assets import dbt_analytics_assets
from orchestration.assets.dbt_manifest import nodes_of_manifest
from orchestration.assets.published import RELEASE, described_release
from orchestration.checks.staleness import STATE, Staleness, read_staleness, staleness_checks
from orchestration.dbt_cli.table_metadata import Metadata, table_metadata
from quality.suites import SUITES

# The metadata that ties Dagster's record to the ledger's. Dagster's own runs need none: the ledger has their ids.
LEDGER_RUN_ID = "ledger_run_id"

KEY_OF_MODEL = {key.path[-1]: key for key in dbt_analytics_assets.keys}
_KEY_OF_TEST = {spec.name: spec.key for spec in dbt_analytics_assets.check_specs}
CHECK_KEYS = [
    *_KEY_OF_TEST.values(),
    *(dg.AssetCheckKey(KEY_OF_MODEL[suite.model], suite.check_name) for suite in SUITES),
    *(key for check in staleness_checks for key in check.check_keys),
]

_BUILDS = """
    select assets.asset, runs.run_id, runs.dagster_run_id, runs.started_by, runs.finished_at, assets.seconds,
        (select count(*) from meta.asset_watermarks as watermarks where watermarks.asset = assets.asset),
        (select max(load_id) from meta.asset_watermarks as watermarks where watermarks.asset = assets.asset)
    from meta.ingestion_run_assets as assets
    join meta.ingestion_runs as runs using (run_id)
    where runs.kind like 'dbt %' and assets.status = 'built'
    qualify row_number() over (partition by assets.asset order by runs.started_at desc) = 1
"""

# A publication of what is published already makes no version: the latest one stays.
_PUBLICATION = """
    select runs.run_id, runs.dagster_run_id, runs.started_by, runs.finished_at, versions.release_id, versions.rows,
        if(versions.run_id = runs.run_id, versions.bytes_written, 0),
        if(versions.run_id = runs.run_id, versions.parts_written, 0)
    from meta.ingestion_runs as runs
    cross join (from meta.published_versions order by published_at desc limit 1) as versions
    where runs.kind = 'publish' and runs.status = 'success'
    order by runs.started_at desc
    limit 1
"""

_CHECKS = """
    select checks.source, checks.asset, checks.check_name, runs.run_id, runs.dagster_run_id, runs.started_by,
        checks.checked_at, checks.severity, checks.passed, checks.partition_key, checks.observed, checks.expected
    from meta.asset_checks as checks
    join meta.ingestion_runs as runs using (run_id)
    where checks.source in ('dbt', 'great_expectations')
    qualify checks.checked_at = max(checks.checked_at) over (
        partition by checks.source, checks.asset, checks.check_name
    )
    order by checks.asset, checks.check_name, checks.partition_key
"""


@dataclass(frozen=True)
class Origin:
    """The run that a result is of: its id in the ledger and, if Dagster started it, in Dagster."""

    run_id: str
    dagster_run_id: str | None
    started_by: str
    at: datetime

    @property
    def metadata(self) -> dict[str, Any]:
        return {
            LEDGER_RUN_ID: self.run_id,
            "started by": self.started_by,
            "at": f"{self.at:%Y-%m-%d %H:%M:%S} UTC",
        }


@dataclass(frozen=True)
class Build:
    """The latest build of a model or seed, or the latest publication."""

    key: dg.AssetKey
    origin: Origin
    metadata: Metadata
    done: str = "Built by dbt"

    def event(self) -> dg.AssetMaterialization:
        return dg.AssetMaterialization(
            self.key,
            description=f"{self.done}, started by: {self.origin.started_by}.",
            metadata={**self.origin.metadata, **self.metadata},
            tags={"started_by": self.origin.started_by, LEDGER_RUN_ID: self.origin.run_id},
        )


@dataclass(frozen=True)
class CheckResult:
    """The latest result of a dbt test or a suite of Great Expectations."""

    key: dg.AssetCheckKey
    origin: Origin
    passed: bool
    severity: str
    observed: tuple[str, ...]

    def event(self) -> dg.AssetCheckEvaluation:
        return dg.AssetCheckEvaluation(
            asset_key=self.key.asset_key,
            check_name=self.key.name,
            passed=self.passed,
            severity=dg.AssetCheckSeverity.WARN if self.severity == "warn" else dg.AssetCheckSeverity.ERROR,
            description="; ".join(self.observed),
            metadata=self.origin.metadata,
        )


@dataclass(frozen=True)
class Results:
    """What the ledger has. `runs` are the ids of all its runs, in the ledger and in Dagster."""

    builds: tuple[Build, ...] = ()
    checks: tuple[CheckResult, ...] = ()
    staleness: tuple[Staleness, ...] = ()
    runs: frozenset[str] = frozenset()


@dataclass(frozen=True)
class LatestRecord:
    """Dagster's latest record of an asset or check: its run in Dagster, and in the ledger if the record names that."""

    dagster_run_id: str
    ledger_run_id: str | None

    def is_of(self, origin: Origin) -> bool:
        return self.ledger_run_id == origin.run_id or bool(
            origin.dagster_run_id and self.dagster_run_id == origin.dagster_run_id
        )

    def is_in(self, runs: frozenset[str]) -> bool:
        """Whether this ledger has the run. A record that names no run was not made here, and counts as there."""
        named = self.ledger_run_id or self.dagster_run_id
        return not named or named in runs


def read_results(connection: duckdb.DuckDBPyConnection) -> Results:
    """The latest result of every model, check and publication that Dagster has as an asset; none without a ledger."""
    try:
        publications = connection.execute(_PUBLICATION).fetchall()
        builds = connection.execute(_BUILDS).fetchall()
        checks = connection.execute(_CHECKS).fetchall()
        runs = connection.execute("select run_id, dagster_run_id from meta.ingestion_runs").fetchall()
    except duckdb.CatalogException:
        return Results()
    built = [row for row in builds if row[0] in KEY_OF_MODEL]
    described = _described(connection, {row[0] for row in built})
    return Results(
        (
            *(
                _build(row, described.get(row[0], {}))
                for row in sorted(built, key=lambda row: _depth(KEY_OF_MODEL[row[0]]))
            ),
            *(Build(RELEASE, Origin(*row[:4]), described_release(*row[4:]), "Published") for row in publications),
        ),
        (*_tests(checks), *_suites(checks)),
        tuple(read_staleness(connection)),
        frozenset(run_id for row in runs for run_id in row if run_id),
    )


@cache
def _depth(key: dg.AssetKey) -> int:
    """How many models are between this one and raw data.

    Builds are reported in this order: Dagster calls a model stale whose upstream is reported after it.
    """
    deps = dbt_analytics_assets.asset_deps.get(key, ())
    return 1 + max((_depth(dep) for dep in deps), default=0)


def _described(connection: duckdb.DuckDBPyConnection, names: set[str]) -> dict[str, Metadata]:
    nodes = nodes_of_manifest()
    kinds = ("model", "seed", "snapshot")
    built = {key: node for key, node in nodes.items() if node["resource_type"] in kinds and node["name"] in names}
    return {nodes[key]["name"]: metadata for key, metadata in table_metadata(connection, built).items()}


def _build(row: tuple[Any, ...], described: Metadata) -> Build:
    name, run_id, dagster_run_id, started_by, finished_at, seconds, partitions, newest_load = row
    metadata: dict[str, Any] = {"seconds": round(seconds, 2), **described}
    if partitions:
        metadata |= {"partitions": partitions, "newest load": newest_load}
    return Build(KEY_OF_MODEL[name], Origin(run_id, dagster_run_id, started_by, finished_at), metadata)


def _tests(rows: Iterable[tuple[Any, ...]]) -> list[CheckResult]:
    """The tests of dbt, without unit tests, which Dagster does not have as checks."""
    return [
        CheckResult(_KEY_OF_TEST[row[2]], Origin(*row[3:7]), row[8], row[7], (row[10],))
        for row in rows
        if row[0] == "dbt" and row[2] in _KEY_OF_TEST
    ]


def _suites(rows: Iterable[tuple[Any, ...]]) -> list[CheckResult]:
    """The suites as of their newest run. A suite is one check, which `quality.runner.verdict` sums up the same way."""
    found = []
    rows = [row for row in rows if row[0] == "great_expectations"]
    for suite in SUITES:
        names = {expectation.name for expectation in suite.expectations}
        of_suite = [row for row in rows if row[1] == suite.model and row[2] in names]
        newest = max((row[6] for row in of_suite), default=None)
        of_run = [row for row in of_suite if row[6] == newest]
        if not of_run:
            continue
        failed = [row for row in of_run if not row[8]]
        observed = [" ".join(filter(None, (row[2], row[9]))) + f": {row[10]}, expected {row[11]}" for row in failed]
        is_error = not failed or any(row[7] == "error" for row in failed)
        found.append(
            CheckResult(
                dg.AssetCheckKey(KEY_OF_MODEL[suite.model], suite.check_name),
                Origin(*of_run[0][3:7]),
                not failed,
                "error" if is_error else "warn",
                tuple(observed) or (f"{len(names)} expectations hold",),
            )
        )
    return found


def latest_builds(instance: dg.DagsterInstance) -> dict[dg.AssetKey, LatestRecord]:
    """Dagster's latest record of each model, and of the release."""
    latest = instance.get_latest_materialization_events([*KEY_OF_MODEL.values(), RELEASE])
    return {
        key: LatestRecord(entry.run_id, _text(entry.asset_materialization.metadata.get(LEDGER_RUN_ID)))
        for key, entry in latest.items()
        if entry and entry.asset_materialization
    }


def latest_checks(instance: dg.DagsterInstance) -> dict[dg.AssetCheckKey, LatestRecord]:
    """Dagster's latest record of each check, also of one that a run has only begun."""
    latest = instance.event_log_storage.get_latest_asset_check_execution_by_key(CHECK_KEYS)
    return {key: LatestRecord(record.run_id, _ledger_run_id(record)) for key, record in latest.items()}


def _ledger_run_id(record: AssetCheckExecutionRecord) -> str | None:
    """The run that a record names. A check of staleness is of no run; its state stands for it."""
    # Of a check that a run has only begun, or never came to, Dagster gives another event here.
    metadata = record.evaluation.metadata if isinstance(record.evaluation, dg.AssetCheckEvaluation) else {}
    return _text(metadata.get(LEDGER_RUN_ID) or metadata.get(STATE))


def _text(value: dg.MetadataValue[Any] | None) -> str | None:
    return str(value.value) if value else None
