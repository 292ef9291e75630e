"""dbt as a process of its own on a database, against its own start."""

import json
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.processes import Cost, measure
from warehouse.paths import DATABASE_VARIABLE, PROJECT_ROOT

# With nothing selected dbt does everything but build: it imports, reads its settings and what it parsed before, and
# ends before it opens the database.
NOTHING_SELECTED = ("--exclude", "fqn:*")


@dataclass(frozen=True)
class DbtRun:
    """A run of dbt and, just before it, its own start. `model_seconds` is what dbt says its models took."""

    start: Cost
    whole: Cost
    model_seconds: float

    @property
    def wall(self) -> float:
        """Seconds beyond dbt's own start."""
        return self.whole.wall - self.start.wall

    @property
    def cpu(self) -> float:
        """CPU seconds beyond those of dbt's own start."""
        return self.whole.cpu - self.start.cpu


@dataclass
class Dbt:
    """dbt on one database, whose place stays the same, so that it need not parse again between runs."""

    database: Path
    memory_limit: str
    _parsed_for: set[str] = field(default_factory=set)

    def run(self, *arguments: str) -> DbtRun:
        """Run dbt and its own start with these arguments, as `run --select fct_trips`.

        Raises:
            BenchmarkError: dbt failed.
        """
        # What dbt parsed holds for the variables it parsed with: those of a command have a folder of their own.
        variables = arguments[arguments.index("--vars") + 1] if "--vars" in arguments else ""
        target = self.database.with_name(f"target-{len(variables)}")
        if variables not in self._parsed_for:
            self._measure((*arguments, *NOTHING_SELECTED), target)
            self._parsed_for.add(variables)
        start = self._measure((*arguments, *NOTHING_SELECTED), target)
        whole = self._measure(arguments, target)
        results = json.loads((target / "run_results.json").read_text())["results"]
        models = [result for result in results if result["unique_id"].startswith("model.")]
        return DbtRun(start, whole, sum(result["execution_time"] for result in models))

    def _measure(self, arguments: tuple[str, ...], target: Path) -> Cost:
        settings = {
            DATABASE_VARIABLE: str(self.database),
            "DUCKDB_MEMORY_LIMIT": self.memory_limit,
            "DBT_TARGET_PATH": str(target),
            "DBT_LOG_PATH": str(target),
        }
        return measure(("dbt", *arguments), PROJECT_ROOT / "dbt", settings)[0]
