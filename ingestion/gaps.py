"""What is missing: `python -m ingestion.gaps [--from 2025-01] [--to 2025-06] [--sources yellow] [--fill]`.

Compares the registry with what is loaded and with what the publishers have, and prints for each feed which
months are loaded, missing, replaced at the publisher, not published yet, and thin: loaded, but seemingly not
all of the month (`ingestion/gap_plan.py` has the rules). By default these are the months from the first one
loaded to the current one, of the default feeds and of all that have something loaded.

Publishers are asked for the headers of their files only. A month that has not ended, weather, and with
`--offline` everything, is judged by date: it should be published when the feed's publication lag is over.

Exit status: 0 nothing missing, replaced or thin; 1 a publisher could not be asked, or another error;
2 bad arguments; 3 something missing, replaced or thin. With `--fill` it is that of the loads, as of
`run_pipeline.py`: 0 all loaded or unchanged (a thin month may well be unchanged); 1 one or more failed, or
a publisher could not be asked; 3 none failed, but some are not published.
"""

import argparse
import logging
import sys
from collections.abc import Sequence
from datetime import UTC, date, datetime
from itertools import groupby

from rich.console import Console
from rich.table import Table

from ingestion.feeds import ALIASES, DEFAULT_SOURCES, FEEDS, Publisher, resolve_sources
from ingestion.gap_plan import Planned, State, compress
from ingestion.gap_survey import NothingLoadedError, Survey, survey
from ingestion.log import configure_logging
from ingestion.partitions import BadMonthError, Partition, parse_month
from ingestion.pipeline import ingest
from ingestion.run_pipeline import exit_status
from ingestion.terminal import TerminalProgress, print_results
from warehouse.connection import WarehouseError

_COLOURS = {
    State.LOADED: "green",
    State.MISSING: "bold red",
    State.REPLACED: "yellow",
    State.NOT_PUBLISHED: "dim",
}
_PIPED_WIDTH = 10_000  # a pipe has no width to fit into


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
    parser.add_argument(
        "--fill", action="store_true", help="load what is missing or replaced, and look again at what is thin"
    )
    options = parser.parse_args(argv)
    try:
        options.first, options.last = (_month(text, today) for text in (options.first, options.last))
        if options.first and options.last and options.first > options.last:
            raise BadMonthError(f"--from {options.first:%Y-%m} is after --to {options.last:%Y-%m}")
        if options.sources is not None:
            resolve_sources(options.sources)
    except ValueError as error:
        parser.error(str(error))
    return options


def _month(text: str | None, today: date) -> date | None:
    month = parse_month(text) if text is not None else None
    if month and month > today:
        raise BadMonthError(f"{month:%Y-%m} has not begun yet")
    return month


def print_gaps(found: Survey) -> None:
    """Print where the months of each feed stand, a line for each state and reason; lines are never cut."""
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=_PIPED_WIDTH)
    table = Table("feed", "state", box=None, header_style="bold", pad_edge=False)
    table.add_column("months", justify="right")
    table.add_column("which", overflow="fold")
    for feed, planned in groupby(found.plan, key=lambda planned: planned.partition.feed.name):
        for state, months, which in _lines(list(planned)):
            table.add_row(feed, state, str(months), which)
    console.print(table)
    for publisher, reason in found.unreachable.items():
        feeds = _feeds_of(publisher, found.plan)
        console.print(f"\n[bold red]{publisher} could not be asked[/]; {feeds} judged by date alone: ", end="")
        console.print(reason, markup=False, soft_wrap=True)
    if found.incomparable:
        names = ", ".join(found.incomparable)
        console.print(
            f"\n{names}: whether a loaded month was replaced cannot be told without fetching it.", soft_wrap=True
        )
    console.print(f"\n{_conclusion(found.plan)}", soft_wrap=True)


def _lines(planned: list[Planned]) -> list[tuple[str, int, str]]:
    """The lines of one feed: state, number of months, which and why."""
    lines = []
    for state in State:
        of_state = [one for one in planned if one.state is state]
        for note in dict.fromkeys(one.note for one in of_state):
            months = [one.partition.month for one in of_state if one.note == note]
            which = compress(months) + (f": {note}" if note else "")
            lines.append((f"[{_COLOURS[state]}]{state}[/]", len(months), which))
    thin = [(one.partition.key, "; ".join(one.thin)) for one in planned if one.thin]
    return lines + [("[yellow]thin[/]", 1, f"{key}: {reasons}") for key, reasons in thin]


def _feeds_of(publisher: Publisher, plan: list[Planned]) -> str:
    feeds = dict.fromkeys(one.partition.feed for one in plan)
    return ", ".join(feed.name for feed in feeds if feed.publisher == publisher)


def _conclusion(plan: list[Planned]) -> str:
    counts = {
        "missing": sum(one.state is State.MISSING for one in plan),
        "replaced": sum(one.state is State.REPLACED for one in plan),
        "thin": sum(bool(one.thin) for one in plan),
    }
    if not any(counts.values()):
        return "Nothing is missing."
    return ", ".join(f"{count} {what}" for what, count in counts.items() if count) + "."


def plan_status(found: Survey) -> int:
    """The exit status that says what was found."""
    if found.unreachable:
        return 1
    return 3 if found.to_fill else 0


def fill(partitions: list[Partition]) -> int:
    """Load these partitions as `run_pipeline.py` does, and return the exit status of the loads.

    Raises:
        WarehouseError: the DuckDB file cannot be opened.
    """
    with TerminalProgress(len(partitions)) as progress:
        results = ingest(partitions, progress=progress)
    print()
    print_results(results)
    return exit_status(results)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status."""
    today = datetime.now(UTC).date()
    options = parse_arguments(argv, today)
    configure_logging()
    # What became of retries is said below the plan.
    logging.getLogger("urllib3").setLevel(logging.ERROR)
    try:
        with Console(stderr=True).status("asking the publishers"):
            found = survey(options.sources, options.first, options.last, today=today, is_offline=options.offline)
        print_gaps(found)
        if not options.fill:
            if found.to_fill:
                print("To load them: the same command with --fill")
            return plan_status(found)
        status = fill(found.to_fill) if found.to_fill else 0
        return 1 if found.unreachable else status
    except BadMonthError as error:
        print(error, file=sys.stderr)
        return 2
    except (NothingLoadedError, WarehouseError) as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
