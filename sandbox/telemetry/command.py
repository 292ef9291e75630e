"""`nyc sandbox events`: files of events and profiles, for whoever has none, and to try large numbers of them."""

import argparse
import logging
import os
from datetime import datetime
from pathlib import Path

from sandbox.commands import Command, run_with
from sandbox.telemetry.event_files import write_event_files
from sandbox.telemetry.event_lines import Sample
from warehouse.exit_codes import ExitCode
from warehouse.periods import BadPeriodError, Grain, Period

logger = logging.getLogger(__name__)

# Where the platform reads event files from.
VARIABLE = "SOURCES__EVENT_FILES__URL"

_FIRST = "2025-01-06T08"
_LARGEST = 100_000_000


class Events(Command):
    """Files of JSON lines, with what goes wrong in such files."""

    name = "events"
    summary = "write files of pipeline events and profiles into a folder"

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.epilog = (
            "Of every 200 lines of events ten are odd: one comes twice, one is late, one ends before it starts, some "
            "are not JSON. A sample of 200 events or more also ends within its last line. Other files in the folder "
            f"stay. A command after -- reads from the folder, as {VARIABLE} is set for it. Options come before the "
            "folder then: nyc sandbox events --events 1000 data/sandbox/event_files -- make line"
        )
        parser.add_argument("folder", type=Path, metavar="FOLDER", help="where to put them")
        parser.add_argument("--events", type=_number, default=30, help="lines of events in all (default: %(default)s)")
        parser.add_argument("--profiles", type=_number, default=5, help="profiles a day (default: %(default)s)")
        parser.add_argument("--hours", type=_at_least_one, default=6, help="over so many hours (default: %(default)s)")
        parser.add_argument(
            "--from",
            dest="first",
            type=_hour,
            default=_FIRST,
            metavar="HOUR",
            help="the first hour (UTC) (default: %(default)s)",
        )
        parser.add_argument("--files", type=_at_least_one, default=2, help="files an hour (default: %(default)s)")
        parser.add_argument("--seed", type=_number, default=0, help="another one gives other events (default: 0)")
        parser.add_argument("--tidy", action="store_true", help="without odd lines")
        parser.add_argument(
            "--unless-set",
            action="store_true",
            help=f"write nothing where {VARIABLE} is set already; a command reads from there",
        )
        parser.add_argument("argv", nargs="*", metavar="-- command", help="a command that reads from the folder")

    def run(self, arguments: argparse.Namespace) -> int:
        if arguments.unless_set and os.environ.get(VARIABLE):
            logger.info("%s is set, so no sample is written", VARIABLE)
            return run_with({}, arguments.argv) if arguments.argv else ExitCode.DONE
        sample = Sample(
            first=arguments.first,
            hours=arguments.hours,
            events=arguments.events,
            profiles=arguments.profiles,
            files_an_hour=arguments.files,
            seed=arguments.seed,
            is_tidy=arguments.tidy,
        )
        folder = arguments.folder.absolute()
        written = write_event_files(folder, sample)
        logger.info(
            "%s has %s lines in %s files, %s of them new",
            folder,
            f"{written.lines:,}",
            f"{written.files:,}",
            f"{written.changed:,}",
        )
        return run_with({VARIABLE: str(folder)}, arguments.argv) if arguments.argv else ExitCode.DONE


def _number(text: str) -> int:
    if not (text.isascii() and text.isdecimal()) or int(text) > _LARGEST:
        raise argparse.ArgumentTypeError(f"expected a number from 0 to {_LARGEST:,}, got {text[:60]!a}")
    return int(text)


def _at_least_one(text: str) -> int:
    if (number := _number(text)) < 1:
        raise argparse.ArgumentTypeError("expected 1 or more, got 0")
    return number


def _hour(text: str) -> datetime:
    try:
        return Period.parse(Grain.HOUR, text).start
    except BadPeriodError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
