"""The ledger sensor: Dagster shows what is loaded, built, checked and published, also from the terminal."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import groupby

import dagster as dg
import duckdb

from ingestion.catalog import CATALOG, Catalog
from ingestion.partitions import Partition
from ingestion.pipeline import Result, Status
from orchestration.assets.partitions import dagster_key, has_partitions
from orchestration.assets.published import RELEASE
from orchestration.assets.raw_assets import LOAD_ID, asset_key, materialization
from orchestration.checks.staleness import evaluation
from orchestration.sensors.ledger_plan import (
    FileStamp,
    LedgerCursor,
    Load,
    digest,
    group_of,
    one_without_partitions,
    unreported,
)
from orchestration.sensors.ledger_results import LatestRecord, Results, latest_builds, latest_checks, read_results
from warehouse.connection import WarehouseBusyError, open_for_reading
from warehouse.ledger import read_watermarks
from warehouse.paths import database_path
from warehouse.periods import compress

# Dagster needs about 40 ms for each event, and other sensors wait meanwhile. The rest follows in the next ticks.
_EVENTS_A_TICK = 100
_RECORDS_A_PAGE = 500

_BUILDS, _PUBLISHED, _CHECKS = "models and seeds", "release", "checks"


def read_loads(connection: duckdb.DuckDBPyConnection, catalog: Catalog = CATALOG) -> list[Load]:
    """What every partition of every feed holds now, feed by feed; the newest load where the asset has no partitions."""
    watermarks = read_watermarks(connection)
    if not watermarks:
        return []
    run_of_load = {
        (asset, key, load_id): run_id
        for asset, key, load_id, run_id in connection.execute(
            "select asset, partition_key, load_id, dagster_run_id"
            " from meta.ingestion_run_assets join meta.ingestion_runs using (run_id)"
            " where load_id is not null and dagster_run_id is not null"
        ).fetchall()
    }
    return one_without_partitions(
        Load(
            Partition(feed, feed.period(key)),
            watermark,
            run_of_load.get((asset, key, watermark.load_id)),
        )
        for (asset, key), watermark in sorted(watermarks.items())
        if (feed := catalog.feeds.get(asset))
    )


def known_load_ids(instance: dg.DagsterInstance, key: dg.AssetKey, partitions: Sequence[str]) -> dict[str | None, str]:
    """The load id of the latest materialization of each of these partitions, by their keys; without those of none.

    With no partitions given it is the asset's own latest one, under None: for an asset that has no partitions.
    """
    known: dict[str | None, str] = {}
    cursor = None
    asked = dg.AssetRecordsFilter(key, asset_partitions=partitions or None)
    limit = _RECORDS_A_PAGE if partitions else 1
    while True:
        page = instance.fetch_materializations(asked, limit=limit, cursor=cursor)
        for record in page.records:
            materialization = record.asset_materialization
            if materialization:
                load_id = materialization.metadata.get(LOAD_ID)
                known.setdefault(materialization.partition, str(load_id.value) if load_id else "")
        if not page.has_more or not partitions:
            return known
        cursor = page.cursor


def event_of(load: Load, catalog: Catalog) -> dg.AssetMaterialization:
    """The event of a load, as the raw asset itself would have reported it."""
    watermark = load.watermark
    return materialization(
        Result(
            load.partition,
            Status.LOADED,
            rows=watermark.rows,
            fingerprint=watermark.fingerprint,
            load_id=watermark.load_id,
        ),
        catalog,
    )


def file_stamps() -> tuple[FileStamp, ...]:
    """What changes when somebody writes to the DuckDB file, read without opening it. Empty without a file."""
    path = database_path()
    stamps = []
    for file in (path, path.with_name(f"{path.name}.wal")):
        # The log comes and goes while somebody writes.
        with suppress(FileNotFoundError):
            stat = file.stat()
            stamps.append((stat.st_mtime_ns, stat.st_size))
    return tuple(stamps)


def ledger_sensor_of(catalog: Catalog) -> dg.SensorDefinition:
    """The sensor that reports the loads of a catalog's feeds, and what was built, checked and published."""

    @dg.sensor(
        name="ledger_sensor",
        minimum_interval_seconds=30,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Tells Dagster of what was loaded, built, checked and published from the terminal, and takes back "
        "what the DuckDB file does not hold any more, so that Dagster shows what the ledger knows.",
    )
    def ledger_sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        return _report(context, catalog)

    return ledger_sensor


