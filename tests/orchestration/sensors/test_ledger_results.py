"""The ledger sensor on what dbt built and what was checked: from the terminal, by Dagster, and in another database."""

import shutil
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.definitions.asset_checks.asset_check_evaluation import AssetCheckEvaluationPlanned

from ingestion.catalog import FEEDS
from orchestration import defs
from orchestration.assets.dbt_assets import dbt_analytics_assets
from orchestration.assets.published import RELEASE
from orchestration.assets.raw_assets import asset_key
from orchestration.retention import expire
from orchestration.sensors.ledger_results import CHECK_KEYS, LatestRecord, latest_checks
from quality.run import main as check_quality
from quality.suites import SUITES
from tests.dbt.small_warehouse import FEBRUARY, JANUARY, Warehouse, citibike_month, parsed_project, yellow_month
from tests.orchestration.sensors.conftest import Ticks
from warehouse.connection import open_for_writing
from warehouse.maintenance import ledger
from warehouse.paths import DATABASE_VARIABLE
from warehouse.publishing.publish import publish

FACT = dg.AssetKey(["core", "fct_trips"])
YELLOW = asset_key(FEEDS["yellow"])
GRAPH = defs.get_repository_def().asset_graph
TESTS = set(dbt_analytics_assets.check_keys)
SUITE_CHECKS = {key for key in GRAPH.asset_check_keys if key.name.startswith("quality_")}
DBT = set(dbt_analytics_assets.keys)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """January and February, built and checked from the terminal; before.duckdb beside it has January alone."""
    folder = tmp_path_factory.mktemp("results")
    warehouse = Warehouse(folder / "warehouse.duckdb", folder, parsed_project())
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(DATABASE_VARIABLE, str(warehouse.path))
        patch.delenv("DAGSTER_RUN_ID", raising=False)
        warehouse.create_raw_tables()
        for month in (JANUARY, FEBRUARY):
            warehouse.load("yellow", month, yellow_month(month))
            warehouse.load("citibike", month, citibike_month(month))
            warehouse.load_weather(month)
            if month == JANUARY:
                shutil.copy(warehouse.path, folder / "before.duckdb")
        assert warehouse.dbt("build", "--exclude-resource-type", "unit_test").success, warehouse.said
        check_quality([])
    return warehouse.path


@pytest.fixture
def warehouse(built: Path, database: Path, tmp_path: Path) -> Warehouse:
    """The test's own copy."""
    shutil.copy(built, database)
    return Warehouse(database, tmp_path, parsed_project())


def _all_ticks(ticks: Ticks) -> set[tuple[str, str | None]]:
    told = ticks.tick()
    while ticks.count:
        told |= ticks.tick()
    return told


def _evaluations(instance: dg.DagsterInstance) -> Mapping[dg.AssetCheckKey, dg.AssetCheckEvaluation]:
    latest = instance.event_log_storage.get_latest_asset_check_execution_by_key(list(GRAPH.asset_check_keys))
    return {key: record.evaluation for key, record in latest.items() if record.evaluation}


@pytest.mark.usefixtures("warehouse")
def test_a_build_from_the_terminal_is_in_the_catalog_with_its_checks(
    instance: dg.DagsterInstance, ticks: Ticks, warehouse: Warehouse
) -> None:
    ticks.tick()
    assert ticks.count <= 100
    _all_ticks(ticks)
    latest = instance.get_latest_materialization_events(list(DBT))
    assert {key for key, entry in latest.items() if entry} == DBT
    told_at = {key: entry.timestamp for key, entry in latest.items() if entry}
    for key in DBT:
        # Else Dagster calls it stale: "Upstream data".
        assert all(told_at[parent] <= told_at[key] for parent in GRAPH.get(key).parent_keys if parent in DBT), key
    entry = latest[FACT]
    assert entry
    assert entry.asset_materialization
    shown = {name: value.value for name, value in entry.asset_materialization.metadata.items()}
    assert [(shown["dagster/row_count"],)] == warehouse.execute("select count(*) from core_core.fct_trips")
    assert [(shown["ledger_run_id"],)] == warehouse.execute(
        "select run_id from meta.ingestion_runs where kind = 'dbt build'"
    )
    assert shown["started by"] == "terminal"
    assert shown["partitions"] == 4
    assert set(_evaluations(instance)) >= TESTS
    assert all(_evaluations(instance)[key].passed for key in TESTS)
    of_loaded = {f"quality_{suite.name}" for suite in SUITES if suite.model in ("fct_trips", "dim_weather")}
    assert {key.name for key in set(_evaluations(instance)) & SUITE_CHECKS} >= of_loaded


