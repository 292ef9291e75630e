"""What the warehouse holds, at a glance: `python -m warehouse.summary [--live] [--json]`.

It is what the current release holds, with `--live` the working file. Exit status: 0 every published row is kept or
quarantined; 1 some are lost, or the summary cannot be made; 3 nothing is published, or in the working file something is
not built yet, nothing is loaded, or an earlier version wrote it.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

from warehouse.connection import NotThereYetError, WarehouseError
from warehouse.exit_codes import ExitCode
from warehouse.reconciliation import PartitionRows, reconcile
from warehouse.releases import Source, open_for_readers
from warehouse.terminal import Style, add_live_option, print_json, quiet_on_broken_pipe

_LOAD_FIRST = "nothing is loaded yet. Load a month: python ingestion/run_pipeline.py --year 2025 --months 1"
_BUILD_FIRST = "Not everything is built from what is loaded. Build it: cd dbt && dbt build"


@dataclass(frozen=True)
class FeedRows:
    """Where a feed's published rows are. What is not built yet may be in the facts as it was before."""

    feed: str
    published: int
    kept: int
    quarantined: int
    not_built: int
    lost: int


def rows_by_feed(partitions: Iterable[PartitionRows]) -> list[FeedRows]:
    """Where every published row is, by feed."""
    by_feed: dict[str, list[PartitionRows]] = {}
    for partition in partitions:
        by_feed.setdefault(partition.feed, []).append(partition)
    return [
        FeedRows(
            feed,
            published=sum(rows.published for rows in of_feed),
            kept=sum(rows.kept for rows in of_feed),
            quarantined=sum(rows.quarantined for rows in of_feed),
            not_built=sum(rows.not_built for rows in of_feed),
            # Rows lost of one partition do not make up for rows too many of another.
            lost=sum(abs(rows.lost) for rows in of_feed),
        )
        for feed, of_feed in by_feed.items()
    ]


def print_summary(source: Source, partitions: Sequence[PartitionRows], console: Console) -> None:
    """Print the rows kept by month and feed, and where each feed's published rows are."""
    if not partitions:
        console.print(f"{source}: {_LOAD_FIRST}", soft_wrap=True, markup=False)
        return
    for kind in dict.fromkeys(rows.kind for rows in partitions if rows.kind and rows.kept):
        console.print(f"{kind.replace('_', ' ').capitalize()}s by month of file and feed", style="italic", markup=False)
        console.print(_kept_by_month([rows for rows in partitions if rows.kind == kind]))
        console.print()
    feeds = rows_by_feed(partitions)
    console.print("Rows that came, and where they are", style="italic")
    table = _table("feed", [*_COLUMNS])
    for of_feed in feeds:
        table.add_row(of_feed.feed, *_figures([getattr(of_feed, name) for name in _COLUMNS.values()]))
    console.print(table)
    if any(rows.is_waiting for rows in partitions):
        console.print(f"\n{_BUILD_FIRST}", soft_wrap=True)
    console.print(f"\n{source}", style=Style.UNIMPORTANT, highlight=False, soft_wrap=True, markup=False)


def _exit_code(partitions: Sequence[PartitionRows]) -> ExitCode:
    if any(rows.lost for rows in partitions):
        return ExitCode.FAILED
    is_all_built = partitions and not any(rows.is_waiting for rows in partitions)
    return ExitCode.DONE if is_all_built else ExitCode.NOT_THERE_YET


# The columns of the second table, and the fields that they show.
_COLUMNS = {
    "published": "published",
    "kept": "kept",
    "quarantined": "quarantined",
    "not built yet": "not_built",
    "lost": "lost",
}


def _kept_by_month(partitions: Sequence[PartitionRows]) -> Table:
    """The rows kept: a line a month, a column a feed."""
    counts_by_cell = Counter[tuple[str, str]]()
    for rows in partitions:
        counts_by_cell[f"{rows.period_start:%Y-%m}", rows.feed] += rows.kept
    feeds = sorted({feed for _, feed in counts_by_cell})
    totals = ["all"] if len(feeds) > 1 else []
    table = _table("month", [*feeds, *totals])
    for month in sorted({month for month, _ in counts_by_cell}):
        counts = [counts_by_cell[month, feed] for feed in feeds]
        table.add_row(month, *_figures([*counts, *([sum(counts)] if totals else [])]))
    return table


def _table(first: str, columns: Sequence[str]) -> Table:
    table = Table(first, box=None, header_style="bold", pad_edge=False)
    for name in columns:
        table.add_column(name, justify="right")
    return table


def _figures(counts: Sequence[int]) -> list[str]:
    return [f"{count:,}" for count in counts]


@quiet_on_broken_pipe
def main(arguments: Sequence[str] | None = None, *, prog: str = "python -m warehouse.summary") -> int:
    """Print the summary of the database, and return the exit code."""
    parser = argparse.ArgumentParser(prog=prog, description="Show where every published row is.")
    parser.add_argument("--json", action="store_true", help="print the rows of every partition as JSON")
    add_live_option(parser)
    options = parser.parse_args(arguments)
    try:
        with open_for_readers(live=options.live) as (source, connection):
            partitions = reconcile(connection)
    except WarehouseError as error:
        print(error, file=sys.stderr)
        return ExitCode.NOT_THERE_YET if isinstance(error, NotThereYetError) else ExitCode.FAILED
    if options.json:
        print_json(partitions)
    else:
        print_summary(source, partitions, Console())
    return _exit_code(partitions)


if __name__ == "__main__":
    sys.exit(main())
