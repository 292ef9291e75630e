"""A new day of minute bars after histories of different lengths: its silver, its build, its release.

`python -m benchmarks.market_days [--rows 1600000] [--histories 1 20] [--runs 1] [--in-place]`

The day is the same for all histories, which are the trading days before it. Its silver, and the facts by day that are
made of it, are measured against SQL by hand that replaces the day in the same database (`floor/`); the rows of both
must be the same. dbt's own start does not count. `dbt build` is of everything but unit tests, and the release is
published as users do. Goals: 1.3 times the SQL by hand, and no more than 15 % between histories.

A history is kept three times: with the new day loaded, as made by hand, and as made by dbt. One that the disk holds
only once is measured `--in-place`, in one turn: the SQL by hand goes first, and its rows are kept elsewhere and
deleted, or dbt would see that they are not its own and build all days again. The rows of the day are compared.
"""

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from string import Template

import duckdb

from benchmarks.bench import copy_database
from benchmarks.comparison import require_same_rows
from benchmarks.dbt_runs import Dbt
from benchmarks.gzips import ROWS_A_DAY, served_days
from benchmarks.processes import BenchmarkError, Cost, Stopwatch, measure_inside
from benchmarks.publish import go_back_to
from benchmarks.samples import FOLDER
from ingestion.partitions import Partition
from warehouse.paths import DATABASE_VARIABLE, PUBLISHED_FOLDER_VARIABLE
from warehouse.releases import Releases
from warehouse.sql import identifier, literal

_MEMORY_LIMIT = "4GB"
_FLOOR = Path(__file__).parent / "floor"
SCHEMA = "core_markets"
SILVER = ("silver_minute_aggs",)
# With the keys by which their rows are compared.
FACTS = ("fct_ticker_sessions", "fct_ticker_days")
KEYS = {
    "silver_minute_aggs": ("source_date", "source_row"),
    "fct_ticker_sessions": ("source_date", "ticker", "session"),
    "fct_ticker_days": ("source_date", "ticker"),
}
_BUILD = ("build", "--exclude-resource-type", "unit_test")


@dataclass(frozen=True)
class NewDay:
    """What a new day cost: seconds of dbt and of the SQL by hand for silver and for facts, of a build, of a release."""

    silver: Cost
    silver_by_hand: Cost
    facts: Cost
    facts_by_hand: Cost
    build: Cost
    release: Cost


@dataclass(frozen=True)
class Made:
    """What the history cost before: to load it, to build all, to publish it."""

    load: Cost
    build: Cost
    release: Cost


