"""Metrics from the terminal: `python -m warehouse.ask_metrics list | dimensions METRIC | query METRIC …`.

`make metrics`, `make dimensions` and `make query` are short for it.
"""

import argparse
import csv
import sys
from collections.abc import Sequence
from datetime import datetime, time
from itertools import groupby

import pyarrow as pa
from rich.console import Console
from rich.table import Table

from warehouse.connection import WarehouseError
from warehouse.metrics import Metric, MetricQuery, list_dimensions, list_metrics, query_metrics


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m warehouse.ask_metrics", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("list", help="every metric by category")
    dimensions = commands.add_parser("dimensions", help="what all of these metrics can be grouped and filtered by")
    dimensions.add_argument("metrics", type=_names, help="names, separated by commas")
    query = commands.add_parser("query", help="one answer")
    query.add_argument("metrics", type=_names, nargs="?", default=(), help="names, separated by commas")
    query.add_argument("--by", type=_names, default=(), help="as trip__trip_type,metric_time__month")
    query.add_argument("--where", default="", help="as \"trip__trip_type = 'fhv' and trip__is_rain\"")
    query.add_argument("--order", type=_names, default=(), help="names of the above; -name for descending")
    query.add_argument("--limit", default="", help="this many rows")
    query.add_argument("--start", default="", help="first day of metric_time, as 2025-01-01")
    query.add_argument("--end", default="", help="last day of metric_time")
    query.add_argument("--saved", default="", help="name of a saved query, in place of metrics and --by")
    query.add_argument("--csv", action="store_true", help="figures as they are, separated by commas")
    return parser


def _query(options: argparse.Namespace) -> MetricQuery:
    """The query asked for; what is empty was not given.

    Raises:
        ValueError: a day or the limit is not one.
    """
    return MetricQuery(
        metrics=options.metrics,
        group_by=options.by,
        where=(options.where,) if options.where else (),
        order_by=options.order,
        limit=int(options.limit) if options.limit else None,
        start=datetime.fromisoformat(options.start) if options.start else None,
        end=datetime.fromisoformat(options.end) if options.end else None,
        saved_query=options.saved or None,
    )


def _shown(value: object, *, is_metric: bool) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime) and value.time() == time():
        return f"{value:%Y-%m-%d}"
    if is_metric and isinstance(value, int):
        return f"{value:,}"
    if is_metric and isinstance(value, float):
        return f"{value:,.2f}" if abs(value) >= 100 else f"{value:.4f}"
    return str(value)


def print_answer(answer: pa.Table, metrics: Sequence[Metric], console: Console) -> None:
    """Print an answer with the units of its metrics."""
    units = {metric.name: metric.unit for metric in metrics}
    table = Table(box=None, header_style="bold", pad_edge=False)
    for name in answer.column_names:
        is_metric = name in units
        header = f"{name}\n[dim not bold]{units[name]}[/]" if is_metric else name
        table.add_column(header, justify="right" if is_metric else "left", overflow="fold")
    for row in answer.to_pylist():
        table.add_row(*(_shown(value, is_metric=name in units) for name, value in row.items()))
    console.print(table)


def print_metrics(metrics: Sequence[Metric], console: Console) -> None:
    """Print every metric with its unit and its label, by category."""
    for category, members in groupby(metrics, key=lambda metric: metric.category):
        table = Table("metric", "unit", "label", title=category, title_justify="left", box=None, pad_edge=False)
        for metric in members:
            table.add_row(metric.name, f"[dim]{metric.unit}[/]", metric.label)
        console.print(table)
        console.print()


def main(arguments: Sequence[str] | None = None) -> int:
    """Return 0; 1 where the question cannot be answered; 2 where it is not one."""
    parser = _parser()
    options = parser.parse_args(arguments)
    console = Console()
    # Figures are for copying: never cut to a narrow terminal.
    console = Console(width=max(console.width, 250), highlight=False)
    try:
        if options.command == "list":
            print_metrics(list_metrics(), console)
        elif options.command == "dimensions":
            print("\n".join(list_dimensions(options.metrics)))
        else:
            answer = query_metrics(_query(options))
            if options.csv:
                writer = csv.writer(sys.stdout)
                writer.writerow(answer.column_names)
                writer.writerows(row.values() for row in answer.to_pylist())
            else:
                print_answer(answer, list_metrics(), console)
    except ValueError as error:
        parser.error(str(error))
    except WarehouseError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
