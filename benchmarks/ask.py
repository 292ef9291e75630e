"""Ask for one metric by month and trip type, and write the same SQL by hand, in the same turn."""

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import duckdb
import pyarrow as pa

from benchmarks.bench import Bench, Contest
from benchmarks.dbt_runs import Dbt
from benchmarks.processes import BenchmarkError, Stopwatch, measure, measure_inside
from benchmarks.stages import FLOOR, PLATFORM, Measurement, Stage, Turn
from metrics.query import MetricQuery, query_metrics
from warehouse.releases import Source

METRIC, GROUPS = "revenue_per_mile", ("metric_time__month", "trip__trip_type")
BY_HAND = """
    select
        pickup_month,
        trip_type,
        sum(total_amount) filter (is_sane and total_amount > 0 and trip_distance is not null)
        / sum(trip_distance) filter (is_sane and total_amount > 0)
    from core_core.fct_trips
    group by all
    order by all
"""
_GOAL = 2


def measure_asking(bench: Bench, database: Path) -> None:
    """Measure a metric on a built database, in a running process and from the terminal."""
    dbt = Dbt(database, bench.memory_limit)
    settings = dbt.settings(dbt.target())

    def in_process(_: Measurement) -> Turn:
        return {
            who: measure_inside(("python", "-m", "benchmarks.ask", who, str(database)), settings)[0]
            for who in (FLOOR, PLATFORM)
        }

    def from_the_terminal(_: Measurement) -> Turn:
        by_hand = f"import duckdb; duckdb.connect({str(database)!r}, read_only=True).sql('''{BY_HAND}''').show()"
        ask = ("python", "-m", "metrics.ask", "query", METRIC, "--by", ",".join(GROUPS), "--live")
        return {
            FLOOR: measure(("python", "-c", by_hand))[0],
            PLATFORM: measure(ask, environment=settings)[0],
        }

    floor = "a select by hand"
    bench.take_turns(
        [
            Contest(Stage("ask", f"{METRIC} by month and trip type", bench.trips, floor, _GOAL), in_process),
            Contest(Stage("ask", "the same from the terminal", bench.trips, floor), from_the_terminal),
        ]
    )


def _answers(who: str, connection: duckdb.DuckDBPyConnection) -> Callable[[], pa.Table]:
    if who == FLOOR:
        return lambda: connection.sql(BY_HAND).to_arrow_table()
    return lambda: query_metrics(MetricQuery((METRIC,), group_by=GROUPS), Source(), connection)


def main() -> int:
    """Ask a few times in a measured process, and print the cost of the last time as JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ask", description=__doc__)
    parser.add_argument("who", choices=(FLOOR, PLATFORM))
    parser.add_argument("database")
    options = parser.parse_args()
    with duckdb.connect(options.database, read_only=True) as connection:
        answer = _answers(options.who, connection)
        expected = _answers(FLOOR, connection)()
        if not _are_alike(answer(), expected):
            raise BenchmarkError(f"expected {METRIC} to be what is written by hand:\n{answer()}\n{expected}")
        stopwatch = Stopwatch()
        answer()
        print(json.dumps(stopwatch.seconds()))
    return 0


def _rows(table: pa.Table) -> Iterator[tuple[date, str, float | None]]:
    return zip(*(column.to_pylist() for column in table.columns), strict=True)


def _are_alike(one: pa.Table, other: pa.Table) -> bool:
    """Whether they have the same rounded figures, in any order."""
    rows = [
        sorted(f"{month:%Y-%m} {trip_type} {value or 0:.4f}" for month, trip_type, value in _rows(table))
        for table in (one, other)
    ]
    return rows[0] == rows[1]


if __name__ == "__main__":
    sys.exit(main())
