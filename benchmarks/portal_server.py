"""The portal of a warehouse as a process of its own, with the processor time and memory that it takes."""

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

from benchmarks.processes import BenchmarkError, PeakMemory
from portal import LOG_FILE
from warehouse.paths import LOG_FOLDER_VARIABLE, PROJECT_ROOT

_PATIENCE_SECONDS = 120


class PortalServer:
    """`nyc portal` on a free port, from when it says that it is ready until the end of a `with` block."""

    def __init__(self, settings: Mapping[str, str], logs: Path) -> None:
        self._settings = os.environ | dict(settings) | {LOG_FOLDER_VARIABLE: str(logs), "PYTHONPATH": str(PROJECT_ROOT)}
        self._log = logs / LOG_FILE
        self.port = 0
        self.seconds_to_start = 0.0

    def __enter__(self) -> Self:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self._log.unlink(missing_ok=True)
        begun = time.perf_counter()
        self._process = psutil.Popen(
            [sys.executable, "-m", "portal.command", "--port", str(self.port)],
            cwd=PROJECT_ROOT,
            env=self._settings,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self._memory = PeakMemory(self._process)
        self._memory.start()
        try:
            self._wait(begun)
        except BaseException:
            self.__exit__(None, None, None)
            raise
        self.seconds_to_start = time.perf_counter() - begun
        return self

    def _wait(self, begun: float) -> None:
        while time.perf_counter() - begun < _PATIENCE_SECONDS and self._process.poll() is None:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{self.port}/_stcore/health", timeout=10).close()
            except (urllib.error.URLError, OSError):
                time.sleep(0.05)
            else:
                return
        raise BenchmarkError(f"expected the portal to be ready within {_PATIENCE_SECONDS} s, but it is not")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        try:
            self._process.wait(10)
        except psutil.TimeoutExpired:  # it waits for sessions
            self._process.kill()
            self._process.wait()

    def cpu(self) -> float:
        """User and system seconds of all its threads so far."""
        times = self._process.cpu_times()
        return float(times.user + times.system)

    @property
    def peak_mb(self) -> float:
        """The most memory that it had so far."""
        return self._memory.mb

    def memory_mb(self) -> float:
        """The memory that it has now."""
        return float(self._process.memory_info().rss / 1024**2)

    def open_files(self) -> list[str]:
        """The files that it has open, by their paths; one that is open twice is there twice."""
        return [file.path for file in self._process.open_files()]

    def failures(self) -> str:
        """What its log says of pages that failed, from the first on."""
        log = self._log.read_text() if self._log.exists() else ""
        return log[log.index(" ERROR ") :] if " ERROR " in log else ""
