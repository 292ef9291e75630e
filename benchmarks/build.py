"""dbt's builds, against hand-written DuckDB SQL that makes the same rows in the same turn.

Raw data is sample trips (yellow, fhv and Citi Bike as 15 to 5 to 12), loaded by the platform. dbt's own start, the same
command with nothing selected, does not count. Fails if the rows of floor and dbt differ.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from benchmarks.bench import Bench, Contest
from benchmarks.samples import HISTORY, MONTH_BEFORE, NEW_MONTH, load_trips, raw_database, rows_a_month
from benchmarks.scenarios import Scenario, Scenes, backfill_of
from benchmarks.stages import Stage

# The goal of every build, as a ratio to its floor.
GOAL = 1.3

_FACTS = ("run", "--select", "int_station_months", "fct_trips", "fct_hourly_mobility")
_BEFORE_FACTS = ("run", "--select", "+fct_hourly_mobility", "--exclude", "fct_trips", "fct_hourly_mobility")
# The plain way sorts all rows that it reads: with more rows it takes longer than everything else together.
_MOST_ROWS_PLAINLY = 8_000_000
_WHOLE_FLOOR = "create table as select, a fact"
_MONTH_FLOOR = "delete and insert, a fact"


@dataclass
class Build:
    """The builds of one benchmark run, and the databases that they share."""

    bench: Bench

    def __post_init__(self) -> None:
        self._scenes = Scenes(self.bench.folder, self.bench.memory_limit)
        self._month_rows = rows_a_month(self.bench.trips)
        self._plain_bases: dict[int, Path] = {}

    def measure(self) -> None:
        """Measure full refreshes of a growing history, then changes to each history."""
        built = {months: self._full_refresh(months) for months in self.bench.histories}
        shortest, longest = min(built), max(built)
        self._play(
            *(self._new_month(base, months) for months, base in built.items()),
            self._late_month(built[shortest], shortest),
            *self._on_the_longest(built[longest], longest),
        )
        for base in (*built.values(), *self._plain_bases.values()):
            base.unlink()

    def _on_the_longest(self, base: Path, months: int) -> list[Scenario]:
        """What is measured with the longest history only."""
        return [
            self._old_month_replaced(base, months),
            Scenario(
                self._stage("backfill of a month", 1, _MONTH_FLOOR, months=months),
                base,
                (*_FACTS, *backfill_of(_middle_of(months))),
                month=_middle_of(months),
                most_turns=1,
            ),
            Scenario(
                self._stage("quarantined trips, full refresh", months, _WHOLE_FLOOR, months=months),
                base,
                ("run", "--select", "quarantined_trips", "--full-refresh"),
                tables=("quarantined_trips",),
                most_turns=1,
            ),
            Scenario(self._stage("nothing to do", 0, goal=None, months=months), base, _FACTS, tables=()),
        ]

    def measure_whole(self) -> Path:
        """Measure the build of everything, tests too, and return the database that it made."""
        raw = raw_database(self.bench.trips, len(HISTORY))
        stage = self._stage("dbt build: all models and tests", len(HISTORY), goal=None)
        self._play(Scenario(stage, raw, ("build",), tables=(), most_turns=1))
        if not self.bench.has_measured(stage):
            self._scenes.start_from(raw)
            self._scenes.dbt.run("build")
        return self._scenes.dbt.database

    def _full_refresh(self, months: int) -> Path:
        """Measure a full refresh of the facts of so many months, and return what it made."""
        self.bench.say(f"preparing {months} months")
        self._scenes.start_from(raw_database(self.bench.trips, months))
        self._scenes.dbt.run(*_BEFORE_FACTS)
        prepared = self._scenes.keep("prepared")
        stage = self._stage(f"full refresh, {months} months", months, _WHOLE_FLOOR)
        plain = prepared if stage.rows <= _MOST_ROWS_PLAINLY else None
        self._play(Scenario(stage, prepared, (*_FACTS, "--full-refresh"), plain_base=plain, most_turns=2))
        if not self.bench.has_measured(stage):
            self._scenes.start_from(prepared)
            self._scenes.dbt.run(*_FACTS)
            if plain:
                self._scenes.build_plainly(prepared)
        if plain:
            self._plain_bases[months] = self._scenes.keep(f"plain-{months}", self._scenes.plain)
        prepared.unlink()
        return self._scenes.keep(f"built-{months}")

    def _new_month(self, base: Path, months: int) -> Scenario:
        stage = self._stage(f"new month, {months} of history", 1, _MONTH_FLOOR, months=months)
        return self._loaded(stage, base, months, NEW_MONTH, self._month_rows)

    def _late_month(self, base: Path, months: int) -> Scenario:
        stage = self._stage(f"late month, {months} of history", 1, _MONTH_FLOOR, months=months)
        return replace(self._loaded(stage, base, months, MONTH_BEFORE, self._month_rows), most_turns=1)

    def _old_month_replaced(self, base: Path, months: int) -> Scenario:
        stage = self._stage("old month replaced", 1, _MONTH_FLOOR, months=months)
        fewer_rows = {feed: rows * 96 // 100 for feed, rows in self._month_rows.items()}  # all of them different
        return replace(self._loaded(stage, base, months, _middle_of(months), fewer_rows), most_turns=2)

    def _loaded(self, stage: Stage, base: Path, months: int, month: date, rows: Mapping[str, int]) -> Scenario:
        """A build after a month was loaded into a history of so many months."""

        def load(database: Path) -> None:
            load_trips(database, [month], rows)

        plain = self._plain_bases.get(months)
        is_new = month == NEW_MONTH
        return Scenario(stage, base, _FACTS, load, month=month, plain_base=plain, counts_scans=is_new)

    def _stage(
        self, name: str, built_months: int, floor: str = "", *, goal: float | None = GOAL, months: int = 0
    ) -> Stage:
        return Stage("build", name, built_months * sum(self._month_rows.values()), floor, goal, months)

    def _play(self, *scenarios: Scenario) -> None:
        def contest(scenario: Scenario) -> Contest:
            return Contest(scenario.stage, lambda measured: self._scenes.play(scenario, measured), scenario.most_turns)

        self.bench.take_turns([contest(scenario) for scenario in scenarios])


def _middle_of(months: int) -> date:
    """The month in the middle of a history of so many."""
    return HISTORY[-(months // 2 + 1)]
