"""The cost of a process and its children: wall and CPU seconds and peak memory.

`python -m benchmarks.processes [--most-mb MB] [--most-seconds S] -- command …` runs a command and prints its cost as
JSON on the last line. A small process measures, because Linux counts the memory of the process that starts a program as
the program's.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from warehouse.paths import PROJECT_ROOT

# The memory of a tree of processes must be sampled, and sampling takes time from what is measured.
_LOOK_EVERY_SECONDS = 0.1


@dataclass(frozen=True)
class Cost:
    """`cpu` is user and system seconds of all threads and processes; `peak_mb` the most memory they had together."""

    wall: float
    cpu: float
    peak_mb: float

    def beyond(self, start: "Cost") -> "Cost":
        """The seconds without those of a start; the memory stays."""
        return Cost(self.wall - start.wall, self.cpu - start.cpu, self.peak_mb)


@dataclass(frozen=True)
class Limits:
    """What a command and its children may use together before they are stopped."""

    mb: float | None = None
    seconds: float | None = None

    def options(self) -> list[str]:
        """The limits as options of this module's command."""
        given = (("--most-mb", self.mb), ("--most-seconds", self.seconds))
        return [part for name, value in given if value is not None for part in (name, str(value))]


class BenchmarkError(Exception):
    """A measurement failed; the message has the command and its output."""


def measure(
    command: Sequence[str],
    folder: Path = PROJECT_ROOT,
    environment: Mapping[str, str] = {},
    limits: Limits = Limits(),
) -> tuple[Cost, str]:
    """Run a command in a folder, with additional settings; returns its cost and its output.

    Raises:
        BenchmarkError: the command failed, or was stopped because it used more than the limits allow.
    """
    settings = os.environ | dict(environment) | {"PYTHONPATH": str(PROJECT_ROOT)}
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.processes", *limits.options(), "--", *command],
        cwd=folder,
        env=settings,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise BenchmarkError(f"expected `{' '.join(command)}` to succeed, but it said:\n{done.stdout}{done.stderr}")
    *printed, cost = done.stdout.splitlines()
    return Cost(**json.loads(cost)), "\n".join(printed).rstrip()


def measure_inside(command: Sequence[str], environment: Mapping[str, str] = {}) -> tuple[Cost, dict[str, float]]:
    """Run a command that prints, as JSON on its last line, the `wall` and `cpu` seconds of the part that counts.

    Returns those with the peak memory of the whole process, and all that it printed there.

    Raises:
        BenchmarkError: the command failed.
    """
    whole, printed = measure(command, environment=environment)
    figures: dict[str, float] = json.loads(printed.splitlines()[-1])
    return Cost(figures["wall"], figures["cpu"], whole.peak_mb), figures


class Stopwatch:
    """Counts wall seconds, and user and system seconds of all threads and ended children, from its creation."""

    def __init__(self) -> None:
        self._begun = self._now()

    def seconds(self) -> dict[str, float]:
        """The `wall` and `cpu` seconds so far, as `measure_inside` reads them."""
        return {unit: now - self._begun[unit] for unit, now in self._now().items()}

    @staticmethod
    def _now() -> dict[str, float]:
        usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        return {"wall": time.monotonic(), "cpu": sum(usage.ru_utime + usage.ru_stime for usage in usages)}


class PeakMemory(threading.Thread):
    """Samples how much memory a process and its children have together: `mb` is the most until now.

    It stops them when they use more than the limits allow; `exceeded` says which limit that was.
    """

    def __init__(self, process: psutil.Process, limits: Limits = Limits()) -> None:
        super().__init__(daemon=True)
        self._root = process
        self._limits = limits
        self._begun = time.monotonic()
        self.mb = 0.0
        self.exceeded = ""

    def run(self) -> None:
        while self._root.is_running():
            self.mb = max(self.mb, self._look() / 1024**2)
            if self._limits.mb and self.mb > self._limits.mb:
                self._stop(f"stopped: it took more than {self._limits.mb:,.0f} MB of memory")
            if self._limits.seconds and time.monotonic() - self._begun > self._limits.seconds:
                self._stop(f"stopped: it took more than {self._limits.seconds:,.0f} seconds")
            time.sleep(_LOOK_EVERY_SECONDS)

    def _stop(self, why: str) -> None:
        self.exceeded = why
        try:
            processes = [*self._root.children(recursive=True), self._root]
        except psutil.Error:  # it has just ended
            return
        for process in processes:
            with suppress(psutil.Error):
                process.kill()

    def _look(self) -> int:
        try:
            processes = [self._root, *self._root.children(recursive=True)]
        except psutil.Error:
            return 0
        return sum(_memory(process) for process in processes)


def _memory(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.Error:  # it has just ended
        return 0


def main() -> int:
    """Run the given command, print its cost and return its exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.processes", description=__doc__)
    parser.add_argument("--most-mb", type=float)
    parser.add_argument("--most-seconds", type=float)
    parser.add_argument("command", nargs="+")
    options = parser.parse_args()
    begun = time.monotonic()
    running = subprocess.Popen(options.command)
    peak = PeakMemory(psutil.Process(running.pid), Limits(options.most_mb, options.most_seconds))
    peak.start()
    status = running.wait()
    wall = time.monotonic() - begun
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    # The system's figure for the largest process is exact, and the only one if it ended between two samples.
    largest = usage.ru_maxrss / (1024**2 if sys.platform == "darwin" else 1024)
    if peak.exceeded:
        print(peak.exceeded, file=sys.stderr)
    print("\n" + json.dumps(asdict(Cost(wall, usage.ru_utime + usage.ru_stime, max(peak.mb, largest)))))
    return status if not peak.exceeded else 1


if __name__ == "__main__":
    sys.exit(main())
