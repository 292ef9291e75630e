"""Wrong values are refused when a run is asked for: there is no run then."""

from typing import Any

import dagster as dg
import pytest

from orchestration import defs

JOBS = ("backfill_monthly_data", "monthly_ingestion")


def _ask_for(instance: dg.DagsterInstance, job: str, config: dict[str, object]) -> dg.DagsterRun:
    run_config = {"ops": {"monthly_dlt_ingestion": {"config": config}}}
    return instance.create_run_for_job(defs.resolve_job_def(job), run_config=run_config)


@pytest.mark.parametrize("job", JOBS)
@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"year": 2025, "month": 13}, "less than or equal to 12"),
        ({"year": 1900, "month": 1}, "greater than or equal to 2009"),
        ({"year": 2999, "month": 1}, "2999-01 has not begun yet"),
        ({"year": 2025, "month": 5, "sources": "taxy"}, "unknown source 'taxy': expected a comma-separated list of"),
        ({"year": 2025, "month": 5, "sources": ""}, "no source given"),
        ({"year": 2025}, 'Missing required config entry "month"'),
        ({"year": 2025, "month": "May"}, 'not valid for expected type "Int"'),
        ({"year": 2025, "month": 5, "moth": 6}, 'unexpected config entry "moth"'),
    ],
)
def test_wrong_config_is_refused_before_there_is_a_run(job: str, config: dict[str, object], said: str) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        with pytest.raises(dg.DagsterError) as refused:
            _ask_for(instance, job, config)
        assert said.lower() in f"{refused.value} {refused.value.__cause__}".lower()
        assert instance.get_runs() == []


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
        "sources": True,
    }
