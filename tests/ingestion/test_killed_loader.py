"""A loader that is killed leaves the old partition or the new one, and the next run just works."""

import logging
import os
import random
import signal
import subprocess
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import duckdb
import pytest

from ingestion.catalog import FEEDS
from ingestion.partitions import Partition
from ingestion.pipeline import Status, ingest
from sandbox.faults import Fault
from sandbox.server import SamplePublisher
from tests.forking import Forked, interpreter
from tests.partitions import partition_of
from tests.seeds import seed_of_today
from warehouse.paths import DATABASE_VARIABLE

logger = logging.getLogger(__name__)

MAY = date(2025, 5, 1)
# Of every kind of publisher: files by HTTP, answers, files in a bucket, pages of an API.
FEEDS_LOADED = ("yellow", "citibike", "weather", "minute_aggs", "options_snapshots", "candles_daily")
# Each takes three seconds or more. Other moments each day.
SEED = seed_of_today("KILL_SEED")
KILLS = int(os.environ.get("LOADER_KILLS", "3"))

LOAD = """
import sys
from datetime import date
from ingestion.catalog import FEEDS
from ingestion.pipeline import ingest
from ingestion import raw_loader
from tests.partitions import partition_of
print("ready", flush=True)
ingest([partition_of(FEEDS[name], date(2025, 5, 1)) for name in sys.argv[1].split(",")])
"""


@pytest.fixture
def publisher(monkeypatch: pytest.MonkeyPatch) -> Iterator[SamplePublisher]:
    with SamplePublisher(MAY, MAY, rows=10_000) as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        yield server


def _partitions() -> list[Partition]:
    return [partition_of(FEEDS[name], MAY) for name in FEEDS_LOADED]


def _contents(path: Path) -> dict[str, tuple[object, ...]]:
    """Each partition's rows, loads and a hash of all values, and what the ledger says of it."""
    contents: dict[str, tuple[object, ...]] = {}
    with duckdb.connect(str(path)) as connection:
        for partition in _partitions():
            contents[partition.feed.name] = connection.execute(
                f"""
                select count(*), count(distinct _dlt_load_id), sum(hash(columns(* exclude (_dlt_load_id)))::hugeint)
                from raw_data.{partition.feed.raw_table}
                """
            ).fetchall()[0]
            recorded = connection.execute(
                "select rows, load_id from meta.asset_watermarks where asset = ?", [partition.feed.name]
            ).fetchall()
            held = connection.execute(
                f"select count(*), any_value(_dlt_load_id) from raw_data.{partition.feed.raw_table} having count(*) > 0"
            ).fetchall()
            assert recorded == held, "ledger and raw data disagree"
    return contents


def _start_load() -> Forked:
    """Start a load in a process of its own, and return when it has begun."""
    process = interpreter().start(["-c", LOAD, ",".join(FEEDS_LOADED)], stderr=subprocess.DEVNULL)
    process.stdout.readline()
    return process


def _kill_after(seconds: float) -> bool:
    """Start a load and kill it; False if it was done before."""
    process = _start_load()
    time.sleep(seconds)
    is_killed = process.poll() is None
    process.kill()  # SIGKILL, and nothing where it is gone
    process.wait()
    return is_killed


def test_every_kill_leaves_the_old_partition_or_the_new_one(
    publisher: SamplePublisher, database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    moments = random.Random(SEED)
    uninterrupted = _start_load()
    begun = time.monotonic()
    assert uninterrupted.wait() == 0
    longest = time.monotonic() - begun
    killed = 0
    for _ in range(3 * KILLS):
        if killed == KILLS:
            break
        before = _contents(database)
        for feed in ("yellow", "citibike", "minute_aggs"):
            publisher.replace(feed, MAY)
        moment = moments.uniform(0, longest)
        logger.warning("KILL_SEED=%s, after %.3f of %.3f seconds", SEED, moment, longest)
        if _kill_after(moment):
            killed += 1
        else:
            longest = moment  # it was done by then: the machine is faster now than at first
        after = _contents(database)
        assert {result.status for result in ingest(_partitions())} <= {Status.LOADED, Status.UNCHANGED}
        new = _contents(database)
        for feed, content in after.items():
            assert content in (before[feed], new[feed]), feed
    assert killed == KILLS

    monkeypatch.setenv(DATABASE_VARIABLE, str(tmp_path / "clean.duckdb"))
    ingest(_partitions())
    assert _contents(database) == _contents(tmp_path / "clean.duckdb")
    with duckdb.connect(str(database)) as connection:
        schemas = connection.execute("select distinct table_schema from information_schema.tables").fetchall()
    assert {name for (name,) in schemas} == {"raw_data", "meta"}
    assert list((database.parent / "work").iterdir()) == [], "what killed runs left is cleared away"


ADD_COLUMN_AND_DIE = """
import os, signal, sys
from ingestion import raw_loader
from ingestion.pipeline import ingest
from ingestion.partitions import partitions_between
from ingestion.catalog import resolve_sources
from warehouse.periods import month
counted = raw_loader.current_state
def die(partition, transaction):
    # The new column and the new rows are in, and not committed.
    columns = transaction.execute("select column_name from information_schema.columns where table_name = 'green_taxi'")
    assert ("never_seen_before",) in columns.fetchall()
    assert counted(partition, transaction).rows
    print("dying", flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
raw_loader.current_state = die
ingest(partitions_between(resolve_sources("green"), month(2025, 5), month(2025, 5)))
"""


def test_a_kill_in_the_transaction_leaves_the_table_without_its_new_column(
    publisher: SamplePublisher, database: Path
) -> None:
    green = [partition_of(FEEDS["green"], MAY)]
    ingest(green)
    with duckdb.connect(str(database), read_only=True) as connection:
        before = connection.execute("describe raw_data.green_taxi").fetchall()
    publisher.break_("green", MAY, Fault.EXTRA_COLUMN)
    killed = interpreter().run(["-c", ADD_COLUMN_AND_DIE])
    assert (killed.returncode, killed.stdout) == (-signal.SIGKILL, "dying\n"), killed.stderr
    with duckdb.connect(str(database), read_only=True) as connection:
        assert connection.execute("describe raw_data.green_taxi").fetchall() == before
    (result,) = ingest(green)
    assert result.status is Status.LOADED
    with duckdb.connect(str(database), read_only=True) as connection:
        assert connection.execute("select count(never_seen_before) from raw_data.green_taxi").fetchall() == [
            (result.rows,)
        ]
