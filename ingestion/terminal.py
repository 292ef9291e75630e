"""What a run of ingestion looks like in the terminal: a progress bar while it works, a table at the end."""

from collections.abc import Sequence
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as RichProgress
from rich.table import Table

from ingestion.partitions import Partition
from ingestion.pipeline import Progress, Result, Status
from warehouse.secrets import without_secrets

_COLOURS = {
    Status.LOADED: "green",
    Status.UNCHANGED: "dim",
    Status.NOT_PUBLISHED: "yellow",
    Status.FAILED: "bold red",
}


class TerminalProgress(Progress):
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
    table = Table("feed", "month", "status", box=None, header_style="bold", pad_edge=False)
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
        if result.status is Status.FAILED:
            console.print(f"\n[bold red]{result.partition} failed[/]: ", end="")
            console.print(result.error, markup=False, highlight=False)


def print_plan(partitions: Sequence[Partition]) -> None:
    """Print what a run would ask the publishers for."""
    console = Console(highlight=False)
    for partition in partitions:
        address = without_secrets(partition.feed.publisher.locate(partition)[0])
        # Addresses are for copying: never cut to the terminal's width.
        console.print(f"{partition.feed.name:<12} {partition.key}  {address}", soft_wrap=True, markup=False)
