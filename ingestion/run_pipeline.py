"""The command line of ingestion: `python ingestion/run_pipeline.py --year 2025 --months 5,6`.

Exit status: 0 all loaded or unchanged; 1 one or more failed; 2 bad arguments; 3 none failed, but
some are not published.
"""

import argparse
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from types import FrameType
from typing import NoReturn

from ingestion.catalog import ALIASES, DEFAULT_SOURCES, FEEDS, resolve_sources
from ingestion.log import configure_logging
from ingestion.partitions import Partition, partitions_between
from ingestion.pipeline import Result, Status, ingest
from ingestion.terminal import TerminalProgress, print_plan, print_results
from warehouse.connection import WarehouseError
from warehouse.periods import BadPeriodError, Period, month
from warehouse.terminal import quiet_on_broken_pipe


def parse_arguments(argv: Sequence[str] | None = None) -> tuple[argparse.Namespace, list[Partition]]:
    """Read the command line into options and the partitions it asks for.

    Raises:
        SystemExit: with status 2, after a message that says which argument is wrong and what is expected.
    """
    parser = argparse.ArgumentParser(
        prog="run_pipeline.py", description="Load published files into raw_data, a month of a feed at a time."
    )
    parser.add_argument("--year", type=int, metavar="YYYY", help="with --months: the year")
    parser.add_argument("--months", metavar="5,6", help="with --year: months as numbers from 1 to 12")
    parser.add_argument("--from", dest="first", metavar="YYYY-MM", help="with --to: the first month of a range")
    parser.add_argument("--to", dest="last", metavar="YYYY-MM", help="with --from: the last month of a range")
    parser.add_argument(
        "--sources",
        default=DEFAULT_SOURCES,
        metavar="NAMES",
        help=f"comma-separated: {', '.join([*ALIASES, *FEEDS])} (default: {DEFAULT_SOURCES})",
    )
    parser.add_argument("--force", action="store_true", help="load files again even if they are the ones loaded")
    parser.add_argument("--dry-run", action="store_true", help="print what would be asked for, and ask for nothing")
    options = parser.parse_args(argv)
    try:
        return options, _partitions(options)
    except ValueError as error:
        parser.error(str(error))


def _partitions(options: argparse.Namespace) -> list[Partition]:
    feeds = resolve_sources(options.sources)
    by_year = options.year is not None and options.months is not None
    by_range = options.first is not None and options.last is not None
    given = [options.year, options.months, options.first, options.last]
    if by_year == by_range or sum(value is not None for value in given) != 2:
        raise BadPeriodError("expected either --year and --months, or --from and --to")
    if by_year:
        spans = [(one, one) for one in months_of_year(options.year, options.months)]
    else:
        spans = [(Period.of_any_grain(options.first), Period.of_any_grain(options.last))]
    first, last = spans[0][0], spans[-1][1]
    if first.first_day > last.last_day:
        raise BadPeriodError(f"--from {options.first} is after --to {options.last}")
    if last.first_day > datetime.now(UTC).date():
        raise BadPeriodError(f"{last} has not begun yet")
    return [partition for span in spans for partition in partitions_between(feeds, *span)]


def months_of_year(year: int, months: str) -> list[Period]:
    """Read `5,6` as months of a year, in calendar order, each once.

    Raises:
        BadPeriodError: a word is not a number from 1 to 12, or there is none.
    """
    words = [word.strip() for word in months.split(",") if word.strip()]
    bad = [word for word in words if not word.isdecimal() or not 1 <= int(word) <= 12]
    if bad or not words:
        raise BadPeriodError(f"expected months as numbers from 1 to 12, such as 5,6, but got {months!r}")
    return sorted({month(year, int(word)) for word in words})


def exit_status(results: Sequence[Result]) -> int:
    """The exit status that says how a run's partitions came out."""
    statuses = {result.status for result in results}
    if Status.FAILED in statuses:
        return 1
    return 3 if Status.NOT_PUBLISHED in statuses else 0


@contextmanager
def _ended_by_sigterm() -> Iterator[None]:
    """Have SIGTERM end the run as Ctrl-C does, recorded and cleared away, instead of at once."""

    def end(number: int, frame: FrameType | None) -> NoReturn:
        raise SystemExit(128 + number)

    if threading.current_thread() is not threading.main_thread():
        yield  # no other thread may set handlers, or is interrupted by one
        return
    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@quiet_on_broken_pipe
def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status."""
    options, partitions = parse_arguments(argv)
    configure_logging()
    if options.dry_run:
        print_plan(partitions)
        return 0
    try:
        with _ended_by_sigterm(), TerminalProgress(len(partitions)) as progress:
            results = ingest(partitions, force=options.force, progress=progress)
    except WarehouseError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Interrupted: what was loaded before is loaded, and the rest is as it was.", file=sys.stderr)
        return 128 + signal.SIGINT
    print_results(results)
    return exit_status(results)


if __name__ == "__main__":
    sys.exit(main())