class History:
    """Days that are loaded, built and published, and a day after them that is loaded only."""

    def __init__(
        self,
        days: Sequence[Partition],
        new_day: Partition,
        environment: Mapping[str, str],
        folder: Path,
        *,
        in_place: bool = False,
    ) -> None:
        folder.mkdir()
        self._new_day = new_day
        self._environment = environment
        self._dbt = Dbt(folder / "nyc_mobility.duckdb", _MEMORY_LIMIT)
        self._by_hand = folder / "by-hand.duckdb"
        self._loaded = folder / "with-new-day.duckdb"
        self._published = folder / "published"
        self.made = Made(self._load(days), self._run(*_BUILD), self._publish())
        self._load([new_day])
        if not in_place:
            copy_database(self._dbt.database, self._loaded)

    def measure_in_place(self) -> NewDay:
        """Build and publish the new day, once, without a copy of the history.

        Raises:
            BenchmarkError: as `measure`; or dbt built more than the new day.
        """
        by_hand = [self._replace(tables, self._dbt.database) for tables in (SILVER, FACTS)]
        self._keep_day(self._by_hand)
        self._delete_day()
        before = self._days_of_silver()
        silver, facts = (self._run("run", "--select", *tables) for tables in (SILVER, FACTS))
        if (built := {day for day, _ in self._days_of_silver() - before}) != {self._new_day.key}:
            raise BenchmarkError(f"expected dbt to build {self._new_day.key} alone, but it built {len(built)} days")
        by_dbt = self._by_hand.with_name("by-dbt.duckdb")
        self._keep_day(by_dbt)
        for table in (*SILVER, *FACTS):
            require_same_rows(self._by_hand, by_dbt, table, KEYS[table], SCHEMA)
        return NewDay(silver, by_hand[0], facts, by_hand[1], self._run(*_BUILD), self._publish())

    def measure(self) -> NewDay:
        """Build and publish the new day, as if it had just been loaded.

        Raises:
            BenchmarkError: something failed, or dbt's rows are not those of the SQL by hand.
        """
        releases = Releases(self._published)
        kept = releases.current()
        assert kept is not None
        for database in (self._by_hand, self._dbt.database):
            copy_database(self._loaded, database)
        silver_by_hand, silver = self._replace(SILVER, self._by_hand), self._run("run", "--select", *SILVER)
        facts_by_hand, facts = self._replace(FACTS, self._by_hand), self._run("run", "--select", *FACTS)
        for table in (*SILVER, *FACTS):
            require_same_rows(self._by_hand, self._dbt.database, table, KEYS[table], SCHEMA)
        self._by_hand.unlink()
        copy_database(self._loaded, self._dbt.database)
        build, release = self._run(*_BUILD), self._publish()
        go_back_to(kept, releases)
        return NewDay(silver, silver_by_hand, facts, facts_by_hand, build, release)

    def _load(self, days: Sequence[Partition]) -> Cost:
        command = ("python", "-m", "benchmarks.gzips", "load", "at-once", *(day.key for day in days))
        return measure_inside(command, {**self._environment, DATABASE_VARIABLE: str(self._dbt.database)})[0]

    def _run(self, *arguments: str) -> Cost:
        run = self._dbt.run(*arguments)
        return run.whole.beyond(run.start)

    def _publish(self) -> Cost:
        settings = self._dbt.settings(self._dbt.target()) | {PUBLISHED_FOLDER_VARIABLE: str(self._published)}
        return measure_inside(("python", "-m", "benchmarks.publish", "publish"), settings)[0]

    def _replace(self, tables: Sequence[str], database: Path) -> Cost:
        command = ("python", "-m", "benchmarks.market_days", "--by-hand", self._new_day.key, *tables)
        return measure_inside(command, {DATABASE_VARIABLE: str(database)})[0]

    def _days_of_silver(self) -> set[tuple[str, object]]:
        """The days of silver, and when each was built."""
        with duckdb.connect(str(self._dbt.database), read_only=True) as connection:
            query = "select partition_key, updated_at from meta.asset_watermarks where asset = ?"
            return {(key.partition("/")[2], at) for key, at in connection.execute(query, SILVER).fetchall()}

    def _delete_day(self) -> None:
        """Delete the rows of the new day that were made by hand."""
        with duckdb.connect(str(self._dbt.database), config={"memory_limit": _MEMORY_LIMIT}) as connection:
            for table in (*SILVER, *FACTS):
                connection.execute(
                    f"delete from {identifier(SCHEMA, table)} where source_date = ?::date", [self._new_day.key]
                )

    def _keep_day(self, kept: Path) -> None:
        """Write the rows of the new day into a database of their own."""
        with duckdb.connect(str(kept), config={"memory_limit": _MEMORY_LIMIT}) as connection:
            connection.execute(f"attach {literal(self._dbt.database)} as made (read_only)")
            connection.execute(f"create schema {identifier(SCHEMA)}")
            for table in (*SILVER, *FACTS):
                connection.execute(
                    f"create table {identifier(SCHEMA, table)} as"
                    f" select * from {identifier('made', SCHEMA, table)} where source_date = ?::date",
                    [self._new_day.key],
                )


