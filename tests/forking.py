"""Commands of Python as processes that begin with their imports done.

An interpreter that imports the loader works for a second before it does anything, and the tests start hundreds. Here
an interpreter imports once what such commands need, and each command runs in a fork of it. What a command imports, and
whether it runs in an interpreter of its own, is for other tests to say: they start one.

    python -m tests.forking CHANNEL MODULE ...

is that interpreter: it is told over a socket what to run.
"""

import atexit
import gc
import importlib
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import traceback
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import IO, NoReturn

from warehouse.paths import PROJECT_ROOT

# Commands import these when they run. dbt, Great Expectations and others that few commands need, they still import.
_OF_COMMANDS = (
    "cli.app",
    "dlt.destinations",
    "ingestion.gaps",
    "ingestion.raw_loader",
    "ingestion.run_pipeline",
    "ingestion.streams.command",
    "sandbox.kafka",
    "sandbox.server",
    "warehouse.publishing.publish",
)

# Of what a command is: its arguments, code among them, and all variables.
_MOST_BYTES = 150_000

# No test is about time, but one that hangs has to fail.
_MOST_SECONDS = 600

# What each command took that has ended. They are no children of this process, so the system does not count them here.
cpu_seconds: list[float] = []


@dataclass
class Forked:
    """A process that runs a command, as `subprocess.Popen` has it; what it says is in `stdout`."""

    pid: int
    stdout: IO[str]
    _status: socket.socket
    returncode: int | None = field(default=None)

    def poll(self) -> int | None:
        """Its exit status, or that of the signal that ended it, negative; None while it runs."""
        return self._within(0)

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end, and give its exit status.

        Raises:
            TimeoutExpired: it took longer than that, in seconds.
        """
        if self._within(timeout) is None:
            raise subprocess.TimeoutExpired(str(self.pid), timeout or 0)
        assert self.returncode is not None
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Nothing where it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def _within(self, seconds: float | None) -> int | None:
        if self.returncode is None and select.select([self._status], [], [], seconds)[0]:
            status, took = self._status.recv(40).split()
            self.returncode = int(status)
            cpu_seconds.append(float(took))
            self._status.close()
        return self.returncode


class Interpreter:
    """An interpreter that has imported modules, and forks itself for each command."""

    def __init__(self, *modules: str) -> None:
        self._channel, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with other:
            command = [sys.executable, "-m", "tests.forking", str(other.fileno()), *modules]
            # It ends with this process, which holds the other end of the channel.
            self._process = subprocess.Popen(command, cwd=PROJECT_ROOT, pass_fds=[other.fileno()])

    def start(
        self,
        arguments: Sequence[str],
        env: Mapping[str, str] | None = None,
        *,
        cwd: str | Path | None = None,
        stderr: int | None = None,
    ) -> Forked:
        """Start what `python ARGUMENTS` would: `-m MODULE …` or `-c CODE …`.

        `env` are all its variables, by default those of this process. `stderr` is as `subprocess` has it: a descriptor,
        or `DEVNULL`; by default that of this process.
        """
        read, write = os.pipe()
        # Of messages, so that the number of the process and its exit status are two, however fast it ends.
        status, written = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        nowhere = os.open(os.devnull, os.O_WRONLY)
        try:
            asked: list[object] = [list(arguments), dict(os.environ if env is None else env), str(cwd or Path.cwd())]
            errors = nowhere if stderr == subprocess.DEVNULL else 2 if stderr is None else stderr
            socket.send_fds(self._channel, [json.dumps(asked).encode()], [write, errors, written.fileno()])
        finally:
            os.close(write)
            os.close(nowhere)
            written.close()
        pid = status.recv(20)
        if not pid:
            raise RuntimeError(f"expected a process of {arguments}, but the interpreter for it ended: see what it said")
        return Forked(int(pid), os.fdopen(read), status)

    def run(
        self, arguments: Sequence[str], env: Mapping[str, str] | None = None, *, cwd: str | Path | None = None
    ) -> subprocess.CompletedProcess[str]:
        """What `subprocess.run` gives of `python ARGUMENTS`, with what it said. It is killed after ten minutes."""
        err, written = os.pipe()
        with os.fdopen(err) as errors:
            process = self.start(arguments, env, cwd=cwd, stderr=written)
            os.close(written)
            too_long = threading.Timer(_MOST_SECONDS, process.kill)
            too_long.start()
            # Both at once: whoever waits for one to be read says nothing more in the other.
            with process.stdout, ThreadPoolExecutor(1) as second:
                said_as_error = second.submit(errors.read)
                said = process.stdout.read()
            status = process.wait()
            too_long.cancel()
            return subprocess.CompletedProcess(list(arguments), status, said, said_as_error.result())


@cache
def interpreter() -> Interpreter:
    """The interpreter with what the command lines import, which all tests of this process share."""
    return Interpreter(*_OF_COMMANDS)


def _serve(channel: socket.socket) -> list[str]:
    """Start what is asked for until nobody can ask any more. In a process that was started: its arguments."""
    # What is imported stays: no fork has to look through it.
    gc.collect()
    gc.freeze()
    while True:
        message, files, _, _ = socket.recv_fds(channel, _MOST_BYTES, 3)
        if not message:
            os._exit(0)
        if os.fork() == 0:
            channel.close()
            return _begin(json.loads(message), *files)
        for file in files:
            os.close(file)
        _forget_those_that_ended()


def _forget_those_that_ended() -> None:
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass


def _begin(asked: tuple[list[str], dict[str, str], str], stdout: int, stderr: int, status: int) -> list[str]:
    """In a fork of the interpreter: tell the process that is started, and its end. Returns in that process alone."""
    arguments, environment, folder = asked
    if pid := os.fork():
        with socket.socket(fileno=status) as told:
            told.send(str(pid).encode())
            _, ended, used = os.wait4(pid, 0)
            told.send(f"{os.waitstatus_to_exitcode(ended)} {used.ru_utime + used.ru_stime}".encode())
        os._exit(0)
    os.close(status)
    for file, number in ((stdout, 1), (stderr, 2)):
        os.dup2(file, number)
        os.close(file)
    os.environ.clear()
    os.environ.update(environment)
    tempfile.tempdir = None
    os.chdir(folder)
    return arguments


def _status_of(arguments: list[str]) -> int:
    """Do what `python ARGUMENTS` does, and give the exit status."""
    kind, what, *rest = arguments
    sys.argv = [kind, *rest]
    try:
        if kind == "-m":
            runpy.run_module(what, run_name="__main__", alter_sys=True)
        else:
            exec(compile(what, "<string>", "exec"), {"__name__": "__main__"})
    except SystemExit as ended:
        if ended.code is None or isinstance(ended.code, int):
            return (ended.code or 0) & 0xFF
        sys.stderr.write(f"{ended.code}\n")
        return 1
    except BaseException:  # noqa: BLE001 - whatever ends it
        traceback.print_exc()
        return 1
    return 0


def _end(status: int) -> NoReturn:
    """End this process as an interpreter ends, but for its memory: to free that takes longer than most commands."""
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(status)


if __name__ == "__main__":
    _channel = socket.socket(fileno=int(sys.argv[1]))
    for _module in sys.argv[2:]:
        importlib.import_module(_module)
    _end(_status_of(_serve(_channel)))
