"""What is measured of a build: databases as they are before it, dbt's command, and the floor that does the same."""

import json
import shutil
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from benchmarks.comparison import require_same_rows
from benchmarks.dbt_runs import Dbt, DbtRun
from benchmarks.floor.statements import FACTS
from benchmarks.processes import measure

KEYS = {
    "fct_trips": ("trip_id",),
    "fct_hourly_mobility": ("hour_timestamp", "trip_type"),
    "quarantined_trips": ("trip_id",),
}


@dataclass(frozen=True)
class Scenario:
    """A command of dbt on a copy of `base`; its floor makes `tables`, or replaces `month` in them."""

    name: str
    base: Path
    arguments: tuple[str, ...]
    tables: tuple[str, ...] = FACTS
    month: date | None = None
    has_floor: bool = True


@dataclass(frozen=True)
class FloorRun:
    """`wall` and `cpu` are seconds of opening the file, the statements and closing it."""

    wall: float
    cpu: float
    peak_mb: float


@dataclass(frozen=True)
class Measured:
    """One run of a scenario."""

    dbt: DbtRun
    floor: FloorRun | None
    file_mb: float


@dataclass
class Bench:
    """A folder with one database for dbt and one for the floor, each a copy of the scenario's base before every run."""

    folder: Path
    memory_limit: str

    def __post_init__(self) -> None:
        self.dbt = Dbt(self.folder / "dbt.duckdb", self.memory_limit)
        self._floor_database = self.folder / "floor.duckdb"

    def measure(self, scenario: Scenario, *, compare: bool) -> Measured:
        """Run the floor and dbt; the rows of both are compared if asked for.

        Raises:
            BenchmarkError: one of the two failed, or their rows differ.
        """
        floor = self._run_floor(scenario) if scenario.has_floor else None
        self.start_from(scenario.base)
        run = self.dbt.run(*scenario.arguments)
        if compare and scenario.has_floor:
            for table in scenario.tables:
                require_same_rows(self._floor_database, self.dbt.database, table, KEYS[table])
        return Measured(run, floor, self.dbt.database.stat().st_size / 1024**2)

    def start_from(self, base: Path) -> None:
        """Put a copy of a database where dbt builds."""
        _copy(base, self.dbt.database)

    def keep(self, name: str) -> Path:
        """Put the database that dbt built aside, to start from later."""
        path = self.folder / f"{name}.duckdb"
        _copy(self.dbt.database, path)
        return path

    def _run_floor(self, scenario: Scenario) -> FloorRun:
        _copy(scenario.base, self._floor_database)
        month = ("--month", scenario.month.isoformat()) if scenario.month else ()
        command = ("python", "-m", "benchmarks.floor", str(self._floor_database), *month)
        cost, printed = measure((*command, "--memory-limit", self.memory_limit, "--tables", *scenario.tables))
        figures = json.loads(printed)
        return FloorRun(figures["wall"], figures["cpu"], cost.peak_mb)


def _copy(source: Path, target: Path) -> None:
    target.with_name(f"{target.name}.wal").unlink(missing_ok=True)
    shutil.copyfile(source, target)
