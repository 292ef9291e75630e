"""A portal that is up: what `nyc portal` starts."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from tempfile import TemporaryFile

import requests

from tests.forking import Forked, Interpreter
from warehouse.paths import PROJECT_ROOT

# A machine that is busy with other tests takes long. No test is about time.
_SECONDS_OF_PATIENCE = 120

# The command puts Streamlit in place of its own process. Here that has imported it already, as well as what pages need.
_IN_A_FORK = """
import os, sys
from portal.command import main
from streamlit.web.cli import main as streamlit

def become(_, words):
    assert words[1:4] == ["-m", "streamlit", "run"], words
    sys.argv = words[2:]
    streamlit(prog_name="streamlit")

os.execv = become
sys.exit(main(sys.argv[1:]))
"""
_IMPORTED = ("streamlit.web.cli", "metricflow.engine.metricflow_engine", "portal.frame")


@contextmanager
def portal_up(environment: Mapping[str, str] | None = None, *, is_fork: bool = True) -> Iterator[int]:
    """The port of a portal that answers, for the time of a `with` block. `environment` is besides that of the tests.

    As a fork of an interpreter with all imports it is up seconds earlier than as people start it.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    settings = os.environ | dict(environment or {})
    arguments = ["--port", str(port)]
    server: Forked | subprocess.Popen[bytes]
    with TemporaryFile() as said:
        if is_fork:
            server = _interpreter().start(
                ["-c", _IN_A_FORK, *arguments], settings, cwd=PROJECT_ROOT, stderr=said.fileno()
            )
        else:
            command = [sys.executable, "-m", "portal.command", *arguments]
            server = subprocess.Popen(command, cwd=PROJECT_ROOT, env=settings, stdout=subprocess.DEVNULL, stderr=said)
        try:
            if not _answers(port, server):
                said.seek(0)
                raise AssertionError(f"the portal did not start: {said.read().decode()}")
            yield port
        finally:
            server.terminate()
            server.wait()


@cache
def _interpreter() -> Interpreter:
    return Interpreter(*_IMPORTED)


def _answers(port: int, server: Forked | subprocess.Popen[bytes]) -> bool:
    until = time.monotonic() + _SECONDS_OF_PATIENCE
    while time.monotonic() < until and server.poll() is None:
        try:
            return requests.get(f"http://127.0.0.1:{port}/_stcore/health", timeout=5).ok
        except (requests.ConnectionError, requests.Timeout):
            time.sleep(0.1)
    return False
