"""The command that loads, and builds what it loaded."""

import sys
from contextlib import nullcontext
from typing import Annotated

import typer

from cli.arguments import as_arguments
from cli.options import First, Json, Last, Sources
from warehouse.exit_codes import ExitCode


def load(
    year: Annotated[str | None, typer.Option(metavar="YYYY", help="With --months: the year.")] = None,
    months: Annotated[str | None, typer.Option(metavar="5,6", help="With --year: months from 1 to 12.")] = None,
    first: First = None,
    last: Last = None,
    sources: Sources = None,
    force: Annotated[bool, typer.Option("--force", help="Load files again even if they did not change.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only print the addresses.")] = False,
    then_build: Annotated[bool, typer.Option("--build", help="Then build and test, as nyc build does.")] = False,
    as_json: Json = False,
) -> int:
    """Load published files into raw_data.

    With --build, dbt gets ready while files are loaded; it builds unless a file failed or was refused.
    """
    from warehouse.prepared_build import PreparedBuild

    if then_build and (dry_run or as_json):
        print(f"nyc load: error: argument --build: not with {'--dry-run' if dry_run else '--json'}", file=sys.stderr)
        return ExitCode.BAD_ARGUMENTS
    # Before dlt is imported, which takes as long as dbt.
    with PreparedBuild() if then_build else nullcontext() as build:
        from ingestion.run_pipeline import main

        options = {"--year": year, "--months": months, "--from": first, "--to": last, "--sources": sources}
        flags = {"--force": force, "--dry-run": dry_run, "--json": as_json}
        status = main(as_arguments({**options, **flags}), prog="nyc load")
        if build is None or status not in (ExitCode.DONE, ExitCode.NOT_THERE_YET):
            return status
        return build.run() or status
