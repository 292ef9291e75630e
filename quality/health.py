"""The health of the data by its last checks, whoever ran them: `python -m quality.health [--live] [--json]`.

The latest result of every check in the ledger of the current release, by subject: dbt's tests, the suites of Great
Expectations and Dagster's asset checks. `nyc health` first says whether all is well. With `--live` it is the ledger of
the working file, which has later checks. Exit status: 0 no check of severity error failed; 1 one did, or the report
cannot be made; 3 nothing is published, with `--live` there is no database, or nothing was checked.
"""

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any

import duckdb
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from quality.subject import Listing
from quality.suites import SUBJECTS
from warehouse.connection import NotThereYetError, WarehouseError
from warehouse.exit_codes import ExitCode
from warehouse.paths import PROJECT_ROOT
from warehouse.publishing.audit import outdated_failures
from warehouse.releases import Source, open_for_readers
from warehouse.terminal import Style, add_live_option, print_json, quiet_on_broken_pipe
from warehouse.verdict import Level, Verdict

# The latest run of each check; where it failed for several partitions, all of them.
_LATEST = """
    select source, asset, check_name, partition_key, severity, passed, observed, expected, checked_at
    from meta.asset_checks
    qualify checked_at = max(checked_at) over (partition by source, asset, check_name)
    order by source, severity, asset, check_name, partition_key
"""
_COLUMNS = ("source", "asset", "check", "partition", "severity", "passed", "observed", "expected", "checked_at")

# What concerns every subject.
_ALL_SUBJECTS = "all"

_STYLES = {Level.WELL: Style.GOOD, Level.ATTENTION: Style.WARNING, Level.WRONG: Style.BAD}

Check = dict[str, Any]


def latest_checks(connection: duckdb.DuckDBPyConnection) -> list[Check]:
    """The latest checks as plain data, by subject: none where nothing was checked.

    A check that failed, and that a later run no longer has, is not among them: its alarm would never end. `rows` are
    what a check with a listing names, in words.
    """
    subjects = _subjects_of_models()
    listings = {listing.test: listing for subject in SUBJECTS for listing in subject.listings}
    outdated = outdated_failures(connection)
    checks: list[Check] = []
    for row in connection.execute(_LATEST).fetchall():
        check = dict(zip(_COLUMNS, row, strict=True))
        if (check["source"], check["asset"], check["check"]) in outdated:
            continue
        names = (check["asset"], check["check"])
        check["subject"] = next((subjects[name] for name in names if name in subjects), _ALL_SUBJECTS)
        check["rows"] = _listed(connection, listings[check["check"]]) if check["check"] in listings else []
        checks.append(check)
    return sorted(checks, key=lambda check: (check["subject"] == _ALL_SUBJECTS, check["subject"]))


def _subjects_of_models() -> dict[str, str]:
    """The subject of every dbt model, seed and test, which is the folder that it is in, and of every suite's model."""
    names = {subject.name for subject in SUBJECTS if subject.name}
    found = {suite.model: subject.name for subject in SUBJECTS for suite in subject.suites if subject.name}
    for folder in ("models", "seeds", "tests"):
        root = PROJECT_ROOT / "dbt" / folder
        for path in root.rglob("*.*"):
            for name in names.intersection(path.relative_to(root).parts):
                found[path.stem] = name
    return found


def _listed(connection: duckdb.DuckDBPyConnection, listing: Listing) -> list[str]:
    is_there = "select count(*) from information_schema.tables where table_schema = 'core_checks' and table_name = ?"
    if not connection.execute(is_there, [listing.test]).fetchall()[0][0]:
        return []
    return [row for (row,) in connection.execute(f"select {listing.row} from core_checks.{listing.test}").fetchall()]


def count_failed(checks: Sequence[Check], severity: str = "error") -> int:
    """How many checks of this severity failed; one that failed for several partitions counts once."""
    return _count([check for check in checks if check["severity"] == severity and not check["passed"]])


def _count(checks: Sequence[Check]) -> int:
    return len({(check["source"], check["asset"], check["check"]) for check in checks})


def print_verdict(verdict: Verdict, console: Console) -> None:
    """Print whether all is well in one line, and below it what to do."""
    console.print(verdict.line, style=_STYLES[verdict.level], markup=False)
    for trouble in verdict.troubles:
        commands = f" {' && '.join(trouble.commands)}" if trouble.commands else ""
        console.print(f"  {trouble.summary}: {trouble.advice}{commands}", markup=False)
        if trouble.otherwise:
            console.print(f"    or, if it stays as it is: {' && '.join(trouble.otherwise)}", markup=False)
    console.print()


def print_health(checks: Sequence[Check], console: Console) -> None:
    """Print how many checks there were, and those that failed."""
    table = Table("subject", "source", box=None, header_style="bold", pad_edge=False)
    for name in ("checks", "failed", "warned", "last at (UTC)"):
        table.add_column(name, justify="right")
    for (subject, source), group in groupby(checks, key=lambda check: (check["subject"], check["source"])):
        rows = list(group)
        counts = (_count(rows), count_failed(rows), count_failed(rows, "warn"))
        last: datetime = max(row["checked_at"] for row in rows)
        table.add_row(subject, source, *(f"{count:,}" for count in counts), f"{last:%Y-%m-%d %H:%M}")
    console.print(table)
    for check in checks:
        if not check["passed"]:
            word = f"[{Style.BAD}]failed[/]" if check["severity"] == "error" else f"[{Style.WARNING}]warned[/]"
            of = f" of {check['partition']}" if check["partition"] else ""
            name = f"{check['asset']}.{check['check']}{of}"
            console.print(word, escape(f"{name}: observed {check['observed']}, expected {check['expected']}"))
    for title, rows_named in _titled_rows(checks):
        console.print(f"{title}: {escape(', '.join(rows_named))}")


def _titled_rows(checks: Sequence[Check]) -> Iterator[tuple[str, list[str]]]:
    for subject in SUBJECTS:
        for listing in subject.listings:
            named: list[str] = next((check["rows"] for check in checks if check["check"] == listing.test), [])
            if named:
                yield listing.title, named


@quiet_on_broken_pipe
def main(
    arguments: Sequence[str] | None = None,
    *,
    judged: Callable[[Source, duckdb.DuckDBPyConnection], Verdict] | None = None,
    prog: str = "python -m quality.health",
) -> int:
    """Print the health of the data, and return the exit status.

    `judged` says whether all is well. Without it only the checks are printed.
    """
    parser = argparse.ArgumentParser(prog=prog, description=__doc__)
    parser.add_argument("--json", action="store_true", help="print the checks as JSON")
    add_live_option(parser)
    options = parser.parse_args(arguments)
    try:
        with open_for_readers(live=options.live) as (source, connection):
            checks = latest_checks(connection)
            verdict = judged(source, connection) if judged else None
    except duckdb.CatalogException:
        checks = []
    except WarehouseError as error:
        print(error, file=sys.stderr)
        return ExitCode.NOT_THERE_YET if isinstance(error, NotThereYetError) else ExitCode.FAILED
    if not checks:
        print("nothing was checked yet. Run dbt build in dbt/, or python -m quality.run", file=sys.stderr)
        return ExitCode.NOT_THERE_YET
    if options.json:
        print_json(checks)
    else:
        console = Console(highlight=False, soft_wrap=True)
        if verdict:
            print_verdict(verdict, console)
        print_health(checks, console)
        console.print(str(source), style=Style.UNIMPORTANT, markup=False)
    return ExitCode.FAILED if count_failed(checks) else ExitCode.DONE


if __name__ == "__main__":
    sys.exit(main())
