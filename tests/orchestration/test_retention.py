"""Old runs of Dagster go, with their events and logs; what Dagster shows stays as it is."""

import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster._core.remote_origin import RegisteredCodeLocationOrigin, RemoteInstigatorOrigin, RemoteRepositoryOrigin
from dagster._core.scheduler.instigation import InstigatorState, InstigatorStatus, InstigatorType
from dagster._core.storage.compute_log_manager import ComputeIOType

from orchestration.retention import dagster_item, expire
from tests.warehouse.small_releases import snapshot

LATER = datetime.now(UTC) + timedelta(days=31)
DAILY, WHOLE, EXTERNAL = (dg.AssetKey(name) for name in ("daily", "whole", "external"))


@dg.asset(partitions_def=dg.StaticPartitionsDefinition(["a", "b"]))
def daily() -> None:
    print("built")  # noqa: T201 - into the compute log


@dg.asset(check_specs=[dg.AssetCheckSpec("is_good", asset="whole")])
def whole() -> Iterator[dg.Output[int] | dg.AssetCheckResult]:
    yield dg.Output(1)
    yield dg.AssetCheckResult(passed=True, check_name="is_good")


@dg.op
def work() -> None:
    pass


@dg.job
def _job() -> None:
    work()


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    """An instance whose storage is where dagster.yaml of the project has it: some of it beside, in other folders."""
    (tmp_path / "dagster.yaml").write_text(
        f"""
storage:
  sqlite:
    base_dir: {tmp_path}/storage
compute_logs:
  module: dagster._core.storage.local_compute_log_manager
  class: LocalComputeLogManager
  config:
    base_dir: {tmp_path}/compute
local_artifact_storage:
  module: dagster._core.storage.root
  class: LocalArtifactStorage
  config:
    base_dir: {tmp_path}/storage
telemetry:
  enabled: false
"""
    )
    with dg.DagsterInstance.from_config(str(tmp_path)) as opened:
        yield opened


def build(instance: dg.DagsterInstance, asset: dg.AssetsDefinition, partition: str | None = None) -> str:
    return dg.materialize([asset], instance=instance, partition_key=partition).run_id


def runs_of(instance: dg.DagsterInstance) -> set[str]:
    return {run.run_id for run in instance.get_runs()}


def shown(instance: dg.DagsterInstance) -> dict[str, Any]:
    """What Dagster and the ledger sensor know of assets and checks."""
    storage = instance.event_log_storage
    checks = storage.get_latest_asset_check_execution_by_key([dg.AssetCheckKey(WHOLE, "is_good")])
    records = instance.get_asset_records([DAILY, WHOLE, EXTERNAL])
    return {
        "partitions": instance.get_materialized_partitions(DAILY),
        "of partitions": storage.get_latest_storage_id_by_partition(DAILY, dg.DagsterEventType.ASSET_MATERIALIZATION),
        "latest": instance.get_latest_materialization_events([DAILY, WHOLE, EXTERNAL]),
        "assets": {record.asset_entry.asset_key: record.asset_entry.last_materialization for record in records},
        "checks": {key: (record.run_id, record.status) for key, record in checks.items()},
    }


