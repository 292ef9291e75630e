"""The ledger sensor: Dagster shows what is loaded, built and checked, also from the terminal, and nothing else."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import groupby

import dagster as dg
import duckdb

from ingestion.catalog import FEEDS
from ingestion.feeds import Feed
from ingestion.partitions import Partition
from ingestion.pipeline import Result, Status
from orchestration.assets.partitions import dagster_key
from orchestration.assets.raw_assets import LOAD_ID, asset_key, materialization
from orchestration.checks.staleness import evaluation
from orchestration.sensors.ledger_plan import Cursor, FileStamp, Load, digest, untold
from orchestration.sensors.ledger_results import Known, Results, known_builds, known_checks, read_results
from warehouse.connection import WarehouseBusyError, open_for_reading
from warehouse.ledger import read_watermarks
from warehouse.paths import database_path
from warehouse.periods import compress

# Dagster needs about 40 ms for each, and lets other sensors wait; the rest follows in the next ticks.
_EVENTS_A_TICK = 100
_RECORDS_A_PAGE = 500


def read_loads(connection: duckdb.DuckDBPyConnection) -> list[Load]:
    """What every partition of every feed holds now, feed by feed."""
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
    return [
        Load(
            Partition(FEEDS[asset], FEEDS[asset].period(key)),
            watermark,
            run_of_load.get((asset, key, watermark.load_id)),
        )
        for (asset, key), watermark in sorted(watermarks.items())
        if asset in FEEDS
    ]


def known_load_ids(instance: dg.DagsterInstance, feed: Feed) -> dict[str, str]:
    """The load id of each partition's latest materialization, by partition key; empty where it was not given."""
    known: dict[str, str] = {}
    cursor = None
    while True:
        page = instance.fetch_materializations(asset_key(feed), limit=_RECORDS_A_PAGE, cursor=cursor)
        for record in page.records:
            materialization = record.asset_materialization
            if materialization and materialization.partition:
                load_id = materialization.metadata.get(LOAD_ID)
                known.setdefault(materialization.partition, str(load_id.value) if load_id else "")
        if not page.has_more:
            return known
        cursor = page.cursor


def event_of(load: Load) -> dg.AssetMaterialization:
    """The load as the raw asset itself would have reported it."""
    watermark = load.watermark
    return materialization(
        Result(
            load.partition,
            Status.LOADED,
            rows=watermark.rows,
            fingerprint=watermark.fingerprint,
            load_id=watermark.load_id,
        )
    )


def file_stamps() -> tuple[FileStamp, ...]:
    """Whatever changes when somebody writes to the DuckDB file, read without opening it."""
    path = database_path()
    stamps = []
    for file in (path, path.with_name(f"{path.name}.wal")):
        # The log comes and goes while somebody writes.
        with suppress(FileNotFoundError):
            stat = file.stat()
            stamps.append((stat.st_mtime_ns, stat.st_size))
    return tuple(stamps)


@dg.sensor(
    minimum_interval_seconds=30,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Tells Dagster of what was loaded, built and checked from the terminal, and takes back what the DuckDB "
    "file does not hold any more, so that Dagster shows what the ledger knows.",
)
def ledger_sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
    """Report what the ledger has and Dagster has not, or not of this load, build or check."""
    stamps = file_stamps()
    if not stamps:
        return dg.SkipReason("nothing is loaded yet")
    cursor = _cursor(context)
    if stamps == cursor.files:
        return dg.SkipReason("nothing was written to the DuckDB file since the last look")
    # Before the ledger is read: whoever tells Dagster of something has written it into the ledger before.
    partitions, builds = known_partitions(context.instance), known_builds(context.instance)
    try:
        with open_for_reading(timeout_seconds=0) as connection:
            loads, results = read_loads(connection), read_results(connection)
    except WarehouseBusyError as error:
        return dg.SkipReason(f"the DuckDB file is in use by {error.holder}; the next tick looks again")
    gone = gone_assets(partitions, builds, loads, results)
    if gone:
        context.instance.wipe_assets(gone)
        taken_back = ", ".join(sorted(key.path[-1] for key in gone))
        context.log.info(
            "Forgot what the DuckDB file does not hold any more, to tell anew what it holds: %s", taken_back
        )
    news, told = _compare(context.instance, loads, {} if gone else cursor.told)
    finished = _Finished(context.instance)
    news += _untold_results(context.instance, results)
    to_tell = [one for one in news if finished(one.dagster_run_id)]
    is_all_told = not news
    return dg.SensorResult(
        asset_events=[one.event for one in to_tell[:_EVENTS_A_TICK]],
        skip_reason=_said(to_tell[:_EVENTS_A_TICK], is_all_told=is_all_told),
        cursor=Cursor(stamps if is_all_told else (), told).to_json(),
    )


