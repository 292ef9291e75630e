"""Compacting gives space back and keeps everything else; what goes wrong leaves the file as it was."""

import shutil
import subprocess
import sys
from collections import namedtuple
from pathlib import Path
from typing import Any

import duckdb
import pytest

from warehouse import compact as module
from warehouse.compact import CompactionError, compact, main, read_space
from warehouse.connection import WarehouseBusyError, open_for_reading, open_for_writing
from warehouse.ledger import Fingerprint, Ledger, Watermark

# Views named against the order that they need one another in, and all else that a DuckDB file may hold.
DEFINITIONS = """
    create schema raw_data;
    create sequence raw_data.numbers start 7;
    create type raw_data.mode as enum ('taxi', 'bike');
    create macro raw_data.next_of(number) as number + 1;
    create table raw_data.trips (
        trip_id bigint default nextval('raw_data.numbers'), source_month date not null, mode raw_data.mode,
        fare double check (fare < 1000), primary key (trip_id)
    );
    create index trips_by_month on raw_data.trips (source_month);
    create view raw_data.z_trips as select * from raw_data.trips;
    create view raw_data.m_trips as select *, raw_data.next_of(trip_id) as next_id from raw_data.z_trips;
    create view raw_data.a_trips as select * from raw_data.m_trips;
    comment on table raw_data.trips is 'Trips; a row is a trip';
    comment on column raw_data.trips.fare is 'In USD';
    comment on view raw_data.a_trips is 'Trips again';
    comment on column raw_data.a_trips.next_id is 'The next';
    create table raw_data.kept as select i as number, null::varchar as text from range(250000) t(i) order by hash(i);
"""

WATERMARK = Watermark("load 1", 10, None, None, Fingerprint("https://example.org/f"))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of which most is free: a large table was replaced by small ones. Its ledger has a watermark."""
    path = tmp_path_factory.mktemp("made") / "made.duckdb"
    with open_for_writing(path) as connection:
        connection.execute(DEFINITIONS)
        connection.execute(
            "insert into raw_data.trips values (1, '2025-05-01', 'bike', 2.5), (2, '2025-06-01', null, null)"
        )
        connection.execute("create table replaced as select random() as a, random() as b from range(200000)")
        connection.execute("checkpoint; drop table replaced")
        Ledger(connection).set_watermark("green", "2025-05", WATERMARK)
    return path


@pytest.fixture
def wasteful(made: Path, database: Path) -> Path:
    """The same as the warehouse of the test."""
    return Path(shutil.copyfile(made, database))


def _everything(database: Path) -> list[Any]:
    """All that is defined, the rows of each table in their order, and what the views say."""
    with open_for_reading(path=database) as connection:
        queries = [
            "select schema_name, table_name, sql, comment from duckdb_tables() order by all",
            "select schema_name, view_name, sql, comment from duckdb_views() where not internal order by all",
            "select table_name, column_name, comment from duckdb_columns() where not internal order by all",
            "select table_name, constraint_text from duckdb_constraints() order by all",
            "select index_name, sql from duckdb_indexes() order by all",
            "select sequence_name, sql from duckdb_sequences() order by all",
            "select function_name, macro_definition from duckdb_functions() where not internal order by all",
            "select type_name, labels from duckdb_types() where not internal order by all",
            "from raw_data.a_trips",
            "select count(*), sum(hash(rowid, number, text)) from raw_data.kept",
            "from meta.asset_watermarks",
        ]
        return [connection.execute(query).fetchall() for query in queries]


def _files(database: Path) -> list[str]:
    return sorted(path.name for path in database.parent.iterdir())


def test_the_file_gets_smaller_and_holds_what_it_held_in_its_order(wasteful: Path) -> None:
    wasteful.chmod(0o640)
    before_bytes, before = wasteful.stat().st_size, _everything(wasteful)
    free_bytes = read_space().free_bytes
    done = compact()
    assert done
    assert (done.before_bytes, done.after_bytes) == (before_bytes, wasteful.stat().st_size)
    assert done.saved_bytes >= free_bytes > before_bytes / 5
    assert _everything(wasteful) == before
    assert wasteful.stat().st_mode & 0o777 == 0o640
    assert _files(wasteful) == ["warehouse.duckdb"]


def test_the_next_writer_goes_on_where_the_last_one_was(wasteful: Path) -> None:
    assert compact()
    with open_for_writing() as connection:
        ledger = Ledger(connection)
        ledger.set_watermark("green", "2025-05", Watermark("load 2", 11, None, None, WATERMARK.fingerprint))
        assert [mark.load_id for mark in ledger.watermarks().values()] == ["load 2"]
        connection.execute("insert into raw_data.trips (source_month) values ('2025-07-01')")
        assert connection.execute("select max(trip_id) from raw_data.trips").fetchall() == [(7,)]
        with pytest.raises(duckdb.ConstraintException):
            connection.execute("insert into raw_data.trips values (1, '2025-05-01', 'bike', 2.5)")


def test_too_little_to_gain_changes_nothing_unless_forced(wasteful: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert compact()
    inode = wasteful.stat().st_ino
    assert main([]) == 0
    assert "not worth" in capsys.readouterr().out
    assert wasteful.stat().st_ino == inode
    assert main(["--force"]) == 0
    assert "saved" in capsys.readouterr().out
    assert wasteful.stat().st_ino != inode


def test_what_duckdb_cut_off_the_end_of_the_file_is_not_there_to_gain(database: Path) -> None:
    with open_for_writing() as connection:
        connection.execute("create table kept as select random() as a from range(100000); checkpoint")
        connection.execute("create table replaced as select random() as a from range(200000); checkpoint")
        connection.execute("drop table replaced")
    with open_for_reading() as connection:
        assert connection.execute("select free_blocks from pragma_database_size()").fetchall() > [(0,)]
    assert read_space().free_bytes == 0


def test_a_dry_run_tells_of_the_gain_and_changes_nothing(wasteful: Path, capsys: pytest.CaptureFixture[str]) -> None:
    state = wasteful.stat()
    assert main(["--dry-run"]) == 0
    assert f"({read_space().free_share:.0%}) are free: compacting is worth it" in capsys.readouterr().out
    assert (wasteful.stat().st_ino, wasteful.stat().st_mtime_ns) == (state.st_ino, state.st_mtime_ns)


def test_a_link_to_the_file_stays_one(wasteful: Path, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    target = wasteful.rename(disk / "other's name.duckdb")
    wasteful.symlink_to(target)
    before = target.stat().st_size
    assert compact()
    assert wasteful.readlink() == target
    assert target.stat().st_size < before
    assert (_files(wasteful), _files(target)) == (["disk", "warehouse.duckdb"], [target.name])


def test_what_another_process_writes_until_it_lets_go_is_kept(wasteful: Path) -> None:
    script = """
