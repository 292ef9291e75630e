"""Check the warehouse: `python -m quality.run [--select fct_trips,dim_weather]`.

Exit status: 0 every expectation of severity error holds; 1 one or more do not; 2 bad arguments; 3 there is nothing to
check: no database, nothing built or nothing loaded, or another process kept the file for too long.
"""

import argparse
import sys
from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from quality.data_docs import docs_folder
from quality.suite import UnknownSuiteError, select
from quality.suites import SUITES
from warehouse.connection import WarehouseError
from warehouse.ledger import Check
from warehouse.terminal import quiet_on_broken_pipe


def _arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m quality.run",
        description="Run the suites on the DuckDB file, renew the data docs, and write what was observed into the "
        "ledger (meta.asset_checks).",
        epilog="Exit status: 0 all that must hold does; 1 something does not; 2 bad arguments; 3 nothing to check.",
    )
    parser.add_argument("--select", default="", help="comma-separated suites or dbt models (default: all)")
    parser.add_argument("--no-docs", action="store_true", help="leave the HTML data docs as they are")
    parser.add_argument("--list", action="store_true", help="only name the suites and their expectations")
    return parser.parse_args(arguments)


@quiet_on_broken_pipe
def main(arguments: Sequence[str] | None = None) -> int:
    """Run what the arguments say, and return the exit status."""
    options = _arguments(arguments)
    console = Console(highlight=False)
    try:
        suites = select(SUITES, [name.strip() for name in options.select.split(",") if name.strip()])
    except UnknownSuiteError as error:
        print(error, file=sys.stderr)
        return 2
    if options.list:
        for suite in suites:
            console.print(f"[bold]{suite.name}[/] on {suite.model}, {suite.kind}")
            for expectation in suite.expectations:
                console.print(escape(f"    {expectation.name} ({expectation.severity}): {expectation.description}"))
        return 0
    # Great Expectations takes seconds to import: not for a wrong argument.
    from quality.runner import error_of, run_and_record
    from quality.validate import NothingToCheckError

    try:
        results = run_and_record(
            suites, started_by="terminal", arguments={"select": options.select}, builds_docs=not options.no_docs
        )
    except (NothingToCheckError, WarehouseError) as error:
        print(error, file=sys.stderr)
        return 3
    table = Table("suite", box=None, header_style="bold", pad_edge=False)
    for name in ("expectations", "failed", "warned", "seconds"):
        table.add_column(name, justify="right")
    for result in results:
        table.add_row(
            result.suite.name,
            str(len(result.suite.expectations)) if result.checks else "nothing loaded",
            _count(result.failed("error"), "bold red"),
            _count(result.failed("warn"), "yellow"),
            f"{result.seconds:.1f}",
        )
    console.print(table)
    for result in results:
        for check in [*result.failed("error"), *result.failed("warn")]:
            console.print(_line(check), soft_wrap=True)
    if not options.no_docs:
        console.print(f"\ndata docs: {docs_folder() / 'index.html'}", soft_wrap=True)
    return 1 if error_of(results) else 0


def _count(checks: Sequence[Check], colour: str) -> str:
    names = {check.check_name for check in checks}
    return f"[{colour}]{len(names)}[/]" if names else "0"


def _line(check: Check) -> str:
    colour, word = ("bold red", "failed") if check.severity == "error" else ("yellow", "warned")
    of = f" of {check.partition_key}" if check.partition_key else ""
    said = f" {check.asset}.{check.check_name}{of}: observed {check.observed}, expected {check.expected}"
    return f"[{colour}]{word}[/]{escape(said)}"


if __name__ == "__main__":
    sys.exit(main())
