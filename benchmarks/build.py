"""How fast dbt builds the warehouse, against hand-written DuckDB SQL that makes the same rows in the same run.

`python -m benchmarks.build [--runs 3] [--memory-limit 4GB] [--only new] [--json FILE]`. Raw data is 24 months of sample
trips, 32 million (yellow, fhv and Citi Bike as 15 to 5 to 12), loaded by the platform and kept for the next time. Floor
and dbt take turns, each a process of its own on its own copy of the same database. What counts of dbt is what it takes
beyond its own start: the same command with nothing selected. Of all runs the medians. CPU seconds and their ratio tell
most where others use the machine, too. Fails where the rows of the two differ.
"""

import argparse
import json
import shutil
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict
from datetime import date
from pathlib import Path

from rich.console import Console

from benchmarks.build_report import Results, goals, table_of
from benchmarks.processes import BenchmarkError
from benchmarks.samples import FOLDER, ROWS_A_MONTH, load_trips, load_weather, months_from, raw_database
from benchmarks.scenarios import Bench, Scenario

HISTORY = months_from(date(2023, 1, 1), 24)
NEW_MONTH = date(2025, 1, 1)
OLD_MONTH = date(2023, 6, 1)
# What the publisher puts in the place of the old month: fewer rows, all of them others.
REPLACED_ROWS = {feed: rows * 96 // 100 for feed, rows in ROWS_A_MONTH.items()}

FACTS = ("run", "--select", "fct_trips", "fct_hourly_mobility")
BACKFILL = json.dumps({"backfill_start_date": "2023-06-01", "backfill_end_date": "2023-06-30"})


def measure_all(bench: Bench, runs: int, only: str, keep: Callable[[Results], None]) -> Results:
    """All scenarios whose name has the text `only`, by name; each so many times. What there is, `keep` is told."""
    console = Console(stderr=True)
    results: Results = {}

    def measure(*scenarios: Scenario, times: int = runs) -> None:
        """In turns, so that what else the machine does falls on all of them."""
        for turn in range(times):
            for scenario in scenarios:
                if only in scenario.name:
                    console.print(f"{scenario.name}: run {turn + 1} of {times}", style="dim")
                    results.setdefault(scenario.name, []).append(bench.measure(scenario, compare=turn == 0))
                    keep(results)

    raw = raw_database(HISTORY)
    prepared = _prepared(bench, raw, "prepared-24")
    full = Scenario("full refresh", prepared, (*FACTS, "--full-refresh"))
    measure(full)
    built = _built(bench, prepared, "built-24")
    short = _built(bench, _prepared(bench, raw_database(HISTORY[-3:]), "prepared-3"), "built-3")
    measure(
        Scenario("new month, 3 of history", _with_month(short, NEW_MONTH, ROWS_A_MONTH), FACTS, month=NEW_MONTH),
        Scenario("new month, 24 of history", _with_month(built, NEW_MONTH, ROWS_A_MONTH), FACTS, month=NEW_MONTH),
        Scenario("old month replaced", _with_month(built, OLD_MONTH, REPLACED_ROWS), FACTS, month=OLD_MONTH),
        Scenario("backfill of a month", built, (*FACTS, "--vars", BACKFILL), month=OLD_MONTH),
        Scenario("nothing to do", built, FACTS, has_floor=False),
    )
    quarantine = ("run", "--select", "quarantined_trips", "--full-refresh")
    measure(Scenario("quarantine, full refresh", built, quarantine, tables=("quarantined_trips",)))
    measure(Scenario("dbt build of everything", raw, ("build",), has_floor=False), times=1)
    if "dbt build of everything" in results:
        whole = bench.keep("whole-24")
        measure(Scenario("dbt build, nothing to do", whole, ("build",), has_floor=False))
    return results


def _prepared(bench: Bench, raw: Path, name: str) -> Path:
    """Raw data, the weather of the new month too (it is there before the trips), and what the facts read of dbt's."""
    bench.start_from(raw)
    load_weather(bench.dbt.database, [NEW_MONTH])
    bench.dbt.run("run", "--select", "+fct_hourly_mobility", "--exclude", "fct_trips", "fct_hourly_mobility")
    return bench.keep(name)


def _built(bench: Bench, prepared: Path, name: str) -> Path:
    bench.start_from(prepared)
    bench.dbt.run(*FACTS)
    return bench.keep(name)


def _with_month(built: Path, month: date, rows: dict[str, int]) -> Path:
    """A copy of a built database with a month loaded that dbt has not seen."""
    path = built.with_name(f"{built.stem}-with-{month:%Y-%m}.duckdb")
    shutil.copyfile(built, path)
    load_trips(path, [month], rows)
    return path


def main() -> int:
    """Measure, print the table, and keep the single figures if asked for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.build", description=__doc__)
    parser.add_argument("--runs", type=int, default=3, help="runs of each (default: %(default)s)")
    parser.add_argument("--memory-limit", default="4GB", help="DuckDB's, of dbt and floor (default: %(default)s)")
    parser.add_argument("--only", default="", metavar="TEXT", help="only what has this in its name")
    parser.add_argument("--json", type=Path, metavar="FILE", help="where to write the figures of every run")
    options = parser.parse_args()
    FOLDER.mkdir(parents=True, exist_ok=True)

    def keep(results: Results) -> None:
        if options.json:
            figures = {name: [asdict(run) for run in runs] for name, runs in results.items()}
            options.json.write_text(json.dumps(figures, indent=1))

    with tempfile.TemporaryDirectory(dir=FOLDER, prefix="build-") as folder:
        try:
            results = measure_all(Bench(Path(folder), options.memory_limit), options.runs, options.only, keep)
        except BenchmarkError as error:
            print(error, file=sys.stderr)
            return 1
    console = Console()
    # Figures are for copying: never cut to a narrow terminal.
    Console(width=max(console.width, 180)).print(table_of(results))
    print("\n".join(["", *goals(results)]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
