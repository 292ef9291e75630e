"""Many small partitions that are loaded together: as one by one, also where one is bad or the loader is killed."""

import json
import signal
import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from ingestion import group_loads
from ingestion.catalog import FEEDS
from ingestion.partitions import Partition
from ingestion.pipeline import Status, ingest
from ingestion.readers.lines import VanishedFileError
from tests.forking import interpreter
from warehouse.paths import DATABASE_VARIABLE
from warehouse.periods import Grain, Period

HOURS, EVENTS = 40, 5
FIRST = datetime(2026, 1, 5)

ROWS = "select * exclude (_dlt_load_id) from raw_data.pipeline_events order by source_hour, source_row"
MARKS = """
select partition_key, rows, etag, grain, period_start, period_end, content_length
from meta.asset_watermarks order by partition_key
"""
FILES = "select * exclude (load_id, loaded_at) from meta.source_files order by partition_key, file_name"
ASSETS = "select partition_key, status, rows, bytes, period_start from meta.ingestion_run_assets order by all"


def _hours() -> list[Partition]:
    return [
        Partition(FEEDS["pipeline_events"], Period(Grain.HOUR, FIRST + timedelta(hours=hour))) for hour in range(HOURS)
    ]


def _file(folder: Path, hour: int) -> Path:
    return folder / "events" / f"{FIRST + timedelta(hours=hour):%Y/%m/%d/%H}" / "a.jsonl"


def _publish(folder: Path, hour: int, status: str = "success", events: int = EVENTS) -> None:
    path = _file(folder, hour)
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [json.dumps({"event_id": f"{hour}-{number}", "status": status}) for number in range(events)]
    path.write_text("\n".join([*lines, "no json"]) + "\n")


@pytest.fixture
def published(tmp_path: Path, database: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "files"
    for hour in range(HOURS):
        _publish(folder, hour)
    monkeypatch.setenv("SOURCES__EVENT_FILES__URL", str(folder))
    return folder


def _query(database: Path, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(database), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def _alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(group_loads, "_FEWEST", 10**9)


def test_together_is_as_one_by_one(
    published: Path, database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(group_loads, "_MOST_PARTITIONS", 15)
    found = []
    for name in ("together", "alone"):
        path = tmp_path / f"{name}.duckdb"
        monkeypatch.setenv(DATABASE_VARIABLE, str(path))
        if name == "alone":
            _alone(monkeypatch)
        for status in ("success", "failed"):  # loaded, then replaced
            for hour in range(0, HOURS, 2):
                _publish(published, hour, status, EVENTS + (status == "failed"))
            results = ingest(_hours())
            assert {result.error for result in results} == {None}
        found.append([_query(path, sql) for sql in (ROWS, MARKS)])
        found[-1].append(_query(path, ASSETS))
        for hour in range(0, HOURS, 2):
            _publish(published, hour)
    together, alone = found
    assert len(together[0]) == HOURS * (EVENTS + 1) + HOURS // 2
    assert together[0] == alone[0]
    assert [mark[:2] for mark in together[1]] == [mark[:2] for mark in alone[1]]
    assert together[2] == alone[2]


def test_the_files_of_a_group_are_in_the_ledger(published: Path, database: Path) -> None:
    ingest(_hours())
    files = _query(database, FILES)
    assert len(files) == HOURS
    assert {row[3:6] for row in files} == {("whole", EVENTS + 1, 1)}


def test_a_bad_partition_fails_alone(published: Path, database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bad = _hours()[17].key
    reader = FEEDS["pipeline_events"].publisher.read
    read, read_together = type(reader).__call__, type(reader).read_together  # type: ignore[attr-defined]

    def alone(self: Any, partition: Partition, *others: Any) -> Any:
        if partition.key == bad:
            raise VanishedFileError(f"{partition}: gone")
        return read(self, partition, *others)

    def together(self: Any, files: Any, *others: Any) -> Any:
        if any(partition.key == bad for partition, _ in files):
            raise VanishedFileError("one is gone")
        return read_together(self, files, *others)

    monkeypatch.setattr(type(reader), "__call__", alone)
    monkeypatch.setattr(type(reader), "read_together", together)
    results = {result.partition.key: result for result in ingest(_hours())}
    assert {key for key, result in results.items() if result.status is not Status.LOADED} == {bad}
    assert "gone" in (results[bad].error or "")
    assert _query(database, "select count(*), count(distinct source_hour) from raw_data.pipeline_events") == [
        ((HOURS - 1) * (EVENTS + 1), HOURS - 1)
    ]


def test_a_group_with_other_rows_than_its_files_is_not_committed(
    published: Path, database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = type(FEEDS["pipeline_events"].publisher.read)
    read_together = reader.read_together  # type: ignore[attr-defined]

    def one_less(self: object, files: Any, *others: Any) -> Any:
        rows = read_together(self, files, *others)
        object.__setattr__(rows, "counts", [rows.counts[0] - 1, *rows.counts[1:]])
        return rows

    monkeypatch.setattr(reader, "read_together", one_less)
    loads = {(result.status, result.rows) for result in ingest(_hours())}
    assert loads == {(Status.LOADED, EVENTS + 1)}, "one by one they are right"


def test_a_group_is_bounded(published: Path) -> None:
    from ingestion.arrivals import Arrival

    def arrival(partition: Partition, size: int) -> Arrival:
        return Arrival(partition, size, lambda _: None, lambda *_: None, lambda _: None, None, published)  # type: ignore[arg-type, return-value]

    groups = list(group_loads._groups([arrival(one, 10_000_000) for one in _hours()]))
    assert sum(map(len, groups)) == HOURS
    assert max(sum(one.bytes for one in group) for group in groups) <= group_loads._MOST_BYTES
    assert list(group_loads._groups([arrival(one, 10**9) for one in _hours()])) == []


HELD = """
select source_hour, count(*) from raw_data.pipeline_events where feed = 'pipeline_events' group by all order by 1
"""
LOAD = "from tests.ingestion.test_group_loads import _hours, ingest; print('ready', flush=True); ingest(_hours())"


def test_a_kill_leaves_whole_partitions(published: Path, database: Path) -> None:
    for seconds in (0.4, 0.9, 1.5):
        process = interpreter().start(["-c", LOAD])
        process.stdout.readline()
        time.sleep(seconds)
        process.send_signal(signal.SIGKILL)
        process.wait()
        ingest(_hours()[:1])
        held = _query(database, HELD)
        marks = _query(database, "select period_start, rows from meta.asset_watermarks where feed = 'pipeline_events'")
        assert {rows for _, rows in held} == {EVENTS + 1}
        assert held == sorted(marks)
    assert {result.rows for result in ingest(_hours())} == {EVENTS + 1}
