"""What is missing: `python -m ingestion.gaps [--from 2025-01] [--to 2025-06] [--sources yellow] [--fill]`.

Compares the registry with what is loaded and with what the publishers have, and prints for each feed which
months are loaded, missing, replaced at the publisher, overdue (due by the feed's publication lag, but not at the
publisher), not published yet, and thin: loaded, but seemingly not all of the month (`ingestion/thin.py` has the
rules). By default these are the months from the first one loaded to the current one, of the default feeds and of
all that have something loaded.

Publishers are asked for the headers of their files only, or for the listing of their names where they have one. A
month that has not ended, weather, and with `--offline` everything, is judged by date: it should be published when the
feed's publication lag is over.

A month that is as it will be is accepted with `--accept citibike_jc:2021-02 --reason snow`: it is shown as accepted,
counts as no gap and is not filled, until its file is another one. Loading the same file again changes nothing.

Exit status: 0 nothing missing, replaced, overdue or thin but what is accepted; 1 a publisher could not be asked, or
another error; 2 bad arguments, or nothing to accept or reopen; 3 something missing, replaced, overdue or thin. With
`--fill` it is that of the loads, as of `run_pipeline.py`: 0 all loaded or unchanged (a thin month may well be
unchanged); 1 one or more failed, or a publisher could not be asked; 3 none failed, but some months are not published,
overdue ones among them. `--accept`, `--reopen` and `--list-accepted` end with 0, 1 or 2.
"""

import argparse
import logging
import sys
from collections.abc import Collection, Sequence
from datetime import UTC, date, datetime

from rich.console import Console

from ingestion.catalog import ALIASES, DEFAULT_SOURCES, FEEDS, resolve_sources
from ingestion.gap_acceptance import (
    BadAcceptanceError,
    accept,
    accepted_so_far,
    parse_partitions,
    parse_reason,
    reopen,
)
from ingestion.gap_report import print_accepted, print_gaps, print_still_thin, print_what_to_do
from ingestion.gap_survey import NothingLoadedError, Survey, survey
from ingestion.log import configure_logging
from ingestion.partitions import Partition
from ingestion.pipeline import Status, ingest
from ingestion.publication import Gap
from ingestion.run_pipeline import exit_status
from ingestion.terminal import TerminalProgress, print_results
from warehouse.connection import WarehouseError
from warehouse.periods import BadPeriodError, Period
from warehouse.terminal import quiet_on_broken_pipe


def parse_arguments(argv: Sequence[str] | None, today: date) -> argparse.Namespace:
    """Read the command line; `first` and `last` become months, or None where not given.

    Raises:
        SystemExit: with status 2, after a message that says which argument is wrong and what is expected.
    """
    description, _, exit_statuses = (__doc__ or "").partition("\n\nExit status: ")
    parser = argparse.ArgumentParser(
        prog="python -m ingestion.gaps",
        description=description.partition("\n\n")[2],
        epilog=f"Exit status: {exit_statuses}",
    )
    parser.add_argument("--from", dest="first", metavar="YYYY-MM", help="first month (default: the first one loaded)")
    parser.add_argument("--to", dest="last", metavar="YYYY-MM", help="last month (default: the current one)")
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
        metavar="FEED:YYYY-MM",
        help="accept what is wrong with a month now, such as citibike_jc:2021-02; comma-separated or repeated",
    )
    acts.add_argument(
        "--reopen", action="append", metavar="FEED:YYYY-MM", help="take back what was accepted of a month, likewise"
    )
    acts.add_argument("--list-accepted", action="store_true", help="print what is accepted, by whom, when and why")
    parser.add_argument("--reason", metavar="TEXT", help="with --accept: why, in one line")
    options = parser.parse_args(argv)
    try:
        options.first, options.last = (_month(text, today) for text in (options.first, options.last))
        if options.first and options.last and options.first > options.last:
            raise BadPeriodError(f"--from {options.first} is after --to {options.last}")
        if options.sources is not None:
            resolve_sources(options.sources)
        _read_acceptance(options, today)
    except ValueError as error:
        parser.error(str(error))
    return options


