"""What a run of ingestion prints: a progress bar while it works, then a table, or JSON for scripts."""

from collections.abc import Sequence
from types import TracebackType
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as RichProgress
from rich.table import Table

from ingestion.partitions import Partition
from ingestion.pipeline import Result, RunProgress, Status
from warehouse.periods import word_for
from warehouse.secrets import without_secrets
from warehouse.terminal import Style

_COLOURS = {
    Status.LOADED: Style.GOOD,
    Status.UNCHANGED: Style.UNIMPORTANT,
    Status.NOT_PUBLISHED: Style.WARNING,
    Status.REFUSED: Style.BAD,
    Status.FAILED: Style.BAD,
}


class TerminalProgress(RunProgress):
    """A bar of the partitions done, and what is being done to the next. Use it as a context manager."""

    def __init__(self, partitions: int) -> None:
        console = Console(stderr=True)
        self._bars = RichProgress(
            TextColumn("{task.description:<28}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=console,
        )
        self._all = self._bars.add_task("partitions", total=partitions)
        self._partition: Partition | None = None

    def __enter__(self) -> "TerminalProgress":
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.stop()

    def partition_started(self, partition: Partition) -> None:
        self._partition = partition
        self._bars.update(self._all, description=f"{partition}: asking")

    def downloading(self, partition: Partition, received: int, expected: int | None) -> None:
        # Files that are fetched ahead are not what the run waits for.
        if partition == self._partition:
            size = f"{received / 1e6:,.0f} MB" + (f" of {expected / 1e6:,.0f}" if expected else "")
            self._bars.update(self._all, description=f"{partition}: {size}")

    def loading(self, partition: Partition) -> None:
        self._bars.update(self._all, description=f"{partition}: loading")

    def partition_finished(self, result: Result) -> None:
        self._bars.update(self._all, advance=1, description=f"{result.partition}: {result.status}")


def print_results(results: Sequence[Result]) -> None:
    """Print the table at the end of a run, then why partitions failed."""
    console = Console()
    period = word_for(result.partition.feed.grain for result in results)
    table = Table("feed", period, "status", box=None, header_style="bold", pad_edge=False)
    table.add_column("rows", justify="right")
    table.add_column("seconds", justify="right")
    for result in results:
        table.add_row(
            result.partition.feed.name,
            result.partition.key,
            f"[{_COLOURS[result.status]}]{result.status}[/]",
            f"{result.rows:,}" if result.rows is not None else "",
            f"{result.seconds:.1f}",
        )
    console.print(table)
    for result in results:
        if result.status.is_failure:
            console.print(f"\n[bold red]{result.partition} {result.status}[/]: ", end="")
            console.print(result.error, markup=False, highlight=False)


def print_plan(partitions: Sequence[Partition]) -> None:
    """Print what a run would ask the publishers for."""
    console = Console(highlight=False)
    for planned in planned_as_data(partitions):
        # Addresses are for copying: never cut to the terminal's width.
        console.print(f"{planned['feed']:<12} {planned['period']}  {planned['address']}", soft_wrap=True, markup=False)


def planned_as_data(partitions: Sequence[Partition]) -> list[dict[str, Any]]:
    """What a run would ask the publishers for, in plain types: `feed`, `period` and `address`."""
    return [
        {
            "feed": partition.feed.name,
            "period": partition.key,
            "address": without_secrets(partition.feed.publisher.locate(partition)[0]),
        }
        for partition in partitions
    ]


def results_as_data(results: Sequence[Result]) -> list[dict[str, Any]]:
    """What came of each partition, in plain types: `feed`, `period`, `status`, `rows`, `seconds` and `error`.

    `rows` and `error` are None where there are none.
    """
    return [
        {
            "feed": result.partition.feed.name,
            "period": result.partition.key,
            "status": result.status.value,
            "rows": result.rows,
            "seconds": round(result.seconds, 3),
            "error": result.error,
        }
        for result in results
    ]
