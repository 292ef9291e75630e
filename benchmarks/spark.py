"""Both engines on the same trips, side by side: `python -m benchmarks.spark [--trips 10000000]`.

Each builds the facts of two years from nothing, then after one more month, then with nothing to do. Spark's first build
also brings the raw partitions into the lakehouse. Seconds are those of dbt as a process, its own start among them; the
memory is that of all processes together, so that of Java too. Afterwards all tables are compared.
"""

import argparse
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.dbt_runs import NOTHING_SELECTED
from benchmarks.processes import Cost, measure
from benchmarks.samples import FOLDER, HISTORY, NEW_MONTH, load_trips, raw_database, rows_a_month
from warehouse.paths import DATABASE_VARIABLE, PROJECT_ROOT
from warehouse.spark.settings import FOLDER_VARIABLE, MEMORY_VARIABLE

_FACTS = ("+fct_hourly_mobility", "+quarantined_trips")
_ENGINES = {"DuckDB": "dev", "Spark": "spark"}
_COMPARED = ("core_core.fct_trips", "core_core.fct_hourly_mobility", "core_core.quarantined_trips")


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, and return the exit code.

    Raises:
        BenchmarkError: a build failed, or the engines' tables differ.
    """
    parser = argparse.ArgumentParser(prog="python -m benchmarks.spark", description=__doc__)
    parser.add_argument("--trips", type=int, default=10_000_000)
    parser.add_argument("--months", type=int, default=len(HISTORY))
    parser.add_argument("--memory-limit", default="4GB", help="of DuckDB")
    parser.add_argument("--spark-memory", default="4g", help="of Java's heap")
    options = parser.parse_args(arguments)
    folder = FOLDER / f"spark-{options.trips}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    database = folder / "nyc_mobility.duckdb"
    shutil.copy(raw_database(options.trips, options.months), database)
    settings = {
        DATABASE_VARIABLE: str(database),
        FOLDER_VARIABLE: str(folder / "spark"),
        MEMORY_VARIABLE: options.spark_memory,
        "LAKEHOUSE_URL": str(folder / "lakehouse"),
        "DUCKDB_MEMORY_LIMIT": options.memory_limit,
    }
    print(f"{options.trips * options.months // len(HISTORY):,} trips over {options.months} months", flush=True)
    _stage("start", folder, settings, *NOTHING_SELECTED)
    _stage("all months", folder, settings, "--select", *_FACTS)
    load_trips(database, [NEW_MONTH], rows_a_month(options.trips))
    _stage("one more month", folder, settings, "--select", *_FACTS)
    _stage("nothing to do", folder, settings, "--select", *_FACTS)
    # It fails where a table differs.
    compared, said = measure((sys.executable, "-m", "warehouse.spark.comparing", *_COMPARED), environment=settings)
    print(f"{said}\ncompared in {compared.wall:.0f} s")
    return 0


def _stage(name: str, folder: Path, settings: Mapping[str, str], *selected: str) -> None:
    costs = {engine: _run(folder, settings, target, *selected) for engine, target in _ENGINES.items()}
    for engine, cost in costs.items():
        ratio = cost.wall / costs["DuckDB"].wall
        print(
            f"{name:15} {engine:7} {cost.wall:7.1f} s {cost.cpu:7.1f} CPU s {cost.peak_mb:7,.0f} MB {ratio:6.1f} times",
            flush=True,
        )


def _run(folder: Path, settings: Mapping[str, str], target: str, *selected: str) -> Cost:
    where = folder / f"target-{target}"
    own = {**settings, "DBT_TARGET_PATH": str(where), "DBT_LOG_PATH": str(where)}
    return measure(("dbt", "run", "--target", target, *selected), PROJECT_ROOT / "dbt", own)[0]


if __name__ == "__main__":
    sys.exit(main())
