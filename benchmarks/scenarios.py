"""One turn of a build: the floor and dbt, each on its own copy of the same database, and their rows compared."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from benchmarks.bench import copy_database
from benchmarks.comparison import require_same_rows
from benchmarks.dbt_runs import Dbt
from benchmarks.floor.statements import FACTS
from benchmarks.processes import Cost, measure_inside
from benchmarks.stages import FLOOR, PLATFORM, Measurement, Stage, Turn, start_of

KEYS = {
    "fct_trips": ("trip_id",),
    "fct_hourly_mobility": ("hour_timestamp", "trip_type"),
    "quarantined_trips": ("trip_id",),
}


@dataclass(frozen=True)
class Scenario:
    """A command of dbt on a copy of `base`, into which `load`, if given, has put what dbt has not seen yet.

    The floor makes `tables`, or replaces `month` in them; without tables there is none.
    """

    stage: Stage
    base: Path
    arguments: tuple[str, ...]
    load: Callable[[Path], None] | None = None
    tables: tuple[str, ...] = FACTS
    month: date | None = None


@dataclass
class Scenes:
    """A folder with one database for dbt and one for the floor."""

    folder: Path
    memory_limit: str

    def __post_init__(self) -> None:
        self.dbt = Dbt(self.folder / "dbt.duckdb", self.memory_limit)
        self._floor_database = self.folder / "floor.duckdb"

    def play(self, scenario: Scenario, measured: Measurement) -> Turn:
        """Run floor and dbt; on the first turn the rows of both are compared.

        Raises:
            BenchmarkError: one of the two failed, or their rows differ.
        """
        self.start_from(scenario.base)
        if scenario.load:
            scenario.load(self.dbt.database)
        turn: dict[str, Cost] = {}
        if scenario.tables:
            copy_database(self.dbt.database, self._floor_database)
            turn[FLOOR] = self._run_floor(scenario)
        run = self.dbt.run(*scenario.arguments)
        if not measured.turns:
            for table in scenario.tables:
                require_same_rows(self._floor_database, self.dbt.database, table, KEYS[table])
        measured.file_mb = self.dbt.database.stat().st_size / 1024**2
        return {**turn, PLATFORM: run.whole, start_of(PLATFORM): run.start}

    def start_from(self, base: Path) -> None:
        """Put a copy of a database where dbt builds."""
        copy_database(base, self.dbt.database)

    def keep(self, name: str) -> Path:
        """Put the database that dbt built aside, to start from later."""
        path = self.folder / f"{name}.duckdb"
        copy_database(self.dbt.database, path)
        return path

    def _run_floor(self, scenario: Scenario) -> Cost:
        month = ("--month", scenario.month.isoformat()) if scenario.month else ()
        command = ("python", "-m", "benchmarks.floor", str(self._floor_database), *month)
        return measure_inside((*command, "--memory-limit", self.memory_limit, "--tables", *scenario.tables))[0]


def backfill_of(month: date) -> tuple[str, str]:
    """dbt's arguments that have it build a month again."""
    day = month.isoformat()
    return ("--vars", json.dumps({"backfill_start_date": day, "backfill_end_date": day}))
