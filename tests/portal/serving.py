"""A portal that is up: the process that `nyc portal` starts."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from tempfile import TemporaryFile

import requests

from warehouse.paths import PROJECT_ROOT

# A machine that is busy with other tests takes long. No test is about time.
_SECONDS_OF_PATIENCE = 120


@contextmanager
def portal_up(environment: Mapping[str, str] | None = None) -> Iterator[int]:
    """The port of a portal that answers, for the time of a `with` block. `environment` is besides that of the tests."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    command = [sys.executable, "-m", "portal.command", "--port", str(port)]
    with (
        TemporaryFile() as said,
        subprocess.Popen(
            command,
            cwd=PROJECT_ROOT,
            env=os.environ | dict(environment or {}),
            stdout=said,
            stderr=subprocess.STDOUT,
        ) as server,
    ):
        try:
            if not _answers(port, server):
                said.seek(0)
                raise AssertionError(f"the portal did not start: {said.read().decode()}")
            yield port
        finally:
            server.terminate()


def _answers(port: int, server: "subprocess.Popen[bytes]") -> bool:
    until = time.monotonic() + _SECONDS_OF_PATIENCE
    while time.monotonic() < until and server.poll() is None:
        try:
            return requests.get(f"http://127.0.0.1:{port}/_stcore/health", timeout=5).ok
        except (requests.ConnectionError, requests.Timeout):
            time.sleep(0.1)
    return False
