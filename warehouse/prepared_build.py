"""A `dbt build` that gets ready while something else is done, in a process of its own.

dbt takes longer to import its code and to read the project than to build a month. With a second core that costs nothing
while a month is loaded:

    with PreparedBuild() as build:
        load()
        status = build.run()
"""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from types import TracebackType
from typing import Self

from warehouse.dbt_runs import Project
from warehouse.exit_codes import ExitCode
from warehouse.garbage import collect_seldom
from warehouse.paths import PROJECT_ROOT
from warehouse.terminal import quiet_on_broken_pipe

_GO = "go\n"
_SECONDS_TO_END = 10
_LEFT_BEHIND = "ignore:resource_tracker:UserWarning"


class PreparedBuild:
    """The process. If it is never told to build, it is ended, and has touched nothing but dbt's target folder.

    `arguments` are those of dbt.
    """

    def __init__(self, arguments: Sequence[str] = ("build",)) -> None:
        self._arguments = arguments
        self._is_building = False

    def __enter__(self) -> Self:
        command = (sys.executable, "-m", "warehouse.prepared_build", *self._arguments)
        # Where it is killed before it is ready, Python would say that its semaphores leaked, and remove them.
        ignored = [warning for warning in (os.environ.get("PYTHONWARNINGS"), _LEFT_BEHIND) if warning]
        environment = {**os.environ, "PYTHONWARNINGS": ",".join(ignored)}
        self._process = subprocess.Popen(command, cwd=PROJECT_ROOT, env=environment, stdin=subprocess.PIPE, text=True)
        return self

    def run(self) -> ExitCode:
        """Build now, and wait for the end. Whatever was open of the DuckDB file must be closed."""
        assert self._process.stdin
        self._is_building = True
        with suppress(BrokenPipeError):  # it has ended, and its exit code says how
            self._process.stdin.write(_GO)
            self._process.stdin.flush()
        return ExitCode.DONE if self._process.wait() == 0 else ExitCode.FAILED

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process.stdin
        with suppress(BrokenPipeError):
            self._process.stdin.close()
        try:
            # One that builds writes into the ledger how that ended.
            self._process.wait(_SECONDS_TO_END if self._is_building else 0)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


@quiet_on_broken_pipe
def main(arguments: Sequence[str]) -> int:
    """Get ready, wait for the word on the standard input, and build."""
    collect_seldom()
    os.chdir(PROJECT_ROOT / "dbt")
    try:
        project = Project.read()
        if sys.stdin.readline() != _GO:
            return ExitCode.DONE
        threading.Thread(target=_end_with_the_caller, daemon=True).start()
        return ExitCode.DONE if project.run(arguments).success else ExitCode.FAILED
    except KeyboardInterrupt:
        return ExitCode.FAILED


def _end_with_the_caller() -> None:
    """Interrupt dbt as Ctrl-C does once nobody waits for it: the caller's end closes the pipe."""
    sys.stdin.read()
    os.kill(os.getpid(), signal.SIGINT)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
