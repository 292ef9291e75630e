"""The command line of streams: `nyc stream --once`.

Exit status: 0 done, or stopped; 1 something could not be read; 2 bad arguments; 3 a topic is not there yet.
"""

import argparse
import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from types import FrameType

from rich.console import Console
from rich.table import Table

from ingestion.catalog import FEEDS, resolve_sources
from ingestion.errors import IngestionError
from ingestion.feeds import Feed
from ingestion.log import configure_logging
from ingestion.streams.consume import stream
from ingestion.streams.results import StreamResult
from warehouse.connection import WarehouseError
from warehouse.exit_codes import ExitCode
from warehouse.terminal import print_json, quiet_on_broken_pipe


def parse_arguments(argv: Sequence[str] | None, prog: str) -> tuple[argparse.Namespace, list[Feed]]:
    """Read the command line into options and the streams it asks for.

    Raises:
        SystemExit: with status 2, after a message that says what is wrong.
    """
    streams = [feed for feed in FEEDS.values() if feed.is_stream]
    names = ",".join(feed.name for feed in streams)
    parser = argparse.ArgumentParser(
        prog=prog, description="Read topics of Kafka into raw_data, each message exactly once, until stopped."
    )
    parser.add_argument("streams", nargs="?", metavar="NAMES", help=f"comma-separated (default: {names})")
    parser.add_argument("--once", action="store_true", help="stop at the end that each topic has now")
    parser.add_argument(
        "--skip-lost", action="store_true", help="go on where the broker deleted messages before they were read"
    )
    parser.add_argument(
        "--start-over",
        action="store_true",
        help="where a topic was deleted and made anew: delete what was loaded of the old one, and read the new one",
    )
    parser.add_argument("--json", action="store_true", help="print the results as a JSON list, for scripts")
    options = parser.parse_args(argv)
    if options.streams is None:
        return options, streams
    try:
        feeds = resolve_sources(options.streams)
    except ValueError as error:
        parser.error(str(error))
    words = {word.strip() for word in options.streams.split(",")}
    others = [feed.name for feed in feeds if not feed.is_stream and feed.name in words]
    if others or not any(feed.is_stream for feed in feeds):
        what = ", ".join(others) or options.streams
        parser.error(
            f"{what} has files and is no stream: expected some of {names}. For files: nyc load --sources {what}"
        )
    return options, [feed for feed in feeds if feed.is_stream]


@contextmanager
def stopped_by_signals() -> Iterator[threading.Event]:
    """An event that SIGTERM and Ctrl-C set; a second Ctrl-C ends the process at once."""
    stop = threading.Event()
    before: dict[signal.Signals, signal._HANDLER] = {}

    def handle(number: int, frame: FrameType | None) -> None:
        if stop.is_set() and number == signal.SIGINT:
            raise KeyboardInterrupt
        stop.set()

    try:
        for number in (signal.SIGINT, signal.SIGTERM):
            before[number] = signal.signal(number, handle)
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def exit_status(results: Sequence[StreamResult], *, once: bool) -> ExitCode:
    """The exit status of a session with these results."""
    if any(result.error for result in results):
        return ExitCode.FAILED
    return ExitCode.NOT_THERE_YET if once and any(result.is_missing for result in results) else ExitCode.DONE


@quiet_on_broken_pipe
def main(argv: Sequence[str] | None = None, *, prog: str = "nyc stream") -> int:
    """Run the command line and return its exit status."""
    options, feeds = parse_arguments(argv, prog)
    configure_logging()
    try:
        with stopped_by_signals() as stop:
            results = stream(
                feeds, once=options.once, skip_lost=options.skip_lost, start_over=options.start_over, stop=stop
            )
    except (IngestionError, WarehouseError) as error:
        _say(str(error))
        return ExitCode.FAILED
    except KeyboardInterrupt:
        _say("Interrupted: what was written is loaded, and the rest is read the next time.")
        return 128 + signal.SIGINT
    if options.json:
        print_json([asdict(result) for result in results])
    else:
        _print(results)
    return exit_status(results, once=options.once)


def _say(text: str) -> None:
    Console(stderr=True).print(text, markup=False, highlight=False, soft_wrap=True)


def _print(results: Sequence[StreamResult]) -> None:
    console = Console()
    table = Table("stream", "topic", box=None, header_style="bold", pad_edge=False)
    for name in ("rows", "rejected", "skipped", "batches"):
        table.add_column(name, justify="right")
    for result in results:
        counts = (result.rows, result.rejected, result.skipped, result.batches)
        table.add_row(result.feed, result.topic, *(f"{count:,}" for count in counts))
    console.print(table)
    for result in results:
        if result.error:
            console.print(f"\n[bold red]{result.feed}[/]: ", end="")
            console.print(result.error, markup=False, highlight=False)
        elif result.is_missing:
            console.print(
                f"\n{result.feed}: the broker has no topic {result.topic} yet.", markup=False, highlight=False
            )
        if result.rejected:
            console.print(
                f"\n{result.feed}: messages that cannot be read: {result.rejected:,}. They are whole, with the reason, "
                "in raw_data.stream_rejects.",
                markup=False,
                highlight=False,
            )
