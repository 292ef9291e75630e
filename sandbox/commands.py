"""Commands of `nyc sandbox` that a subject brings along, and how a command of the user's runs with other settings."""

import argparse
import os
import signal
import subprocess
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import ClassVar


class Command(ABC):
    """A command that a subject's folder declares: `COMMANDS = (…)` in its `__init__.py`."""

    name: ClassVar[str]
    summary: ClassVar[str]

    @abstractmethod
    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Say which arguments there are."""

    @abstractmethod
    def run(self, arguments: argparse.Namespace) -> int:
        """Do it, and return the exit code.

        Raises:
            ValueError: arguments do not fit together.
        """


def run_with(environment: Mapping[str, str], argv: Sequence[str]) -> int:
    """Run a command with these variables set, and return its exit status as a shell has it."""
    command = subprocess.Popen(argv, env={**os.environ, **environment})
    # An interrupt from the terminal reaches the command itself. This process waits until the command has ended.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: command.terminate())
    status = command.wait()
    return status if status >= 0 else 128 - status
