"""What tests do that load, build and kill in any order: the steps of an example, and what comes of them."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st

from tests.dbt.small_warehouse import DBT_DIRECTORY, Warehouse, keep_parsed_project

_EXAMPLES = "ANY_ORDER_EXAMPLES"

Test = TypeVar("Test", bound=Callable[..., Any])


def any_order(examples: int) -> Callable[[Test], Test]:
    """Settings of a test whose examples take seconds each. ANY_ORDER_EXAMPLES has more tried.

    They are others every day, so that few a run are many in a month. Hypothesis prints the seed of those that fail.
    """
    chosen = settings(
        max_examples=int(os.environ.get(_EXAMPLES, examples)),
        deadline=None,
        derandomize=False,
        database=None,
        phases=(Phase.explicit, Phase.generate),  # making an example smaller takes as long as finding it, many times
        # Every example restores the warehouse itself.
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )
    today = seed(datetime.now(UTC).toordinal())

    def apply(test: Test) -> Test:
        return chosen(test) if _EXAMPLES in os.environ else today(chosen(test))

    return apply


# Hypothesis begins with the smallest example, which would be the only one. With a delay of nothing it is refused.
delays = st.integers(0, 120).filter(bool)


@dataclass(frozen=True)
class Build:
    """dbt is run, with these arguments."""

    arguments: tuple[str, ...] = ()


@dataclass(frozen=True)
class KilledBuild:
    """dbt is killed, so many milliseconds after it began a model."""

    model: str
    milliseconds: int
    arguments: tuple[str, ...] = ()


def kill_in(warehouse: Warehouse, step: KilledBuild) -> bool:
    """Run dbt in a process of its own and kill it; False if it was done before."""
    folder = warehouse.scratch / "killed"
    if not folder.exists():
        keep_parsed_project(folder)
    command = [sys.executable, "-m", "dbt.cli.main", "run", "--no-use-colors", *step.arguments, *warehouse.exclusion]
    paths = ["--project-dir", str(DBT_DIRECTORY), "--profiles-dir", str(DBT_DIRECTORY)]
    outputs = ["--target-path", str(folder), "--log-path", str(folder), "--log-level-file", "none", "--no-write-json"]
    process = subprocess.Popen(
        [*command, *paths, *outputs], stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONUNBUFFERED": "1"}
    )
    assert process.stdout
    for line in process.stdout:
        if "START" in line and f".{step.model} " in line:
            time.sleep(step.milliseconds / 1000)
            break
    is_killed = process.poll() is None
    process.kill()
    process.communicate()
    return is_killed


def contents(warehouse: Warehouse, schemas: Mapping[str, str]) -> dict[str, list[tuple[object, ...]]]:
    """All rows of tables, sorted; `schemas` says where each is. Which load a row is from differs between two loads of
    the same rows, so that is left out.
    """
    found = {}
    for table, schema in schemas.items():
        names = [str(name) for (name,) in warehouse.execute(f"select column_name from (describe {schema}.{table})")]
        kept = ", ".join(f'"{name}"' for name in names if name != "load_id")
        found[table] = warehouse.execute(f"select {kept} from {schema}.{table} order by all")
    return found
