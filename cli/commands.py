"""Commands that load, build, check and publish, and those that show what is published."""

import os
import sys
from typing import Annotated

import typer

from cli.arguments import Value, as_arguments
from cli.completion import complete_formats, complete_streams, complete_suites, complete_tables
from cli.examples import examples
from cli.load_command import load
from cli.options import DEFAULT, First, Json, Last, Live, RowsCommand, Sources
from warehouse.exit_codes import ExitCode
from warehouse.paths import PROJECT_ROOT

_PASSES_OPTIONS_ON = {"allow_extra_args": True, "ignore_unknown_options": True}
_CONTEXT_SETTINGS = {
    "build": _PASSES_OPTIONS_ON,
    # From the first word on, everything belongs to the command that is called, `--help` and `--` included.
    "sandbox": {**_PASSES_OPTIONS_ON, "allow_interspersed_args": False},
}


def stream(
    streams: Annotated[
        str | None,
        typer.Argument(
            metavar="NAMES", help="Streams, separated by commas; by default all.", autocompletion=complete_streams
        ),
    ] = None,
    once: Annotated[bool, typer.Option("--once", help="Stop at the end that each topic has now.")] = False,
    skip_lost: Annotated[
        bool, typer.Option("--skip-lost", help="Go on where the broker deleted messages before they were read.")
    ] = False,
    start_over: Annotated[
        bool,
        typer.Option(
            "--start-over",
            help="Where a topic was made anew: delete what was loaded of the old one, and read the new one.",
        ),
    ] = False,
    as_json: Json = False,
) -> int:
    """Read topics of Kafka into raw_data.

    Each message exactly once, until it is stopped by Ctrl-C or SIGTERM.
    """
    from ingestion.streams.command import main

    options: dict[str, Value] = {"--once": once, "--skip-lost": skip_lost, "--start-over": start_over}
    names = [] if streams is None else [streams]
    return main([*as_arguments({**options, "--json": as_json}), "--", *names], prog="nyc stream")


def gaps(
    first: First = None,
    last: Last = None,
    sources: Sources = None,
    offline: Annotated[bool, typer.Option("--offline", help="Ask no publisher; judge by publication lag.")] = False,
    fill: Annotated[bool, typer.Option("--fill", help="Load what is missing, replaced or thin.")] = False,
    accept: Annotated[
        list[str] | None, typer.Option(metavar="FEED:PERIOD", help="Accept a gap that will stay; needs --reason.")
    ] = None,
    reopen: Annotated[list[str] | None, typer.Option(metavar="FEED:PERIOD", help="Take an acceptance back.")] = None,
    list_accepted: Annotated[bool, typer.Option("--list-accepted", help="List what is accepted, and why.")] = False,
    reason: Annotated[str | None, typer.Option(metavar="TEXT", help="With --accept: why.")] = None,
    as_json: Json = False,
) -> int:
    """Show what is missing, and load it.

    A period of a feed can be missing, refused, replaced at the publisher, overdue, not published yet, or thin.
    """
    from ingestion.gaps import main

    options = {"--from": first, "--to": last, "--sources": sources, "--offline": offline, "--fill": fill}
    acceptance = {"--accept": accept, "--reopen": reopen, "--list-accepted": list_accepted, "--reason": reason}
    return main(as_arguments({**options, **acceptance, "--json": as_json}), prog="nyc gaps")


def build(context: typer.Context) -> int:
    """Build and test the facts with dbt.

    Arguments are those of `dbt build`; only what changed is built.
    """
    from dbt.cli.exceptions import DbtUsageException

    from warehouse.dbt_runs import run_dbt

    os.chdir(PROJECT_ROOT / "dbt")
    # In this process, because dbt's own exit code does not tell bad arguments from errors.
    result = run_dbt(["build", *context.args])
    if isinstance(result.exception, DbtUsageException):
        print(f"nyc build: error: {result.exception}", file=sys.stderr)
        return ExitCode.BAD_ARGUMENTS
    return ExitCode.DONE if result.success else ExitCode.FAILED


def slim() -> int:
    """Build and test only what changed since the release.

    In a database of its own, which is thrown away: what CI does with a pull request.
    """
    from warehouse.slim import main

    return main([], prog="nyc slim")


def check(
    select: Annotated[
        str | None,
        typer.Option(metavar="NAMES", help="Suites or models, separated by commas.", autocompletion=complete_suites),
    ] = None,
    no_docs: Annotated[bool, typer.Option("--no-docs", help="Leave the HTML report as it is.")] = False,
    list_: Annotated[bool, typer.Option("--list", help="Only name the suites and their expectations.")] = False,
    as_json: Json = False,
) -> int:
    """Check the warehouse with Great Expectations."""
    from quality.run import main

    options = {"--select": select, "--no-docs": no_docs, "--list": list_, "--json": as_json}
    return main(as_arguments(options), prog="nyc check")


