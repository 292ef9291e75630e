"""One turn of a build: the floor and dbt, each on its own copy of the same database, and their rows compared."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from benchmarks.bench import copy_database
from benchmarks.comparison import require_same_rows
from benchmarks.dbt_runs import Dbt
from benchmarks.floor.statements import FACTS, TABLES
from benchmarks.plain.what_is_lost import rows_by_partition
from benchmarks.processes import Cost, measure, measure_inside
from benchmarks.stages import FLOOR, PLAIN, PLATFORM, Measurement, Stage, Turn, start_of
from warehouse.paths import PROJECT_ROOT

PLAIN_PROJECT = PROJECT_ROOT / "benchmarks" / "plain" / "dbt"

_TABLES_OF_TRIPS = {
    *(f"raw_data.{table}" for table in ("yellow_taxi", "fhv_taxi", "citibike_trips")),
    *(f"core_core.{table}" for table in TABLES),
}

KEYS = {
    "fct_trips": ("trip_id",),
    "fct_hourly_mobility": ("hour_timestamp", "trip_type"),
    "quarantined_trips": ("trip_id",),
}


@dataclass(frozen=True)
class Scenario:
    """A dbt command on a copy of `base`; `load`, if given, first puts in what dbt has not seen yet.

    The floor makes `tables`, or replaces `month` in them; without tables there is no floor. The plain way is slow, so
    it takes part in the first turn only, and only if it has a base of its own with the same raw data.
    """

    stage: Stage
    base: Path
    arguments: tuple[str, ...]
    load: Callable[[Path], None] | None = None
    tables: tuple[str, ...] = FACTS
    month: date | None = None
    plain_base: Path | None = None
    counts_scans: bool = False
    most_turns: int | None = None


@dataclass
class Scenes:
    """A folder with one database each for dbt, the floor and the plain way."""

    folder: Path
    memory_limit: str

    def __post_init__(self) -> None:
        self.dbt = Dbt(self.folder / "dbt.duckdb", self.memory_limit)
        self._floor_database = self.folder / "floor.duckdb"
        self.plain = Dbt(self.folder / "plain_dbt.duckdb", self.memory_limit, PLAIN_PROJECT)

    def play(self, scenario: Scenario, measured: Measurement) -> Turn:
        """Run the floor, dbt and the plain way; the first turn compares the rows of floor and dbt.

        Raises:
            BenchmarkError: one of them failed, or rows differ.
        """
        self._start(scenario)
        turn: dict[str, Cost] = {}
        if scenario.tables:
            copy_database(self.dbt.database, self._floor_database)
            turn[FLOOR] = self._run_floor(scenario)
        run = self.dbt.run(*scenario.arguments)
        if not measured.turns:
            for table in scenario.tables:
                require_same_rows(self._floor_database, self.dbt.database, table, KEYS[table])
        measured.file_mb = self.dbt.database.stat().st_size / 1024**2
        if scenario.counts_scans and not measured.turns:
            self._start(scenario)
            measured.notes["rows of trips scanned"] = self._rows_scanned(scenario)
        if scenario.plain_base and not measured.turns:
            turn |= self._run_plain(scenario, measured)
        return {**turn, PLATFORM: run.whole, start_of(PLATFORM): run.start}

    def _start(self, scenario: Scenario) -> None:
        self.start_from(scenario.base)
        if scenario.load:
            scenario.load(self.dbt.database)

    def start_from(self, base: Path) -> None:
        """Put a copy of a database where dbt builds."""
        copy_database(base, self.dbt.database)

    def build_plainly(self, base: Path) -> None:
        """Build the plain way on a copy of a database."""
        copy_database(base, self.plain.database)
        self.plain.run("run")

    def keep(self, name: str, built_by: Dbt | None = None) -> Path:
        """Keep a copy of what dbt, or the plain way's dbt, built, to start from it later."""
        path = self.folder / f"{name}.duckdb"
        copy_database((built_by or self.dbt).database, path)
        return path

    def _run_plain(self, scenario: Scenario, measured: Measurement) -> Turn:
        assert scenario.plain_base
        copy_database(scenario.plain_base, self.plain.database)
        if scenario.load:
            scenario.load(self.plain.database)
        run = self.plain.run("run")
        held = rows_by_partition(self.plain.database)
        measured.notes["published rows that the plain way lost"] = sum(rows.lost for rows in held)
        stale = sum(rows.stale for rows in held)
        if stale:
            measured.notes["rows of the file that was replaced that the plain way kept"] = stale
        return {PLAIN: run.whole, start_of(PLAIN): run.start}

    def _rows_scanned(self, scenario: Scenario) -> int:
        """How many rows of raw trips and facts all dbt statements scan."""
        settings = self.dbt.settings(self.dbt.target())
        command = ("python", "-m", "benchmarks.scans", str(self.dbt.database), "--", *scenario.arguments)
        scanned: dict[str, dict[str, int]] = json.loads(measure(command, environment=settings)[1].splitlines()[-1])
        return sum(rows for tables in scanned.values() for table, rows in tables.items() if table in _TABLES_OF_TRIPS)

    def _run_floor(self, scenario: Scenario) -> Cost:
        month = ("--month", scenario.month.isoformat()) if scenario.month else ()
        command = ("python", "-m", "benchmarks.floor", str(self._floor_database), *month)
        return measure_inside((*command, "--memory-limit", self.memory_limit, "--tables", *scenario.tables))[0]


def backfill_of(month: date) -> tuple[str, str]:
    """The dbt arguments that build a month again."""
    day = month.isoformat()
    return ("--vars", json.dumps({"backfill_start_date": day, "backfill_end_date": day}))
