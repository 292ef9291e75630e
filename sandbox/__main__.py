"""The sample publisher's command line.

`serve` months over HTTP until stopped, `run` a command that reads from them, or `write` their files into
a folder.
"""

import argparse
import logging
import os
import signal
import subprocess
import sys
import threading
from datetime import date
from itertools import groupby
from pathlib import Path

from ingestion.catalog import FEEDS
from sandbox.faults import Breakage, Fault, parse_breakage
from sandbox.files import FILE_FEEDS, PUBLISHER_FOLDERS, write_archive, write_file
from sandbox.guard import RealFilesLoadedError, check_no_real_file_is_loaded
from sandbox.mobility.citibike_archive import is_archived
from sandbox.mobility.months import month_range
from sandbox.server import SamplePublisher
from warehouse.connection import WarehouseError
from warehouse.terminal import quiet_on_broken_pipe


def _month(text: str) -> date:
    try:
        return date.fromisoformat(f"{text}-01")
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected a month as YYYY-MM, got {text!r}") from None


def _rows(text: str) -> int:
    try:
        rows = int(text)
    except ValueError:
        rows = 0
    if rows < 1:
        raise argparse.ArgumentTypeError(f"expected a number of rows of at least 1, got {text!r}")
    return rows


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65_535:
        raise argparse.ArgumentTypeError(f"expected a port from 0 (any free one) to 65535, got {text!r}")
    return int(text)


def _feeds(text: str) -> list[str]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    unknown = [name for name in names if name not in FILE_FEEDS]
    if unknown or not names:
        what = f"unknown feed {', '.join(map(repr, unknown))}" if unknown else "no feed given"
        raise argparse.ArgumentTypeError(f"{what}: expected a comma-separated list of {', '.join(FILE_FEEDS)}")
    return list(dict.fromkeys(names))


def _breakage(text: str) -> Breakage:
    try:
        return parse_breakage(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _parser() -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--from", dest="first", type=_month, required=True, metavar="YYYY-MM", help="first month")
    common.add_argument("--to", dest="last", type=_month, required=True, metavar="YYYY-MM", help="last month")
    common.add_argument("--rows", type=_rows, default=20_000, help="rows of yellow in a month (default: %(default)s)")
    parser = argparse.ArgumentParser(prog="python -m sandbox", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    serve = commands.add_parser("serve", parents=[common], help="stand in for the three publishers over HTTP")
    run = commands.add_parser("run", parents=[common], help="serve while a command runs with the addresses set")
    for parser_of_server, port in ((serve, 8900), (run, 0)):
        parser_of_server.add_argument(
            "--port", type=_port, default=port, help="0 for any free one (default: %(default)s)"
        )
        parser_of_server.add_argument(
            "--fault",
            dest="faults",
            type=_breakage,
            action="append",
            default=[],
            metavar="FEED:YYYY-MM:FAULT[:TIMES]",
            help=f"break a month, for good or for so many requests; of {', '.join(Fault)}; may be repeated",
        )
        parser_of_server.add_argument(
            "--folder", type=Path, help="where to keep the files made (default: removed at the end)"
        )
    run.add_argument("argv", nargs="+", metavar="-- command", help="the command and its arguments")
    write = commands.add_parser("write", parents=[common], help="write files laid out as the publishers do")
    write.add_argument("--feeds", type=_feeds, default=list(FILE_FEEDS), help=f"of {', '.join(FILE_FEEDS)}")
    write.add_argument("--folder", type=Path, required=True, help="where to put trip-data/ and tripdata/")
    return parser


def _publisher(arguments: argparse.Namespace) -> SamplePublisher:
    publisher = SamplePublisher(
        arguments.first, arguments.last, rows=arguments.rows, port=arguments.port, folder=arguments.folder
    )
    for broken in arguments.faults:
        publisher.break_(broken.feed, broken.month, broken.fault, times=broken.times)
    return publisher


def _serve(arguments: argparse.Namespace) -> int:
    """Serve until interrupted or terminated."""
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    with _publisher(arguments) as publisher:
        print(f"The sample publisher serves {publisher.url}. To read from it:", flush=True)
        for name, value in publisher.environment.items():
            print(f"export {name}={value}", flush=True)
        ended.wait()
    return 0


def _run(arguments: argparse.Namespace) -> int:
    """Serve while the command runs, and return its exit status."""
    check_no_real_file_is_loaded()
    with _publisher(arguments) as publisher:
        command = subprocess.Popen(arguments.argv, env=os.environ | publisher.environment)
        # An interrupt from the terminal reaches the command itself; either way its end is awaited.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, lambda *_: command.terminate())
        status = command.wait()
    return status if status >= 0 else 128 - status


def _write(arguments: argparse.Namespace) -> int:
    months = list(month_range(arguments.first, arguments.last))
    archived = [month for month in months if "citibike" in arguments.feeds and is_archived("citibike", month)]
    for _, of_year in groupby(archived, key=lambda month: month.year):
        folder = arguments.folder / PUBLISHER_FOLDERS["citibike"]
        print(write_archive(list(of_year), folder, rows=arguments.rows), flush=True)
    for month in months:
        for feed in arguments.feeds:
            if not is_archived(feed, month):
                folder = arguments.folder / PUBLISHER_FOLDERS[FEEDS[feed].publisher.name]
                print(write_file(feed, month, folder, rows=arguments.rows), flush=True)
    return 0


@quiet_on_broken_pipe
def main(argv: list[str] | None = None) -> int:
    """Run the command line and return its exit status."""
    parser = _parser()
    arguments = parser.parse_args(argv)
    if arguments.last < arguments.first:
        parser.error(f"--to {arguments.last:%Y-%m} is before --from {arguments.first:%Y-%m}")
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    commands = {"serve": _serve, "run": _run, "write": _write}
    try:
        return commands[arguments.command](arguments)
    except (RealFilesLoadedError, WarehouseError) as error:
        print(error, file=sys.stderr)
        return 1
    except (OSError, ValueError) as error:
        parser.error(str(error))


if __name__ == "__main__":
    sys.exit(main())