@dataclass(frozen=True)
class _News:
    """What Dagster does not know yet: its event, what it is called, and the run of Dagster that it is of, if any."""

    kind: str
    name: str
    event: dg.AssetMaterialization | dg.AssetCheckEvaluation
    dagster_run_id: str | None


class _Finished:
    """Whether a run of Dagster is over, so that it will not tell of its results itself: it does at its end."""

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


def known_partitions(instance: dg.DagsterInstance) -> dict[dg.AssetKey, set[str]]:
    """The months of each feed that Dagster has as loaded."""
    return {asset_key(feed): instance.get_materialized_partitions(asset_key(feed)) for feed in FEEDS.values()}


def gone_assets(
    partitions: Mapping[dg.AssetKey, set[str]],
    builds: Mapping[dg.AssetKey, Known],
    loads: Iterable[Load],
    results: Results,
) -> list[dg.AssetKey]:
    """The assets of which Dagster shows what is not there: months that are not loaded, models of another database.

    Dagster forgets an asset as a whole only; what is there of it is told anew.
    """
    loaded: dict[dg.AssetKey, set[str]] = {}
    for load in loads:
        loaded.setdefault(asset_key(load.partition.feed), set()).add(dagster_key(load.partition))
    raw = [key for key, shown in partitions.items() if shown - loaded.get(key, set())]
    return raw + [key for key, known in builds.items() if not known.is_in(results.runs)]


def _untold_results(instance: dg.DagsterInstance, results: Results) -> list[_News]:
    """Builds before checks: a check is of the build before it."""
    builds, checks = known_builds(instance), known_checks(instance)
    news = [
        _News("dbt", build.key.path[-1], build.event(), build.origin.dagster_run_id)
        for build in results.builds
        if build.key not in builds or not builds[build.key].is_of(build.origin)
    ]
    news += [
        _News("checks", check.key.name, check.event(), check.origin.dagster_run_id)
        for check in results.checks
        if check.key not in checks or not checks[check.key].is_of(check.origin)
    ]
    news += [
        _News("checks", staleness.check_key.name, evaluation(staleness), None)
        for staleness in results.staleness
        if staleness.check_key not in checks or checks[staleness.check_key].ledger_run_id != staleness.state
    ]
    return news


def _said(told: list[_News], *, is_all_told: bool) -> str:
    """What the tick did, as in `told Dagster of green 2025-01 … 2025-04; 2 models; 5 checks`."""
    if not told:
        return "Dagster knows of everything" if is_all_told else "a run goes on that tells of its results at its end"
    said = []
    for kind, group in groupby(told, key=lambda one: one.kind):
        names = [one.name for one in group]
        if kind in ("dbt", "checks"):
            said.append(f"{len(names)} {'models and seeds' if kind == 'dbt' else kind}")
        else:
            said.append(f"{kind} {compress(FEEDS[kind].period(name) for name in names)}")
    return "told Dagster of " + "; ".join(said)


def _compare(
    instance: dg.DagsterInstance, loads: list[Load], told: Mapping[str, str]
) -> tuple[list[_News], dict[str, str]]:
    """The loads that Dagster does not know of, and the digests of the feeds of which it knows everything."""
    news: list[_News] = []
    settled: dict[str, str] = {}
    for feed, group in groupby(loads, key=lambda load: load.partition.feed):
        of_feed = list(group)
        state = digest(of_feed)
        unknown = [] if told.get(feed.name) == state else untold(of_feed, known_load_ids(instance, feed))
        if not unknown:
            settled[feed.name] = state
        news += [_News(feed.name, load.partition.key, event_of(load), load.dagster_run_id) for load in unknown]
    return news, settled


def _cursor(context: dg.SensorEvaluationContext) -> Cursor:
    try:
        return Cursor.from_json(context.cursor)
    except ValueError as error:
        context.log.warning("starting over: the cursor is none of this sensor: %s", error)
        return Cursor()