def _read_acceptance(options: argparse.Namespace, today: date) -> None:
    """Turn what is to be accepted or reopened into partitions, and the reason into a line."""
    if options.accept:
        options.accept, options.reason = parse_partitions(options.accept, today), parse_reason(options.reason)
    elif options.reason is not None:
        raise BadAcceptanceError("expected --reason with --accept only")
    if options.reopen:
        options.reopen = parse_partitions(options.reopen, today)
    is_of_all_months = not (options.first or options.last or options.sources)
    if (options.accept or options.reopen or options.list_accepted) and not is_of_all_months:
        raise BadAcceptanceError("expected no --from, --to and --sources beside --accept, --reopen and --list-accepted")


def _month(text: str | None, today: date) -> Period | None:
    period = Period.of_any_grain(text) if text is not None else None
    if period and period.first_day > today:
        raise BadPeriodError(f"{period} has not begun yet")
    return period


def plan_status(found: Survey) -> int:
    """The exit status that says what was found."""
    if found.unreachable:
        return 1
    return 3 if found.has_gaps else 0


def fill(found: Survey, today: date) -> int:
    """Load what is to fill as `run_pipeline.py` does, and return the exit status, which is that of the loads.

    Raises:
        WarehouseError: the DuckDB file cannot be opened.
    """
    status = 0
    if found.to_fill:
        with TerminalProgress(len(found.to_fill)) as progress:
            results = ingest(found.to_fill, progress=progress)
        print()
        print_results(results)
        looked_at = {result.partition for result in results if result.status in (Status.LOADED, Status.UNCHANGED)}
        print_still_thin(_still_thin(found, looked_at, today))
        status = exit_status(results)
    if found.unreachable:
        return 1
    is_overdue = any(Gap.OVERDUE in planned.open_gaps for planned in found.plan)
    return status or (3 if is_overdue else 0)


def _still_thin(found: Survey, looked_at: Collection[Partition], today: date) -> list[Partition]:
    """Which months were thin, have been looked at again, and are thin."""
    periods = sorted((planned.partition.period for planned in found.plan), key=lambda period: period.start)
    names = ",".join(dict.fromkeys(planned.partition.feed.name for planned in found.plan))
    now = survey(names, periods[0], periods[-1], today=today, is_offline=True)
    before = {planned.partition for planned in found.plan if Gap.THIN in planned.open_gaps} & set(looked_at)
    return [one.partition for one in now.plan if one.partition in before and Gap.THIN in one.open_gaps]


def _accept(options: argparse.Namespace, today: date) -> None:
    accepted = accept(options.accept, options.reason, today=today, is_offline=options.offline)
    for gap in accepted:
        print(f"{gap.asset} {gap.partition_key}: accepted as {gap.state} ({gap.reason})")


def _reopen(partitions: list[Partition]) -> None:
    reopen(partitions)
    for partition in partitions:
        print(f"{partition}: no longer accepted")


def _plan(options: argparse.Namespace, today: date) -> int:
    with Console(stderr=True).status("asking the publishers"):
        found = survey(options.sources, options.first, options.last, today=today, is_offline=options.offline)
    print_gaps(found)
    if options.fill:
        return fill(found, today)
    print_what_to_do(found)
    return plan_status(found)


@quiet_on_broken_pipe
def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status."""
    today = datetime.now(UTC).date()
    options = parse_arguments(argv, today)
    configure_logging()
    # What became of retries is said below the plan.
    logging.getLogger("urllib3").setLevel(logging.ERROR)
    try:
        if options.accept:
            _accept(options, today)
        elif options.reopen:
            _reopen(options.reopen)
        elif options.list_accepted:
            print_accepted(accepted_so_far())
        else:
            return _plan(options, today)
    except (BadPeriodError, BadAcceptanceError) as error:
        print(error, file=sys.stderr)
        return 2
    except (NothingLoadedError, WarehouseError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
