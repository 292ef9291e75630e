"""The release as an asset, and the jobs that publish and export it, on a month of sample files."""

import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import dagster as dg
import duckdb
import pytest

from ingestion.run_pipeline import main as load
from orchestration import defs
from orchestration.assets.dbt_assets import dbt_analytics_assets
from orchestration.assets.dbt_manifest import nodes_of_manifest
from orchestration.assets.published import RELEASE
from orchestration.sensors.alerts import error_of
from quality.suites import SUITES
from sandbox.server import SamplePublisher
from tests.lakehouse.conftest import s3_endpoint, s3_environment  # noqa: F401
from tests.orchestration.conftest import APRIL, MAY
from warehouse.lakehouse import Location
from warehouse.lakehouse.location import LAKEHOUSE_VARIABLE, LAYERS_VARIABLE
from warehouse.paths import DATABASE_VARIABLE, LOG_FOLDER_VARIABLE
from warehouse.publishing.audit import AuditError
from warehouse.publishing.publish import publish
from warehouse.releases import Release, Releases, open_release

GRAPH = defs.get_repository_def().asset_graph
SUITE_CHECK = "quality_fct_hourly_mobility"
SUITE_STEP = f"core__fct_hourly_mobility_{SUITE_CHECK}"


@pytest.fixture(scope="module")
def published_daily(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, dg.ExecuteInProcessResult]]:
    """April loaded from the terminal, and then the daily job: the DuckDB file, and the run."""
    folder = tmp_path_factory.mktemp("daily")
    with SamplePublisher(APRIL, MAY, rows=2000) as publisher, pytest.MonkeyPatch.context() as patch:
        own = {DATABASE_VARIABLE: str(folder / "warehouse.duckdb"), LOG_FOLDER_VARIABLE: str(folder / "logs")}
        for name, value in (publisher.environment | own).items():
            patch.setenv(name, value)
        assert load(["--year", "2025", "--months", "4", "--sources", "green,citibike_jc,weather"]) == 0
        result = defs.resolve_job_def("daily_dbt_build_job").execute_in_process(raise_on_error=False)
        yield folder / "warehouse.duckdb", result


@pytest.fixture
def database(published_daily: tuple[Path, dg.ExecuteInProcessResult], monkeypatch: pytest.MonkeyPatch) -> Path:
    """The DuckDB file of the daily job. Tests leave its data as they were."""
    monkeypatch.setenv(DATABASE_VARIABLE, str(published_daily[0]))
    return published_daily[0]


