"""Readers ask all the time while the warehouse is loaded, built and published: none waits, or sees half of it.

`READERS_MINUTES=10` keeps on for as long; by default two states are published.
"""

import json
import logging
import os
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import psutil
import pytest

from tests.dbt.asking import WAYS, metrics_of, tables_of
from tests.dbt.small_warehouse import FEBRUARY, Warehouse, yellow_month
from warehouse.paths import PROJECT_ROOT
from warehouse.publishing import making
from warehouse.publishing.audit import AuditError
from warehouse.publishing.publish import publish
from warehouse.releases import Source

logger = logging.getLogger(__name__)

_MINUTES = float(os.environ.get("READERS_MINUTES", "0"))
_LONGEST_WAIT_SECONDS = 1


@dataclass
class _Reader:
    way: str
    said: list[dict[str, Any]] = field(default_factory=list)

    @contextmanager
    def asking(self) -> Iterator[None]:
        """Ask in a process of its own until the block ends."""
        stopped = threading.Event()
        thread = threading.Thread(target=self._ask, args=(stopped,))
        thread.start()
        try:
            yield
        finally:
            stopped.set()
            thread.join()

    def _ask(self, stopped: threading.Event) -> None:
        command = (sys.executable, "-m", "tests.dbt.asking", self.way)
        with subprocess.Popen(
            command, cwd=PROJECT_ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdin
            assert process.stdout
            while not stopped.is_set():
                process.stdin.write("\n")
                process.stdin.flush()
                self.said.append({**json.loads(process.stdout.readline()), "load": psutil.getloadavg()[0]})
                # Five readers without a pause would take the processors from who builds and publishes.
                time.sleep(0.2)
            process.stdin.close()


@dataclass
class _Writer:
    """Changes the warehouse and publishes it; `expected` is what the working file held then, by release and way."""

    warehouse: Warehouse
    expected: dict[str, dict[str, str]] = field(default_factory=dict)

    def publish(self) -> None:
        release = publish().release
        with duckdb.connect(str(self.warehouse.path), read_only=True) as working:
            tables = tables_of(working)
        self.expected[release.id] = dict.fromkeys(WAYS, tables) | {"metrics": metrics_of(Source())}

    def change(self, number: int) -> None:
        """A month is replaced, which must not be seen before it is built, and published."""
        self.warehouse.load("yellow", FEBRUARY, yellow_month(FEBRUARY, total=100.0 + number))
        with pytest.raises(AuditError):
            publish()
        self.warehouse.build(*(("--full-refresh",) if number % 3 == 1 else ()))
        self.publish()


@pytest.fixture
def writer(warehouse: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> _Writer:
    monkeypatch.setenv("PUBLISHED_FOLDER", str(tmp_path / "published"))
    monkeypatch.setenv("DBT_TARGET_PATH", str(warehouse.scratch / "target"))
    monkeypatch.setattr(making, "ROWS_FOR_FILES", 2)
    return _Writer(warehouse)


def test_readers_see_whole_releases_and_never_wait(writer: _Writer) -> None:
    writer.publish()
    readers = [_Reader(way) for way in WAYS]
    until = time.monotonic() + 60 * _MINUTES
    with ExitStack() as asking:
        for reader in readers:
            asking.enter_context(reader.asking())
        number = 0
        while number < 2 or time.monotonic() < until:
            number += 1
            writer.change(number)
        _wait_until_seen(readers, max(writer.expected))
    said = [(reader.way, each) for reader in readers for each in reader.said]
    _log(said, len(writer.expected))
    assert [(way, each["error"]) for way, each in said if "error" in each] == []
    assert [each for way, each in said if each["answer"] != writer.expected[each["release"]][way]] == []
    assert [each for _, each in said if each["waited"] > _LONGEST_WAIT_SECONDS] == []
    assert len({tuple(answers.values()) for answers in writer.expected.values()}) == number + 1


def _wait_until_seen(readers: list[_Reader], release_id: str) -> None:
    """So that every reader has had an answer of the newest release."""
    until = time.monotonic() + 60
    while not all(any(each.get("release") == release_id for each in reader.said[-3:]) for reader in readers):
        assert time.monotonic() < until, f"expected all readers to see release {release_id}"
        time.sleep(0.1)


def _log(said: list[tuple[str, dict[str, Any]]], releases: int) -> None:
    for way, count in Counter(way for way, _ in said).items():
        seconds = sorted(each["wall"] for other, each in said if other == way)
        waited = max(each["waited"] for other, each in said if other == way)
        logger.info(
            "%s: %d answers, median %.3f s, longest %.2f s, of which waited at most %.2f s; load %.0f to %.0f",
            *(way, count, seconds[count // 2], seconds[-1], waited),
            *(bound(each["load"] for other, each in said if other == way) for bound in (min, max)),
        )
    logger.info("%d answers of %d releases", len(said), releases)
