"""One writer at a time; the second one waits and says so."""

import logging
import re
import subprocess
import sys
import threading
from contextlib import AbstractContextManager, ExitStack, closing
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
import yaml
from dbt.adapters.duckdb.credentials import DuckDBCredentials
from dbt.adapters.duckdb.environments.local import LocalEnvironment

from warehouse.compact import compact
from warehouse.connection import WarehouseBusyError, WarehouseError, limit_memory, open_for_reading, open_for_writing
from warehouse.paths import DATABASE_VARIABLE, PROJECT_ROOT
from warehouse.summary import main as summary

HOLD_THE_FILE = """
import sys, duckdb
connection = duckdb.connect(sys.argv[1])
connection.execute("create table if not exists held as select 1 as x")
print("held", flush=True)
sys.stdin.read()
"""


def _hold(database: Path) -> subprocess.Popen[str]:
    """A process that has the file open until its input ends."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD_THE_FILE, str(database)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout
    assert process.stdout.readline() == "held\n"
    return process


def test_a_second_writer_waits_for_the_first_and_says_for_whom(
    database: Path, caplog: pytest.LogCaptureFixture
) -> None:
    holder = _hold(database)
    is_over = threading.Event()

    def let_go() -> None:
        # Only once the second one waits, however long it takes to get there.
        while not caplog.messages and not is_over.wait(0.05):
            pass
        assert holder.stdin
        holder.stdin.close()

    thread = threading.Thread(target=let_go)
    thread.start()
    try:
        with caplog.at_level(logging.WARNING), open_for_writing() as connection:
            assert connection.sql("select x from held").fetchall() == [(1,)]
    finally:
        is_over.set()
        thread.join()
    assert holder.wait() == 0
    assert [f"(PID {holder.pid}): waiting for it" in message for message in caplog.messages] == [True]


def test_a_writer_that_waited_too_long_names_file_holder_and_remedy(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DUCKDB_LOCK_TIMEOUT_SECONDS", "0.3")
    holder = _hold(database)
    try:
        with pytest.raises(WarehouseBusyError, match=rf"warehouse\.duckdb.*PID {holder.pid}.*TIMEOUT_SECONDS"):
            open_for_writing()
    finally:
        holder.kill()
        holder.wait()


def test_a_reader_that_will_not_wait_learns_at_once_who_writes(database: Path) -> None:
    holder = _hold(database)
    try:
        with pytest.raises(WarehouseBusyError) as busy:
            open_for_reading(timeout_seconds=0)
        assert f"(PID {holder.pid})" in busy.value.holder
    finally:
        holder.kill()
        holder.wait()


def test_reading_a_database_that_is_not_there_says_what_to_run(database: Path) -> None:
    with pytest.raises(WarehouseError, match=r"python ingestion/run_pipeline\.py"):
        open_for_reading()


def test_a_file_that_is_no_database_is_named(database: Path) -> None:
    database.write_bytes(b"something else" * 1000)
    with pytest.raises(WarehouseError, match=r"warehouse\.duckdb: cannot be opened as a DuckDB file"):
        open_for_writing()


def test_what_is_opened_keeps_to_the_memory_limit(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DUCKDB_MEMORY_LIMIT", "512MiB")
    with open_for_writing() as connection:
        limit_memory(connection, "1GiB")
        assert connection.execute("select current_setting('memory_limit')").fetchone() == ("512.0 MiB",)
        monkeypatch.delenv("DUCKDB_MEMORY_LIMIT")
        limit_memory(connection, "1GiB")
        assert connection.execute("select current_setting('memory_limit')").fetchone() == ("1.0 GiB",)


def test_a_memory_limit_that_is_none_is_named(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DUCKDB_MEMORY_LIMIT", "much")
    with pytest.raises(WarehouseError, match=r"DUCKDB_MEMORY_LIMIT .* such as 4GB, but got 'much'"):
        open_for_writing()


def _ways_to_read(database: Path) -> dict[str, AbstractContextManager[duckdb.DuckDBPyConnection]]:
    return {"the warehouse": open_for_reading(), "another file": open_for_reading(path=database)}


def _dbt() -> duckdb.DuckDBPyConnection:
    """The connection that dbt works with, by its own profile."""
    rendered = yaml.safe_load((PROJECT_ROOT / "dbt" / "profiles.yml").read_text())["nyc_mobility"]["outputs"]["dev"]
    credentials = DuckDBCredentials.from_dict(rendered)
    plugins = LocalEnvironment.initialize_plugins(credentials)
    connection: duckdb.DuckDBPyConnection = LocalEnvironment.initialize_db(credentials, plugins)
    return connection


REACHING_OUT = (
    "select content from read_text('{file}')",
    "select * from read_csv('{file}')",
    "select * from read_parquet('{file}')",
    "select * from read_json('{file}')",
    "select * from '{file}'",
    "select * from glob('{file}')",
    "copy (select 1) to '{file}.new'",
    "export database '{file}.new'",
    "attach '{file}.new' as other",
    "import database '{file}'",
    "install httpfs",
    "load httpfs",
    "load '{file}'",
    "select * from read_csv('http://127.0.0.1:9/x.csv')",
    "select * from read_csv('s3://bucket/x.csv')",
    "select * from secret_of_this_process",
)
SETTINGS = (
    "set enable_external_access = true",
    "set autoinstall_known_extensions = true",
    "set autoload_known_extensions = true",
    "set lock_configuration = false",
    "set memory_limit = '1TB'",
    "set temp_directory = '/'",
    "set allowed_directories = ['/']",
    "reset enable_external_access",
    "pragma enable_profiling",
)


def test_no_sql_of_a_reader_reaches_a_file_the_network_or_a_setting(database: Path, tmp_path: Path) -> None:
    with open_for_writing() as connection:
        connection.execute("create table held as select 1 as x")
    file = tmp_path / "secret.csv"
    file.write_text("secret")
    before = sorted(tmp_path.iterdir())
    secret_of_this_process = pa.table({"x": [1]})
    for way, opened in _ways_to_read(database).items():
        with opened as connection:
            assert connection.execute("select x from held").fetchall() == [(1,)]
            for sql in (*REACHING_OUT, *SETTINGS):
                refused = False
                try:
                    connection.execute(sql.format(file=file)).fetchall()
                except duckdb.Error:
                    refused = True
                assert refused, f"{way}: {sql}"
    assert sorted(tmp_path.iterdir()) == before
    assert secret_of_this_process.num_rows == 1


@pytest.mark.parametrize("sql", ["select * from read_csv('http://127.0.0.1:9/x.csv')", "load httpfs"])
def test_no_writer_fetches_or_loads_an_extension(database: Path, sql: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with open_for_writing() as connection, ExitStack() as stack:
        # The same process cannot have the file open twice.
        monkeypatch.setenv(DATABASE_VARIABLE, str(database.with_name("dbt.duckdb")))
        dbt = stack.enter_context(closing(_dbt()))
        for each in (connection, dbt):
            for setting in ("autoinstall_known_extensions", "autoload_known_extensions"):
                assert each.execute(f"select current_setting('{setting}')").fetchall() == [(False,)]
            with pytest.raises(duckdb.Error, match=r"[Ee]xtension|httpfs"):
                each.execute(sql).fetchall()
        with pytest.raises(duckdb.InvalidInputException, match="locked"):
            dbt.execute("set autoload_known_extensions = true")


def test_nobody_opens_the_file_but_here() -> None:
    """So that what a connection may do is said once. The benchmark and the sandbox have files of their own."""
    opening = re.compile(r"duckdb\.connect\(")
    folders = ("warehouse", "quality", "orchestration", "ingestion", "metrics", "monitoring")
    files = [file for folder in folders for file in (PROJECT_ROOT / folder).rglob("*.py")]
    found = {file.relative_to(PROJECT_ROOT).as_posix() for file in files if opening.search(file.read_text())}
    assert found == {"warehouse/connection.py", "metrics/conditions.py"}


def test_a_reader_spills_to_the_disk(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DUCKDB_MEMORY_LIMIT", "100MB")
    with open_for_writing() as connection:
        connection.execute("create table numbers as select range as i from range(10_000_000)")
    with open_for_reading() as connection:
        assert connection.execute("select current_setting('memory_limit')").fetchall() == [("95.3 MiB",)]
        # More than fits into memory: what is held open of it lies in files beside the database.
        answer = connection.cursor().execute("select hash(i) as h, i from numbers order by h")
        assert answer.fetchone()
        spilled = connection.execute("select path, size from duckdb_temporary_files()").fetchall()
        assert sum(size for _, size in spilled) > 1_000_000
        assert {Path(path).parent for path, _ in spilled} == {Path(f"{database}.tmp")}


@pytest.mark.parametrize("name", ["main", "temp", "system", "it's", 'a"b', "a[1]b", "a*b", "a{b}", "with space", "ünï"])
def test_odd_names_of_files_and_folders_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    database = tmp_path / name / f"{name}.duckdb"
    monkeypatch.setenv(DATABASE_VARIABLE, str(database))
    with open_for_writing() as connection:
        connection.execute("create schema raw_data; create table raw_data.held as select range as x from range(1000)")
    with closing(_dbt()) as dbt:
        assert dbt.execute("select count(*) from nyc_mobility.raw_data.held").fetchall() == [(1000,)]
    with open_for_reading() as connection:
        assert connection.execute("select count(*) from raw_data.held").fetchall() == [(1000,)]
    assert compact(worthwhile_share=0)
    assert summary(["--live"]) == 3
    assert "nothing is loaded yet" in capsys.readouterr().out


def test_a_question_mark_in_a_path_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(DATABASE_VARIABLE, str(tmp_path / "a?b" / "w.duckdb"))
    with pytest.raises(WarehouseError, match=r"without `\?`.*DUCKDB_DATABASE_PATH"):
        open_for_writing()
    with pytest.raises(RuntimeError, match=r"without `\?`"):
        _dbt()


def test_a_lock_timeout_that_is_none_is_named(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DUCKDB_LOCK_TIMEOUT_SECONDS", "soon")
    with pytest.raises(WarehouseError, match=r"DUCKDB_LOCK_TIMEOUT_SECONDS .* number of seconds, but got 'soon'"):
        open_for_writing()
