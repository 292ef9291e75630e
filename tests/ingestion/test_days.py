"""Many small files of a feed of days: loaded together, and each partition for itself."""

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from ingestion.partitions import Partition
from ingestion.pipeline import Result, RunProgress, Status, ingest
from tests.forking import interpreter
from tests.ingestion.days import BASE_ADDRESS_VARIABLE, day, publish, served

ROWS = 50
TWENTY = range(1, 21)

# What raw data and the ledger hold of each partition.
STATE = """
select
    coalesce(held.key, marks.partition_key), held.rows, held.load_id, held.total, marks.rows, marks.load_id, held.loads
from (
    select strftime(source_date, '%Y-%m-%d') as key, count(*) as rows, max(_dlt_load_id) as load_id,
        sum(price) as total, count(distinct _dlt_load_id) as loads
    from raw_data.test_days group by 1
) as held
full join (select * from meta.asset_watermarks where asset = 'test_days') as marks on marks.partition_key = held.key
order by 1
"""


@pytest.fixture
def published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder that is served; whatever is published is written there."""
    folder = tmp_path / "published"
    folder.mkdir()
    for number in TWENTY:
        publish(folder, number)
    with served(folder) as url:
        monkeypatch.setenv(BASE_ADDRESS_VARIABLE, url)
        yield folder


def _query(database: Path, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(database), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def _whole_days(database: Path, rows: int = ROWS) -> dict[str, str]:
    """The load id of each day that is there; each day must be there whole, with its watermark."""
    found = _query(database, STATE)
    for key, held_rows, load_id, _, marked_rows, marked_load_id, loads in found:
        assert (held_rows, marked_rows, marked_load_id, loads) == (rows, rows, load_id, 1), key
    return {key: load_id for key, _, load_id, *_ in found}


def test_days_load_together_in_any_order(published: Path, database: Path) -> None:
    partitions = [day(number) for number in random.Random(7).sample(TWENTY, len(TWENTY))]
    results = ingest(partitions)
    assert [result.partition for result in results] == partitions
    assert {(result.status, result.rows, result.error) for result in results} == {(Status.LOADED, ROWS, None)}
    loaded = _whole_days(database)
    assert sorted(loaded) == [f"2025-01-{number:02}" for number in TWENTY]
    assert loaded == {result.partition.key: result.load_id for result in results}
    assert len(set(loaded.values())) < len(TWENTY), "days that come together share a run of dlt"
    assert _query(
        database,
        "select count(*), min(n), max(n) from (select count(distinct source_row) as n"
        " from raw_data.test_days group by source_date)",
    ) == [(20, ROWS, ROWS)]
    assert _query(database, "select partition_key, status, rows from meta.ingestion_run_assets order by 1") == [
        (f"2025-01-{number:02}", "loaded", ROWS) for number in TWENTY
    ]
    assert list((database.parent / "work").iterdir()) == []


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("no,such,columns\n1,2,3\n", "expected the columns ticker"),
        ("ticker,price,at\nT0,1.5,2025-01-07 09:00:00\nT1,dear,2025-01-07 09:00:00\n", "dear"),
        ("ticker,price,at\nT0,1.5,2025-01-07 09:00:00\n\n\n\n", "expected 4 rows"),
        ("ticker,price,at\n", "expected rows"),
    ],
)
def test_one_bad_file_among_twenty_fails_alone(published: Path, database: Path, content: str, said: str) -> None:
    (published / "2025-01-07.csv").write_text(content)
    results = ingest([day(number) for number in TWENTY])
    failed = [result for result in results if result.status is not Status.LOADED]
    assert [(result.partition.key, result.status) for result in failed] == [("2025-01-07", Status.FAILED)]
    assert said in str(failed[0].error)
    assert len(str(failed[0].error)) < 600
    assert sorted(_whole_days(database)) == [f"2025-01-{number:02}" for number in TWENTY if number != 7]
    assert _query(database, "select partition_key, error from meta.ingestion_run_assets where status = 'failed'") == [
        ("2025-01-07", failed[0].error)
    ]
    assert _query(database, "select status from meta.ingestion_runs") == [("failed",)]

    publish(published, 7)
    (again, *others) = ingest([day(7), *(day(number) for number in TWENTY if number != 7)])
    assert again.status is Status.LOADED
    assert {result.status for result in others} == {Status.UNCHANGED}
    assert len(_whole_days(database)) == len(TWENTY)


def test_a_replaced_day_is_loaded_again_alone(published: Path, database: Path) -> None:
    partitions = [day(number) for number in TWENTY]
    ingest(partitions)
    before = {row[0]: row for row in _query(database, STATE)}
    publish(published, 12, price="2.5")
    results = ingest(partitions)
    assert [result.partition.key for result in results if result.status is Status.LOADED] == ["2025-01-12"]
    after = {row[0]: row for row in _query(database, STATE)}
    assert {key for key in after if after[key] != before[key]} == {"2025-01-12"}
    assert after["2025-01-12"][3] == 2.5 * ROWS
    assert len(_whole_days(database)) == len(TWENTY)


def test_every_load_of_a_day_has_another_load_id(published: Path, database: Path) -> None:
    ingest([day(number) for number in TWENTY])
    before = _whole_days(database)
    ingest([day(number) for number in TWENTY], force=True)
    after = _whole_days(database)
    assert all(after[key] != load_id for key, load_id in before.items())


def test_a_new_column_comes_with_its_own_day(published: Path, database: Path) -> None:
    for number in (5, 6, 9):
        publish(published, number, extra="new")
    publish(published, 5, price="dear", extra="never")
    results = {result.partition.key: result for result in ingest([day(number) for number in TWENTY])}
    assert [key for key, result in results.items() if result.status is not Status.LOADED] == ["2025-01-05"]
    assert "extra" in str(results["2025-01-06"].note)
    assert _query(
        database,
        "select strftime(source_date, '%d'), count(extra), any_value(extra) from raw_data.test_days"
        " where extra is not null group by 1 order by 1",
    ) == [("06", ROWS, "new"), ("09", ROWS, "new")]
    assert len(_whole_days(database)) == len(TWENTY) - 1


def test_a_new_column_of_a_file_that_fails_is_not_added(published: Path, database: Path) -> None:
    publish(published, 5, price="dear", extra="never")
    ingest([day(number) for number in TWENTY])
    assert "extra" not in {row[0] for row in _query(database, "describe raw_data.test_days")}
    assert len(_whole_days(database)) == len(TWENTY) - 1


def test_another_process_may_write_between_batches(
    published: Path, database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writes = "import duckdb, sys; duckdb.connect(sys.argv[1]).execute('create or replace table main.other as select 1')"
    wrote: list[int] = []

    class Writes(RunProgress):
        def partition_started(self, partition: Partition) -> None:
            wrote.append(subprocess.run([sys.executable, "-c", writes, str(database)], check=False).returncode)

    results = ingest([day(number) for number in (1, 2, 3)], progress=Writes())
    assert {result.status for result in results} == {Status.LOADED}
    assert set(wrote) == {0}


def test_progress_tells_of_every_day(published: Path, database: Path) -> None:
    told: list[tuple[str, str]] = []

    class Tells(RunProgress):
        def partition_started(self, partition: Partition) -> None:
            told.append(("started", partition.key))

        def loading(self, partition: Partition) -> None:
            told.append(("loading", partition.key))

        def partition_finished(self, result: Result) -> None:
            told.append(("finished", result.partition.key))

    keys = [result.partition.key for result in ingest([day(number) for number in TWENTY], progress=Tells())]
    for event in ("started", "finished"):
        assert [key for what, key in told if what == event] == keys
    # Files are read by several threads.
    assert sorted(key for what, key in told if what == "loading") == keys


LOAD_AND_DIE = """
import os, signal, sys
from ingestion import raw_loader
from ingestion.pipeline import ingest
from tests.ingestion.days import day
counted = raw_loader.current_state
left = int(sys.argv[1])
def die(partition, transaction):
    global left
    left -= 1
    if not left:
        os.kill(os.getpid(), signal.SIGKILL)
    return counted(partition, transaction)