def publish(
    check: Annotated[bool, typer.Option("--check", help="Only say whether what is built may be published.")] = False,
    list_: Annotated[bool, typer.Option("--list", help="List the releases.")] = False,
    rollback: Annotated[str | None, typer.Option(metavar="ID", help="Make this release current again.")] = None,
    relink: Annotated[bool, typer.Option("--relink", help="Mend paths after the folder of releases moved.")] = False,
    as_json: Json = False,
) -> int:
    """Publish what is built, for everybody who reads.

    Makes a release of the working file if everything is built and no blocking check failed, and switches readers to it.
    """
    from warehouse.publishing.command import main

    options: dict[str, Value] = {"--check": check, "--list": list_, "--rollback": rollback, "--relink": relink}
    return main(as_arguments({**options, "--json": as_json}), prog="nyc publish")


def export(
    format_: Annotated[
        str | None,
        typer.Option("--format", metavar="FORMAT", help="What to write.", autocompletion=complete_formats),
    ] = None,
    select: Annotated[
        str | None,
        typer.Option(metavar="NAMES", help="Tables, separated by commas.", autocompletion=complete_tables),
    ] = None,
    to: Annotated[str | None, typer.Option(metavar="ADDRESS", help="A folder, or s3://bucket/prefix.")] = None,
    layers: Annotated[
        bool, typer.Option("--layers", help="With --format delta: the tables in layers, to LAYERS_URL.")
    ] = False,
    as_json: Json = False,
) -> int:
    """Export what is published, for other tools.

    To files or tables on a folder or in S3, by default to LAKEHOUSE_URL. Only what has changed is written.
    """
    from warehouse.lakehouse.command import main

    options: dict[str, Value] = {"--format": format_, "--select": select, "--to": to, "--layers": layers}
    return main(as_arguments({**options, "--json": as_json}), prog="nyc export")


def layers(
    wait: Annotated[
        str | None, typer.Option(metavar="SECONDS", help="Only wait until the server of S3 answers, if there is one.")
    ] = None,
    as_json: Json = False,
) -> int:
    """Say whether every table of every layer is there.

    With its rows, version and age, and whether its Delta log opens. Fails and says why if anything is not well.
    """
    try:
        from warehouse.lakehouse.layers_command import main
    except ModuleNotFoundError as error:
        from warehouse.lakehouse.formats import missing_library

        print(missing_library("nyc layers", error), file=sys.stderr)
        return ExitCode.FAILED

    return main(as_arguments({"--wait": wait, "--json": as_json}), prog="nyc layers")


def diff(
    old: Annotated[
        str | None, typer.Argument(metavar="OLD", help="A release; by default the one before the current.")
    ] = None,
    new: Annotated[str | None, typer.Argument(metavar="NEW", help="A release; by default the current one.")] = None,
    table: Annotated[
        str | None, typer.Option(metavar="NAME", help="Only this table.", autocompletion=complete_tables)
    ] = None,
    rows: Annotated[
        str | None, typer.Option(metavar="[N]", help="Show N rows of each kind and table, by default 3.")
    ] = None,
    as_json: Json = False,
) -> int:
    """Show what changed between two releases, and why.

    By table and partition: rows added, gone and changed, sums of money, and the reason.
    """
    from warehouse.releases.diff_command import main

    releases = [each for each in (old, new) if each is not None]
    options: dict[str, Value] = {"--table": table, "--rows": True if rows == DEFAULT else rows, "--json": as_json}
    return main([*releases, *as_arguments(options)], prog="nyc diff")


def briefing(
    date: Annotated[
        str | None, typer.Option(metavar="DAY", help="The day, such as 2026-01-14; by default the newest loaded.")
    ] = None,
    live: Live = False,
) -> int:
    """Write what there is to know of a day.

    As Markdown, to `briefings/` beside the DuckDB file.
    """
    from briefings.command import main

    return main(as_arguments({"--date": date, "--live": live}), prog="nyc briefing")


def portal(
    port: Annotated[str | None, typer.Option(metavar="N", help="By default 8501.")] = None,
    address: Annotated[str | None, typer.Option(metavar="ADDRESS", help="By default 127.0.0.1.")] = None,
) -> int:
    """Look at what is published, in a browser."""
    from portal.command import main

    return main(as_arguments({"--port": port, "--address": address}), prog="nyc portal")


def sandbox(context: typer.Context) -> int:
    """Stand in for the publishers, offline.

    `serve` sample files, `run` a command against them, or `write` them into a folder.
    """
    from sandbox.__main__ import main

    return main(context.args or ["--help"], prog="nyc sandbox")


def catalog(
    check: Annotated[bool, typer.Option("--check", help="Write nothing; fail if a file is out of date.")] = False,
) -> int:
    """Write dbt's list of feeds and sources.

    From the registry of feeds: run it after a change there.
    """
    from ingestion.dbt_catalog import main

    return main(as_arguments({"--check": check}), prog="nyc catalog")


def register(app: typer.Typer) -> None:
    """Add the commands to `nyc`, in the order of its help."""
    for command in (
        load,
        stream,
        gaps,
        build,
        slim,
        check,
        publish,
        diff,
        export,
        layers,
        briefing,
        portal,
        sandbox,
        catalog,
    ):
        settings = _CONTEXT_SETTINGS.get(command.__name__, {})
        cls = RowsCommand if command is diff else None
        app.command(cls=cls, epilog=examples(command.__name__), context_settings=settings)(command)
