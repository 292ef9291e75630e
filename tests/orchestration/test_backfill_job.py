"""The monthly job in process, against the sample publisher."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import dagster as dg
import duckdb
import pytest

from ingestion.sample_publisher.server import SamplePublisher
from orchestration import defs

MAY = date(2025, 5, 1)


@pytest.fixture
def publisher(monkeypatch: pytest.MonkeyPatch) -> Iterator[SamplePublisher]:
    with SamplePublisher(MAY, MAY, rows=2000) as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        yield server


def _backfill(month: int, **config: str) -> dg.ExecuteInProcessResult:
    return defs.get_job_def("backfill_monthly_data").execute_in_process(
        run_config={"ops": {"monthly_dlt_ingestion": {"config": {"year": 2025, "month": month, **config}}}},
        raise_on_error=False,
    )


@pytest.mark.usefixtures("publisher")
def test_a_backfill_leaves_facts_and_ledger_right(database: Path) -> None:
    result = _backfill(5)
    assert result.success
    with duckdb.connect(str(database), read_only=True) as connection:
        runs = connection.execute(
            "select kind, started_by, dagster_run_id, status from meta.ingestion_runs order by started_at"
        ).fetchall()
        lost = connection.execute(
            "select (select sum(rows) from meta.asset_watermarks where source_url is not null and asset <> 'weather')"
            " - (select count(*) from core_core.fct_trips) - (select count(*) from core_core.quarantined_trips)"
        ).fetchone()
    assert runs == [(kind, "dagster", result.run_id, "success") for kind in ("ingestion", "dbt build")]
    assert lost == (0,)
    materialized = {
        (event.asset_key.path[-1], event.partition)
        for event in result.get_asset_materialization_events()
        if event.asset_key
    }
    assert materialized >= {("yellow_taxi", "2025-05-01"), ("weather_hourly", "2025-05-01"), ("fct_trips", None)}


@pytest.mark.usefixtures("publisher")
def test_a_month_that_is_not_published_fails_with_the_month_and_what_to_do(database: Path) -> None:
    result = _backfill(6, sources="green")
    (failure,) = result.get_step_failure_events()
    assert failure.step_key == "monthly_dlt_ingestion"
    assert "2025-06: expected files of green, but none is published" in str(failure.step_failure_data.error)
    assert not result.success
    assert database.exists()
