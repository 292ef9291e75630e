"""Wrong values are refused when a run is asked for: there is no run then."""

from typing import Any

import dagster as dg
import pytest
from dagster._config import process_config, validate_config

from ingestion.catalog import CATALOG
from orchestration import defs
from orchestration.jobs.ingestion_config import IngestionOptions
from warehouse.paths import PROJECT_ROOT
from warehouse.periods import Grain

JOBS = ("backfill_monthly_data", "monthly_ingestion")
MONTHS = IngestionOptions(CATALOG, Grain.MONTH)


def _ask_for(instance: dg.DagsterInstance, job: str, config: dict[str, object]) -> dg.DagsterRun:
    run_config = {"ops": {"monthly_dlt_ingestion": {"config": config}}}
    return instance.create_run_for_job(defs.resolve_job_def(job), run_config=run_config)


@pytest.mark.parametrize("job", JOBS)
@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"year": 2025, "month": 13}, "No run was started: month: expected a month from 1 to 12, but got 13"),
        ({"year": 2025, "month": 0}, "month: expected a month from 1 to 12, but got 0"),
        ({"year": 2025, "months": [1, 13]}, "months: expected a month from 1 to 12, but got 13"),
        ({"year": 2025, "months": []}, "expected at least one month, but got none"),
        ({"year": 1900, "month": 1}, "year: expected 2009 to "),
        ({"year": 2999, "month": 1}, "year: expected 2009 to "),
        ({"from": "2025-01", "to": "2999-12"}, "2999-12 has not begun yet"),
        ({"from": "1999-12", "to": "2025-01"}, "expected months from 2009-01 on, but got 1999-12"),
        ({"from": "2025-01", "to": "9999-12"}, "9999-12 has not begun yet"),
        ({"from": "2025-03", "to": "2025-01"}, "from must not be after to"),
        ({"from": "2025-1", "to": "2025-03"}, "expected a month as YYYY-MM, such as 2025-01, but got '2025-1'"),
        ({"from": "2025-01"}, "expected one of: year and month; year and months; or from and to; but got from"),
        ({"year": 2025, "month": 1, "months": [1]}, "but got month and months and year"),
        ({}, "but got none of them"),
        ({"year": 2025}, "but got year"),
        ({"year": 2025, "month": 5, "sources": "taxy"}, "unknown source 'taxy': expected a comma-separated list of"),
        ({"year": 2025, "month": 5, "sources": ""}, "no source given"),
    ],
)
def test_wrong_values_are_refused_with_the_reason_first_before_there_is_a_run(
    job: str, config: dict[str, object], said: str
) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        with pytest.raises(dg.DagsterInvalidConfigError) as refused:
            _ask_for(instance, job, config)
        assert said in str(refused.value).splitlines()[0]
        assert refused.value.__cause__ is None
        assert instance.get_runs() == []


@pytest.mark.parametrize("job", JOBS)
@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"year": 2025, "month": "May"}, 'not valid for expected type "Int"'),
        ({"year": 2025, "month": 5, "moth": 6}, 'unexpected config entry "moth"'),
    ],
)
def test_what_dagsters_types_refuse_is_marked_in_the_launchpad(job: str, config: dict[str, object], said: str) -> None:
    schema = defs.resolve_job_def(job).run_config_schema.run_config_schema_type
    outcome = validate_config(schema, {"ops": {"monthly_dlt_ingestion": {"config": config}}})
    assert said.lower() in " ".join(error.message for error in outcome.errors or []).lower()


@pytest.mark.parametrize(
    ("asked", "months"),
    [
        ({"year": 2025, "month": 5}, ["2025-05"]),
        ({"year": 2025, "months": [3, 1, 2, 3]}, ["2025-01", "2025-02", "2025-03"]),
        ({"from": "2024-11", "to": "2025-02"}, ["2024-11", "2024-12", "2025-01", "2025-02"]),
    ],
)
def test_one_month_several_and_a_range_can_be_asked_for(asked: dict[str, object], months: list[str]) -> None:
    assert MONTHS.to_load({"sources": "green", **asked}).periods == months


@pytest.mark.parametrize("job", JOBS)
def test_the_launchpad_begins_with_a_config_that_is_taken_and_names_no_path(job: str) -> None:
    definition = defs.resolve_job_def(job)
    prefilled = definition.run_config
    assert prefilled
    assert set(prefilled["ops"]["monthly_dlt_ingestion"]["config"]) == {"year", "month"}
    schema = definition.run_config_schema.run_config_schema_type
    assert validate_config(schema, prefilled).success
    scaffold = process_config(schema, prefilled).value
    assert str(PROJECT_ROOT) not in str(scaffold)
    with dg.DagsterInstance.ephemeral() as instance:
        instance.create_run_for_job(definition, run_config=prefilled)
        assert len(instance.get_runs()) == 1


@pytest.mark.parametrize("job", JOBS)
def test_right_config_is_taken_and_sources_may_be_left_out(job: str) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        _ask_for(instance, job, {"year": 2025, "month": 5})
        assert len(instance.get_runs()) == 1


def test_the_launchpad_explains_every_field() -> None:
    field: Any = defs.resolve_job_def("monthly_ingestion").run_config_schema.run_config_schema_type
    for name in ("ops", "monthly_dlt_ingestion", "config"):
        field = field.fields[name].config_type
    assert {name: bool(described.description) for name, described in field.fields.items()} == {
        "year": True,
        "month": True,
        "months": True,
        "from": True,
        "to": True,
        "sources": True,
    }
