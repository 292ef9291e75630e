"""Metrics from the terminal: `python -m metrics.ask list | describe … | dimensions … | query …`.

`nyc metrics`, `nyc query`, `make metrics`, `make metric`, `make dimensions` and `make query` are short for it.
"""

import argparse
import csv
import sys
from collections.abc import Sequence
from datetime import datetime, time
from itertools import groupby
from typing import TextIO

import pyarrow as pa
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from metrics.definitions import MetricDefinition, define_metric
from metrics.dialects import Dialect, MetricSource
from metrics.notes import NO_MATCH, is_empty, notes_on
from metrics.query import (
    Metric,
    MetricQuery,
    list_dimensions,
    list_metrics,
    metric_sql,
    months_loaded,
    query_metrics,
)
from metrics.semantic_manifest import BadMetricQueryError
from warehouse.connection import NotThereYetError, WarehouseError
from warehouse.exit_codes import ExitCode, exit_code_table
from warehouse.releases import open_for_readers, source_for_readers
from warehouse.spark.tables import SparkTables
from warehouse.terminal import Style, add_live_option, print_json, quiet_on_broken_pipe


def _source(options: argparse.Namespace) -> MetricSource:
    """What the options say that metrics are asked of.

    Raises:
        ValueError: the options exclude each other.
        WarehouseError: it is not there.
    """
    if options.engine != Dialect.SPARK:
        return source_for_readers(live=options.live)
    if options.live:
        raise ValueError("argument --live: not with --engine spark, which has no releases: it reads what is built")
    return SparkTables()


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _parser(prog: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=prog,
        description=__doc__,
        epilog=f"exit codes:\n{exit_code_table()}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True)
    every = commands.add_parser("list", help="every metric by category")
    every.add_argument("--json", action="store_true", help="as JSON, for scripts")
    describe = commands.add_parser("describe", help="what a metric is, and what it is made of")
    describe.add_argument("metric", help="its name")
    dimensions = commands.add_parser("dimensions", help="what all of these metrics can be grouped and filtered by")
    dimensions.add_argument("metrics", type=_names, help="names, separated by commas")
    query = commands.add_parser("query", help="ask for metrics")
    query.add_argument("metrics", type=_names, nargs="?", default=(), help="names, separated by commas")
    query.add_argument("--by", type=_names, default=(), help="dimensions, such as metric_time__month")
    query.add_argument(
        "--where",
        action="append",
        default=[],
        help="a condition, such as \"trip__is_rain and date__season = 'winter'\"; of several, all must hold",
    )
    query.add_argument("--order", type=_names, default=(), help="names of the above; -name for descending")
    query.add_argument("--limit", default="", help="this many rows")
    query.add_argument("--start", default="", help="first day of metric_time, such as 2025-01-01")
    query.add_argument("--end", default="", help="last day of metric_time")
    query.add_argument("--saved", default="", help="name of a saved query, in place of metrics and --by")
    form = query.add_mutually_exclusive_group()
    form.add_argument("--csv", action="store_true", help="as CSV, figures in full")
    form.add_argument("--json", action="store_true", help="as JSON, for scripts")
    for command in (every, describe, dimensions, query):
        add_live_option(command)
    for command in (describe, query):
        command.add_argument("--engine", choices=[*map(str, Dialect)], help="who answers; Spark what is built on it")
    parser.set_defaults(engine=None)
    return parser


def asked(arguments: Sequence[str]) -> MetricQuery:
    """The query that `nyc query` is asked for by these arguments.

    Raises:
        ValueError: a day or the limit is not valid.
        SystemExit: an argument is not known.
    """
    return _query(_parser("nyc").parse_args(["query", *arguments]))


def _query(options: argparse.Namespace) -> MetricQuery:
    """The query that the options ask for; an empty option counts as not given.

    Raises:
        ValueError: a day or the limit is not valid.
    """
    return MetricQuery(
        metrics=options.metrics,
        group_by=options.by,
        where=tuple(condition for condition in options.where if condition.strip()),
        order_by=options.order,
        limit=_limit(options.limit),
        start=_day("--start", options.start),
        end=_day("--end", options.end),
        saved_query=options.saved or None,
    )


def _day(option: str, text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text) if text else None
    except ValueError:
        raise ValueError(f"argument {option}: expected a day such as 2025-01-31, but got {text!r}") from None


def _limit(text: str) -> int | None:
    if text and not (text.isascii() and text.isdigit()):
        raise ValueError(f"argument --limit: expected a number of rows, 1 or more, but got {text!r}")
    return int(text) if text else None


def _shown(value: object, *, is_metric: bool) -> str:
    if value is None:
        return "" if is_metric else "(none)"
    if isinstance(value, datetime) and value.time() == time():
        return f"{value:%Y-%m-%d}"
    if is_metric and isinstance(value, int):
        return f"{value:,}"
    if is_metric and isinstance(value, float):
        return f"{value:,.2f}" if abs(value) >= 100 else f"{value:.4f}"
    return str(value)


def print_answer(answer: pa.Table, metrics: Sequence[Metric], console: Console) -> None:
    """Print an answer as a table, with the units of its metrics."""
    units = {metric.name: metric.unit for metric in metrics}
    table = Table(box=None, header_style="bold", pad_edge=False)
    for name in answer.column_names:
        is_metric = name in units
        header = f"{name}\n[dim not bold]{units[name]}[/]" if is_metric else name
        table.add_column(header, justify="right" if is_metric else "left", overflow="fold")
    for row in answer.to_pylist():
        table.add_row(*(escape(_shown(value, is_metric=name in units)) for name, value in row.items()))
    console.print(table)


def print_metrics(metrics: Sequence[Metric], console: Console) -> None:
    """Print every metric with its unit and its label, by category."""
    for category, members in groupby(metrics, key=lambda metric: metric.category):
        table = Table("metric", "unit", "label", title=category, title_justify="left", box=None, pad_edge=False)
        for metric in members:
            table.add_row(metric.name, f"[dim]{metric.unit}[/]", metric.label)
        console.print(table)
        console.print()


def print_definition(definition: MetricDefinition, console: Console) -> None:
    """Print everything that is declared about a metric."""
    metric = definition.metric
    lines = {
        "metric": metric.name,
        "label": metric.label,
        "description": metric.description,
        "unit": metric.unit,
        "category": metric.category,
        "owner": metric.owner,
        "formula": "\n".join(definition.formula),
        "dimensions": "\n".join(definition.dimensions),
        "SQL": definition.sql,
    }
    table = Table(box=None, show_header=False, pad_edge=False)
    for name, text in lines.items():
        table.add_row(f"[bold]{name}[/]", escape(text))
    console.print(table)


def write_csv(answer: pa.Table, file: TextIO) -> None:
    """Write an answer as CSV, figures in full."""
    writer = csv.writer(file)
    writer.writerow(answer.column_names)
    writer.writerows(row.values() for row in answer.to_pylist())


def _answer(options: argparse.Namespace, console: Console) -> None:
    query = _query(options)
    source = _source(options)
    # Refuse a bad question before the working file is waited for, or Spark is started.
    metric_sql(query, source)
    if isinstance(source, SparkTables):
        answer = query_metrics(query, source)
        notes = [NO_MATCH] if is_empty(answer) else []
    else:
        with open_for_readers(live=options.live) as (source, connection):
            answer = query_metrics(query, source, connection)
            notes = notes_on(answer, months_loaded(query, source, connection))
    if options.csv:
        write_csv(answer, sys.stdout)
    elif options.json:
        print_json(answer.to_pylist())
    else:
        print_answer(answer, list_metrics(source), console)
        _print_source(source, console)
    # On stderr, because the figures may go into a file.
    for note in notes:
        print(note, file=sys.stderr)


def _print_source(source: MetricSource, console: Console) -> None:
    console.print(str(source), style=Style.UNIMPORTANT, markup=False)


def _describe(options: argparse.Namespace, console: Console) -> None:
    source = _source(options)
    if options.command == "list" and options.json:
        print_json(list_metrics(source))
        return
    if options.command == "list":
        print_metrics(list_metrics(source), console)
    elif options.command == "describe":
        print_definition(define_metric(options.metric, source), console)
    else:
        print("\n".join(list_dimensions(options.metrics, source)))
    _print_source(source, console)


@quiet_on_broken_pipe
def main(arguments: Sequence[str] | None = None, *, prog: str = "python -m metrics.ask") -> int:
    """Run the command line and return its exit code.

    It is 1 if there is no answer, 2 if the question is not valid, 3 if nothing is published, or not built on Spark.
    """
    parser = _parser(prog)
    options = parser.parse_args(arguments)
    console = Console()
    # Wide, because figures are for copying and must not be cut to a narrow terminal.
    console = Console(width=max(console.width, 250), highlight=False)
    try:
        (_answer if options.command == "query" else _describe)(options, console)
    except (ValueError, BadMetricQueryError) as error:
        print(f"{parser.prog}: error: {error}", file=sys.stderr)
        return ExitCode.BAD_ARGUMENTS
    except NotThereYetError as error:
        print(error, file=sys.stderr)
        return ExitCode.NOT_THERE_YET
    except WarehouseError as error:
        print(error, file=sys.stderr)
        return ExitCode.FAILED
    return ExitCode.DONE


if __name__ == "__main__":
    sys.exit(main())
