"""A history as Dagster itself writes it, and what it shows of it."""

from collections.abc import Iterator
from typing import Any

import dagster as dg
from dagster._core.execution.backfill import BulkActionStatus, PartitionBackfill
from dagster._core.remote_origin import RegisteredCodeLocationOrigin, RemoteInstigatorOrigin, RemoteRepositoryOrigin
from dagster._core.scheduler.instigation import (
    InstigatorState,
    InstigatorStatus,
    InstigatorType,
    SensorInstigatorData,
    TickData,
    TickStatus,
)
from dagster._core.storage.tags import BACKFILL_ID_TAG
from dagster._daemon.types import DaemonHeartbeat

UPSTREAM, DAILY, WHOLE, WIPED = (dg.AssetKey(name) for name in ("upstream", "daily", "whole", "wiped"))
STATUSES = (dg.DagsterEventType.RUN_SUCCESS, dg.DagsterEventType.RUN_FAILURE, dg.DagsterEventType.RUN_START)


@dg.asset
def upstream() -> None: ...


@dg.asset
def wiped() -> None: ...


@dg.asset(partitions_def=dg.StaticPartitionsDefinition(["a", "b"]))
def daily(context: dg.AssetExecutionContext) -> None:
    context.add_output_metadata({"rows": 7})
    context.log.info("built %s: ' \" \\ ü \0 \ud800", context.partition_key)


@dg.asset(
    deps=[upstream],
    check_specs=[dg.AssetCheckSpec("is_good", asset="whole")],
    automation_condition=dg.AutomationCondition.eager(),
)
def whole() -> Iterator[dg.Output[int] | dg.AssetCheckResult]:
    yield dg.Output(1)
    yield dg.AssetCheckResult(passed=False, severity=dg.AssetCheckSeverity.WARN, check_name="is_good")


@dg.op
def fail() -> None:
    raise dg.Failure("as expected")


@dg.job
def failing() -> None:
    fail()


DEFINITIONS = dg.Definitions(assets=[upstream, whole])
TOLD: list[str] = []


@dg.run_failure_sensor(name="tells", monitor_all_code_locations=True)
def tells(context: dg.RunFailureSensorContext) -> None:
    TOLD.append(context.dagster_run.run_id)


def ticked(instance: dg.DagsterInstance, cursor: str | None) -> tuple[list[str], str | None]:
    """The runs that the sensor tells of at a tick, and its new cursor."""
    TOLD.clear()
    repository = dg.Definitions(jobs=[failing], sensors=[tells]).get_repository_def()
    context = dg.build_sensor_context(instance=instance, cursor=cursor, repository_def=repository)
    tells.evaluate_tick(context)
    return list(TOLD), context.cursor


def write_history(instance: dg.DagsterInstance) -> None:
    """Runs that succeed and fail, events of no run, a wiped asset, and what daemons and sensors keep."""
    for asset in (upstream, whole, wiped):
        dg.materialize([asset], instance=instance)
    for partition in ("a", "b", "a"):
        dg.materialize([daily], instance=instance, partition_key=partition, tags={BACKFILL_ID_TAG: "backfill"})
    failing.execute_in_process(instance=instance, raise_on_error=False)
    instance.wipe_assets([WIPED])
    for key in (UPSTREAM, WIPED.with_prefix("others")):
        instance.report_runless_asset_event(dg.AssetMaterialization(key, tags={"told": "by-hand"}))
    instance.report_runless_asset_event(dg.AssetCheckEvaluation(asset_key=WHOLE, check_name="is_good", passed=True))
    instance.add_dynamic_partitions("files", ["one", "two"])
    instance.daemon_cursor_storage.set_cursor_values({"EVENT_LOG_CONSUMER_CURSOR-PIPELINE_FAILURE": "7"})
    instance.event_log_storage.set_concurrency_slots("pool", 1)
    instance.add_backfill(
        PartitionBackfill("backfill", BulkActionStatus.COMPLETED_SUCCESS, False, {"by": "hand"}, backfill_timestamp=1.5)
    )
    _write_ticks(instance)
    heartbeat = DaemonHeartbeat(timestamp=1_000_000.0, daemon_type="SENSOR", daemon_id="old", errors=None)
    instance.add_daemon_heartbeat(heartbeat)


def _write_ticks(instance: dg.DagsterInstance) -> None:
    repository = RemoteRepositoryOrigin(RegisteredCodeLocationOrigin("code"), "repository")
    origin = RemoteInstigatorOrigin(repository, "sensor")
    data = SensorInstigatorData(cursor="seen", min_interval=30)
    state = InstigatorState(origin, InstigatorType.SENSOR, InstigatorStatus.RUNNING, data)
    instance.add_instigator_state(state)
    for second in range(3):
        instance.create_tick(
            TickData(
                state.instigator_origin_id,
                "sensor",
                InstigatorType.SENSOR,
                TickStatus.SKIPPED,
                timestamp=1_700_000_000.0 + second,
                selector_id=state.selector_id,
            )
        )


def shown(instance: dg.DagsterInstance) -> dict[str, Any]:
    """What Dagster shows, with the numbers that sensors go by."""
    storage, keys = instance.event_log_storage, [UPSTREAM, DAILY, WHOLE, WIPED]
    runs = instance.get_run_records()
    states = instance.all_instigator_state()
    return {
        "runs": runs,
        "stats": {run.dagster_run.run_id: instance.get_run_stats(run.dagster_run.run_id) for run in runs},
        "steps": {run.dagster_run.run_id: instance.get_run_step_stats(run.dagster_run.run_id) for run in runs},
        "changes": {kind: storage.fetch_run_status_changes(kind, limit=100).records for kind in STATUSES},
        "materializations": {key: instance.fetch_materializations(key, limit=100).records for key in keys},
        "planned": {key: instance.get_latest_planned_materialization_info(key) for key in keys},
        "partitions": storage.get_latest_storage_id_by_partition(DAILY, dg.DagsterEventType.ASSET_MATERIALIZATION),
        # Dagster asks for them in no order.
        "tags": sorted(storage.get_event_tags_for_asset(UPSTREAM), key=str),
        "asset keys": set(instance.all_asset_keys()),
        "checks": storage.get_asset_check_execution_history(dg.AssetCheckKey(WHOLE, "is_good"), limit=10),
        "dynamic": instance.get_dynamic_partitions("files"),
        "cursors": instance.daemon_cursor_storage.get_cursor_values({"EVENT_LOG_CONSUMER_CURSOR-PIPELINE_FAILURE"}),
        "slots": storage.get_concurrency_info("pool"),
        "backfills": instance.get_backfills(),
        "states": states,
        "ticks": [instance.get_ticks(state.instigator_origin_id, state.selector_id) for state in states],
    }


def logs(instance: dg.DagsterInstance) -> dict[str, list[Any]]:
    """The log of each run, in the order of time."""
    return {
        run.run_id: sorted(instance.all_logs(run.run_id), key=lambda entry: (entry.timestamp, str(entry)))
        for run in instance.get_runs()
    }
