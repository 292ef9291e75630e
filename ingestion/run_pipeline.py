"""The command line of ingestion: `python ingestion/run_pipeline.py --year 2025 --months 5,6`.

A range may be of months, days or hours, whatever the feeds' files are of: of a feed of days, a month has all its days;
of a feed of months, days have the months that they are in. Periods that have not begun yet are left out. A reference
file is of no time: it is loaded whatever the range is, and needs none. Of a feed with irregular periods, those are
loaded that the publisher lists in the range; so are days that a feed's calendar does not have, such as holidays.

Exit status: 0 all loaded or unchanged; 1 one or more failed or were refused; 2 bad arguments; 3 none failed, but some
are not published.
"""

import argparse
import re
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from types import FrameType
from typing import NoReturn

from ingestion.catalog import ALIASES, DEFAULT_SOURCES, FEEDS, UnknownSourceError, resolve_sources
from ingestion.feeds import Feed
from ingestion.gap_survey import ask, without_unpublished
from ingestion.log import configure_logging
from ingestion.partitions import Partition, no_file_expected, partitions_between, unexpected_between
from ingestion.pipeline import Result, Status, ingest
from ingestion.terminal import (
    TerminalProgress,
    planned_as_data,
    print_plan,
    print_results,
    results_as_data,
)
from warehouse.connection import WarehouseError
from warehouse.exit_codes import ExitCode
from warehouse.ledger import utc_now
from warehouse.periods import BadPeriodError, Period, month
from warehouse.terminal import print_json, quiet_on_broken_pipe

_NAMES = [feed.name for feed in FEEDS.values() if not feed.is_stream]
PERIOD_EXAMPLES = "2025-05, 2025-05-10 or 2025-05-10T04"


def parse_arguments(
    argv: Sequence[str] | None = None, prog: str = "run_pipeline.py"
) -> tuple[argparse.Namespace, list[Partition]]:
    """Read the command line into options and the partitions it asks for.

    `options.unexpected` has those that the feeds' calendars do not have, in the same range. A publisher may list a file
    of one. Where it is all that the range has, `options.no_file` says that none is expected.

    Raises:
        SystemExit: with status 2, after a message that says which argument is wrong and what is expected.
    """
    parser = argparse.ArgumentParser(
        prog=prog,
        description="Load published files into raw_data. A range may be of months, days or hours, whatever the feeds'"
        " files are of.",
    )
    parser.add_argument("--year", type=int, metavar="YYYY", help="with --months: the year")
    parser.add_argument("--months", metavar="5,6", help="with --year: months as numbers from 1 to 12")
    parser.add_argument(
        "--from", dest="first", metavar="PERIOD", help=f"with --to: the first of a range, such as {PERIOD_EXAMPLES}"
    )
    parser.add_argument("--to", dest="last", metavar="PERIOD", help="with --from: the last of the range, included")
    parser.add_argument(
        "--sources",
        default=DEFAULT_SOURCES,
        metavar="NAMES",
        help=f"comma-separated: {', '.join([*ALIASES, *_NAMES])} (default: {DEFAULT_SOURCES})",
    )
    parser.add_argument("--force", action="store_true", help="load files again even if they are the ones loaded")
    parser.add_argument("--dry-run", action="store_true", help="print what would be asked for, and ask for nothing")
    parser.add_argument("--json", action="store_true", help="print the results as a JSON list, for scripts")
    options = parser.parse_args(argv)
    try:
        return options, _partitions(options)
    except ValueError as error:
        parser.error(str(error))


def _partitions(options: argparse.Namespace) -> list[Partition]:
    feeds = _with_files(options.sources)
    options.unexpected, options.no_file = [], ""
    by_year = options.year is not None and options.months is not None
    by_range = options.first is not None and options.last is not None
    given = [options.year, options.months, options.first, options.last]
    if all(feed.is_reference for feed in feeds) and all(value is None for value in given):
        return partitions_between(feeds, feeds[0].first_period, feeds[0].first_period)
    if by_year == by_range or sum(value is not None for value in given) != 2:
        raise BadPeriodError("expected either --year and --months, or --from and --to")
    if by_year:
        spans = [(one, one) for one in months_of_year(options.year, options.months)]
    else:
        spans = [(Period.of_any_grain(options.first), Period.of_any_grain(options.last))]
    now = utc_now()
    for first, last in spans:
        refuse_bad_range(first, last, now)
    # A reference file is in every span.
    found = dict.fromkeys(partition for span in spans for partition in partitions_between(feeds, *span))
    begun = [partition for partition in found if partition.period.has_begun(now)]
    besides = [partition for span in spans for partition in unexpected_between(feeds, *span)]
    options.unexpected = [one for one in besides if one.period.has_begun(now) and one.period >= one.feed.first_period]
    if not begun:
        asked = " to ".join(dict.fromkeys(str(period) for period in (spans[0][0], spans[-1][1])))
        options.no_file = f"{asked}: {no_file_expected(feeds)}"
        if options.dry_run or not options.unexpected:
            raise BadPeriodError(options.no_file)
    return begun


