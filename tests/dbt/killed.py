"""Run one call in a process of its own that is killed, without warning, before a given line or after some seconds.

`python -m tests.dbt.killed publish --before-line 120`: the lines are those that run in `warehouse/`, counted from the
start of the call. Without a line it prints how many ran. It prints `begun` when the call begins.
"""

import argparse
import os
import signal
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

from warehouse.paths import PROJECT_ROOT
from warehouse.publishing import making
from warehouse.publishing.publish import publish

_TRACED = f"{PROJECT_ROOT / 'warehouse'}{os.sep}"


class _Lines:
    """Counts lines, and kills this process before one of them."""

    def __init__(self, last: int | None) -> None:
        self.count = 0
        self._last = last

    def trace(self, frame: FrameType, event: str, argument: Any) -> Callable[..., Any] | None:
        if not frame.f_code.co_filename.startswith(_TRACED):
            return None
        if event == "line":
            self.count += 1
            if self.count == self._last:
                os.kill(os.getpid(), signal.SIGKILL)
        return self.trace


def _publish() -> None:
    # The tables of a test are small.
    making.ROWS_FOR_FILES = 2
    publish()


_CALLS: dict[str, Callable[[], None]] = {"publish": _publish}


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.dbt.killed", description=__doc__)
    parser.add_argument("call", choices=_CALLS)
    parser.add_argument("--before-line", type=int)
    parser.add_argument("--counted", action="store_true")
    options = parser.parse_args()
    lines = _Lines(options.before_line)
    _say("begun")
    if options.counted or options.before_line:
        sys.settrace(lines.trace)
    _CALLS[options.call]()
    sys.settrace(None)
    _say(str(lines.count))


if __name__ == "__main__":
    main()
