"""Folders of event files: in any order, grown, twice, late, deleted; and what the ledger says of each file."""

import json
import logging
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from moto.server import ThreadedMotoServer

from ingestion import gaps, run_pipeline
from ingestion.catalog import FEEDS
from ingestion.gap_survey import ask
from ingestion.partitions import Partition
from ingestion.pipeline import Result, Status, ingest
from tests.forking import interpreter
from warehouse.paths import DATABASE_VARIABLE, LOG_FOLDER_VARIABLE
from warehouse.periods import Grain, Period

EVENTS = FEEDS["pipeline_events"]
FIRST, SECOND = "2026-01-05T08", "2026-01-05T09"


def _hour(key: str) -> Partition:
    return Partition(EVENTS, Period.parse(Grain.HOUR, key))


def _folder(base: Path, key: str) -> Path:
    return base / "events" / f"{_hour(key).period.start:%Y/%m/%d/%H}"


def _event(number: int, **others: Any) -> bytes:
    event = {"event_id": f"event-{number}", "workspace": "analytics", "pipeline": "nightly", "status": "success"}
    return json.dumps(event | others).encode() + b"\n"


def _put(base: Path, key: str, name: str, content: bytes) -> Path:
    path = _folder(base, key) / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


@pytest.fixture
def base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "event files"
    folder.mkdir()
    monkeypatch.setenv("SOURCES__EVENT_FILES__URL", str(folder))
    monkeypatch.setenv(DATABASE_VARIABLE, str(tmp_path / "warehouse.duckdb"))
    monkeypatch.setenv(LOG_FOLDER_VARIABLE, str(tmp_path / "logs"))
    return folder


def _load(*keys: str) -> list[Result]:
    return ingest([_hour(key) for key in keys])


def _statuses(*keys: str) -> list[Status]:
    return [result.status for result in _load(*keys)]


