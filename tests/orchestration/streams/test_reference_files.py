"""The sensor of reference files, and the job that it requests, with the sandbox's bucket."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pytest

from ingestion.markets.trading_days import trading_days
from orchestration import defs
from orchestration.execution.retries import DIMENSION_RETRIES, GOLD_RETRIES, RETRIES, SILVER_RETRIES
from orchestration.sensors import publication
from orchestration.sensors.publication import Patience
from sandbox.markets.exchange.parties import has_traders_file
from sandbox.server import SamplePublisher

TODAY = datetime.now(UTC).date()
DAYS = sorted(trading_days(TODAY - timedelta(days=120), TODAY - timedelta(days=2)))
NAMES = ("symbols", "exchanges", "traders", "accounts")


@pytest.fixture
def bucket(database: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SamplePublisher]:
    """The bucket with the reference files of the last four months."""
    monkeypatch.setattr(publication, "PATIENCE", Patience(tick_seconds=60, connect_seconds=30, answer_seconds=30))
    with SamplePublisher(DAYS[0], DAYS[-1], rows=50) as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        yield server


def _tick(instance: dg.DagsterInstance, cursor: str | None) -> Any:
    context = dg.build_sensor_context(instance, cursor=cursor, repository_def=defs.get_repository_def())
    return defs.get_repository_def().get_sensor_def("minio_file_sensor").evaluate_tick(context)


def _load(instance: dg.DagsterInstance) -> dict[str, Any]:
    run = defs.resolve_job_def("dimension_refresh_job").execute_in_process(
        instance=instance, op_selection=["load_reference_files"]
    )
    assert run.success
    (event,) = run.filter_events(lambda event: event.is_successful_output)
    return {name: value.value for name, value in event.step_output_data.metadata.items()}


def test_new_and_replaced_files_of_four_feeds_are_requested_together_and_loaded(
    bucket: SamplePublisher, database: Path, instance: dg.DagsterInstance
) -> None:
    first = _tick(instance, None)
    (request,) = first.run_requests
    assert request.job_name in (None, "dimension_refresh_job")
    assert set(request.tags["feeds"].split(".")) == set(NAMES)
    assert not _tick(instance, first.cursor).run_requests, "requested once"

    done = _load(instance)
    assert done["loaded"] == done["files"] > 4
    with duckdb.connect(str(database), read_only=True) as connection:
        for name in NAMES:
            ((rows,),) = connection.execute(f"select count(*) from raw_data.{name}").fetchall()
            assert rows, name
    third = _tick(instance, first.cursor)
    assert not third.run_requests
    assert _load(instance) == {"files": done["files"], "loaded": 0}

    every_day = [DAYS[0] + timedelta(days=number) for number in range((DAYS[-1] - DAYS[0]).days + 1)]
    day = max(day for day in every_day if has_traders_file(day))
    bucket.replace("traders", day)
    (again,) = _tick(instance, third.cursor).run_requests
    assert again.run_key != request.run_key
    assert again.tags["feeds"] == "traders"
    assert _load(instance)["loaded"] == 1


@pytest.mark.parametrize(
    ("job", "policies"),
    [
        ("silver_micro_batch_job", [SILVER_RETRIES.dbt]),
        ("gold_daily_aggregation_job", [GOLD_RETRIES.dbt, RETRIES.dbt, None, None]),
        ("gold_monthly_backfill_job", [GOLD_RETRIES.dbt, RETRIES.dbt, None, None]),
        ("dimension_refresh_job", [RETRIES.ingestion, DIMENSION_RETRIES.dbt, RETRIES.dbt, None, None]),
    ],
)
def test_each_layer_is_tried_again_by_its_own_policy(job: str, policies: list[dg.RetryPolicy | None]) -> None:
    nodes = defs.resolve_job_def(job).nodes_in_topological_order
    assert [node.retry_policy for node in nodes] == policies


def test_the_policies_are_those_that_are_asked_for() -> None:
    found = [
        (policy.max_retries, policy.delay, policy.backoff, policy.jitter)
        for policy in (RETRIES.ingestion, SILVER_RETRIES.dbt, GOLD_RETRIES.dbt, DIMENSION_RETRIES.dbt)
    ]
    how = (dg.Backoff.EXPONENTIAL, dg.Jitter.PLUS_MINUS)
    assert found == [(5, 30, *how), (3, 60, *how), (2, 120, *how), (2, 60, *how)]
