"""What the command lines have in common."""

import functools
import os
import sys
from collections.abc import Callable
from typing import ParamSpec

P = ParamSpec("P")

# What a shell says of a process that a closed pipe ended.
_BROKEN_PIPE_STATUS = 128 + 13


def quiet_on_broken_pipe(main: Callable[P, int]) -> Callable[P, int]:
    """End quietly where whoever reads the output, such as `head`, has enough of it."""

    @functools.wraps(main)
    def quiet(*args: P.args, **kwargs: P.kwargs) -> int:
        try:
            try:
                return main(*args, **kwargs)
            finally:
                # While it can still be caught, also where argparse ends the process: Python flushes at its end, too.
                sys.stdout.flush()
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return _BROKEN_PIPE_STATUS

    return quiet
