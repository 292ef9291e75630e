"""The arguments of dbt, and what its results say of trying again."""

import json

import pytest

from orchestration.dbt_cli.commands import dbt_build_arguments, is_transient, unfinished_nodes


def test_a_build_is_of_everything_but_unit_tests_unless_it_is_asked_for_less() -> None:
    assert dbt_build_arguments() == ["build", "--exclude-resource-type", "unit_test"]


def test_a_build_can_be_from_scratch_of_a_part_and_with_variables() -> None:
    arguments = dbt_build_arguments(
        full_refresh=True, select=["fct_trips", "dim_date+"], variables={"backfill_start_date": "2025-05-01"}
    )
    assert arguments[3:6] == ["--full-refresh", "--select", "fct_trips dim_date+"]
    assert (arguments[6], json.loads(arguments[7])) == ("--vars", {"backfill_start_date": "2025-05-01"})


def _results(**statuses: str) -> dict[str, object]:
    return {"results": [{"unique_id": node.replace("__", "."), "status": status} for node, status in statuses.items()]}


def test_what_failed_and_what_was_skipped_for_it_is_unfinished() -> None:
    results = _results(model__a="success", model__b="error", model__c="skipped", test__d="fail", test__e="warn")
    assert unfinished_nodes(results) == {"model.b", "model.c", "test.d"}


def test_a_hook_that_failed_is_nothing_to_resume_by_itself() -> None:
    assert unfinished_nodes(_results(operation__hook="error")) == set()


@pytest.mark.parametrize(
    ("results", "expected"),
    [
        (_results(model__a="error", model__b="skipped"), True),
        (_results(test__a="error"), True),
        (_results(test__a="fail", model__b="skipped"), False),
        (_results(test__a="fail", model__b="error"), True),
    ],
)
def test_time_mends_errors_but_not_data_that_a_test_refuses(results: dict[str, object], expected: bool) -> None:
    assert is_transient(results) is expected
