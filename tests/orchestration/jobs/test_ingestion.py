"""The ingestion jobs in process, against the sample publisher."""

from pathlib import Path

import dagster as dg
import duckdb
import pytest

from ingestion.catalog import CATALOG
from orchestration import defs
from orchestration.execution.retries import Retries
from orchestration.jobs.ingestion import dbt_op, ingestion_job, ingestion_ops
from orchestration.jobs.ingestion_config import IngestionOptions
from orchestration.resources.dbt import dbt_resource
from sandbox.faults import Fault
from sandbox.server import SamplePublisher
from tests.orchestration.conftest import APRIL
from warehouse.periods import Grain

IMPATIENT = dg.RetryPolicy(max_retries=1, delay=0)
IMPATIENT_JOB = ingestion_job(
    "impatient",
    "monthly_ingestion that waits for nothing",
    ingestion_ops(IngestionOptions(CATALOG, Grain.MONTH)),
    dbt_op(CATALOG, "dbt_build", full_refresh=False),
    Retries(ingestion=IMPATIENT, dbt=IMPATIENT),
)


def _run(job: str, month: int, **config: str) -> dg.ExecuteInProcessResult:
    return defs.resolve_job_def(job).execute_in_process(run_config=_config(month, **config), raise_on_error=False)


def _impatiently(month: int, **config: str) -> dg.ExecuteInProcessResult:
    return IMPATIENT_JOB.execute_in_process(
        run_config=_config(month, **config), resources={"dbt": dbt_resource}, raise_on_error=False
    )


def _config(month: int, **config: str) -> dict[str, object]:
    return _asked({"year": 2025, "month": month, **config})


def _asked(config: dict[str, object]) -> dict[str, object]:
    return {"ops": {"monthly_dlt_ingestion": {"config": config}}}


def _rows(database: Path, query: str) -> list[tuple[object, ...]]:
    with duckdb.connect(str(database), read_only=True) as connection:
        return connection.execute(query).fetchall()


def _restarts(result: dg.ExecuteInProcessResult) -> int:
    return sum(event.event_type is dg.DagsterEventType.STEP_UP_FOR_RETRY for event in result.all_events)


@pytest.mark.usefixtures("publisher")
def test_both_jobs_leave_facts_and_ledger_right_whichever_month_comes_first(database: Path, logs: Path) -> None:
    runs = [_run("backfill_monthly_data", 5), _run("monthly_ingestion", 4)]
    assert all(run.success for run in runs)
    assert _rows(
        database,
        "select started_by, dagster_run_id, status from meta.ingestion_runs"
        " where kind = 'ingestion' order by started_at",
    ) == [("dagster", run.run_id, "success") for run in runs]
    assert _rows(
        database,
        "select (select sum(rows) from meta.asset_watermarks where source_url is not null and asset <> 'weather')"
        " - (select count(*) from core_core.fct_trips) - (select count(*) from core_core.quarantined_trips)",
    ) == [(0,)]
    assert _rows(database, "select count(distinct source_month) from core_core.fct_trips") == [(2,)]
    _assert_assets_are_described(runs[1], database)
    assert not list((logs / "dbt").iterdir()), "dbt's artifacts are kept of failed runs only"


@pytest.mark.usefixtures("publisher", "logs")
def test_several_months_are_one_launch_with_one_full_refresh_and_each_is_validated(database: Path) -> None:
    config = _asked({"from": "2025-04", "to": "2025-06", "sources": "green,weather"})
    result = defs.resolve_job_def("backfill_monthly_data").execute_in_process(config, raise_on_error=False)
    (failure,) = result.get_step_failure_events()
    assert failure.step_key == "validate_month"
    said = str(failure.step_failure_data.error)
    assert "2025-06: expected files of the sources, but none is published (yet)" in said
    assert "2025-04" not in said, "what is published is whole"
    runs = "select kind, arguments ->> 'full_refresh' from meta.ingestion_runs order by started_at"
    assert _rows(database, runs) == [("ingestion", None), ("dbt build", "true")]
    assert _rows(database, "select count(distinct source_month) from core_core.fct_trips") == [(2,)]


def _assert_assets_are_described(run: dg.ExecuteInProcessResult, database: Path) -> None:
    built = {event.asset_key.path[-1]: event for event in run.get_asset_materialization_events() if event.asset_key}
    assert (built["yellow_taxi"].partition, built["weather_hourly"].partition) == ("2025-04-01", "2025-04-01")
    metadata = built["fct_trips"].materialization.metadata
    assert [(metadata["dagster/row_count"].value,)] == _rows(database, "select count(*) from core_core.fct_trips")
    schema = metadata["dagster/column_schema"].value
    assert isinstance(schema, dg.TableSchema)
    assert next((column.type, bool(column.description)) for column in schema.columns if column.name == "trip_id") == (
        "BIGINT",
        True,
    )
    assert "dagster/row_count" not in built["stg_tlc__yellow_taxi"].materialization.metadata, "a view is not computed"


@pytest.mark.usefixtures("publisher", "logs")
def test_a_month_that_is_not_published_fails_at_once_with_the_month_and_what_to_do(database: Path) -> None:
    result = _impatiently(6, sources="green")
    (failure,) = result.get_step_failure_events()
    assert failure.step_key == "monthly_dlt_ingestion"
    assert "2025-06: expected files of green, but none is published" in str(failure.step_failure_data.error)
    assert _restarts(result) == 0
    assert database.exists()


@pytest.mark.usefixtures("logs")
def test_a_broken_file_fails_at_once_and_leaves_what_was_loaded(database: Path, publisher: SamplePublisher) -> None:
    before = _load_green(database)
    publisher.replace("green", APRIL)
    publisher.break_("green", APRIL, Fault.TRUNCATED)
    result = _impatiently(4, sources="green")
    (failure,) = result.get_step_failure_events()
    assert "green 2025-04: " in str(failure.step_failure_data.error)
    assert _restarts(result) == 0
    assert _green(database) == before


@pytest.mark.usefixtures("logs")
def test_a_publisher_that_is_away_is_asked_again(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCES__TLC__BASE_URL", "http://127.0.0.1:9/trip-data")
    result = _impatiently(4, sources="green")
    assert not result.success
    assert _restarts(result) == 1
    assert database.exists()


def _load_green(database: Path) -> list[tuple[object, ...]]:
    green = defs.get_assets_def(["raw_data", "green_taxi"])
    assert dg.materialize([green], partition_key="2025-04-01").success
    return _green(database)


def _green(database: Path) -> list[tuple[object, ...]]:
    return _rows(database, "select * from raw_data.green_taxi order by all")


@pytest.mark.usefixtures("publisher", "database")
def test_a_range_of_months_is_one_run_and_months_that_came_are_there_though_one_did_not() -> None:
    green = defs.get_assets_def(["raw_data", "green_taxi"])
    tags = {"dagster/asset_partition_range_start": "2025-04-01", "dagster/asset_partition_range_end": "2025-06-01"}
    with dg.DagsterInstance.ephemeral() as instance:
        result = dg.materialize([green], instance=instance, tags=tags, raise_on_error=False)
        (failure,) = result.get_step_failure_events()
        assert "not published (yet): green 2025-06" in str(failure.step_failure_data.error)
        assert instance.get_materialized_partitions(green.key) == {"2025-04-01", "2025-05-01"}
