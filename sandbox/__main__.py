"""The sandbox's command line: stand-ins for the publishers, on this machine.

`serve` files over HTTP until stopped, `run` a command that reads from them, or `write` the files into a folder. For
streams, `kafka` runs a broker. A
period is a month (2025-01), a day (2025-01-03) or an hour (2025-01-03T04). Whatever is asked for, a feed of months has
the months that it touches, and a feed of days all its days: `--from 2025-01 --to 2025-02` is 59 days.
"""

import argparse
import logging
import signal
import sys
import threading
from collections.abc import Mapping
from pathlib import Path

from ingestion.errors import SettingError
from sandbox.breakages import Breakage, parse_breakage
from sandbox.catalog import COMMANDS, FILE_FEEDS, file_stand_in_of
from sandbox.commands import run_with
from sandbox.faults import Fault
from sandbox.files import write_published
from sandbox.guard import RealFilesLoadedError, check_no_real_file_is_loaded
from sandbox.kafka import kafka
from sandbox.kafka_broker import BrokerError
from sandbox.server import SamplePublisher
from sandbox.store import file_partitions
from warehouse.connection import WarehouseError
from warehouse.exit_codes import ExitCode
from warehouse.periods import BadPeriodError, Period
from warehouse.terminal import quiet_on_broken_pipe


def _period(text: str) -> Period:
    try:
        return Period.of_any_grain(text)
    except BadPeriodError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


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


def _parser(prog: str) -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False)
    for option, name, word in (("--from", "first", "first"), ("--to", "last", "last")):
        common.add_argument(option, dest=name, type=_period, required=True, metavar="PERIOD", help=f"{word} period")
    common.add_argument(
        "--rows",
        type=_rows,
        default=20_000,
        help="rows of a file of a subject's main feed; the others have their usual share (default: %(default)s)",
    )
    parser = argparse.ArgumentParser(prog=prog, description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    serve = commands.add_parser("serve", parents=[common], help="stand in for all publishers over HTTP")
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
            metavar="FEED:PERIOD:FAULT[:TIMES]",
            help=f"break a period, such as {FILE_FEEDS[0]}:2025-05:html, for good or for so many requests; may be "
            f"repeated; faults: {', '.join(Fault)}",
        )
        parser_of_server.add_argument(
            "--folder", type=Path, help="where to keep the files made (default: removed at the end)"
        )
        parser_of_server.add_argument(
            "--make", type=_feeds, default=[], metavar="FEEDS", help="make all files of these feeds before serving"
        )
    run.add_argument("argv", nargs="+", metavar="-- command", help="the command and its arguments")
    write = commands.add_parser("write", parents=[common], help="write files laid out as the publishers do")
    write.add_argument("--feeds", type=_feeds, default=list(FILE_FEEDS), help=f"of {', '.join(FILE_FEEDS)}")
    write.add_argument("--folder", type=Path, required=True, help="where to put a folder for each publisher")
    broker = commands.add_parser("kafka", help="run a broker of Kafka and a registry of schemas, for streams")
    broker.add_argument(
        "--port", type=_port, default=9092, help="the broker's; 0 for any free one (default: %(default)s)"
    )
    broker.add_argument("--registry-port", type=_port, default=8081, help="the registry's (default: %(default)s)")
    broker.add_argument("argv", nargs="*", metavar="-- command", help="a command; both end with it")
    for command in COMMANDS:
        command.add_arguments(commands.add_parser(command.name, help=command.summary))
    return parser


def _publisher(arguments: argparse.Namespace) -> SamplePublisher:
    publisher = SamplePublisher(
        arguments.first, arguments.last, rows=arguments.rows, port=arguments.port, folder=arguments.folder
    )
    for broken in arguments.faults:
        publisher.break_as(broken)
    publisher.store.make(arguments.make)
    return publisher


def _serve(arguments: argparse.Namespace) -> int:
    """Serve until interrupted or terminated."""
    with _publisher(arguments) as publisher:
        print(f"The sample publisher serves {publisher.url}. To read from it:", flush=True)
        _wait(publisher.environment)
    return ExitCode.DONE


def _kafka(arguments: argparse.Namespace) -> int:
    """Run a broker and a registry until interrupted or terminated, or while a command runs."""
    with kafka(port=arguments.port, registry_port=arguments.registry_port) as environment:
        if arguments.argv:
            return run_with(environment, arguments.argv)
        print("A broker and a registry run, and keep everything in memory. To use them:", flush=True)
        _wait(environment)
    return ExitCode.DONE


def _wait(environment: Mapping[str, str]) -> None:
    """Say which variables to set, and wait to be interrupted or terminated."""
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    for name, value in environment.items():
        print(f"export {name}={value}", flush=True)
    ended.wait()


def _run(arguments: argparse.Namespace) -> int:
    """Serve while the command runs, and return the command's exit status."""
    check_no_real_file_is_loaded()
    with _publisher(arguments) as publisher:
        return run_with(publisher.environment, arguments.argv)


def _write(arguments: argparse.Namespace) -> int:
    for partitions in file_partitions(arguments.feeds, arguments.first, arguments.last):
        folder = arguments.folder / file_stand_in_of(partitions[0].feed.name).path
        print(write_published(partitions, folder, rows=arguments.rows), flush=True)
    return ExitCode.DONE


@quiet_on_broken_pipe
def main(argv: list[str] | None = None, *, prog: str = "python -m sandbox") -> int:
    """Run the command line and return its exit status."""
    parser = _parser(prog)
    arguments = parser.parse_args(argv)
    if "last" in arguments and arguments.last.end < arguments.first.end:
        parser.error(f"--to {arguments.last} is before --from {arguments.first}")
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    commands = {"serve": _serve, "run": _run, "write": _write, "kafka": _kafka}
    commands |= {command.name: command.run for command in COMMANDS}
    try:
        return commands[arguments.command](arguments)
    except (BrokerError, RealFilesLoadedError, WarehouseError) as error:
        print(error, file=sys.stderr)
        return ExitCode.FAILED
    except (OSError, ValueError, SettingError) as error:
        parser.error(str(error))


if __name__ == "__main__":
    sys.exit(main())
