"""Commands that a benchmark measures, as forks of an interpreter that has imported what they need, if it is this one.

A race starts dozens of processes, and most of what each takes is to import dbt, dlt and DuckDB. That a process is
measured as a whole, and stopped at its limits, `test_processes.py` asserts with processes that are started.
"""

import os
import sys
import time
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from benchmarks import processes
from benchmarks.processes import BenchmarkError, Cost, Limits
from tests import forking
from warehouse.paths import PROJECT_ROOT

# Imported once: those that most commands import when they run.
_MODULES = (
    "dbt.adapters.duckdb.impl",
    "dbt.cli.main",
    "ingestion.run_pipeline",
    "metrics.ask",
    "pyarrow.parquet",
    "warehouse.prepared_build",
)
_DBT = ("-c", "from dbt.cli.main import cli; cli()")


@cache
def _interpreter() -> forking.Interpreter:
    return forking.Interpreter(*_MODULES)


def measure(
    command: Sequence[str],
    folder: Path = PROJECT_ROOT,
    environment: Mapping[str, str] = {},
    limits: Limits = Limits(),  # noqa: B008 - as the other has it
) -> tuple[Cost, str]:
    """What `benchmarks.processes.measure` gives of `python …` or `dbt …`, but for its memory, of which it knows none.

    Raises:
        BenchmarkError: the command failed.
    """
    program, *rest = command
    # Peers with an environment of their own have another interpreter.
    if program not in ("dbt", "python", sys.executable):
        return processes.measure(command, folder, environment, limits)
    arguments = [*_DBT, *rest] if program == "dbt" else rest
    begun = time.monotonic()
    done = _interpreter().run(arguments, os.environ | dict(environment) | {"PYTHONPATH": str(PROJECT_ROOT)}, cwd=folder)
    wall = time.monotonic() - begun
    if done.returncode:
        raise BenchmarkError(f"expected `{' '.join(command)}` to succeed, but it said:\n{done.stdout}{done.stderr}")
    return Cost(wall, forking.cpu_seconds[-1], 1), done.stdout.rstrip()
