"""What follows a run: silver after bronze, the suites after gold."""

import dagster as dg
import pytest

from orchestration import defs
from orchestration.checks.quality import quality_checks
from tests.orchestration.streams.conftest import add_run

BRONZE = ("bronze_trades_ingestion", "bronze_orderbook_ingestion", "bronze_marketdata_ingestion")


class Ticks:
    """The ticks of a sensor of runs, each with the cursor that the one before left; the first has none."""

    def __init__(self, instance: dg.DagsterInstance, name: str) -> None:
        self._instance = instance
        self.sensor = defs.get_repository_def().get_sensor_def(name)
        self._cursor: str | None = None
        self.tick()

    def tick(self) -> list[dg.RunRequest]:
        context = dg.build_sensor_context(self._instance, cursor=self._cursor, repository_def=defs.get_repository_def())
        data = self.sensor.evaluate_tick(context)
        self._cursor = data.cursor
        return list(data.run_requests or [])


@pytest.fixture
def ticks(instance: dg.DagsterInstance) -> Ticks:
    return Ticks(instance, "bronze_success_trigger_silver")


@pytest.mark.parametrize("job", BRONZE)
def test_silver_is_requested_once_for_each_run_of_bronze(job: str, ticks: Ticks, instance: dg.DagsterInstance) -> None:
    run_id = add_run(instance, job, dg.DagsterRunStatus.SUCCESS)
    (request,) = ticks.tick()
    assert request.run_key == f"silver-after-bronze-{run_id}"
    assert (request.tags["triggered_by"], request.tags["layer"]) == (run_id, "silver")
    assert {target.job_name for target in ticks.sensor.targets} == {"silver_micro_batch_job"}
    assert ticks.tick() == []


def test_what_failed_or_is_another_job_is_followed_by_nothing(ticks: Ticks, instance: dg.DagsterInstance) -> None:
    add_run(instance, "bronze_trades_ingestion", dg.DagsterRunStatus.FAILURE)
    add_run(instance, "daily_dbt_build_job", dg.DagsterRunStatus.SUCCESS)
    assert ticks.tick() == []


def test_a_queued_run_of_silver_is_enough_and_a_running_one_is_not(ticks: Ticks, instance: dg.DagsterInstance) -> None:
    add_run(instance, "silver_micro_batch_job", dg.DagsterRunStatus.STARTED)
    add_run(instance, "bronze_trades_ingestion", dg.DagsterRunStatus.SUCCESS)
    assert len(ticks.tick()) == 1
    add_run(instance, "silver_micro_batch_job", dg.DagsterRunStatus.NOT_STARTED)
    add_run(instance, "bronze_trades_ingestion", dg.DagsterRunStatus.SUCCESS)
    assert ticks.tick() == []


def test_the_suites_follow_gold(instance: dg.DagsterInstance) -> None:
    ticks = Ticks(instance, "gold_success_trigger_quality")
    run_id = add_run(instance, "gold_daily_aggregation_job", dg.DagsterRunStatus.SUCCESS)
    (request,) = ticks.tick()
    assert request.run_key == f"quality-after-gold-{run_id}"
    assert {target.job_name for target in ticks.sensor.targets} == {"data_quality_job"}
    add_run(instance, "gold_daily_aggregation_job", dg.DagsterRunStatus.FAILURE)
    assert ticks.tick() == []


def test_the_sensors_run_by_themselves() -> None:
    for name in ("bronze_success_trigger_silver", "gold_success_trigger_quality", "freshness_alert_sensor"):
        sensor = defs.get_repository_def().get_sensor_def(name)
        assert sensor.default_status is dg.DefaultSensorStatus.RUNNING


def test_the_suites_are_those_of_silver_and_gold() -> None:
    checked = {key for check in quality_checks for key in check.check_keys}
    wanted = {key for key in checked if key.asset_key.path[-1].startswith(("silver_", "gold_", "quarantined_stream_"))}
    steps = {node.name for node in defs.resolve_job_def("data_quality_job").nodes}
    assert steps == {f"{key.asset_key.path[-1]}_{key.name}" for key in wanted}
