"""dbt as a process on a database, and its own start."""

from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.processes import Cost, measure
from warehouse.paths import DATABASE_VARIABLE, PROJECT_ROOT

# With nothing selected dbt starts and reads what it parsed before, but does not open the database.
NOTHING_SELECTED = ("--exclude", "fqn:*")


@dataclass(frozen=True)
class DbtRun:
    """A run of dbt and, just before it, its own start."""

    start: Cost
    whole: Cost


@dataclass
class Dbt:
    """dbt on one database whose path stays the same, so that dbt need not parse again between runs."""

    database: Path
    memory_limit: str
    project: Path = PROJECT_ROOT / "dbt"
    _parsed_for: set[str] = field(default_factory=set)

    def run(self, *arguments: str) -> DbtRun:
        """Run dbt and its own start with these arguments, as `run --select fct_trips`.

        Raises:
            BenchmarkError: dbt failed.
        """
        # A parsed project depends on its variables, so each set of variables has its own target folder.
        variables = arguments[arguments.index("--vars") + 1] if "--vars" in arguments else ""
        target = self.target(variables)
        if variables not in self._parsed_for:
            self._measure((*arguments, *NOTHING_SELECTED), target)
            self._parsed_for.add(variables)
        start = self._measure((*arguments, *NOTHING_SELECTED), target)
        return DbtRun(start, self._measure(arguments, target))

    def target(self, variables: str = "") -> Path:
        """dbt's target folder, beside the database."""
        return self.database.with_name(f"target-{self.project.parent.name}-{len(variables)}")

    def settings(self, target: Path) -> dict[str, str]:
        """The environment for dbt's profile and options."""
        return {
            DATABASE_VARIABLE: str(self.database),
            "DUCKDB_MEMORY_LIMIT": self.memory_limit,
            "DBT_TARGET_PATH": str(target),
            "DBT_LOG_PATH": str(target),
        }

    def _measure(self, arguments: tuple[str, ...], target: Path) -> Cost:
        return measure(("dbt", *arguments), self.project, self.settings(target))[0]