def _report(context: dg.SensorEvaluationContext, catalog: Catalog) -> dg.SensorResult | dg.SkipReason:
    """Report the loads, builds and checks of the ledger that Dagster does not know of."""
    stamps = file_stamps()
    if not stamps:
        return dg.SkipReason("nothing is loaded yet")
    cursor = _cursor(context)
    if stamps == cursor.files:
        return dg.SkipReason("nothing was written to the DuckDB file since the last look")
    # Asked before the ledger is read: whoever reports to Dagster has written to the ledger before.
    partitions, builds = known_partitions(context.instance, catalog), latest_builds(context.instance)
    try:
        with open_for_reading(timeout_seconds=0) as connection:
            loads, results = read_loads(connection, catalog), read_results(connection)
    except WarehouseBusyError as error:
        return dg.SkipReason(f"the DuckDB file is in use by {error.holder}; the next tick looks again")
    gone = gone_assets(partitions, builds, loads, results, catalog)
    if gone:
        context.instance.wipe_assets(gone)
        names = ", ".join(sorted(key.path[-1] for key in gone))
        context.log.info("Dagster forgot these, to be told again what the DuckDB file holds of them: %s", names)
    is_finished = _FinishedRuns(context.instance)
    news, reported = _new_loads(context.instance, loads, {} if gone else cursor.reported, catalog, is_finished)
    news += _new_results(context.instance, results)
    to_report = [one for one in news if is_finished(one.dagster_run_id)][:_EVENTS_A_TICK]
    return dg.SensorResult(
        asset_events=[one.event for one in to_report],
        skip_reason=_summary(to_report, catalog, is_all_known=not news),
        cursor=LedgerCursor(() if news else stamps, reported).to_json(),
    )


@dataclass(frozen=True)
class _News:
    """What Dagster does not know yet: its event, its name, and the run of Dagster that it is of, if any.

    `kind` is the name of a feed, or `_BUILDS`, `_PUBLISHED` or `_CHECKS`.
    """

    kind: str
    name: str
    event: dg.AssetMaterialization | dg.AssetCheckEvaluation
    dagster_run_id: str | None


class _FinishedRuns:
    """Tells whether a run of Dagster is over. One that is not reports its results itself, at its end."""

    def __init__(self, instance: dg.DagsterInstance) -> None:
        self._instance = instance
        self._known: dict[str, bool] = {}

    def __call__(self, run_id: str | None) -> bool:
        if run_id is None:
            return True
        if run_id not in self._known:
            run = self._instance.get_run_by_id(run_id)
            self._known[run_id] = run is None or run.is_finished
        return self._known[run_id]


def known_partitions(instance: dg.DagsterInstance, catalog: Catalog) -> dict[dg.AssetKey, set[str]]:
    """The partitions of each feed that Dagster shows as loaded, where the feed's asset has partitions."""
    keys = [asset_key(feed, catalog) for feed in catalog.feeds.values() if has_partitions(feed)]
    return {key: instance.get_materialized_partitions(key) for key in keys}


