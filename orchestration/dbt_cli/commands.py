"""The arguments of dbt, and what the results of a failed call say about trying again."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

RETRY_ARGUMENTS = ["retry"]

# The statuses that `dbt retry` executes again.
_UNFINISHED = {"error", "fail", "skipped", "runtime error", "partial success"}
# The statuses of a node that could not be executed. A test that was executed and failed has none of them.
_BROKEN = {"error", "runtime error", "partial success"}


def dbt_build_arguments(
    *, full_refresh: bool = False, select: Iterable[str] = (), variables: Mapping[str, object] | None = None
) -> list[str]:
    """The arguments of a `dbt build` of these nodes, or of all nodes without a selection.

    Unit tests test the code, not the data. They run when code changes: by `dbt build` from the terminal and in CI.
    """
    # In one argument, though dbt takes several: dagster-dbt would take the second for an option.
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
    """The nodes that `dbt retry` would execute, by the `run_results.json` of the failed call. Hooks are left out."""
    return {
        result["unique_id"]
        for result in run_results["results"]
        if result["status"] in _UNFINISHED and not result["unique_id"].startswith("operation.")
    }


def is_transient(run_results: Mapping[str, Any]) -> bool:
    """Whether another try may succeed. Not if only tests failed: the data stays as it is."""
    return any(result["status"] in _BROKEN for result in run_results["results"])