@pytest.mark.usefixtures("warehouse")
def test_no_result_is_told_twice_even_without_a_cursor(ticks: Ticks) -> None:
    _all_ticks(ticks)
    ticks.cursor = None
    ticks.tick()
    assert (ticks.count, ticks.said) == (0, "Dagster knows of everything")


def test_nothing_is_told_again_after_what_is_old_was_deleted(
    instance: dg.DagsterInstance, ticks: Ticks, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Everything a second time, and a part a third time.
    for selected in ((), ("--select", "dim_date")):
        _all_ticks(ticks)
        assert warehouse.dbt("build", "--exclude-resource-type", "unit_test", *selected).success, warehouse.said
    _all_ticks(ticks)
    a_year_later = datetime.now(UTC) + timedelta(days=450)
    monkeypatch.setattr(ledger, "utc_now", lambda: a_year_later.replace(tzinfo=None))
    with open_for_writing() as connection:
        assert ledger.delete_expired(connection, 400)[0] > 0
    deleted = expire(instance, 30, now=a_year_later)
    assert deleted.events > len(DBT)
    assert deleted.checks > len(TESTS)

    for cursor in (ticks.cursor, None):
        ticks.cursor = cursor
        ticks.tick()
        assert ticks.count == 0


def test_a_check_that_fails_from_the_terminal_fails_in_the_catalog(
    instance: dg.DagsterInstance, ticks: Ticks, warehouse: Warehouse
) -> None:
    _all_ticks(ticks)
    warehouse.execute("update core_core.fct_hourly_mobility set mode_share_pct = 30")
    assert check_quality(["--select", "fct_hourly_mobility"]) == 1
    assert _all_ticks(ticks) == set(), "nothing was built"
    (check,) = [each for key, each in _evaluations(instance).items() if key.name == "quality_fct_hourly_mobility"]
    assert not check.passed
    assert "mode_shares_add_up" in str(check.description)


def test_what_dagster_built_is_not_told_again(instance: dg.DagsterInstance, ticks: Ticks, warehouse: Warehouse) -> None:
    _all_ticks(ticks)
    built = defs.resolve_job_def("daily_dbt_build_job").execute_in_process(instance=instance, raise_on_error=False)
    failed = {str(event.step_key) for event in built.get_step_failure_events()}
    assert all("quality_" in step for step in failed), "so few trips are not what the suites expect"
    ticks.tick()
    assert (ticks.count, ticks.said) == (0, "Dagster knows of everything")
    assert warehouse.execute(
        "select count(*) from meta.asset_checks join meta.ingestion_runs using (run_id)"
        f" where dagster_run_id = '{built.run_id}' and expected = 'the rows of the unit test'"
    ) == [(0,)]


def _publications(instance: dg.DagsterInstance) -> list[dict[str, object]]:
    """What Dagster shows of each publication, the newest first."""
    records = instance.fetch_materializations(RELEASE, limit=10).records
    shown = [record.asset_materialization.metadata for record in records if record.asset_materialization]
    return [{name: value.value for name, value in metadata.items()} for metadata in shown]


@pytest.mark.usefixtures("warehouse")
def test_a_publication_from_the_terminal_is_in_the_catalog_and_told_once(
    instance: dg.DagsterInstance, ticks: Ticks, warehouse: Warehouse
) -> None:
    _all_ticks(ticks)
    assert _publications(instance) == []
    warehouse.execute("delete from meta.asset_checks where not passed")
    release = publish().release
    assert _all_ticks(ticks) == {("published_release", None)}
    (shown,) = _publications(instance)
    ((run_id,),) = warehouse.execute("select run_id from meta.ingestion_runs where kind = 'publish'")
    assert (shown["release"], shown["ledger_run_id"], shown["started by"]) == (release.id, run_id, "terminal")
    assert shown["dagster/row_count"] == sum(table.rows for table in release.tables)
    ticks.cursor = None
    assert _all_ticks(ticks) == set()

    # Dagster knows of its own publications, also of one that finds nothing new.
    assert dg.materialize([defs.get_assets_def(RELEASE)], selection=[RELEASE], instance=instance).success
    assert _all_ticks(ticks) == set()
    assert [shown["release"] for shown in _publications(instance)] == [release.id, release.id]
    assert "note" in _publications(instance)[0]


def test_what_another_database_does_not_hold_is_taken_back(
    instance: dg.DagsterInstance, ticks: Ticks, built: Path, warehouse: Warehouse
) -> None:
    _all_ticks(ticks)
    assert instance.get_materialized_partitions(YELLOW) == {"2025-01-01", "2025-02-01"}
    shutil.copy(built.with_name("before.duckdb"), warehouse.path)
    _all_ticks(ticks)
    assert instance.get_materialized_partitions(YELLOW) == {"2025-01-01"}
    assert [entry for entry in instance.get_latest_materialization_events(list(DBT)).values() if entry] == []
    assert _evaluations(instance) == {}
    ticks.cursor = None
    ticks.tick()
    assert ticks.count == 0


def _stale(instance: dg.DagsterInstance) -> set[str]:
    return {
        key.asset_key.path[-1]
        for key, evaluation in _evaluations(instance).items()
        if key.name == "built_from_what_is_loaded" and not evaluation.passed
    }


def test_a_load_makes_the_tables_of_its_feed_stale_until_they_are_built(
    instance: dg.DagsterInstance, ticks: Ticks, warehouse: Warehouse
) -> None:
    _all_ticks(ticks)
    assert _stale(instance) == set()
    warehouse.load("citibike", FEBRUARY, citibike_month(FEBRUARY))
    _all_ticks(ticks)
    assert _stale(instance) == {
        "fct_trips",
        "fct_hourly_mobility",
        "fct_weather_effect",
        "int_daily_trips",
        "quarantined_trips",
        "dim_station",
        "int_station_months",
    }
    said = {str(each.description) for each in _evaluations(instance).values() if not each.passed}
    assert any("Loaded since it was built, and not in it: citibike 2025-02. Build it" in text for text in said)
    mended = ("build", "--exclude-resource-type", "unit_test", "--select", "stg_citibike__trips+")
    assert warehouse.dbt(*mended).success, warehouse.said
    _all_ticks(ticks)
    assert _stale(instance) == set()


def test_a_check_that_a_run_never_came_to_fails_no_tick(instance: dg.DagsterInstance) -> None:
    """As after a step before it has failed: Dagster has planned the check, and has no result of it."""
    key = CHECK_KEYS[0]
    run = instance.create_run_for_job(defs.resolve_job_def("daily_dbt_build_job"))
    planned = dg.DagsterEvent(
        event_type_value=dg.DagsterEventType.ASSET_CHECK_EVALUATION_PLANNED.value,
        job_name=run.job_name,
        message="test",
        event_specific_data=AssetCheckEvaluationPlanned(asset_key=key.asset_key, check_name=key.name),
    )
    instance.report_dagster_event(planned, run_id=run.run_id)
    # Those of the run's other checks are there, too: Dagster plans all when it makes the run.
    assert latest_checks(instance)[key] == LatestRecord(run.run_id, None)