def gone_assets(
    partitions: Mapping[dg.AssetKey, set[str]],
    builds: Mapping[dg.AssetKey, LatestRecord],
    loads: Iterable[Load],
    results: Results,
    catalog: Catalog,
) -> list[dg.AssetKey]:
    """The assets of which Dagster shows what is not there: partitions not loaded, models of another database.

    Dagster forgets an asset only as a whole. What is there of it is reported again. An asset without partitions is
    never among them: it says how far was read, and that stays true.
    """
    loaded: dict[dg.AssetKey, set[str | None]] = {}
    for load in loads:
        loaded.setdefault(asset_key(load.partition.feed, catalog), set()).add(dagster_key(load.partition))
    raw = [key for key, shown in partitions.items() if shown - loaded.get(key, set())]
    return raw + [key for key, record in builds.items() if not record.is_in(results.runs)]


def _new_results(instance: dg.DagsterInstance, results: Results) -> list[_News]:
    """Builds come before checks: a check is of the build before it. The release comes after the builds."""
    builds, checks = latest_builds(instance), latest_checks(instance)
    news = [
        _News(
            _PUBLISHED if build.key == RELEASE else _BUILDS,
            build.key.path[-1],
            build.event(),
            build.origin.dagster_run_id,
        )
        for build in results.builds
        if build.key not in builds or not builds[build.key].is_of(build.origin)
    ]
    news += [
        _News(_CHECKS, check.key.name, check.event(), check.origin.dagster_run_id)
        for check in results.checks
        if check.key not in checks or not checks[check.key].is_of(check.origin)
    ]
    news += [
        _News(_CHECKS, staleness.check_key.name, evaluation(staleness), None)
        for staleness in results.staleness
        if staleness.check_key not in checks or checks[staleness.check_key].ledger_run_id != staleness.state
    ]
    return news


def _summary(reported: list[_News], catalog: Catalog, *, is_all_known: bool) -> str:
    """What the tick did: the partitions of each feed, and how many models and checks."""
    if not reported:
        return "Dagster knows of everything" if is_all_known else "a run goes on that tells of its results at its end"
    parts = []
    for kind, group in groupby(reported, key=lambda one: one.kind):
        names = [one.name for one in group]
        if feed := catalog.feeds.get(kind):
            parts.append(f"{kind} {compress(feed.period(name) for name in names)}")
        else:
            parts.append(f"{len(names)} {kind}")
    return "told Dagster of " + "; ".join(parts)


def _new_loads(
    instance: dg.DagsterInstance,
    loads: list[Load],
    reported: Mapping[str, str],
    catalog: Catalog,
    is_finished: _FinishedRuns,
) -> tuple[list[_News], dict[str, str]]:
    """Loads that Dagster does not know of, and the digests of the groups of which it knows everything.

    When there are enough for a tick, the other groups that have changed are left to the next ones: reading what Dagster
    knows of all history takes longer than telling it of a hundred loads.
    """
    news: list[_News] = []
    settled: dict[str, str] = {}
    ready = 0
    for name, group in groupby(loads, key=group_of):
        of_group = list(group)
        state = digest(of_group)
        if reported.get(name) == state:
            settled[name] = state
        elif ready < _EVENTS_A_TICK:
            unknown = _unknown(instance, of_group, catalog)
            if not unknown:
                settled[name] = state
            news += [_news_of(load, catalog) for load in unknown]
            ready += sum(is_finished(load.dagster_run_id) for load in unknown)
    return news, settled


def _unknown(instance: dg.DagsterInstance, loads: list[Load], catalog: Catalog) -> list[Load]:
    keys = [key for load in loads if (key := dagster_key(load.partition))]
    return unreported(loads, known_load_ids(instance, asset_key(loads[0].partition.feed, catalog), keys))


def _news_of(load: Load, catalog: Catalog) -> _News:
    return _News(load.partition.feed.name, load.partition.key, event_of(load, catalog), load.dagster_run_id)


def _cursor(context: dg.SensorEvaluationContext) -> LedgerCursor:
    try:
        return LedgerCursor.from_json(context.cursor)
    except ValueError as error:
        context.log.warning("Invalid cursor; starting over. %s", error)
        return LedgerCursor()
