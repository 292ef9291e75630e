"""How long each governed metric takes by month and trip type, on the current release or the working file.

`python -m benchmarks.metrics [--live] [--runs 3]` measures DuckDB's time for the SQL that MetricFlow writes: the
fastest run and the median. CPU seconds tell a slow query from a busy machine. Writing the SQL is measured once.
"""

import argparse
import sys
import time
from dataclasses import dataclass
from statistics import median

import duckdb
from rich.console import Console
from rich.table import Table

from metrics.query import Metric, MetricQuery, list_dimensions, list_metrics, metric_sql
from warehouse.releases import Source, open_for_readers
from warehouse.terminal import add_live_option, quiet_on_broken_pipe

# Some metrics have no trips, but the trip type of an hour.
TRIP_TYPES = ("trip__trip_type", "mobility_hour__trip_type")


@dataclass(frozen=True)
class Timing:
    """What one metric took, in seconds."""

    metric: Metric
    planning: float
    fastest: float
    median: float
    processor: float


def metrics_of_trips(source: Source) -> dict[Metric, str]:
    """The metrics that have a trip type, with the name by which it is asked for. Other subjects have none."""
    asked = {metric: list_dimensions((metric.name,), source) for metric in list_metrics(source)}
    return {metric: name for metric, names in asked.items() for name in TRIP_TYPES if name in names}


def measure(metric: Metric, trip_type: str, source: Source, connection: duckdb.DuckDBPyConnection, runs: int) -> Timing:
    """Ask for the metric by month and trip type, once per run."""
    begun = time.perf_counter()
    sql = metric_sql(MetricQuery((metric.name,), ("metric_time__month", trip_type)), source)
    planning = time.perf_counter() - begun
    taken = []
    for _ in range(runs):
        wall, processor = time.perf_counter(), time.process_time()
        connection.sql(sql).to_arrow_table()
        taken.append((time.perf_counter() - wall, time.process_time() - processor))
    walls, processors = zip(*taken, strict=True)
    return Timing(metric, planning, min(walls), median(walls), median(processors))


@quiet_on_broken_pipe
def main() -> int:
    """Measure every metric and print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.metrics", description=__doc__)
    parser.add_argument("--runs", type=int, default=3, help="runs of each (default: %(default)s)")
    add_live_option(parser)
    options = parser.parse_args()
    with open_for_readers(live=options.live) as (source, connection):
        ((trips,),) = connection.execute("select count(*) from core_core.fct_trips").fetchall()
        timings = [
            measure(metric, trip_type, source, connection, options.runs)
            for metric, trip_type in metrics_of_trips(source).items()
        ]
    table = Table(
        "category", "metric", title=f"By month and trip type, {trips:,} trips, {source}", box=None, pad_edge=False
    )
    for name in ("fastest s", "median s", "processor s", "writing the SQL s"):
        table.add_column(name, justify="right")
    for timing in timings:
        seconds = (timing.fastest, timing.median, timing.processor, timing.planning)
        table.add_row(timing.metric.category, timing.metric.name, *(f"{figure:.2f}" for figure in seconds))
    console = Console()
    # Figures are for copying: never cut to a narrow terminal.
    console = Console(width=max(console.width, 120), highlight=False)
    console.print(table)
    for kind in ("fastest", "median", "processor"):
        figures = [getattr(timing, kind) for timing in timings]
        console.print(f"{kind}: median of the metrics {median(figures):.2f} s, longest {max(figures):.2f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
