"""What dbt is called with, and what the results of a call that failed say of calling it again."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

RETRY_ARGUMENTS = ["retry"]

# As `dbt retry` sees it: what it would execute again.
_UNFINISHED = {"error", "fail", "skipped", "runtime error", "partial success"}
# A node that could not be executed, other than a test that was and did not hold.
_BROKEN = {"error", "runtime error", "partial success"}


def dbt_build_arguments(
    *, full_refresh: bool = False, select: Iterable[str] = (), variables: Mapping[str, object] | None = None
) -> list[str]:
    """The arguments of a `dbt build` of these nodes; without a selection of all.

    Unit tests are of the code, not of the data: they are run where code changes, by `dbt build` from the terminal and
    in CI.
    """
    # One word, though dbt takes several: dagster-dbt takes the second for an argument.
    selected = " ".join(select)
    return [
        "build",
        "--exclude-resource-type",
        "unit_test",
        *(["--full-refresh"] if full_refresh else []),
        *(["--select", selected] if selected else []),
        *(["--vars", json.dumps(variables, sort_keys=True)] if variables else []),
    ]


def unfinished_nodes(run_results: Mapping[str, Any]) -> set[str]:
    """The nodes that `dbt retry` would execute; hooks are not among them.

    Nothing else than `run_results.json` of the call that failed is looked at.
    """
    return {
        result["unique_id"]
        for result in run_results["results"]
        if result["status"] in _UNFINISHED and not result["unique_id"].startswith("operation.")
    }


def may_pass_by_itself(run_results: Mapping[str, Any]) -> bool:
    """Whether time could mend what went wrong: not where all that failed are tests, whose data stays as it is."""
    return any(result["status"] in _BROKEN for result in run_results["results"])