import sys, time, duckdb
connection = duckdb.connect(sys.argv[1])
print("open", flush=True)
time.sleep(0.5)
connection.execute("insert into raw_data.trips values (3, '2025-07-01', 'taxi', 9)")
"""
    writer = subprocess.Popen([sys.executable, "-c", script, str(wasteful)], stdout=subprocess.PIPE, text=True)
    assert writer.stdout
    assert writer.stdout.readline() == "open\n"
    assert compact()
    assert writer.wait() == 0
    with open_for_reading() as connection:
        assert connection.execute("select count(*) from raw_data.trips").fetchall() == [(3,)]


def test_nobody_writes_between_the_copy_and_its_coming_into_place(
    wasteful: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = "import sys, duckdb; duckdb.connect(sys.argv[1]).execute('create table lost as select 1 as x')"
    refused: list[str] = []

    def try_to_write(copy: Path, file: Path) -> None:
        put_in_place(copy, file)
        refused.append(subprocess.run([sys.executable, "-c", write, str(old)], capture_output=True, text=True).stderr)

    old, put_in_place = wasteful.with_name("old.duckdb"), module._put_in_place
    old.hardlink_to(wasteful)
    monkeypatch.setattr(module, "_put_in_place", try_to_write)
    assert compact()
    assert "Could not set lock" in refused[0]


def test_a_file_that_stays_in_use_is_an_error(wasteful: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DUCKDB_LOCK_TIMEOUT_SECONDS", "0.2")
    script = "import sys, time, duckdb; c = duckdb.connect(sys.argv[1]); print('open', flush=True); time.sleep(60)"
    holder = subprocess.Popen([sys.executable, "-c", script, str(wasteful)], stdout=subprocess.PIPE, text=True)
    try:
        assert holder.stdout
        holder.stdout.readline()
        with pytest.raises(WarehouseBusyError, match=f"PID {holder.pid}"):
            compact()
    finally:
        holder.kill()
        holder.wait()


def test_a_process_killed_before_the_rename_leaves_the_file_and_the_next_run_clears_up(wasteful: Path) -> None:
    before_bytes, before = wasteful.read_bytes(), _everything(wasteful)
    script = """
import os, signal
from warehouse import compact
compact._put_in_place = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
compact.compact()
"""
    assert subprocess.run([sys.executable, "-c", script]).returncode == -9
    assert _files(wasteful) == ["warehouse.duckdb", "warehouse.duckdb.compacting"]
    assert wasteful.read_bytes() == before_bytes
    assert compact()
    assert _everything(wasteful) == before
    assert _files(wasteful) == ["warehouse.duckdb"]


@pytest.mark.parametrize(
    ("damage", "named"),
    [
        ("update raw_data.trips set fare = 2.6 where trip_id = 1", "rows raw_data.trips"),
        ("delete from raw_data.kept where number = 5", "rows raw_data.kept"),
        ("comment on column raw_data.trips.fare is null", "column raw_data.trips.fare"),
        ("drop view raw_data.a_trips", "view raw_data.a_trips"),
        ("drop index raw_data.trips_by_month", "index raw_data.trips_by_month"),
    ],
)
def test_a_copy_that_differs_is_thrown_away(
    wasteful: Path, monkeypatch: pytest.MonkeyPatch, damage: str, named: str
) -> None:
    def make_and_damage(connection: duckdb.DuckDBPyConnection, copy: Path) -> None:
        make_copy(connection, copy)
        with duckdb.connect(copy) as other:
            other.execute(damage)

    make_copy = module._make_copy
    monkeypatch.setattr(module, "_make_copy", make_and_damage)
    before = wasteful.read_bytes()
    with pytest.raises(CompactionError, match=named):
        compact()
    assert wasteful.read_bytes() == before
    assert _files(wasteful) == ["warehouse.duckdb"]


def test_too_small_a_disk_is_told_in_bytes_before_anything_is_written(
    wasteful: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    used = read_space().used_bytes
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(0, 0, used - 1000))
    monkeypatch.setattr(module, "_make_copy", None)
    assert main([]) == 1
    assert f"expected {used:,} bytes free" in (told := capsys.readouterr().err)
    assert "Free 1,000 bytes more" in told


def test_without_a_file_there_is_an_error_and_still_no_file(database: Path) -> None:
    assert (main([]), main(["--dry-run"])) == (1, 1)
    assert not database.exists()