def _with_files(sources: str) -> list[Feed]:
    """The feeds of these names that have files; a subject's streams are left out.

    Raises:
        UnknownSourceError: a name is not known, or is that of a stream.
    """
    feeds = resolve_sources(sources)
    words = {word.strip() for word in sources.split(",")}
    named = [feed.name for feed in feeds if feed.is_stream and feed.name in words]
    with_files = [feed for feed in feeds if not feed.is_stream]
    if named or not with_files:
        names = ",".join(named) or sources
        raise UnknownSourceError(f"{names} comes as messages and has no files. Read it: nyc stream {names} --once")
    return with_files


def refuse_bad_range(first: Period, last: Period, now: date) -> None:
    """Refuse a range that ends before it begins, or that ends with a period that has not begun yet.

    Raises:
        BadPeriodError: it is such a range.
    """
    if not last.has_begun(now):
        raise BadPeriodError(f"{last} has not begun yet")
    if first.start >= last.end:
        raise BadPeriodError(f"--from {first} is after --to {last}")


def months_of_year(year: int, months: str) -> list[Period]:
    """Read `5,6` as months of a year, in calendar order, each once.

    Raises:
        BadPeriodError: a word is not a number from 1 to 12, or there is no word.
        ValueError: the year is not from 1 to 9999.
    """
    words = [word.strip() for word in months.split(",") if word.strip()]
    bad = [word for word in words if not re.fullmatch("0?[1-9]|1[0-2]", word)]
    if bad or not words:
        raise BadPeriodError(f"expected months as numbers from 1 to 12, such as 5,6, but got {months!r}")
    return sorted({month(year, int(word)) for word in words})


def exit_status(results: Sequence[Result]) -> int:
    """The exit status of a run with these results."""
    statuses = {result.status for result in results}
    if any(status.is_failure for status in statuses):
        return ExitCode.FAILED
    return ExitCode.NOT_THERE_YET if Status.NOT_PUBLISHED in statuses else ExitCode.DONE


@contextmanager
def _ended_by_sigterm() -> Iterator[None]:
    """Have SIGTERM end the run as Ctrl-C does: what it did is recorded, and its files are cleared away."""

    def end(number: int, frame: FrameType | None) -> NoReturn:
        raise SystemExit(128 + number)

    if threading.current_thread() is not threading.main_thread():
        yield  # Python lets only the main thread set handlers
        return
    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@quiet_on_broken_pipe
def main(argv: Sequence[str] | None = None, *, prog: str = "run_pipeline.py") -> int:
    """Run the command line and return its exit status."""
    options, partitions = parse_arguments(argv, prog)
    configure_logging()
    if options.dry_run:
        print_json(planned_as_data(partitions)) if options.json else print_plan(partitions)
        return ExitCode.DONE
    partitions, unreachable = _listed(options, partitions)
    for why in unreachable.values():
        print(why, file=sys.stderr)
    if not partitions:
        return ExitCode.FAILED if unreachable else _nothing_listed(options)
    try:
        with _ended_by_sigterm(), TerminalProgress(len(partitions)) as progress:
            results = ingest(partitions, force=options.force, progress=progress)
    except WarehouseError as error:
        print(error, file=sys.stderr)
        return ExitCode.FAILED
    except KeyboardInterrupt:
        print("Interrupted: what was loaded before is loaded, and the rest is as it was.", file=sys.stderr)
        return 128 + signal.SIGINT
    print_json(results_as_data(results)) if options.json else print_results(results)
    return ExitCode.FAILED if unreachable else exit_status(results)


def _listed(options: argparse.Namespace, partitions: Sequence[Partition]) -> tuple[list[Partition], dict[str, str]]:
    """What is to be loaded, by the publishers' listings where only these tell; and why one could not be asked."""
    found, unreachable = without_unpublished(partitions)
    answers, without_answer = ask(options.unexpected)
    unexpected = [partition for partition, answer in answers.items() if answer]
    # Keys may be for files and not for the listing. Then the files are loaded that are expected.
    unreachable |= {} if partitions else without_answer
    return sorted([*found, *unexpected], key=lambda partition: partition.period.start), unreachable


def _nothing_listed(options: argparse.Namespace) -> ExitCode:
    """Say that a range has no file; the exit status."""
    if options.no_file:
        print(f"{options.no_file}, and the publisher lists none.", file=sys.stderr)
        return ExitCode.BAD_ARGUMENTS
    print(f"{options.sources}: the publisher lists no file in this range. Ask for a longer one.", file=sys.stderr)
    if options.json:
        print_json([])
    return ExitCode.NOT_THERE_YET


if __name__ == "__main__":
    sys.exit(main())
