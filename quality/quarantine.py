"""What was rejected, and why: `python -m quality.quarantine [--live] [--json]`.

Rejected rows by subject, feed, period and reason, with their share of the file and three examples each: those of the
current release, with `--live` those of the working file. `--accept FEED:PERIOD --reason TEXT` accepts those of a file.
Exit status: 0 no file has more rejected rows than its subject tolerates, without what is explained or accepted; 1 one
has, or the report cannot be made; 2 bad arguments; 3 nothing is published, with `--live` there is no database, or
nothing is built.
"""

import argparse
import sys
from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any

import duckdb
from rich.console import Console
from rich.markup import escape

from quality.files import FEW_ROWS
from quality.subject import Quarantine
from quality.suites import SUBJECTS
from warehouse.accepted_gaps import (
    REJECTED,
    AcceptedGap,
    BadAcceptanceError,
    accept_gaps,
    parse_reason,
    read_accepted_gaps,
    who_accepts,
)
from warehouse.connection import NotThereYetError, WarehouseError, open_for_writing
from warehouse.exit_codes import ExitCode
from warehouse.ledger import Fingerprint, read_watermarks, utc_now
from warehouse.periods import Period
from warehouse.releases import open_for_readers
from warehouse.sql import identifier
from warehouse.terminal import Style, add_live_option, print_json, quiet_on_broken_pipe

_EXAMPLES = 3

# Rejected rows of one feed, one period and one reason.
Rejection = dict[str, Any]


def rejections(connection: duckdb.DuckDBPyConnection) -> list[Rejection]:
    """What was rejected, of every subject that is built, as plain data.

    Raises:
        duckdb.CatalogException: no quarantine table is built.
    """
    found: list[Rejection] = []
    missing: list[duckdb.CatalogException] = []
    quarantines = [(subject.name, quarantine) for subject in SUBJECTS for quarantine in subject.quarantines]
    for subject, quarantine in quarantines:
        try:
            found += _rejections(connection, subject, quarantine)
        except duckdb.CatalogException as error:
            # A release of an earlier version has not all subjects.
            missing.append(error)
    if quarantines and len(missing) == len(quarantines):
        raise missing[0]
    return found


def _rejections(connection: duckdb.DuckDBPyConnection, subject: str, quarantine: Quarantine) -> list[Rejection]:
    groups = connection.execute(_groups_query(quarantine)).fetchall()
    examples = _examples(connection, quarantine)
    accepted = _accepted(connection)
    found: list[Rejection] = []
    for feed, start, reason, rows, rows_of_file, share, share_of_file, load_id in groups:
        period = Period(quarantine.grain, start)
        known = _explanation(quarantine, feed, reason, period)
        found.append(
            {
                "subject": subject,
                "feed": feed,
                "period": period.key,
                "reason": reason,
                "rows": rows,
                "share": share,
                "share_of_file": share_of_file,
                "tolerance": quarantine.tolerance,
                "is_tolerated": share_of_file <= quarantine.tolerance or rows_of_file <= FEW_ROWS,
                "explanation": known or accepted.get((feed, period.key, load_id)),
                "examples": examples[feed, start, reason],
            }
        )
    return found


def _groups_query(quarantine: Quarantine) -> str:
    column = quarantine.grain.column
    return f"""
        with rejected as (
            select feed, cast({column} as timestamp) as period_start, reason, count(*) as rejected_rows
            from {quarantine.table}
            group by all
        ),

        published as (
            select feed, period_start, load_id, rows as published_rows
            from meta.asset_watermarks
            where source_url is not null
        )

        select
            feed,
            period_start,
            reason,
            rejected_rows,
            sum(rejected_rows) over (partition by feed, period_start)::bigint as rejected_of_file,
            rejected_rows / published_rows as share,
            sum(rejected_rows) over (partition by feed, period_start) / published_rows as share_of_file,
            load_id
        from rejected
        inner join published using (feed, period_start)
        order by feed, period_start, rejected_rows desc
    """


def _explanation(quarantine: Quarantine, feed: str, reason: str, period: Period) -> str | None:
    for each in quarantine.explanations:
        is_of_period = each.before is None or period.start < Period.of_any_grain(each.before).start
        if (each.feed, each.reason) == (feed, reason) and is_of_period:
            return each.text
    return None


def _accepted(connection: duckdb.DuckDBPyConnection) -> dict[tuple[str, str, str | None], str]:
    """What people have said of rejected rows, by feed, period and the load that it is true of."""
    return {
        (feed, period, gap.load_id): f"Accepted by {gap.accepted_by} on {gap.accepted_at:%Y-%m-%d}: {gap.reason}"
        for (feed, period), gaps in read_accepted_gaps(connection).items()
        for gap in gaps
        if gap.state == REJECTED
    }


def accept(files: Iterable[str], reason: str | None) -> list[AcceptedGap]:
    """Accept that so many rows of files, each given as `FEED:PERIOD`, were rejected: of all of them or none.

    It holds until another file is loaded.

    Raises:
        BadAcceptanceError: nothing of a file was rejected, or the reason is not a valid one.
        WarehouseError: the DuckDB file cannot be opened.
    """
    said = parse_reason(reason)
    with open_for_writing() as connection:
        rejected = {f"{each['feed']}:{each['period']}" for each in rejections(connection)}
        wanted = list(dict.fromkeys(files))
        if other := [file for file in wanted if file not in rejected]:
            there = ", ".join(sorted(rejected)[:10]) or "none"
            raise BadAcceptanceError(
                f"expected FEED:PERIOD with rejected rows, but got {other[0][:50]!r}. There: {there}"
            )
        loads = {key: watermark.load_id for key, watermark in read_watermarks(connection).items()}
        accepted = [
            AcceptedGap(feed, key, REJECTED, said, who_accepts(), utc_now(), loads.get((feed, key)), Fingerprint(""))
            for feed, _, key in (file.partition(":") for file in wanted)
        ]
        accept_gaps(accepted, connection)
    return accepted


def _examples(
    connection: duckdb.DuckDBPyConnection, quarantine: Quarantine
) -> dict[tuple[str, datetime, str], list[dict[str, Any]]]:
    """The first rows of each feed, start of a period and reason; of all of them in one pass."""
    column = quarantine.grain.column
    columns = ["source_row", *quarantine.shown.values()]
    rows = connection.execute(
        f"select feed, cast({column} as timestamp), reason, {', '.join(map(identifier, columns))}"
        f" from {quarantine.table}"
        f" qualify row_number() over (partition by feed, {column}, reason order by source_row) <= {_EXAMPLES}"
        " order by source_row"
    ).fetchall()
    found: dict[tuple[str, datetime, str], list[dict[str, Any]]] = {}
    for feed, start, reason, *values in rows:
        example = dict(zip(["row", *quarantine.shown], values, strict=True))
        found.setdefault((feed, start, reason), []).append(example)
    return found


def suspect_files(found: Sequence[Rejection]) -> dict[tuple[str, str], float]:
    """Files of which more was rejected than is tolerated, without what is explained: its share by feed and period.

    A few rows say nothing, however small the file.
    """
    shares: dict[tuple[str, str], float] = {}
    rows: dict[tuple[str, str], int] = {}
    tolerances = {(each["feed"], each["period"]): each["tolerance"] for each in found}
    for each in found:
        if not each["explanation"]:
            file = (each["feed"], each["period"])
            shares[file] = shares.get(file, 0.0) + each["share"]
            rows[file] = rows.get(file, 0) + each["rows"]
    return {file: share for file, share in sorted(shares.items()) if share > tolerances[file] and rows[file] > FEW_ROWS}


def print_rejections(found: Sequence[Rejection], console: Console) -> None:
    """Print what was rejected, and which files have more of it than is tolerated."""
    for subject, group in groupby(found, key=lambda each: each["subject"]):
        console.print(f"[bold]{subject}[/]")
        for each in group:
            _print_rejection(each, console)
    if not found:
        console.print("nothing was rejected")
    tolerances = {(each["feed"], each["period"]): each["tolerance"] for each in found}
    for file in suspect_files(found):
        console.print(f"[bold red]failed[/] {file[0]} {file[1]}: more than {tolerances[file]:.0%} of the file")


def _print_rejection(each: Rejection, console: Console) -> None:
    colour = "bold" if each["is_tolerated"] else "bold red"
    counted = f"{each['reason']}: {each['rows']:,} rows, {each['share']:.4%} of the file"
    console.print(f"[{colour}]{each['feed']} {each['period']}[/]  {counted}")
    if each["explanation"]:
        console.print(f"    {each['explanation']}")
    for example in each["examples"]:
        shown = ", ".join(f"{name} {value or 'missing'}" for name, value in example.items() if name != "row")
        console.print(escape(f"    row {example['row']:,}: {shown}"))


def _accept(files: Sequence[str], reason: str | None) -> int:
    for gap in accept(files, reason):
        print(f"accepted: {gap.asset} {gap.partition_key}. Readers see it after the next nyc publish.")
    return ExitCode.DONE


@quiet_on_broken_pipe
def main(arguments: Sequence[str] | None = None, *, prog: str = "python -m quality.quarantine") -> int:
    """Print the report, and return the exit status."""
    parser = argparse.ArgumentParser(prog=prog, description=__doc__)
    parser.add_argument("--json", action="store_true", help="print the rejected rows as JSON")
    add_live_option(parser)
    parser.add_argument(
        "--accept",
        action="append",
        default=[],
        metavar="FEED:PERIOD",
        help="accept that so many rows of a file were rejected, until another file is loaded",
    )
    parser.add_argument("--reason", metavar="TEXT", help="why it is accepted: one line")
    options = parser.parse_args(arguments)
    try:
        if options.accept:
            return _accept(options.accept, options.reason)
        with open_for_readers(live=options.live) as (source, connection):
            found = rejections(connection)
    except duckdb.CatalogException:
        tables = ", ".join(quarantine.table for subject in SUBJECTS for quarantine in subject.quarantines)
        print(f"expected {tables}, but not all are there. Run dbt build in dbt/", file=sys.stderr)
        return ExitCode.NOT_THERE_YET
    except BadAcceptanceError as error:
        print(error, file=sys.stderr)
        return ExitCode.BAD_ARGUMENTS
    except WarehouseError as error:
        print(error, file=sys.stderr)
        return ExitCode.NOT_THERE_YET if isinstance(error, NotThereYetError) else ExitCode.FAILED
    if options.json:
        print_json(found)
    else:
        console = Console(highlight=False, soft_wrap=True)
        print_rejections(found, console)
        console.print(str(source), style=Style.UNIMPORTANT, markup=False)
    return ExitCode.FAILED if suspect_files(found) else ExitCode.DONE


if __name__ == "__main__":
    sys.exit(main())