@pytest.fixture
def own_copy(database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The test's own copy of the DuckDB file, from which it has published once."""
    shutil.copy(database, tmp_path / database.name)
    monkeypatch.setenv(DATABASE_VARIABLE, str(tmp_path / database.name))
    publish()
    return tmp_path / database.name


def _current() -> Release:
    release = Releases().current()
    assert release
    return release


def _metadata(result: dg.ExecuteInProcessResult) -> dict[str, object]:
    (event,) = [event for event in result.get_asset_materialization_events() if event.asset_key == RELEASE]
    return {name: value.value for name, value in event.materialization.metadata.items()}


def _failed_steps(result: dg.ExecuteInProcessResult) -> dict[str, str]:
    return {str(event.step_key): error_of(event) for event in result.get_step_failure_events()}


def _break_a_suite(database: Path) -> None:
    """Change a fact in a way that no test of dbt sees. A build keeps it, because no file has changed."""
    with duckdb.connect(str(database)) as connection:
        connection.execute("update core_core.fct_hourly_mobility set mode_share_pct = 30")


def test_the_release_is_downstream_of_all_that_it_holds_and_of_every_blocking_check() -> None:
    upstream = {key.path[-1] for key in GRAPH.get(RELEASE).parent_keys}
    held = {
        node["name"]
        for node in nodes_of_manifest().values()
        if node["resource_type"] == "seed" or node["fqn"][1] in ("marts", "semantic", "checks")
    }
    assert held & {key.path[-1] for key in dbt_analytics_assets.keys} <= upstream
    assert {suite.model for suite in SUITES if suite.is_blocking} <= upstream
    assert not {name for name in upstream if name.startswith("int_")}


def test_the_release_is_due_every_day() -> None:
    assert GRAPH.get(RELEASE).freshness_policy == dg.FreshnessPolicy.cron("0 4 * * *", timedelta(days=1), "UTC")
    assert GRAPH.get(RELEASE).pools == {"duckdb_writer"}


@pytest.mark.parametrize("job", ["monthly_ingestion", "backfill_monthly_data"])
def test_ingestion_jobs_publish_last(job: str) -> None:
    nodes = [node.name for node in defs.resolve_job_def(job).nodes_in_topological_order]
    assert (nodes[0], nodes[-3:]) == ("monthly_dlt_ingestion", ["validate_month", "check_quality", "publish"])


def test_the_daily_job_builds_checks_and_publishes_in_one_run(
    published_daily: tuple[Path, dg.ExecuteInProcessResult], database: Path
) -> None:
    _, result = published_daily
    assert result.success, _failed_steps(result)
    release = _current()
    shown = _metadata(result)
    files = [*release.folder.rglob("*.parquet")]
    assert shown == {
        "release": release.id,
        "dagster/row_count": sum(table.rows for table in release.tables),
        "bytes in new files": sum(file.stat().st_size for file in files),
        "parts written": len(files),
        "parts reused": 0,
        "open it at": str(database.parent / "published" / "nyc_mobility.duckdb"),
    }
    with open_release() as connection:
        runs = "select kind, started_by, dagster_run_id, status from meta.ingestion_runs where kind = 'publish'"
        assert connection.execute(runs).fetchall() == [("publish", "dagster", result.run_id, "success")]
        ((trips,),) = connection.execute("select count(*) from core_core.fct_trips").fetchall()
    assert trips > 0
    checked = {check.check_name for check in result.get_asset_check_evaluations()}
    assert {suite.check_name for suite in SUITES} <= checked


def test_a_suite_that_fails_stops_the_release_in_the_same_run(own_copy: Path) -> None:
    before = _current()
    _break_a_suite(own_copy)
    # The rest of the job would build and check again what nobody has changed.
    job, fact = defs.resolve_job_def("daily_dbt_build_job"), dg.AssetKey(["core", "fct_hourly_mobility"])
    result = job.execute_in_process(raise_on_error=False, asset_selection=[fact, RELEASE])
    assert not result.success
    failed = _failed_steps(result)
    assert failed.keys() == {SUITE_STEP}
    assert "quality_fct_hourly_mobility" in failed[SUITE_STEP]
    (evaluation,) = [each for each in result.get_asset_check_evaluations() if each.check_name == SUITE_CHECK]
    assert "mode_shares_add_up" in str(evaluation.description)
    assert RELEASE not in {event.asset_key for event in result.get_asset_materialization_events()}
    assert [release.id for release in Releases().all()] == [_current().id] == [before.id]
    # Nor can anybody publish it by hand, from Dagster or from the terminal.
    alone = dg.materialize([defs.get_assets_def(RELEASE)], selection=[RELEASE], raise_on_error=False)
    assert "fct_hourly_mobility.mode_shares_add_up failed" in _failed_steps(alone)["published_release"]
    with pytest.raises(AuditError, match="mode_shares_add_up"):
        publish()
    assert _current().id == before.id


def test_an_ingestion_job_publishes_nothing_where_a_suite_fails(own_copy: Path) -> None:
    before = _current()
    _break_a_suite(own_copy)
    # The month is loaded and built already.
    job = defs.resolve_job_def("monthly_ingestion")
    result = job.execute_in_process(raise_on_error=False, op_selection=["check_quality", "publish"])
    ((step, reason),) = _failed_steps(result).items()
    assert step == "check_quality"
    assert "fct_hourly_mobility.mode_shares_add_up" in reason
    assert not [event for event in result.all_events if event.is_step_up_for_retry]
    assert _current().id == before.id


def _exported(result: dg.ExecuteInProcessResult) -> dict[tuple[str, ...], dict[str, object]]:
    """What Dagster shows of each export, by the path of its asset key."""
    return {
        tuple(event.asset_key.path): {name: value.value for name, value in event.materialization.metadata.items()}
        for event in result.get_asset_materialization_events()
        if event.asset_key
    }


def _assert_is_whole(
    exported: dict[tuple[str, ...], dict[str, object]], exports: str, lakehouse: str, only: str | None = None
) -> None:
    """Every published table is in the lakehouse, or the one of this name, and every declared export is a file."""
    release = _current()
    tables = {table.full_name: table.rows for table in release.tables}
    found = {path[1:]: shown for path, shown in exported.items() if path[0] == "lakehouse"}
    expected = {
        f"{node['schema']}.{node['alias']}": node["name"]
        for node in nodes_of_manifest().values()
        if node["resource_type"] != "test" and f"{node['schema']}.{node['alias']}" in tables
    }
    for format_ in ("parquet", "iceberg", "delta"):
        for table, name in expected.items():
            if only and name != only:
                continue
            shown = found[format_, name]
            assert shown["dagster/row_count"] == tables[table], (format_, table)
            assert str(shown["at"]).startswith(lakehouse)
    of_exports = {path[1]: shown for path, shown in exported.items() if path[0] == "exports"}
    files = {name: shown for name, shown in of_exports.items() if "file" in shown}
    # Nothing of markets and telemetry is loaded here, and that fails nothing.
    assert {name for name in of_exports if "nothing written" in of_exports[name]} == of_exports.keys() - files.keys()
    assert of_exports.keys() - files.keys() == {
        "daily_pipeline_runs",
        "gold_daily_trading_summary",
        "gold_trader_performance",
    }
    assert files["daily_summary"]["file"] == f"{exports}/daily_summary/daily_summary_2025-04-30.csv"
    assert files["daily_performance"]["days"] == "2025-04-01 to 2025-04-30"
    assert {shown["release"] for shown in files.values()} == {release.id}
    assert all(shown["dagster/row_count"] for shown in files.values())


def test_the_export_job_writes_exports_and_lakehouse_from_the_release(
    own_copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(LAKEHOUSE_VARIABLE, str(tmp_path / "lakehouse"))
    monkeypatch.setenv(LAYERS_VARIABLE, str(tmp_path / "layers"))
    with duckdb.connect(str(own_copy)):
        # Somebody has the working file open for writing. An export does not need it.
        result = defs.resolve_job_def("export_job").execute_in_process(raise_on_error=False)
    assert result.success, _failed_steps(result)
    exported = _exported(result)
    _assert_is_whole(exported, str(tmp_path / "exports"), str(tmp_path / "lakehouse"))
    for path, shown in exported.items():
        if path[0] == "exports" and "file" in shown:
            assert Path(str(shown["file"])).stat().st_size == shown["bytes"]


@pytest.mark.usefixtures("own_copy", "s3_environment")
def test_the_export_job_writes_to_buckets_also_a_part(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(LAKEHOUSE_VARIABLE, "s3://lakehouse/of-a-test")
    files = Location.of("s3://exports").filesystem()
    job = defs.resolve_job_def("export_job")
    declared = [key for key in GRAPH.get_all_asset_keys() if key.path[0] == "exports"]
    result = job.execute_in_process(raise_on_error=False, asset_selection=declared)
    assert not result.success
    assert "expected the bucket 'exports', but there is none" in _failed_steps(result)["exports__daily_summary"]
    for bucket in ("exports", "lakehouse"):
        files.mkdir(bucket)
    tables = [dg.AssetKey(["lakehouse", format_, "dim_time"]) for format_ in ("parquet", "iceberg", "delta")]
    result = job.execute_in_process(raise_on_error=False, asset_selection=[*declared, *tables])
    assert result.success, _failed_steps(result)
    exported = _exported(result)
    assert {path[-1] for path in exported if path[0] == "lakehouse"} == {"dim_time"}
    _assert_is_whole(exported, "s3://exports", "s3://lakehouse/of-a-test", only="dim_time")
    summary = exported["exports", "daily_summary"]
    assert files.cat_file(str(summary["file"])).startswith(b"trip__pickup_hour__hour,trip__trip_type,total_trips,")


def test_without_a_release_exports_say_how_to_make_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(DATABASE_VARIABLE, str(tmp_path / "none.duckdb"))
    result = defs.resolve_job_def("export_job").execute_in_process(raise_on_error=False)
    reasons = _failed_steps(result)
    assert len(reasons) == len(defs.resolve_job_def("export_job").nodes)
    assert all(
        "nothing has been published yet. Publish what is built: nyc publish" in said for said in reasons.values()
    )


def test_lakehouse_and_exports_are_downstream_of_the_release_alone_and_need_no_writer() -> None:
    exported = [key for key in GRAPH.get_all_asset_keys() if key.path[0] in ("lakehouse", "exports")]
    assert exported
    for key in exported:
        assert GRAPH.get(key).parent_keys == {RELEASE}
        assert GRAPH.get(key).pools == set()
