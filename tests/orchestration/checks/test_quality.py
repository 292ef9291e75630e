"""Suites as asset checks, run by Dagster on a warehouse of sample files."""

import shutil
from pathlib import Path

import dagster as dg
import duckdb
import pytest

from orchestration import defs
from orchestration.checks.quality import quality_checks
from quality.suites import SUITES
from tests.dbt.small_warehouse import FEBRUARY as MONTH
from tests.dbt.small_warehouse import Warehouse, citibike_month, parsed_project, yellow_month
from warehouse.paths import DATABASE_VARIABLE

HOURLY = dg.AssetKey(["core", "fct_hourly_mobility"])
TIME = dg.AssetKey(["core", "dim_time"])


@pytest.fixture(scope="module")
def _built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("quality")
    warehouse = Warehouse(folder / "warehouse.duckdb", folder, parsed_project())
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(DATABASE_VARIABLE, str(warehouse.path))
        warehouse.create_raw_tables()
        warehouse.load("yellow", MONTH, yellow_month(MONTH))
        warehouse.load("citibike", MONTH, citibike_month(MONTH))
        warehouse.load_weather(MONTH)
        # What the suites here look at, with the tests of that alone.
        part = ("--select", "+fct_hourly_mobility", "stg_tlc__hvfhv_taxi", "--indirect-selection", "cautious")
        assert warehouse.dbt("build", "--exclude-resource-type", "unit_test", *part).success, warehouse.said
    return warehouse.path


@pytest.fixture
def warehouse(_built: Path, database: Path, tmp_path: Path) -> Warehouse:
    """A month of a few trips, built; the test's own copy."""
    shutil.copy(_built, database)
    return Warehouse(database, tmp_path, parsed_project())


def _published(upstream: dg.AssetKey) -> dg.AssetsDefinition:
    @dg.asset(name="published", deps=[upstream])
    def published() -> None:
        """What comes after a model."""

    return published


def _run(model: dg.AssetKey) -> dg.ExecuteInProcessResult:
    """Run the checks of a model that stands in for the one that dbt builds, and what is downstream of it."""
    checks = [check for check in quality_checks for key in check.check_keys if key.asset_key == model]
    built = dg.AssetsDefinition.from_op(
        dg.op(name="built", out=dg.Out(dg.Nothing))(lambda: None), keys_by_output_name={"result": model}
    )
    definitions = dg.Definitions(assets=[built, _published(model)], asset_checks=checks)
    with dg.DagsterInstance.ephemeral() as instance:
        job = definitions.resolve_implicit_global_asset_job_def()
        return job.execute_in_process(instance=instance, raise_on_error=False)


def test_every_suite_is_an_asset_check_of_its_model() -> None:
    graph = defs.get_repository_def().asset_graph
    checks = {key.name: key.asset_key for key in graph.asset_check_keys}
    for suite in SUITES:
        assert checks[f"quality_{suite.name}"].path[-1] == suite.model
        key = dg.AssetCheckKey(checks[f"quality_{suite.name}"], f"quality_{suite.name}")
        assert graph.get(key).blocking == suite.is_blocking


def checks_of(job: str) -> set[str]:
    return {key.name for key in defs.resolve_job_def(job).asset_layer.asset_graph.asset_check_keys}


def test_the_checks_have_a_job_of_their_own_and_are_part_of_the_daily_build() -> None:
    names = {f"quality_{suite.name}" for suite in SUITES}
    assert checks_of("daily_quality_job") == names
    assert checks_of("daily_dbt_build_job") >= names


def test_a_check_that_passes_lets_what_is_downstream_run_and_is_kept(warehouse: Warehouse) -> None:
    result = _run(TIME)
    assert result.success
    (evaluation,) = result.get_asset_check_evaluations()
    assert evaluation.passed
    assert dg.AssetKey("published") in {event.asset_key for event in result.get_asset_materialization_events()}
    sources = "select source, count(*) > 0, bool_and(passed) from meta.asset_checks group by all order by all"
    assert [source for source, *_ in warehouse.execute(sources)] == ["dagster", "dbt", "great_expectations"]
    run = "select kind, started_by, dagster_run_id, status from meta.ingestion_runs where kind = 'quality'"
    assert warehouse.execute(run) == [("quality", "dagster", result.run_id, "success")]


def test_a_check_that_fails_blocks_what_is_downstream_and_says_why(warehouse: Warehouse) -> None:
    warehouse.execute("update core_core.fct_hourly_mobility set mode_share_pct = 30")
    result = _run(HOURLY)
    assert not result.success
    (evaluation,) = result.get_asset_check_evaluations()
    assert (evaluation.passed, evaluation.severity) == (False, dg.AssetCheckSeverity.ERROR)
    assert "fct_hourly_mobility.mode_shares_add_up: " in str(evaluation.description)
    assert dg.AssetKey("published") not in {event.asset_key for event in result.get_asset_materialization_events()}
    failed = "select check_name, severity from meta.asset_checks where source = 'dagster' and not passed"
    assert warehouse.execute(failed) == [("quality_fct_hourly_mobility", "error")]


def test_a_check_that_only_warns_blocks_nothing(warehouse: Warehouse) -> None:
    # Hours of so many trips that their median says something.
    warehouse.execute(
        "update core_core.fct_hourly_mobility set median_trip_duration_minutes = 1000, sane_trip_count = 20,"
        " trip_count = greatest(trip_count, 20), rush_hour_trip_count = if(is_rush_hour, greatest(trip_count, 20), 0)"
    )
    result = _run(HOURLY)
    assert result.success
    (evaluation,) = result.get_asset_check_evaluations()
    assert (evaluation.passed, evaluation.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert dg.AssetKey("published") in {event.asset_key for event in result.get_asset_materialization_events()}


def test_a_feed_that_is_not_loaded_passes_with_a_word(warehouse: Warehouse) -> None:
    result = _run(dg.AssetKey(["staging", "stg_tlc__hvfhv_taxi"]))
    (evaluation,) = result.get_asset_check_evaluations()
    assert evaluation.passed
    assert "none is loaded" in str(evaluation.metadata["nothing to check"].value)
    with duckdb.connect(str(warehouse.path)) as connection:
        runs = connection.execute("select 1 from meta.ingestion_runs where kind = 'quality'").fetchall()
    assert runs == [], "nothing was checked"
