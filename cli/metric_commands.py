"""Commands that list and ask for the governed metrics."""

from typing import Annotated

import typer

from cli.arguments import Value, as_arguments
from cli.completion import complete_metrics
from cli.examples import examples
from cli.options import Json, Live

Engine = Annotated[
    str | None, typer.Option(metavar="duckdb|spark", help="Who answers: DuckDB, or Spark what is built on it.")
]
Names = Annotated[
    str,
    typer.Argument(metavar="METRICS", help="Names, separated by commas.", autocompletion=complete_metrics),
]


def _list(live: Live = False, as_json: Json = False) -> int:
    """Every metric by category."""
    from metrics.ask import main

    return main(["list", *as_arguments({"--live": live, "--json": as_json})], prog="nyc metrics")


def _describe(
    metric: Annotated[str, typer.Argument(metavar="METRIC", help="Its name.", autocompletion=complete_metrics)],
    live: Live = False,
    engine: Engine = None,
) -> int:
    """What a metric is, what it is made of, and its SQL."""
    from metrics.ask import main

    return main(["describe", metric, *as_arguments({"--live": live, "--engine": engine})], prog="nyc metrics")


def _dimensions(metrics: Names, live: Live = False) -> int:
    """What all of these metrics can be grouped and filtered by."""
    from metrics.ask import main

    return main(["dimensions", metrics, *as_arguments({"--live": live})], prog="nyc metrics")


def query(
    metrics: Names = "",
    by: Annotated[str | None, typer.Option(metavar="NAMES", help="Group by these dimensions.")] = None,
    where: Annotated[
        list[str] | None, typer.Option(metavar="TEXT", help="A condition on dimensions; of several, all must hold.")
    ] = None,
    start: Annotated[str | None, typer.Option(metavar="DAY", help="First day of metric_time, as 2025-01-01.")] = None,
    end: Annotated[str | None, typer.Option(metavar="DAY", help="Last day of metric_time.")] = None,
    order: Annotated[str | None, typer.Option(metavar="NAMES", help="-name for descending.")] = None,
    limit: Annotated[str | None, typer.Option(metavar="N", help="This many rows.")] = None,
    saved: Annotated[str | None, typer.Option(metavar="NAME", help="A saved query, in place of metrics.")] = None,
    live: Live = False,
    engine: Engine = None,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV.")] = False,
    as_json: Json = False,
) -> int:
    """Ask for metrics, by dimensions."""
    from metrics.ask import main

    options: dict[str, Value] = {
        "--by": by,
        "--where": where,
        "--start": start,
        "--end": end,
        "--order": order,
        "--limit": limit,
        "--engine": engine,
    }
    given = as_arguments({**options, "--saved": saved, "--live": live, "--csv": as_csv, "--json": as_json})
    return main(["query", *([metrics] if metrics else []), *given], prog="nyc")


def register(app: typer.Typer) -> None:
    """Add the commands to `nyc`."""
    metrics = typer.Typer(
        help="List the governed metrics, or say what one is.", no_args_is_help=True, epilog=examples("metrics")
    )
    for name, command in (("list", _list), ("describe", _describe), ("dimensions", _dimensions)):
        metrics.command(name, epilog=examples(f"metrics {name}"))(command)
    app.add_typer(metrics, name="metrics")
    app.command(epilog=examples("query"))(query)
