"""The line as its users run it: the ingestion command and dbt, in processes of their own."""

import os
import subprocess
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import duckdb

from sandbox.server import SamplePublisher
from tests.dbt.small_warehouse import keep_parsed_project
from tests.forking import Interpreter, interpreter
from warehouse.paths import PROJECT_ROOT

# What says which load a row is from differs between two loads of the same file; nothing else may.
LOAD_COLUMNS = ("load_id",)

# What no trip and no weather is in, and what is built from it: two models of three.
OTHER_SUBJECTS = ("path:models/*/markets+", "path:models/*/telemetry+")


@cache
def interpreter_with_dbt() -> Interpreter:
    """One that has imported dbt, which takes it longer than a small build."""
    return Interpreter("cli.app", "dbt.adapters.duckdb", "dbt.cli.main", "warehouse.dbt_runs")


class Line:
    """The platform on a database of its own."""

    def __init__(self, folder: Path, publisher: SamplePublisher) -> None:
        self.database = folder / "warehouse.duckdb"
        keep_parsed_project(folder / "target")
        self._environment = (
            os.environ
            | publisher.environment
            | {
                "DUCKDB_DATABASE_PATH": str(self.database),
                "DBT_TARGET_PATH": str(folder / "target"),
            }
        )

    def load_as_in_the_guide(self, *arguments: str) -> str:
        """Load with the script, in an interpreter that begins with nothing."""
        command = [sys.executable, "ingestion/run_pipeline.py", *arguments]
        done = subprocess.run(command, cwd=PROJECT_ROOT, env=self._environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def load(self, *arguments: str) -> str:
        return self._run(interpreter(), ["ingestion.run_pipeline", *arguments], PROJECT_ROOT)

    def stream(self) -> str:
        """Read all topics to their present ends."""
        return self._run(interpreter(), ["cli", "stream", "--once"], PROJECT_ROOT)

    def build(self, *, data_tests: bool = False, exclude: Sequence[str] = ()) -> str:
        """What dbt says. Data tests take as long as the models, so each kind of data has them run once.

        `exclude` are selectors of dbt: subjects of which a test asks nothing, and of which nothing is loaded.
        """
        excluded = ["unit_test"] if data_tests else ["unit_test", "test"]
        left_out = ["--exclude", *exclude] if exclude else []
        command = ["dbt.cli.main", "build", "--exclude-resource-type", *excluded, *left_out]
        return self._run(interpreter_with_dbt(), command, PROJECT_ROOT / "dbt")

    def rows(self, table: str) -> list[tuple[object, ...]]:
        with duckdb.connect(str(self.database), read_only=True) as connection:
            names = [name for name, *_ in connection.execute(f"describe core_core.{table}").fetchall()]
            kept = ", ".join(name for name in names if name not in LOAD_COLUMNS)
            return connection.execute(f"select {kept} from core_core.{table} order by all").fetchall()

    def _run(self, starter: Interpreter, command: list[str], folder: Path) -> str:
        done = starter.run(["-m", *command], self._environment, cwd=folder)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout
