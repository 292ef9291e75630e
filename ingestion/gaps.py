"""What is missing: `python -m ingestion.gaps [--from 2025-01] [--to 2025-06] [--sources NAMES] [--fill]`.

Compares what the feeds' calendars expect with what is loaded and with what the publishers have. For each feed it prints
which periods (months, days or hours) are loaded, missing, refused (the publisher has them, but did not give them to
these keys), replaced at the publisher, overdue (due by the feed's publication lag, but not at the publisher), not
published yet, or thin: loaded, but seemingly incomplete (`ingestion/thin.py` has the rules). By default it looks at the
default feeds and all that have something loaded, from the earliest period loaded of a feed's subject until now.

Publishers are asked for the headers of their files only, or for the listing of their names where they have one. A
period that has not ended is judged by date, and so is a feed whose publisher only answers with the data itself, and
with `--offline` everything: a file should be there when the feed's publication lag is over.

A period that will stay as it is is accepted with `--accept FEED:PERIOD --reason snow`. It is shown as accepted, is no
gap and is not filled, until its file changes. Loading the same file again changes nothing.

With `--json` the plan is printed as a JSON list; with `--fill` the results of the loads instead, as of
`run_pipeline.py`; with `--accept`, `--reopen` and `--list-accepted` what is accepted or no longer accepted.

Exit status: 0 nothing missing, refused, replaced, overdue or thin but what is accepted; 1 a publisher could not be
asked, or another error; 2 bad arguments, or nothing to accept or reopen; 3 something is a gap and not accepted. With
`--fill` it is that of the loads, as of `run_pipeline.py`: 0 all loaded or unchanged (a thin period may well be
unchanged); 1 one or more failed or were refused, or a publisher could not be asked; 3 none failed, but some periods are
not published, overdue ones among them. `--accept`, `--reopen` and `--list-accepted` end with 0, 1 or 2.
"""

import argparse
import logging
import sys
from collections.abc import Sequence
from datetime import date

from rich.console import Console

from ingestion.catalog import ALIASES, DEFAULT_SOURCES, FEEDS
from ingestion.errors import printable
from ingestion.gap_acceptance import (
    accept,
    acceptance_example,
    accepted_so_far,
    parse_partitions,
    reopen,
)
from ingestion.gap_report import (
    accepted_as_data,
    plan_as_data,
    print_accepted,
    print_gaps,
    print_still_thin,
    print_what_to_do,
)
from ingestion.gap_survey import NothingLoadedError, Survey, resolve_feeds_of_files, survey
from ingestion.log import configure_logging
from ingestion.partitions import Partition
from ingestion.pipeline import Result, Status, ingest
from ingestion.publication import Gap
from ingestion.run_pipeline import PERIOD_EXAMPLES, exit_status, refuse_bad_range
from ingestion.terminal import TerminalProgress, print_results, results_as_data
from warehouse.accepted_gaps import BadAcceptanceError, parse_reason
from warehouse.connection import WarehouseError
from warehouse.exit_codes import ExitCode
from warehouse.ledger import utc_now
from warehouse.periods import BadPeriodError, Period
from warehouse.terminal import print_json, quiet_on_broken_pipe


def parse_arguments(
    argv: Sequence[str] | None, now: date, prog: str = "python -m ingestion.gaps"
) -> argparse.Namespace:
    """Read the command line. `first` and `last` become periods, or None where not given; `now` is UTC.

    Raises:
        SystemExit: with status 2, after a message that says which argument is wrong and what is expected.
    """
    description, _, exit_statuses = (__doc__ or "").partition("\n\nExit status: ")
    parser = argparse.ArgumentParser(
        prog=prog,
        description=description.partition("\n\n")[2],
        epilog=f"Exit status: {exit_statuses}",
    )
    parser.add_argument(
        "--from",
        dest="first",
        metavar="PERIOD",
        help=f"where to begin, such as {PERIOD_EXAMPLES} (default: the earliest period loaded)",
    )
    parser.add_argument("--to", dest="last", metavar="PERIOD", help="the last period (default: the current one)")
    parser.add_argument(
        "--sources",
        metavar="NAMES",
        help=f"comma-separated: {', '.join([*ALIASES, *FEEDS])}"
        f" (default: {DEFAULT_SOURCES} and all that have something loaded)",
    )
    parser.add_argument("--offline", action="store_true", help="ask no publisher, judge by publication lag alone")
    acts = parser.add_mutually_exclusive_group()
    acts.add_argument(
        "--fill", action="store_true", help="load what is missing or replaced, and look again at what is thin"
    )
    acts.add_argument(
        "--accept",
        action="append",
        metavar="FEED:PERIOD",
        help=f"accept what is wrong with a period now, such as {acceptance_example()}; comma-separated or repeated",
    )
    acts.add_argument(
        "--reopen", action="append", metavar="FEED:PERIOD", help="take back what was accepted of a period, likewise"
    )
    acts.add_argument("--list-accepted", action="store_true", help="print what is accepted, by whom, when and why")
    parser.add_argument("--reason", metavar="TEXT", help="with --accept: why, in one line")
    parser.add_argument("--json", action="store_true", help="print a JSON list instead of a table, for scripts")
    options = parser.parse_args(argv)
    try:
        options.first, options.last = (_period(text, now) for text in (options.first, options.last))
        if options.first and options.last:
            refuse_bad_range(options.first, options.last, now)
        if options.sources is not None:
            resolve_feeds_of_files(options.sources)
        _read_acceptance(options, now)
    except ValueError as error:
        parser.error(str(error))
    return options