raw_loader.current_state = die
ingest([day(number) for number in range(1, 21)])
"""


def test_a_kill_in_a_batch_leaves_whole_days_only(published: Path, database: Path) -> None:
    killed = interpreter().run(["-c", LOAD_AND_DIE, "13"])
    assert killed.returncode == -signal.SIGKILL
    assert len(_whole_days(database)) == 12
    assert len(_query(database, "select * from meta.ingestion_run_assets")) == 12, "each is recorded with its rows"
    results = ingest([day(number) for number in TWENTY])
    assert sum(result.status is Status.UNCHANGED for result in results) == 12
    assert sum(result.status is Status.LOADED for result in results) == 8
    assert len(_whole_days(database)) == len(TWENTY)
    assert list((database.parent / "work").iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_in_a_batch_leaves_whole_days_and_is_recorded(
    number: signal.Signals, published: Path, database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where it comes while DuckDB reads, and dlt has signals to itself."""
    # As in a process of its own: libraries that other tests use leave handlers behind.
    handlers = {signal.SIGINT: signal.default_int_handler, signal.SIGTERM: lambda number, _: sys.exit(128 + number)}
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    finished: list[Result] = []

    class Interrupts(RunProgress):
        def partition_finished(self, result: Result) -> None:
            finished.append(result)
            if len(finished) == 6:
                os.kill(os.getpid(), number)

    try:
        with pytest.raises(KeyboardInterrupt if number is signal.SIGINT else SystemExit):
            ingest([day(number) for number in TWENTY], progress=Interrupts())
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
    assert len(_whole_days(database)) == len(finished) == 6
    assert _query(database, "select status, error from meta.ingestion_runs") == [("failed", "interrupted")]
    assert len(_query(database, "select * from meta.ingestion_run_assets")) == 6
    assert list((database.parent / "work").iterdir()) == []


def test_an_interrupt_of_a_statement_ends_the_batch(
    published: Path, database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted: list[Partition] = []

    def count_for_ever(partition: Partition, connection: duckdb.DuckDBPyConnection) -> None:
        counted.append(partition)
        threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT)).start()
        connection.execute("select count(*) from range(1_000_000_000_000) as numbers (n) where n % 7 = 3").fetchall()

    monkeypatch.setattr("ingestion.raw_loader.current_state", count_for_ever)
    begun = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        ingest([day(number) for number in TWENTY])
    assert time.monotonic() - begun < 60
    assert len(counted) == 1
    assert _query(database, "select count(*) from raw_data.test_days") == [(0,)]
    assert _query(database, "select status, error from meta.ingestion_runs") == [("failed", "interrupted")]


def test_after_an_error_that_ends_duckdb_the_others_are_loaded(
    published: Path, database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = day(1).feed.publisher.read

    def fail(partition: Partition, path: Path, connection: duckdb.DuckDBPyConnection) -> Any:
        if partition == day(8):
            raise duckdb.FatalException("FATAL Error: the database has been invalidated")
        return read(partition, path, connection)

    monkeypatch.setattr(type(day(1).feed.publisher), "read", staticmethod(fail))
    results = ingest([day(number) for number in TWENTY])
    assert [result.partition for result in results if result.status is Status.FAILED] == [day(8)]
    assert len(_whole_days(database)) == len(TWENTY) - 1
