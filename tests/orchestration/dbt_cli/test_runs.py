"""dbt as a step: a retry resumes what failed, and a test that does not hold is not tried again."""

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from orchestration.assets.dbt_assets import dbt_assets_with
from orchestration.assets.translator import TRANSLATOR
from orchestration.dbt_cli.commands import dbt_build_arguments
from orchestration.dbt_cli.integration import DbtCliResource, dbt_assets
from orchestration.dbt_cli.project import dbt_project
from orchestration.dbt_cli.runs import remove_old, run_dbt
from orchestration.resources.dbt import dbt_resource
from tests.dbt.small_warehouse import JANUARY, Warehouse, yellow_month

IMPATIENT = dg.RetryPolicy(max_retries=1, delay=0)
# One subject, with what it is built from: all of them take more than twice as long.
PART = dg.AssetSelection.tag("subject", "mobility").upstream()


@pytest.fixture
def warehouse(database: Path, logs: Path) -> Warehouse:
    """A month of yellow and its weather in raw data; nothing is built."""
    warehouse = Warehouse(database, logs)
    warehouse.create_raw_tables()
    warehouse.load("yellow", JANUARY, yellow_month(JANUARY))
    warehouse.load_weather(JANUARY)
    return warehouse


def _rename(warehouse: Warehouse, old: str, new: str) -> None:
    warehouse.execute(f"alter table raw_data.weather_hourly rename {old} to {new}")


def _builds(result: dg.ExecuteInProcessResult) -> list[set[str]]:
    """The models that each attempt built."""
    attempts: list[set[str]] = [set()]
    for event in result.all_events:
        if event.event_type is dg.DagsterEventType.STEP_RESTARTED:
            attempts.append(set())
        elif event.event_type is dg.DagsterEventType.ASSET_MATERIALIZATION and event.asset_key:
            attempts[-1].add(event.asset_key.path[-1])
    return attempts


def test_a_retry_builds_only_what_failed_and_what_was_skipped_for_it(warehouse: Warehouse, logs: Path) -> None:
    @dbt_assets(
        manifest=dbt_project.manifest_path,
        project=dbt_project,
        dagster_dbt_translator=TRANSLATOR,
        retry_policy=IMPATIENT,
    )
    def mended_between_attempts(context: dg.AssetExecutionContext, dbt: DbtCliResource) -> Iterator[Any]:
        if context.op_execution_context.retry_number:
            _rename(warehouse, "not_the_time", "time")
        yield from run_dbt(context.op_execution_context, dbt, dbt_build_arguments(), TRANSLATOR)

    _rename(warehouse, "time", "not_the_time")
    result = dg.materialize([mended_between_attempts], resources={"dbt": dbt_resource}, selection=PART)
    first, second = _builds(result)
    assert first & second == set()
    assert first | second == {key.path[-1] for key in PART.resolve([mended_between_attempts])}
    assert first >= {"dim_time", "dim_location", "stg_tlc__yellow_taxi"}
    assert second >= {"stg_weather__hourly", "dim_weather", "fct_trips"}
    checks = result.get_asset_check_evaluations()
    assert checks
    assert all(check.passed for check in checks)
    unit_tests = "select count(*) from meta.asset_checks where expected = 'the rows of the unit test'"
    assert warehouse.execute(unit_tests) == [(0,)], "neither the build nor its retry runs them"
    assert not list((logs / "dbt").iterdir())


def test_a_test_that_does_not_hold_is_not_tried_again(warehouse: Warehouse, logs: Path) -> None:
    warehouse.execute("update raw_data.yellow_taxi set source_row = 0")
    result = dg.materialize(
        [dbt_assets_with(IMPATIENT)], resources={"dbt": dbt_resource}, selection=PART, raise_on_error=False
    )
    (failure,) = result.get_step_failure_events()
    assert "assert_every_source_row_is_held_once" in str(failure.step_failure_data.error)
    assert len(_builds(result)) == 1
    failed = {check.check_name for check in result.get_asset_check_evaluations() if not check.passed}
    assert "assert_every_source_row_is_held_once" in failed
    assert list((logs / "dbt").iterdir()), "the artifacts of a failure are kept"


def test_artifacts_of_failures_are_kept_for_thirty_days(tmp_path: Path) -> None:
    old, young = tmp_path / "old", tmp_path / "young"
    for folder, days in ((old, 31), (young, 29)):
        folder.mkdir()
        os.utime(folder, (time.time(), time.time() - days * 24 * 3600))
    remove_old(tmp_path)
    assert list(tmp_path.iterdir()) == [young]
    remove_old(tmp_path / "not there yet")


def test_dbt_is_called_without_an_adapter_in_dagsters_own_process(tmp_path: Path) -> None:
    invocation = dbt_resource.cli(["--version"], target_path=tmp_path).wait()

    assert invocation.adapter is None
