"""Publishing may be killed at any point: readers keep a whole release, and a plain re-run makes the new one.

A reader asks through the one address all the time. `KILL_POINTS=50` kills as often; by default a few times.
"""

import logging
import os
import random
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import pytest

from tests.dbt.small_warehouse import FEBRUARY, Warehouse, yellow_month
from warehouse.paths import PROJECT_ROOT
from warehouse.publishing import making
from warehouse.publishing.publish import publish
from warehouse.releases import Release, Releases, current_release, open_release
from warehouse.releases.release import DATABASE, DBT_MANIFEST, DESCRIPTION, SEMANTIC_MANIFEST
from warehouse.sql import identifier

logger = logging.getLogger(__name__)

_POINTS = int(os.environ.get("KILL_POINTS", "6"))
_SEED = 16

_QUESTION = """
    select
        (select (count(*), sum(hash(t))) from core_core.fct_trips as t)::varchar,
        (select (count(*), sum(hash(t))) from core_core.fct_hourly_mobility as t)::varchar,
        (select (count(*), sum(hash(t))) from core_core.dim_date as t)::varchar,
        (select sum(kept) from core_checks.reconciliation)::varchar
"""


@dataclass
class _Reader:
    """Asks a plain client the same question through the link, again and again."""

    link: Path
    answers: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def ask(self, stopped: threading.Event) -> None:
        command = (sys.executable, "-c", _READING, str(self.link), _QUESTION)
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdin
            assert process.stdout
            while not stopped.is_set():
                process.stdin.write("\n")
                process.stdin.flush()
                kind, _, text = process.stdout.readline().rstrip("\n").partition(" ")
                (self.answers if kind == "answer" else self.errors).append(text)
                # Much shorter than a publication, and long enough to leave it a processor.
                time.sleep(0.05)
            process.stdin.close()


# A process of its own: in one process DuckDB shares what is open.
_READING = """
import duckdb, sys
link, question = sys.argv[1:]
for _ in sys.stdin:
    try:
        with duckdb.connect(link, read_only=True) as connection:
            print("answer", connection.execute(question).fetchone(), flush=True)
    except Exception as error:
        print("error", repr(error).replace("\\n", " "), flush=True)
"""


@contextmanager
def _reading(link: Path) -> Iterator[_Reader]:
    reader, stopped = _Reader(link), threading.Event()
    thread = threading.Thread(target=reader.ask, args=(stopped,))
    thread.start()
    try:
        yield reader
    finally:
        stopped.set()
        thread.join(30)


@dataclass
class _States:
    """Two states of the warehouse, which are published in turns, and what a reader of each must see."""

    warehouse: Warehouse
    files: list[Path]
    answers: list[str]

    def put(self, number: int) -> None:
        self.warehouse.path.with_suffix(".duckdb.wal").unlink(missing_ok=True)
        shutil.copy(self.files[number % 2], self.warehouse.path)


@pytest.fixture
def states(warehouse: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> _States:
    monkeypatch.setenv("PUBLISHED_FOLDER", str(tmp_path / "published"))
    monkeypatch.setenv("DBT_TARGET_PATH", str(warehouse.scratch / "target"))
    # So that every publication deletes a release as well.
    monkeypatch.setenv("PUBLISHED_RELEASES", "2")
    monkeypatch.setattr(making, "ROWS_FOR_FILES", 2)
    files, answers = [], []
    for number in range(2):
        if number:
            warehouse.load("yellow", FEBRUARY, yellow_month(FEBRUARY))
            warehouse.build()
        file = tmp_path / f"state-{number}.duckdb"
        shutil.copy(warehouse.path, file)
        files.append(file)
        with duckdb.connect(str(file), read_only=True) as connection:
            answers.append(str(connection.execute(_QUESTION).fetchone()))
    assert answers[0] != answers[1]
    return _States(warehouse, files, answers)


def _run(*options: str) -> subprocess.Popen[str]:
    command = (sys.executable, "-m", "tests.dbt.killed", "publish", *options)
    return subprocess.Popen(command, cwd=PROJECT_ROOT, stdout=subprocess.PIPE, text=True)


def _killed_before_line(line: int) -> bool:
    """Publish until a line; whether it was killed there."""
    with _run("--before-line", str(line)) as process:
        process.communicate()
    return process.returncode < 0


def _killed_after(seconds: float) -> bool:
    with _run() as process:
        assert process.stdout
        assert process.stdout.readline() == "begun\n"
        time.sleep(seconds)
        process.kill()
        process.communicate()
    return process.returncode < 0


def _lines_and_seconds() -> tuple[int, float]:
    """How many lines a publication runs, and how many seconds it takes without counting them."""
    with _run("--counted") as process:
        printed, _ = process.communicate()
    begun = time.monotonic()
    publish()
    return int(printed.split()[1]), time.monotonic() - begun


def _assert_equal_to_working_file(release: Release, path: Path) -> None:
    with duckdb.connect(str(path), read_only=True) as working, open_release(release) as published:
        for table in release.tables:
            statement = f"select count(*), sum(hash(t)) from {identifier(table.schema, table.name)} as t"
            assert published.execute(statement).fetchall() == working.execute(statement).fetchall(), table.full_name


def _assert_nothing_half_made(releases: Releases) -> None:
    expected = {releases.link, releases.folder / ".lock"}
    for release in releases.all():
        own = [DATABASE, DBT_MANIFEST, DESCRIPTION, SEMANTIC_MANIFEST, *(str(part.file) for _, part in release.files())]
        expected |= {release.folder / name for name in own}
    assert {path for path in releases.folder.rglob("*") if not path.is_dir() or path.is_symlink()} == expected
    assert {folder.name for folder in releases.releases_folder.iterdir()} == {each.id for each in releases.all()}


def test_killed_at_any_point_it_is_made_whole_by_a_plain_rerun(states: _States) -> None:
    chance = random.Random(_SEED)
    states.put(0)
    publish()
    states.put(1)
    lines, _ = _lines_and_seconds()
    states.put(0)
    begun = time.monotonic()
    publish()
    seconds = time.monotonic() - begun
    killed = 0
    with _reading(Releases().link) as reader:
        for point in range(_POINTS):
            states.put(point + 1)
            old = current_release().id
            if point % 2:
                killed += _killed_after(chance.uniform(0, seconds))
            else:
                killed += _killed_before_line(chance.randint(1, lines))
            left = current_release()
            with open_release(left) as published:
                answer = str(published.execute(_QUESTION).fetchone())
            assert answer == states.answers[(point if left.id == old else point + 1) % 2]
            publish()
            _assert_equal_to_working_file(current_release(), states.warehouse.path)
            _assert_nothing_half_made(Releases())
            assert not states.warehouse.execute("from meta.ingestion_runs where status = 'running'")
    logger.info(
        "%d points, killed at %d; %d lines, %.2f s; %d answers", _POINTS, killed, lines, seconds, len(reader.answers)
    )
    # Some end before they are killed; of many, few.
    assert killed >= _POINTS // 2
    assert reader.errors == []
    assert set(reader.answers) == set(states.answers)