def test_a_run_goes_with_everything_of_it_when_it_is_old_and_superseded(
    instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    old, newer = build(instance, daily, "a"), build(instance, daily, "a")
    files = [path for path in tmp_path.rglob("*") if old in str(path)]
    assert {path.relative_to(tmp_path).parts[0] for path in files} == {"storage", "compute"}

    assert expire(instance, 30).runs == 0
    expired = expire(instance, 30, now=LATER)

    assert expired.runs == 1
    assert expired.bytes > 100_000
    assert runs_of(instance) == {newer}
    assert [path for path in tmp_path.rglob("*") if old in str(path)] == []
    assert expire(instance, 30, now=LATER).runs == 0


def test_what_dagster_shows_stays(instance: dg.DagsterInstance) -> None:
    superseded = {build(instance, daily, "a"), build(instance, whole)}
    for partition in ("b", "a"):
        build(instance, daily, partition)
    build(instance, whole)
    for passed in (True, False):
        instance.report_runless_asset_event(dg.AssetMaterialization(EXTERNAL, tags={"told": "by-hand"}))
        check = dg.AssetCheckEvaluation(asset_key=WHOLE, check_name="is_good", passed=passed)
        instance.report_runless_asset_event(check)
    before, runs = shown(instance), runs_of(instance)

    expired = expire(instance, 30, now=LATER)

    assert runs_of(instance) == runs - superseded
    assert (expired.runs, expired.kept_runs) == (2, 3)
    # What was reported first, and the results of the runs, as the check has both passed and failed since.
    assert (expired.events, expired.checks) == (2, 2)
    assert shown(instance) == before
    assert before["partitions"] == {"a", "b"}


def test_without_the_latest_record_dagster_would_forget_a_partition(instance: dg.DagsterInstance) -> None:
    """Why runs with the latest record of something stay: a change here may make that unnecessary."""
    instance.delete_run(build(instance, daily, "a"))
    assert instance.get_materialized_partitions(DAILY) == set()


def test_runs_in_progress_stay(instance: dg.DagsterInstance) -> None:
    # A queued run would need a code location.
    statuses = set(dg.DagsterRunStatus) - {dg.DagsterRunStatus.QUEUED}
    runs = {status: instance.create_run_for_job(_job, status=status).run_id for status in statuses}
    build(instance, whole)  # is the newest

    expire(instance, 30, now=LATER)

    ended = {dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED}
    left = runs_of(instance)
    assert {status for status, run_id in runs.items() if run_id in left} == statuses - ended


def test_numbers_of_what_is_deleted_are_not_given_again(instance: dg.DagsterInstance, tmp_path: Path) -> None:
    """A sensor that has seen number 7 would miss a new 7."""
    for _ in range(2):
        _job.execute_in_process(instance=instance)
    before = _highest(tmp_path)

    assert expire(instance, 30, now=LATER).runs == 1

    assert _highest(tmp_path) == before


def _highest(folder: Path) -> list[int]:
    found = []
    for name, table in (("runs/index.db", "event_logs"), ("runs.db", "runs")):
        with sqlite3.connect(folder / "storage" / "history" / name) as connection:
            found += [connection.execute(f"select max(id) from {table}").fetchall()[0][0]]
    return found


def test_logs_of_ticks_go_with_their_age(instance: dg.DagsterInstance, tmp_path: Path) -> None:
    repository = RemoteRepositoryOrigin(RegisteredCodeLocationOrigin("code"), "repository")
    origin = RemoteInstigatorOrigin(repository, "sensor")
    instance.add_instigator_state(InstigatorState(origin, InstigatorType.SENSOR, InstigatorStatus.RUNNING))
    with instance.compute_log_manager.open_log_stream(["repository", "sensor", "7"], ComputeIOType.STDERR) as stream:
        assert stream
        stream.write("the publisher does not answer")  # type: ignore[call-overload]  # It takes text.
    (log,) = (path for path in (tmp_path / "compute").rglob("*.err"))

    assert expire(instance, 30).tick_logs == 0
    assert expire(instance, 30, now=LATER, dry_run=True).tick_logs == 1
    assert log.exists()
    assert expire(instance, 30, now=LATER).tick_logs == 1
    assert not log.exists()


def test_a_dry_run_changes_nothing(
    instance: dg.DagsterInstance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(2):
        build(instance, whole)
        instance.report_runless_asset_event(dg.AssetMaterialization(EXTERNAL))
    instance.dispose()
    files = {path: path.stat().st_size for path in tmp_path.rglob("*.db")}
    contents = _contents(tmp_path)

    expired = expire(instance, 30, now=LATER, dry_run=True)

    assert (expired.runs, expired.events, expired.checks) == (1, 1, 1)
    assert _contents(tmp_path) == contents
    assert {path: path.stat().st_size for path in tmp_path.rglob("*.db")} == files


def _contents(folder: Path) -> dict[str, list[Any]]:
    found = {}
    for path in folder.rglob("*.db"):
        with sqlite3.connect(path) as connection:
            tables = connection.execute("select name from sqlite_master where type = 'table'").fetchall()
            for (table,) in tables:
                found[f"{path} {table}"] = connection.execute(f"select * from {table}").fetchall()
    return found


def test_an_instance_that_never_ran_is_not_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "dagster.yaml").write_text(f"storage:\n  sqlite:\n    base_dir: {tmp_path}/storage\n")
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    before = snapshot(tmp_path)

    assert dagster_item().work(True).said == "Dagster has not run yet"

    assert snapshot(tmp_path) == before


def test_the_item_takes_the_days_from_the_environment(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    build(instance, whole)
    monkeypatch.setenv("DAGSTER_RETENTION_DAYS", "12")
    found = dagster_item(instance).work(False)
    assert found.is_nothing
    assert "0 runs older than 12 days" in found.said
