"""What a process costs: wall and CPU seconds and peak memory, of it and those it started.

`python -m benchmarks.processes command …` runs a command and prints its cost as JSON on the last line. A process of its
own does the measuring because Linux counts the memory of whoever starts a program as the program's: here that is small.
"""

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from warehouse.paths import PROJECT_ROOT


@dataclass(frozen=True)
class Cost:
    """Of one process; `cpu` is user and system seconds over all threads."""

    wall: float
    cpu: float
    peak_mb: float


class BenchmarkError(Exception):
    """A measurement came to nothing; the message says what was run and what it said."""


def measure(
    command: Sequence[str], folder: Path = PROJECT_ROOT, environment: Mapping[str, str] = {}
) -> tuple[Cost, str]:
    """Run a command in a folder, with settings on top of this process's; its cost, and what it printed.

    Raises:
        BenchmarkError: the command failed.
    """
    settings = os.environ | dict(environment) | {"PYTHONPATH": str(PROJECT_ROOT)}
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.processes", *command],
        cwd=folder,
        env=settings,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise BenchmarkError(f"expected `{' '.join(command)}` to succeed, but it said:\n{done.stdout}{done.stderr}")
    *printed, cost = done.stdout.splitlines()
    return Cost(**json.loads(cost)), "\n".join(printed)


def main() -> int:
    """Run the command given and print what it cost; its exit status."""
    begun = time.monotonic()
    done = subprocess.run(sys.argv[1:])
    wall = time.monotonic() - begun
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    print("\n" + json.dumps(asdict(Cost(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024))))
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
