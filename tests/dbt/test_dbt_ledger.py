"""What dbt leaves in the ledger of a run, however it went."""

import json
import subprocess
from typing import Any

import pytest

from tests.dbt.small_warehouse import DBT_DIRECTORY, OTHER_SUBJECTS, Warehouse
from warehouse.connection import open_for_writing
from warehouse.ledger import ABANDONED, Ledger

LAST_RUN = "(select run_id from meta.ingestion_runs order by started_at desc limit 1)"
NO_ROW_IS_LOST = "assert_no_row_is_lost"
CALENDAR = "unit_test.nyc_mobility.dim_date.calendar_parts_of_a_date"


def last_run(warehouse: Warehouse) -> dict[str, Any]:
    columns = ("kind", "started_by", "dagster_run_id", "status", "arguments", "error")
    (row,) = warehouse.execute(f"select {', '.join(columns)} from meta.ingestion_runs where run_id = {LAST_RUN}")
    return dict(zip(columns, row, strict=True))


def assets(warehouse: Warehouse) -> dict[Any, tuple[object, ...]]:
    """Status, rows, seconds and error of the models and seeds of the last run."""
    rows = warehouse.execute(
        f"select asset, status, rows, seconds, error from meta.ingestion_run_assets where run_id = {LAST_RUN}"
    )
    return {asset: tuple(rest) for asset, *rest in rows}


def checks(warehouse: Warehouse) -> dict[Any, tuple[object, ...]]:
    """Asset, severity, whether it passed, what was observed and expected, of the tests of the last run."""
    rows = warehouse.execute(
        "select check_name, asset, severity, passed, observed, expected from meta.asset_checks"
        f" where run_id = {LAST_RUN} and source = 'dbt'"
    )
    return {name: tuple(rest) for name, *rest in rows}


def test_a_build_is_kept_with_every_model_and_test(warehouse: Warehouse) -> None:
    assert warehouse.manifest
    assert last_run(warehouse) == {
        "kind": "dbt build",
        "started_by": "terminal",
        "dagster_run_id": None,
        "status": "success",
        "arguments": "{}",
        "error": None,
    }
    assert warehouse.execute(f"select finished_at > started_at from meta.ingestion_runs where run_id = {LAST_RUN}") == [
        (True,)
    ]
    built, nodes = assets(warehouse), warehouse.manifest.nodes.values()
    assert set(built) == {node.name for node in nodes if node.resource_type in ("model", "seed")}
    assert {status for status, *_ in built.values()} == {"built"}
    assert all(isinstance(seconds, float) and seconds > 0 for _, _, seconds, _ in built.values())
    assert built["fct_trips"][1] == warehouse.execute("select count(*) from core_core.fct_trips")[0][0]
    assert built["stg_citibike__trips"][1] is None, "a view holds no rows"

    tests = [node for node in nodes if node.unique_id.startswith("test.")]
    checked = checks(warehouse)
    assert set(checked) == {test.name for test in [*tests, *warehouse.manifest.unit_tests.values()]}
    assert all(passed for _, _, passed, _, _ in checked.values())
    unit_test_rows = "the rows of the unit test"
    assert checked["calendar_parts_of_a_date"] == ("dim_date", "error", True, unit_test_rows, unit_test_rows)
    assert checked["unique_dim_time_hour_of_day"] == ("dim_time", "error", True, "0 failing rows", "0 failing rows")
    assert checked["assert_every_source_row_is_held_once"][0] == "fct_trips", "the first table it reads"