def _read_acceptance(options: argparse.Namespace, now: date) -> None:
    """Turn what is to be accepted or reopened into partitions, and the reason into a line."""
    if options.accept:
        options.accept, options.reason = parse_partitions(options.accept, now), parse_reason(options.reason)
    elif options.reason is not None:
        raise BadAcceptanceError("expected --reason with --accept only")
    if options.reopen:
        options.reopen = parse_partitions(options.reopen, now)
    is_of_everything = not (options.first or options.last or options.sources)
    if (options.accept or options.reopen or options.list_accepted) and not is_of_everything:
        raise BadAcceptanceError("expected no --from, --to and --sources beside --accept, --reopen and --list-accepted")


def _period(text: str | None, now: date) -> Period | None:
    period = Period.of_any_grain(text) if text is not None else None
    if period and not period.has_begun(now):
        raise BadPeriodError(f"{period} has not begun yet")
    return period


def plan_status(found: Survey) -> int:
    """The exit status that says what was found."""
    if found.unreachable:
        return ExitCode.FAILED
    return ExitCode.NOT_THERE_YET if found.has_gaps else ExitCode.DONE


def fill(found: Survey) -> list[Result]:
    """Load what is to fill as `run_pipeline.py` does.

    Raises:
        WarehouseError: the DuckDB file cannot be opened.
    """
    if not found.to_fill:
        return []
    with TerminalProgress(len(found.to_fill)) as progress:
        return ingest(found.to_fill, progress=progress)


def fill_status(found: Survey, results: Sequence[Result]) -> int:
    """The exit status after filling: that of the loads, with what could not be asked for or is overdue."""
    if found.unreachable:
        return ExitCode.FAILED
    is_overdue = any(Gap.OVERDUE in planned.open_gaps for planned in found.plan)
    return exit_status(results) or (ExitCode.NOT_THERE_YET if is_overdue else ExitCode.DONE)


def still_thin(found: Survey, results: Sequence[Result], now: date) -> list[Partition]:
    """Which partitions were thin, have been looked at again, and are still thin.

    Raises:
        WarehouseError: the DuckDB file cannot be opened.
    """
    looked_at = {result.partition for result in results if result.status in (Status.LOADED, Status.UNCHANGED)}
    before = {one.partition for one in found.plan if Gap.THIN in one.open_gaps} & looked_at
    if not before:
        return []
    # Everything that was planned: the same neighbours, and the same weekdays with rows.
    periods = [planned.partition.period for planned in found.plan]
    last = max(periods, key=lambda period: period.end)
    names = ",".join(dict.fromkeys(planned.partition.feed.name for planned in found.plan))
    again = survey(names, min(periods), last, now=now, is_offline=True)
    return [one.partition for one in again.plan if one.partition in before and Gap.THIN in one.open_gaps]


def _accept(options: argparse.Namespace, now: date) -> None:
    accepted = accept(options.accept, options.reason, now=now, is_offline=options.offline)
    if options.json:
        print_json(accepted_as_data((gap, "") for gap in accepted))
        return
    for gap in accepted:
        print(f"{gap.asset} {gap.partition_key}: accepted as {gap.state} ({gap.reason})")


def _reopen(options: argparse.Namespace) -> None:
    reopen(options.reopen)
    if options.json:
        print_json([{"feed": partition.feed.name, "period": partition.key} for partition in options.reopen])
        return
    for partition in options.reopen:
        print(f"{partition}: no longer accepted")


def _list_accepted(options: argparse.Namespace) -> None:
    accepted = accepted_so_far()
    print_json(accepted_as_data(accepted)) if options.json else print_accepted(accepted)


def _plan(options: argparse.Namespace, now: date) -> int:
    with Console(stderr=True).status("asking the publishers"):
        found = survey(options.sources, options.first, options.last, now=now, is_offline=options.offline)
    if options.json:
        return _plan_as_json(found, is_to_fill=options.fill)
    print_gaps(found)
    if not options.fill:
        print_what_to_do(found)
        return plan_status(found)
    results = fill(found)
    if results:
        print()
        print_results(results)
        print_still_thin(still_thin(found, results, now))
    return fill_status(found, results)


def _plan_as_json(found: Survey, *, is_to_fill: bool) -> int:
    for publisher, reason in found.unreachable.items():
        print(f"{publisher} could not be asked: {printable(reason)}", file=sys.stderr)
    if not is_to_fill:
        print_json(plan_as_data(found.plan))
        return plan_status(found)
    results = fill(found)
    print_json(results_as_data(results))
    return fill_status(found, results)


@quiet_on_broken_pipe
def main(argv: Sequence[str] | None = None, *, prog: str = "python -m ingestion.gaps") -> int:
    """Run the command line and return its exit status."""
    now = utc_now()
    options = parse_arguments(argv, now, prog)
    configure_logging()
    # How asking failed is printed below the plan.
    logging.getLogger("urllib3").setLevel(logging.ERROR)
    try:
        if options.accept:
            _accept(options, now)
        elif options.reopen:
            _reopen(options)
        elif options.list_accepted:
            _list_accepted(options)
        else:
            return _plan(options, now)
    except (BadPeriodError, BadAcceptanceError) as error:
        print(error, file=sys.stderr)
        return ExitCode.BAD_ARGUMENTS
    except (NothingLoadedError, WarehouseError) as error:
        print(error, file=sys.stderr)
        return ExitCode.FAILED
    return ExitCode.DONE


if __name__ == "__main__":
    sys.exit(main())
