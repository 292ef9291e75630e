"""The ledger sensor: the partition grid shows what is loaded, also what the terminal loaded."""

from collections.abc import Mapping
from contextlib import suppress
from itertools import groupby

import dagster as dg
import duckdb

from ingestion.feeds import FEEDS, Feed
from ingestion.gap_plan import compress
from ingestion.partitions import Partition, parse_month
from ingestion.pipeline import Result, Status
from orchestration.assets.raw_assets import LOAD_ID, asset_key, materialization
from orchestration.sensors.ledger_plan import Cursor, FileStamp, Load, digest, untold
from warehouse.connection import WarehouseBusyError, open_for_reading
from warehouse.ledger import read_watermarks
from warehouse.paths import database_path

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
        Load(Partition(FEEDS[asset], parse_month(key)), watermark, run_of_load.get((asset, key, watermark.load_id)))
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


def is_still_reporting(instance: dg.DagsterInstance, load: Load) -> bool:
    """Whether the run that loaded the partition will itself tell Dagster of it: it does at its end."""
    run = instance.get_run_by_id(load.dagster_run_id) if load.dagster_run_id else None
    return run is not None and not run.is_finished


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
    description="Tells Dagster of months that were loaded from the terminal, so that the partition grid shows what "
    "the ledger knows.",
)
def ledger_sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
    """Report what the ledger has and Dagster has not, or not of this load."""
    stamps = file_stamps()
    if not stamps:
        return dg.SkipReason("nothing is loaded yet")
    cursor = _cursor(context)
    if stamps == cursor.files:
        return dg.SkipReason("nothing was written to the DuckDB file since the last look")
    try:
        with open_for_reading(timeout_seconds=0) as connection:
            loads = read_loads(connection)
    except WarehouseBusyError as error:
        return dg.SkipReason(f"the DuckDB file is in use by {error.holder}; the next tick looks again")
    to_tell, told = _compare(context.instance, loads, cursor.told)
    is_all_told = len(told) == len({load.partition.feed for load in loads})
    return dg.SensorResult(
        asset_events=[event_of(load) for load in to_tell],
        skip_reason=_said(to_tell, is_all_told=is_all_told),
        cursor=Cursor(stamps if is_all_told else (), told).to_json(),
    )


def _said(to_tell: list[Load], *, is_all_told: bool) -> str:
    """What the tick did, as in `told Dagster of green 2025-01 … 2025-04; yellow 2025-01`."""
    if to_tell:
        by_feed = groupby(to_tell, key=lambda load: load.partition.feed.name)
        return "told Dagster of " + "; ".join(
            f"{feed} {compress(load.partition.month for load in group)}" for feed, group in by_feed
        )
    return "Dagster knows of every load" if is_all_told else "a run goes on that tells of its loads at its end"


def _compare(
    instance: dg.DagsterInstance, loads: list[Load], told: Mapping[str, str]
) -> tuple[list[Load], dict[str, str]]:
    """The loads to tell Dagster of, and the digests of the feeds of which it knew everything already."""
    to_tell: list[Load] = []
    settled: dict[str, str] = {}
    for feed, group in groupby(loads, key=lambda load: load.partition.feed):
        of_feed = list(group)
        state = digest(of_feed)
        news = [] if told.get(feed.name) == state else untold(of_feed, known_load_ids(instance, feed))
        if not news:
            settled[feed.name] = state
        to_tell += [load for load in news if not is_still_reporting(instance, load)]
    return to_tell[:_EVENTS_A_TICK], settled


def _cursor(context: dg.SensorEvaluationContext) -> Cursor:
    try:
        return Cursor.from_json(context.cursor)
    except ValueError as error:
        context.log.warning("starting over: the cursor is none of this sensor: %s", error)
        return Cursor()
