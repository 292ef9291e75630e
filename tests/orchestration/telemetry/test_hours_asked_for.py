"""What the jobs of hours can be asked for: a month of hours, in the config of a backfill."""

from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg
import pytest

from ingestion.catalog import CATALOG
from orchestration import defs
from orchestration.jobs.ingestion_config import IngestionOptions
from warehouse.periods import Grain

HOURS, DAYS = IngestionOptions(CATALOG, Grain.HOUR), IngestionOptions(CATALOG, Grain.DAY)


def _periods(options: IngestionOptions, first: str, last: str, sources: str) -> list[str]:
    return options.to_load({"from": first, "to": last, "sources": sources}).periods


def test_a_range_of_months_is_all_their_hours_or_days() -> None:
    hours = _periods(HOURS, "2026-01", "2026-02", "pipeline_events")
    assert (len(hours), hours[0], hours[-1]) == ((31 + 28) * 24, "2026-01-01T00", "2026-02-28T23")
    days = _periods(DAYS, "2026-02", "2026-02", "crawler_results")
    assert (len(days), days[0], days[-1]) == (28, "2026-02-01", "2026-02-28")


@pytest.mark.parametrize(
    ("first", "last", "begin", "end", "count"),
    [
        ("2026-01-05", "2026-01-06", "2026-01-05T00", "2026-01-06T23", 48),
        ("2026-01-05T22", "2026-01-06", "2026-01-05T22", "2026-01-06T23", 26),
        ("2026-01-05T22", "2026-01-05T23", "2026-01-05T22", "2026-01-05T23", 2),
    ],
)
def test_days_and_hours_may_be_mixed(first: str, last: str, begin: str, end: str, count: int) -> None:
    hours = _periods(HOURS, first, last, "pipeline_events")
    assert (hours[0], hours[-1], len(hours)) == (begin, end, count)


def test_of_the_present_month_there_are_the_hours_that_have_begun() -> None:
    now = datetime.now(UTC)
    hours = _periods(HOURS, f"{now:%Y-%m}", f"{now:%Y-%m}", "pipeline_events")
    # The hour may change while the test runs.
    assert hours[-1] in {f"{at:%Y-%m-%dT%H}" for at in (now, now + timedelta(hours=1))}
    assert hours[0] == f"{now:%Y-%m}-01T00"


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"from": "2014-12", "to": "2026-01"}, "expected hours from 2015-01-01T00 on, but got 2014-12"),
        ({"from": "2026-01", "to": "9999-12"}, "9999-12 has not begun yet"),
        ({"from": "2026-02", "to": "2026-01"}, "expected at least one hour, but got none"),
        ({"from": "2026", "to": "2026-01"}, "expected a hour as YYYY-MM-DDTHH, such as 2025-01-03T04, but got '2026'"),
        ({"from": "../etc", "to": "2026-01"}, "expected a hour as YYYY-MM-DDTHH"),
        ({"hour": "2026-01"}, "expected a hour as YYYY-MM-DDTHH, such as 2025-01-03T04, but got '2026-01'"),
        ({"from": "2026-01", "to": "2026-01", "sources": "green"}, "run monthly_ingestion for it"),
        ({"from": "2026-01", "to": "2026-01", "sources": "crawler_results"}, "run daily_ingestion for it"),
    ],
)
def test_wrong_ranges_are_refused_before_there_is_a_run(asked: dict[str, str], said: str) -> None:
    assert said in _refused("backfill_hourly_data", "hourly_dlt_ingestion", asked)


@pytest.mark.parametrize("sources", ["pipeline_events", "platform_runs", "telemetry"])
def test_a_monthly_backfill_names_the_job_that_loads_hours(sources: str) -> None:
    said = _refused("backfill_monthly_data", "monthly_dlt_ingestion", {"year": 2026, "month": 1, "sources": sources})
    assert "has one each hour" in said
    assert "run hourly_ingestion for it" in said


def _refused(job: str, op: str, asked: dict[str, Any]) -> str:
    """What is said of a config that is not valid; there is no run then."""
    with dg.DagsterInstance.ephemeral() as instance:
        with pytest.raises(dg.DagsterInvalidConfigError) as refused:
            instance.create_run_for_job(defs.resolve_job_def(job), run_config={"ops": {op: {"config": asked}}})
        assert instance.get_runs() == []
    said = str(refused.value).splitlines()[0]
    assert len(said) < 600
    return said
