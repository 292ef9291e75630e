"""Run all quality suites, and one SQL statement per suite that measures the same, in the same turn."""

import argparse
import json
import sys
from pathlib import Path

import duckdb

from benchmarks.bench import Bench, Contest
from benchmarks.dbt_runs import Dbt
from benchmarks.floor.checks import statement
from benchmarks.processes import Stopwatch, measure, measure_inside
from benchmarks.stages import FLOOR, PLATFORM, Measurement, Stage, Turn, start_of
from quality.suites import SUITES

_RUN = ("python", "-m", "quality.run", "--no-docs")


def measure_checks(bench: Bench, database: Path) -> None:
    """Measure the suites on a built database; listing the suites is their start, which does not count."""
    settings = Dbt(database, bench.memory_limit).settings(bench.folder)

    def turn(_: Measurement) -> Turn:
        floor = measure_inside(("python", "-m", "benchmarks.check", str(database), bench.memory_limit))[0]
        start = measure((*_RUN, "--list"), environment=settings)[0]
        run = measure(_RUN, environment=settings)[0]
        return {FLOOR: floor, PLATFORM: run, start_of(PLATFORM): start}

    expectations = sum(len(suite.expectations) for suite in SUITES)
    stage = Stage("check", f"{expectations} expectations", bench.trips, "a statement a suite")
    bench.take_turns([Contest(stage, turn, most_turns=1)])


def main() -> int:
    """Run the floor's statements in a measured process, and print their cost as JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.check", description=__doc__)
    parser.add_argument("database")
    parser.add_argument("memory_limit")
    options = parser.parse_args()
    stopwatch = Stopwatch()
    with duckdb.connect(options.database, read_only=True, config={"memory_limit": options.memory_limit}) as connection:
        for suite in SUITES:
            connection.execute(statement(suite)).fetchall()
    print(json.dumps(stopwatch.seconds()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