def _query(sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(os.environ[DATABASE_VARIABLE], read_only=True) as connection:
        return connection.execute(sql).fetchall()


def _raw() -> list[tuple[Any, ...]]:
    return _query(
        "select source_hour, source_row, file_name, line_number, event_id, problem, line from raw_data.pipeline_events"
        " where feed = 'pipeline_events' order by all"
    )


def _states() -> dict[str, tuple[str, int, int]]:
    found = _query("select file_name, state, rows, unreadable_rows from meta.source_files order by all")
    return {name.rpartition("/")[2]: tuple(rest) for name, *rest in found}


def test_all_files_of_an_hour_are_its_rows_in_the_order_of_their_names(base: Path) -> None:
    _put(base, FIRST, "b.jsonl", _event(3))
    _put(base, FIRST, "a.jsonl", _event(1) + b"\n" + _event(2))
    _put(base, FIRST, "notes.txt", b"not an event\n")
    assert _statuses(FIRST, SECOND) == [Status.LOADED, Status.NOT_PUBLISHED]
    assert [row[1:5] for row in _raw()] == [
        (0, "a.jsonl", 1, "event-1"),
        (1, "a.jsonl", 3, "event-2"),
        (2, "b.jsonl", 1, "event-3"),
    ]
    names = _query("select file_name, etag is not null, last_modified is not null from meta.source_files order by 1")
    assert names == [(f"events/2026/01/05/08/{name}.jsonl", True, True) for name in "ab"]
    assert _statuses(FIRST) == [Status.UNCHANGED]


def test_a_file_that_grew_is_read_again_whole(base: Path) -> None:
    whole = _event(1) + _event(2)
    path = _put(base, FIRST, "a.jsonl", whole[:-20])
    _put(base, FIRST, "b.jsonl", b"nonsense\n\xff\n")
    assert _statuses(FIRST) == [Status.LOADED]
    assert _states() == {"a.jsonl": ("incomplete", 2, 1), "b.jsonl": ("broken", 2, 2)}
    assert [row[5] for row in _raw()] == [None, "half_line", "not_json", "not_utf8"]
    path.write_bytes(whole)
    assert _statuses(FIRST) == [Status.LOADED]
    assert _states() == {"a.jsonl": ("whole", 2, 0), "b.jsonl": ("broken", 2, 2)}


def test_files_that_left_the_folder_leave_the_ledger_and_late_ones_come(base: Path) -> None:
    gone = _put(base, FIRST, "a.jsonl", _event(1))
    _put(base, FIRST, "b.jsonl", _event(2))
    _load(FIRST)
    gone.unlink()
    _put(base, FIRST, "c.jsonl", _event(3))
    assert _statuses(FIRST) == [Status.LOADED]
    assert list(_states()) == ["b.jsonl", "c.jsonl"]
    for path in _folder(base, FIRST).iterdir():
        path.unlink()
    assert _statuses(FIRST) == [Status.NOT_PUBLISHED], "what was loaded stays"
    assert len(_raw()) == 2


def test_links_folders_pipes_and_names_that_cannot_be_shown_are_left_out(
    base: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    secret = tmp_path / "secret.jsonl"
    secret.write_bytes(_event(9))
    folder = _put(base, FIRST, "a.jsonl", _event(1)).parent
    (folder / "link.jsonl").symlink_to(secret)
    (folder / "folder.jsonl").mkdir()
    os.mkfifo(folder / "pipe.jsonl")
    (folder / "bell\a.jsonl").write_bytes(_event(8))
    (folder / os.fsdecode(b"\xff.jsonl")).write_bytes(_event(7))
    assert _statuses(FIRST) == [Status.LOADED]
    assert [row[4] for row in _raw()] == ["event-1"]
    assert "left out 1 links" in caplog.text
    assert "left out 2 files whose names" in caplog.text


def test_a_folder_that_is_a_link_is_refused(base: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "a.jsonl").write_bytes(_event(1))
    _folder(base, FIRST).parent.mkdir(parents=True)
    _folder(base, FIRST).symlink_to(elsewhere)
    (result,) = _load(FIRST)
    assert result.status is Status.FAILED
    assert "is a link" in (result.error or "")


def test_a_file_that_vanishes_before_it_is_read_fails_its_hour_until_the_next_load(
    base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = _put(base, FIRST, "a.jsonl", _event(1))
    _put(base, FIRST, "b.jsonl", _event(2))
    _put(base, SECOND, "c.jsonl", _event(3))
    from ingestion.fetch import many_files

    listed = many_files.ManyFilesVisit._listed

    def then_gone(visit: Any, partition: Partition) -> Any:
        found = listed(visit, partition)
        # The other hour is listed at the same time, in another thread.
        if partition.key == FIRST:
            gone.unlink(missing_ok=True)
        return found

    with monkeypatch.context() as patched:
        patched.setattr(many_files.ManyFilesVisit, "_listed", then_gone)
        failed, loaded = _load(FIRST, SECOND)
    assert (failed.status, loaded.status) == (Status.FAILED, Status.LOADED)
    assert failed.is_transient
    assert "a.jsonl, which was listed, but No such file" in (failed.error or "")
    assert _statuses(FIRST) == [Status.LOADED]


def test_a_file_beyond_the_bound_is_refused(base: Path) -> None:
    path = _put(base, FIRST, "large.jsonl", _event(1))
    os.truncate(path, 1_000_000_001)  # sparse
    (result,) = _load(FIRST)
    assert result.status is Status.FAILED
    assert "at most 1,000,000,000 bytes, but large.jsonl has 1,000,000,001" in (result.error or "")


def test_an_hour_of_many_megabytes_is_the_same_rows(base: Path) -> None:
    line = _event(1, payload={"text": "x" * 900})
    _put(base, FIRST, "a.jsonl", line * 20_000 + b"{")
    assert _statuses(FIRST) == [Status.LOADED]
    assert _states() == {"a.jsonl": ("incomplete", 20_001, 1)}
    assert _query("select count(distinct source_row), max(line_number) from raw_data.pipeline_events") == [
        (20_001, 20_001)
    ]


def test_a_folder_that_is_set_and_not_there_is_named(base: Path) -> None:
    base.rmdir()
    (result,) = _load(FIRST)
    assert "expected the folder that is set for the files, but it is not there" in (result.error or "")


@pytest.mark.parametrize("url", ["http://localhost/x", "s3://", "s3://Bad_Bucket/x", "a\nb"])
def test_an_address_that_is_neither_folder_nor_bucket_is_refused(
    base: Path, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv("SOURCES__EVENT_FILES__URL", url)
    (result,) = _load(FIRST)
    assert "expected a folder, or a bucket such as s3://bucket/prefix" in (result.error or "")


steps = st.lists(
    st.tuples(
        st.sampled_from([FIRST, SECOND]),
        st.sampled_from(["a.jsonl", "b.jsonl", "c.jsonl"]),
        st.sampled_from([b"", _event(1), _event(2) + _event(3), _event(4)[:-7], b"\xff\n", b"delete"]),
        st.booleans(),
    ),
    min_size=1,
    max_size=5,
)


@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=steps)
def test_in_any_order_the_end_is_as_if_it_was_loaded_once(
    steps: list[tuple[str, str, bytes, bool]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("order")
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("SOURCES__EVENT_FILES__URL", str(folder))
        patched.setenv(DATABASE_VARIABLE, str(folder / "often.duckdb"))
        _put(folder, FIRST, "first.jsonl", _event(0))
        _put(folder, SECOND, "first.jsonl", _event(0))
        for key, name, content, is_loaded in steps:
            if content == b"delete":
                (_folder(folder, key) / name).unlink(missing_ok=True)
            else:
                _put(folder, key, name, content)
            if is_loaded:
                _load(FIRST, SECOND)
        _load(SECOND, FIRST)
        often = _raw(), _states()
        patched.setenv(DATABASE_VARIABLE, str(folder / "once.duckdb"))
        _load(FIRST, SECOND)
        assert (_raw(), _states()) == often


def test_a_kill_during_loads_leaves_what_the_next_load_mends(base: Path, tmp_path: Path) -> None:
    keys = [f"2026-01-{day:02d}T{hour:02d}" for day in (5, 6) for hour in range(24)]
    for number, key in enumerate(keys):
        _put(base, key, "a.jsonl", b"".join(_event(number * 1000 + each) for each in range(50)) + b"{")
    command = ["-m", "ingestion.run_pipeline", "--sources", "pipeline_events"]
    command += ["--from", "2026-01-05", "--to", "2026-01-06"]
    for seconds in (0.1, 0.4, 0.8, 1.3):
        process = interpreter().start(command, stderr=subprocess.DEVNULL)
        time.sleep(seconds)
        process.send_signal(signal.SIGKILL)
        process.wait()
        if Path(os.environ[DATABASE_VARIABLE]).exists():
            _in_step()
    assert {result.status for result in _load(*keys)} <= {Status.LOADED, Status.UNCHANGED}
    _in_step()
    rows, files = _raw(), _query("select file_name, state, rows, bytes, etag from meta.source_files order by all")
    os.environ[DATABASE_VARIABLE] = str(tmp_path / "clean.duckdb")
    _load(*keys)
    assert rows == _raw()
    assert files == _query("select file_name, state, rows, bytes, etag from meta.source_files order by all")
    assert len(files) == len(keys)


def _in_step() -> None:
    """The ledger's files are those of the rows, hour by hour, of the same load."""
    with duckdb.connect(os.environ[DATABASE_VARIABLE]) as connection:
        tables = {name for (name,) in connection.execute("select table_name from information_schema.tables").fetchall()}
        if not {"pipeline_events", "source_files"} <= tables:
            return
        rows = connection.execute(
            "select strftime(source_hour, '%Y-%m-%dT%H'), _dlt_load_id, count(*) from raw_data.pipeline_events"
            " group by all order by all"
        ).fetchall()
        files = connection.execute(
            "select partition_key, load_id, sum(rows) from meta.source_files group by all order by all"
        ).fetchall()
    assert rows == files


@pytest.fixture
def bucket(base: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    for name, value in (
        ("SOURCES__EVENT_FILES__URL", "s3://events-of-all/drop/zone/"),
        ("SOURCES__EVENT_FILES__ENDPOINT_URL", f"http://{host}:{port}"),
        ("EVENT_FILES_ACCESS_KEY", "key"),
        ("EVENT_FILES_SECRET_KEY", "secret"),
    ):
        monkeypatch.setenv(name, value)
    client = boto3.client(
        "s3",
        endpoint_url=f"http://{host}:{port}",
        aws_access_key_id="key",
        aws_secret_access_key="secret",
        region_name="us-east-1",
    )
    client.create_bucket(Bucket="events-of-all")
    yield client
    server.stop()


def test_a_bucket_is_loaded_as_a_folder_is(bucket: Any) -> None:
    def put(key: str, content: bytes) -> None:
        bucket.put_object(Bucket="events-of-all", Key=f"drop/zone/events/2026/01/05/{key}", Body=content)

    put("08/b.jsonl", _event(2)[:-5])
    put("08/a name with blanks.jsonl", _event(1))
    put("08/deeper/c.jsonl", _event(8))
    put("08/x.csv", b"no,event\n")
    put("09/bell\x07.jsonl", _event(9))
    answers, unreachable = ask([_hour(FIRST), _hour(SECOND)])
    assert [answer is not None for answer in answers.values()] == [True, False]
    assert unreachable == {}
    assert _statuses(FIRST, SECOND) == [Status.LOADED, Status.NOT_PUBLISHED]
    assert [(row[2], row[4], row[5]) for row in _raw()] == [
        ("a name with blanks.jsonl", "event-1", None),
        ("b.jsonl", None, "half_line"),
    ]
    assert _states() == {"a name with blanks.jsonl": ("whole", 1, 0), "b.jsonl": ("incomplete", 1, 1)}
    assert _statuses(FIRST) == [Status.UNCHANGED]
    put("08/b.jsonl", _event(2))
    assert _statuses(FIRST) == [Status.LOADED]
    bucket.delete_object(Bucket="events-of-all", Key="drop/zone/events/2026/01/05/08/b.jsonl")
    assert _statuses(FIRST) == [Status.LOADED]
    assert list(_states()) == ["a name with blanks.jsonl"]


def test_keys_of_a_bucket_that_are_not_set_are_named(bucket: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EVENT_FILES_SECRET_KEY")
    (result,) = _load(FIRST)
    assert "EVENT_FILES_SECRET_KEY is not set" in (result.error or "")


def test_the_command_line_loads_the_hours_that_have_files_and_finds_no_gap(
    base: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _put(base, FIRST, "a.jsonl", _event(1))
    _put(base, "2026-01-06T23", "a.jsonl", _event(2))
    profile = base / "profiles/2026/01/05/crawl.jsonl"
    profile.parent.mkdir(parents=True)
    profile.write_bytes(b'{"user_name": "ada", "followers": 12}\n')
    days = ["--sources", "telemetry", "--from", "2026-01-05", "--to", "2026-01-06"]
    assert run_pipeline.main(days) == 0
    assert _query("select user_name, followers, source_date::varchar from raw_data.crawler_results") == [
        ("ada", "12", "2026-01-05")
    ]
    assert gaps.main(days) == 0
    _put(base, SECOND, "late.jsonl", _event(3))
    _put(base, FIRST, "b.jsonl", _event(4))
    capsys.readouterr()
    assert gaps.main(days) == 3
    said = capsys.readouterr().out
    assert "missing" in said
    assert "replaced" in said
    assert gaps.main([*days, "--fill"]) == 0
    assert len(_raw()) == 4
