"""A run whose process is gone is never called running for long, wherever it was killed, and whoever had the file."""

import logging
import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from ingestion.catalog import FEEDS
from ingestion.pipeline import ingest
from sandbox.server import SamplePublisher
from tests.forking import interpreter
from tests.partitions import partition_of
from tests.seeds import seed_of_today
from warehouse.ledger import ABANDONED, Ledger
from warehouse.paths import DATABASE_VARIABLE

logger = logging.getLogger(__name__)

MAY = date(2025, 5, 1)
# Other points each day.
SEED = seed_of_today("KILL_SEED")
KILLS = int(os.environ.get("LOADER_KILLS", "4"))

# Loads in a child, which dies as it calls a function of ingestion/ or warehouse/, or leaves it, for the nth time; says
# how many times there were.
LOADS = """
import os, signal, sys
import ingestion.raw_loader
from warehouse.periods import month
from ingestion.catalog import FEEDS
from ingestion.partitions import Partition
from ingestion.pipeline import ingest

def load(kill_at):
    calls, ours = 0, {}
    def reached():
        nonlocal calls
        calls += 1
        if calls == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)
    def called(frame, event, argument):
        code = frame.f_code
        if code not in ours:
            ours[code] = any(name in code.co_filename for name in ("/ingestion/", "/warehouse/"))
        if ours[code]:
            frame.f_trace_lines = False
            reached()
            return returned
    def returned(frame, event, argument):
        if event == "return":
            reached()
        return returned
    sys.settrace(called)
    ingest([Partition(FEEDS["green"], month(2025, 5))], force=True)
    sys.settrace(None)
    print(calls, flush=True)

for line in sys.stdin:
    child = os.fork()
    if child == 0:
        load(int(line))
        os._exit(0)
    if os.waitpid(child, 0)[1]:
        print("killed", flush=True)
"""


@pytest.fixture(autouse=True)
def publisher(monkeypatch: pytest.MonkeyPatch) -> Iterator[SamplePublisher]:
    with SamplePublisher(MAY, MAY, rows=200) as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        yield server


@pytest.fixture
def loads(database: Path) -> Iterator[Callable[[int], str]]:
    """Load in a process of its own that dies at its nth call; tells how many there were, or that it was killed."""
    assert os.environ[DATABASE_VARIABLE] == str(database)
    process = subprocess.Popen(
        [sys.executable, "-c", LOADS], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
    )

    def load(kill_at: int) -> str:
        assert process.stdin
        assert process.stdout
        process.stdin.write(f"{kill_at}\n")
        return process.stdout.readline().strip()

    yield load
    process.communicate()


def _load() -> None:
    ingest([partition_of(FEEDS["green"], MAY)])


def _query(database: Path, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(database)) as connection:
        return connection.execute(sql).fetchall()


def test_a_run_that_was_killed_at_any_point_is_finished_by_the_next(
    loads: Callable[[int], str], database: Path
) -> None:
    loads(0)  # the first creates the tables
    calls = int(loads(0))
    assert calls > 200
    points = [*random.Random(SEED).sample(range(1, calls - 50), KILLS), calls - 5, calls - 25]
    killed = 0
    for point in points:
        logger.warning("KILL_SEED=%s, at %s of %s", SEED, point, calls)
        killed += loads(point) == "killed"
        before = _query(database, "select run_id from meta.ingestion_runs where status = 'running'")
        _load()
        assert _query(database, "select * from meta.ingestion_runs where status = 'running'") == []
        for (run_id,) in before:
            assert _query(database, f"select status, error from meta.ingestion_runs where run_id = '{run_id}'") == [
                ("failed", ABANDONED)
            ]
        assert list((database.parent / "work").iterdir()) == []
    assert killed >= KILLS


def test_a_run_that_is_called_running_and_has_no_folder_is_finished(database: Path) -> None:
    with duckdb.connect(str(database)) as connection:
        ledger = Ledger(connection)
        ledger.start_run("ingestion", {}, started_by="terminal")
        ledger.start_run("dbt build", {}, started_by="terminal")
    _load()
    assert _query(database, "select kind, status, error from meta.ingestion_runs order by started_at") == [
        ("ingestion", "failed", ABANDONED),
        ("dbt build", "running", None),
        ("ingestion", "success", None),
    ]


HOLD = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print(flush=True); sys.stdin.read()"

# Loads, and lets another process take the DuckDB file when the month is loaded, before the ledger is told.
LOAD_AND_LOSE_THE_FILE = f"""
import subprocess, sys
from ingestion.file_loads import FileLoader
from ingestion.run_pipeline import main
load = FileLoader.load

def load_and_lose_the_file(loader, files):
    load(loader, files)
    holder = subprocess.Popen(
        [sys.executable, "-c", {HOLD!r}, sys.argv[1]], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    holder.stdout.readline()

FileLoader.load = load_and_lose_the_file
sys.exit(main(["--year", "2025", "--months", "5", "--sources", "green"]))
"""


def test_what_the_ledger_could_not_be_told_is_told_by_the_next_run(database: Path, tmp_path: Path) -> None:
    run = interpreter().run(
        ["-c", LOAD_AND_LOSE_THE_FILE, str(database)],
        os.environ | {"DUCKDB_LOCK_TIMEOUT_SECONDS": "0.5", "LOG_FOLDER": str(tmp_path / "logs")},
    )
    assert run.returncode == 0, run.stderr
    assert "Traceback" not in run.stderr
    assert "cannot be recorded yet; the next run will do it" in " ".join(run.stderr.split())
    runs = "select status, error, finished_at is not null from meta.ingestion_runs order by started_at"
    assert _query(database, runs) == [("running", None, False)]
    _load()
    assert _query(database, runs) == [("success", None, True)] * 2
    assert _query(
        database,
        "select asset, a.status, rows > 0, source_url is not null from meta.ingestion_run_assets as a"
        " join meta.ingestion_runs using (run_id) order by started_at",
    ) == [("green", "loaded", True, True), ("green", "unchanged", True, True)]
    assert list((database.parent / "work").iterdir()) == []


def test_sigterm_ends_a_run_that_says_so(database: Path, tmp_path: Path) -> None:
    code = (
        "import os, signal, sys; from ingestion.file_loads import FileLoader; from ingestion.run_pipeline import main;"
        "FileLoader.load = lambda *a: os.kill(os.getpid(), signal.SIGTERM);"
        "main(['--year', '2025', '--months', '5', '--sources', 'green'])"
    )
    environment = os.environ | {"LOG_FOLDER": str(tmp_path / "logs"), DATABASE_VARIABLE: str(database)}
    run = interpreter().run(["-c", code], environment)
    assert run.returncode == 128 + signal.SIGTERM, run.stderr
    assert _query(database, "select status, error from meta.ingestion_runs") == [("failed", "interrupted")]
    assert list((database.parent / "work").iterdir()) == []