def test_what_was_asked_for_is_kept(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAGSTER_RUN_ID", "a run of Dagster")
    variables = "{backfill_start_date: 2025-03-01}"
    done = warehouse.dbt("run", "--select", "dim_time", "dim_date", "--full-refresh", "--vars", variables)
    assert done.success, warehouse.said
    run = last_run(warehouse)
    assert (run["kind"], run["started_by"], run["dagster_run_id"]) == ("dbt run", "dagster", "a run of Dagster")
    assert json.loads(run["arguments"]) == {
        "select": ["dim_time", "dim_date"],
        "full_refresh": True,
        "vars": {"backfill_start_date": "2025-03-01"},
    }
    assert set(assets(warehouse)) == {"dim_time", "dim_date"}


def test_variables_that_are_refused_are_kept_as_text(warehouse: Warehouse) -> None:
    variables = {"backfill_start_date": "2025-03-01'; drop table raw_data.yellow_taxi; --"}
    assert not warehouse.dbt("run", "--vars", json.dumps(variables)).success
    run = last_run(warehouse)
    assert (run["status"], json.loads(run["arguments"])["vars"]) == ("failed", variables)
    assert warehouse.execute("select count(*) from raw_data.yellow_taxi") == [(8,)]
    assert assets(warehouse) == {}


def test_a_failing_model_is_kept_with_its_error_and_what_was_skipped(warehouse: Warehouse) -> None:
    warehouse.execute("alter table raw_data.green_taxi drop column trip_distance")
    selected = ("--select", "stg_tlc__green_taxi+", "dim_time", "--exclude", *OTHER_SUBJECTS)
    assert not warehouse.dbt("build", *selected, "--exclude-resource-type", "unit_test").success
    run = last_run(warehouse)
    assert run["status"] == "failed"
    assert run["error"].startswith("stg_tlc__green_taxi: Binder Error: ")
    assert "trip_distance" in run["error"]
    done = assets(warehouse)
    status, rows, _, error = done["stg_tlc__green_taxi"]
    assert (status, rows, "trip_distance" in str(error)) == ("failed", None, True)
    assert done["fct_trips"] == ("skipped", None, None, None)
    assert done["dim_time"][:2] == ("built", 24)
    assert "assert_no_row_is_lost" not in checks(warehouse), "a skipped test is no check"


@pytest.mark.parametrize(("severity", "status"), [("error", "failed"), ("warn", "success")])
def test_a_test_that_did_not_pass_says_how_many_rows(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch, severity: str, status: str
) -> None:
    assert warehouse.manifest
    (node,) = (node for node in warehouse.manifest.nodes.values() if node.name == NO_ROW_IS_LOST)
    monkeypatch.setattr(node.config, "severity", severity)
    warehouse.execute("delete from core_core.fct_trips where feed = 'yellow'")
    assert warehouse.dbt("test", "--select", "assert_no_row_is_lost").success == (status == "success")
    assert last_run(warehouse)["status"] == status
    expected = ("reconciliation", severity, False, "2 failing rows", "0 failing rows")
    assert checks(warehouse) == {"assert_no_row_is_lost": expected}
    error = "assert_no_row_is_lost: Got 2 results, configured to fail if != 0"
    assert last_run(warehouse)["error"] == (error if status == "failed" else None)


def test_a_unit_test_that_failed_shows_the_rows_that_differ(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert warehouse.manifest
    expect = warehouse.manifest.unit_tests[CALENDAR].expect
    assert isinstance(expect.rows, list)
    monkeypatch.setattr(expect, "rows", [row | {"day_name": "Someday"} for row in expect.rows])
    assert not warehouse.dbt("test", "--select", "calendar_parts_of_a_date").success
    asset, severity, passed, observed, _ = checks(warehouse)["calendar_parts_of_a_date"]
    assert (asset, severity, passed) == ("dim_date", "error", False)
    assert "Someday" in str(observed)
    assert "\x1b" not in str(observed)


def test_a_run_that_a_check_stops_before_the_first_model_is_kept_as_failed(warehouse: Warehouse) -> None:
    assert not warehouse.dbt("run", "--vars", "{backfill_end_date: 2025-05-01}").success
    run = last_run(warehouse)
    assert (run["kind"], run["status"]) == ("dbt run", "failed")
    assert "stopped before the first model" in run["error"]
    assert assets(warehouse) == {}


def test_the_run_after_one_that_was_killed_says_so(warehouse: Warehouse) -> None:
    with open_for_writing() as connection:
        loading = Ledger(connection).start_run("ingestion", {}, started_by="terminal")
    folders = ["--target-path", str(warehouse.scratch / "target"), "--log-path", str(warehouse.scratch / "logs")]
    with subprocess.Popen(["dbt", "run", *folders], cwd=DBT_DIRECTORY, stdout=subprocess.PIPE, text=True) as killed:
        assert killed.stdout
        assert any("START sql" in line for line in killed.stdout)
        killed.kill()
    (unfinished,) = warehouse.execute("select run_id, status from meta.ingestion_runs where kind = 'dbt run'")
    assert unfinished[1] == "running"

    assert warehouse.dbt("seed").success, warehouse.said
    by_id = "select status, error, finished_at is null from meta.ingestion_runs where run_id = "
    assert warehouse.execute(f"{by_id} '{unfinished[0]}'") == [("failed", ABANDONED, False)]
    assert warehouse.execute(f"{by_id} '{loading}'") == [("running", None, True)], "ingestion's own affair"
    assert last_run(warehouse)["kind"] == "dbt seed"


@pytest.mark.parametrize("command", [["docs", "generate"], ["compile"], ["ls"], ["show"]], ids=" ".join)
def test_what_builds_nothing_writes_nothing(warehouse: Warehouse, command: list[str]) -> None:
    before = warehouse.execute("from meta.ingestion_runs")
    assert warehouse.dbt(*command, "--select", "dim_time").success, warehouse.said
    assert warehouse.execute("from meta.ingestion_runs") == before
