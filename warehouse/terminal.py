"""What all command lines share."""

import argparse
import functools
import json
import math
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from datetime import date
from enum import StrEnum
from typing import ParamSpec

P = ParamSpec("P")

# The exit code that a shell reports for a process that a closed pipe ended.
_BROKEN_PIPE_STATUS = 128 + 13


class Style(StrEnum):
    """How rich shows a word that is good, or not."""

    GOOD = "green"
    WARNING = "yellow"
    BAD = "bold red"
    UNIMPORTANT = "dim"


def quiet_on_broken_pipe(main: Callable[P, int]) -> Callable[P, int]:
    """Make a command end without a traceback when its reader, such as `head`, closes the pipe."""

    @functools.wraps(main)
    def quiet(*args: P.args, **kwargs: P.kwargs) -> int:
        try:
            try:
                return main(*args, **kwargs)
            finally:
                # Flush here, where the error can still be caught, also when argparse ends the process: Python
                # flushes once more at its end, where it cannot.
                sys.stdout.flush()
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return _BROKEN_PIPE_STATUS

    return quiet


def add_live_option(parser: argparse.ArgumentParser) -> None:
    """Add `--live` to a command that only reads."""
    parser.add_argument(
        "--live",
        action="store_true",
        help="read the working file, not the current release; waits while something loads or builds",
    )


def print_json(value: object) -> None:
    """Print plain data as JSON: days and times in ISO 8601, a number that is no number as null."""
    print(json.dumps(_plain(value), indent=2, ensure_ascii=False))


def _plain(value: object) -> object:
    """The value in the types that JSON knows."""
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {str(name): _plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, bool | int | float) or value is None:
        return value
    return str(value)
