"""Check the warehouse: `python -m quality.run [--select NAMES] [--json]`.

Exit status: 0 every expectation of severity error holds; 1 one or more do not; 2 bad arguments; 3 there is nothing to
check: no database, nothing built or nothing loaded, or another process kept the file for too long.
"""

import argparse
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from quality.data_docs import docs_folder
from quality.suite import Suite, UnknownSuiteError, select
from quality.suites import SUBJECTS, SUITES
from warehouse.connection import WarehouseError
from warehouse.exit_codes import ExitCode
from warehouse.ledger import Check
from warehouse.terminal import Style, print_json, quiet_on_broken_pipe

if TYPE_CHECKING:
    from quality.validate import SuiteResult


def _arguments(arguments: Sequence[str] | None, prog: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog=prog,
        description="Run the suites on the DuckDB file, renew the data docs, and write what was observed into the "
        "ledger (meta.asset_checks).",
        epilog="Exit status: 0 all expectations hold or only warn; 1 one failed; 2 bad arguments; 3 nothing to check.",
    )
    parser.add_argument("--select", default="", help="comma-separated suites or dbt models (default: all)")
    parser.add_argument("--no-docs", action="store_true", help="leave the HTML data docs as they are")
    parser.add_argument("--list", action="store_true", help="only name the suites and their expectations")
    parser.add_argument("--json", action="store_true", help="print the results, or the list, as JSON")
    return parser.parse_args(arguments)


@quiet_on_broken_pipe
def main(arguments: Sequence[str] | None = None, *, prog: str = "python -m quality.run") -> int:
    """Run what the arguments say, and return the exit status."""
    options = _arguments(arguments, prog)
    try:
        suites = select(SUITES, [name.strip() for name in options.select.split(",") if name.strip()])
    except UnknownSuiteError as error:
        print(error, file=sys.stderr)
        return ExitCode.BAD_ARGUMENTS
    if options.list:
        _print_list(suites, as_json=options.json)
        return ExitCode.DONE
    # Imported here because Great Expectations takes seconds to import.
    from quality.runner import error_of, run_and_record
    from quality.validate import NothingToCheckError

    try:
        results = run_and_record(
            suites, started_by="terminal", arguments={"select": options.select}, builds_docs=not options.no_docs
        )
    except (NothingToCheckError, WarehouseError) as error:
        print(error, file=sys.stderr)
        return ExitCode.NOT_THERE_YET
    if options.json:
        print_json(checks_as_rows(results))
    else:
        _print_results(results, has_docs=not options.no_docs)
    return ExitCode.FAILED if error_of(results) else ExitCode.DONE


def expectations_as_rows(suites: Sequence[Suite]) -> list[dict[str, Any]]:
    """Every expectation as plain data."""
    return [
        {
            "subject": _subject_of(suite),
            "suite": suite.name,
            "model": suite.model,
            "kind": suite.kind,
            "expectation": expectation.name,
            "severity": expectation.severity,
            "description": expectation.description,
        }
        for suite in suites
        for expectation in suite.expectations
    ]


def checks_as_rows(results: "Sequence[SuiteResult]") -> list[dict[str, Any]]:
    """Every check of a run as plain data; an expectation that files failed has a row for each of them."""
    return [
        {
            "subject": _subject_of(result.suite),
            "suite": result.suite.name,
            "model": result.suite.model,
            "expectation": check.check_name,
            "partition": check.partition_key,
            "severity": check.severity,
            "passed": check.passed,
            "observed": check.observed,
            "expected": check.expected,
        }
        for result in results
        for check in result.checks
    ]


def _subject_of(suite: Suite) -> str | None:
    return next((subject.name for subject in SUBJECTS if suite in subject.suites), None) or None


def _print_list(suites: Sequence[Suite], *, as_json: bool) -> None:
    if as_json:
        print_json(expectations_as_rows(suites))
        return
    console = Console(highlight=False)
    for suite in suites:
        console.print(f"[bold]{suite.name}[/] on {suite.model}, {suite.kind}")
        for expectation in suite.expectations:
            console.print(escape(f"    {expectation.name} ({expectation.severity}): {expectation.description}"))


def _print_results(results: "Sequence[SuiteResult]", *, has_docs: bool) -> None:
    console = Console(highlight=False)
    table = Table("suite", box=None, header_style="bold", pad_edge=False)
    for name in ("expectations", "failed", "warned", "seconds"):
        table.add_column(name, justify="right")
    for result in results:
        table.add_row(
            result.suite.name,
            str(len(result.suite.expectations)) if result.checks else "nothing loaded",
            _count(result.failed("error"), Style.BAD),
            _count(result.failed("warn"), Style.WARNING),
            f"{result.seconds:.1f}",
        )
    console.print(table)
    for result in results:
        for check in [*result.failed("error"), *result.failed("warn")]:
            console.print(_line(check), soft_wrap=True)
    if has_docs:
        console.print(f"\ndata docs: {docs_folder() / 'index.html'}", soft_wrap=True)


def _count(checks: Sequence[Check], colour: str) -> str:
    names = {check.check_name for check in checks}
    return f"[{colour}]{len(names)}[/]" if names else "0"


def _line(check: Check) -> str:
    colour, word = (Style.BAD, "failed") if check.severity == "error" else (Style.WARNING, "warned")
    of = f" of {check.partition_key}" if check.partition_key else ""
    description = f" {check.asset}.{check.check_name}{of}: observed {check.observed}, expected {check.expected}"
    return f"[{colour}]{word}[/]{escape(description)}"


if __name__ == "__main__":
    sys.exit(main())