def replace_by_hand(day: str, tables: Sequence[str]) -> None:
    """Replace the rows of a day by the SQL of `floor/`, a transaction a table."""
    with duckdb.connect(os.environ[DATABASE_VARIABLE], config={"memory_limit": _MEMORY_LIMIT}) as connection:
        connection.execute("set preserve_insertion_order = false")
        for table in tables:
            rows = Template((_FLOOR / f"{table}.sql").read_text()).substitute(day=day)
            target = identifier(SCHEMA, table)
            connection.begin()
            connection.execute(f"delete from {target} where source_date = ?::date", [day])
            connection.execute(f"insert into {target} by name {rows}")
            connection.commit()


def _measure_in_place(histories: Sequence[int], rows: int, folder: Path) -> None:
    with served_days(max(histories) + 1, rows) as (days, environment):
        for count in sorted(histories):
            with tempfile.TemporaryDirectory(dir=folder) as own:
                history = History(days[-count - 1 : -1], days[-1], environment, Path(own) / "days", in_place=True)
                print(f"{count} days of {rows:,} rows: {history_described(history.made)}", flush=True)
                print(f"and a day more: {described(history.measure_in_place())}", flush=True)


def _measure(histories: Sequence[int], rows: int, runs: int, folder: Path) -> None:
    with served_days(max(histories) + 1, rows) as (days, environment):
        prepared = {
            count: History(days[-count - 1 : -1], days[-1], environment, folder / f"{count}-days")
            for count in sorted(histories)
        }
        for _ in range(runs):
            for count, history in prepared.items():
                print(f"{count} days of {rows:,} rows before: {described(history.measure())}", flush=True)


def described(day: NewDay) -> str:
    """The figures of a day in words."""
    ratios = {
        name: (costs[0].wall / costs[1].wall, costs[0].cpu / costs[1].cpu)
        for name, costs in {
            "silver": (day.silver, day.silver_by_hand),
            "facts": (day.facts, day.facts_by_hand),
        }.items()
    }
    return "; ".join(
        [
            f"silver {day.silver.wall:.2f} s, by hand {day.silver_by_hand.wall:.2f} s,"
            f" ratio {ratios['silver'][0]:.2f} wall, {ratios['silver'][1]:.2f} CPU",
            f"facts {day.facts.wall:.2f} s, by hand {day.facts_by_hand.wall:.2f} s,"
            f" ratio {ratios['facts'][0]:.2f} wall, {ratios['facts'][1]:.2f} CPU",
            f"dbt build {day.build.wall:.1f} s wall, {day.build.cpu:.1f} s CPU, {day.build.peak_mb:,.0f} MB",
            f"release {day.release.wall:.2f} s wall, {day.release.cpu:.2f} s CPU",
        ]
    )


def history_described(made: Made) -> str:
    """The figures of a history in words."""
    return ", ".join(
        f"{name} {cost.wall:.0f} s wall, {cost.cpu:.0f} s CPU, {cost.peak_mb:,.0f} MB"
        for name, cost in {"loaded in": made.load, "built in": made.build, "published in": made.release}.items()
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; or, in a measured process, replace a day by hand and print what it cost."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.market_days", description=__doc__)
    parser.add_argument("--rows", type=int, default=ROWS_A_DAY, help="rows of a day (default: %(default)s)")
    parser.add_argument("--histories", type=int, nargs="+", default=(1, 20), help="days before (default: 1 20)")
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--in-place", action="store_true", help="keep each history once, and measure it once")
    parser.add_argument("--by-hand", nargs="+", metavar=("DAY", "TABLE"), help="for a measured process")
    options = parser.parse_args(arguments)
    if options.by_hand:
        stopwatch = Stopwatch()
        replace_by_hand(options.by_hand[0], options.by_hand[1:])
        print(json.dumps(stopwatch.seconds()))
        return 0
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=FOLDER) as folder:
        try:
            if options.in_place:
                _measure_in_place(options.histories, options.rows, Path(folder))
            else:
                _measure(options.histories, options.rows, options.runs, Path(folder))
        except BenchmarkError as error:
            print(error, file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
