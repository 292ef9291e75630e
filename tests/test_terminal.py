"""A command ends quietly when its reader closes the pipe."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from warehouse.paths import PROJECT_ROOT
from warehouse.terminal import quiet_on_broken_pipe

COMMANDS = [
    ["ingestion.run_pipeline", "--help"],
    ["ingestion.gaps", "--help"],
    ["sandbox", "--help"],
    ["metrics.ask", "--help"],
    ["warehouse.compact", "--help"],
    ["warehouse.summary"],
    ["briefings.command", "--help"],
    ["quality.run", "--list"],
    ["quality.health"],
    ["quality.quarantine"],
    ["benchmarks", "--help"],
    ["cli", "--help"],
    ["cli", "check", "--list"],
]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
@pytest.mark.parametrize("buffered", [True, False], ids=["buffered", "unbuffered"])
def test_a_closed_pipe_leaves_no_traceback(database: Path, command: list[str], buffered: bool) -> None:
    """Closed before the first word, which `head` does only sometimes."""
    read, write = os.pipe()
    os.close(read)
    options = [] if buffered else ["-u"]
    # If it is set, Python buffers in neither case.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    with os.fdopen(write, "wb") as closed:
        done = subprocess.run(
            [sys.executable, *options, "-m", *command],
            cwd=PROJECT_ROOT,
            env=environment,
            stdout=closed,
            stderr=subprocess.PIPE,
            text=True,
        )
    assert "Traceback" not in done.stderr
    assert "BrokenPipe" not in done.stderr


def test_the_status_of_a_command_is_kept() -> None:
    assert quiet_on_broken_pipe(lambda: 3)() == 3


def test_every_command_line_is_quiet() -> None:
    """Every module that has a `main` and can be run."""
    folders = ("briefings", "ingestion", "warehouse", "metrics", "quality", "sandbox", "orchestration")
    mains = [
        file
        for folder in folders
        for file in (PROJECT_ROOT / folder).rglob("*.py")
        if '__name__ == "__main__"' in file.read_text() and "def main(" in file.read_text()
    ]
    assert len(mains) > 8
    assert [file.name for file in mains if "@quiet_on_broken_pipe\ndef main(" not in file.read_text()] == []
