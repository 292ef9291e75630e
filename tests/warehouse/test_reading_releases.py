"""Readers of a release: they never wait, read nothing else, and say what is damaged."""

import os
import shutil
import stat
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import duckdb
import pytest

from tests.dbt.test_dbt_waits import held
from warehouse.connection import WarehouseBusyError, open_for_writing
from warehouse.ledger import utc_now
from warehouse.releases import (
    NothingPublishedError,
    Part,
    Release,
    ReleaseError,
    Releases,
    ReleaseTable,
    Source,
    current_release,
    open_release,
    source_for_readers,
)
from warehouse.releases.release import DESCRIPTION

ROWS = 20_000
COUNT = "select count(*), count(distinct number) from core_toys.fct_toys"


def release_by_hand(id_: str = "20251126T154000Z-3f2a", *, rows: int = ROWS) -> Release:
    """The smallest release: one table in one Parquet file, and one in the DuckDB file."""
    releases = Releases()
    folder = releases.releases_folder / id_
    file = folder / "tables" / "core_toys" / "fct_toys" / "all.parquet"
    file.parent.mkdir(parents=True)
    with duckdb.connect() as connection:
        connection.execute(f"attach '{folder / 'nyc_mobility.duckdb'}' as release (storage_version 'v1.5.0')")
        connection.execute(
            "create schema release.core_toys; create table release.core_toys.dim_toys as select 1 as toy"
        )
        toys = f"select range as number, hash(range)::varchar as name from range({rows})"
        connection.execute(f"copy ({toys}) to '{file}' (format parquet, compression zstd)")
        connection.execute(f"create view release.core_toys.fct_toys as from read_parquet('{file}')")
    part = Part("all", rows, "1", file=str(file.relative_to(folder)), bytes=file.stat().st_size)
    table = ReleaseTable("core_toys", "fct_toys", (("number", "BIGINT"), ("name", "VARCHAR")), (part,))
    release = Release(id_, folder, utc_now(), "terminal", "run", duckdb.__version__, "1", (table,))
    (folder / DESCRIPTION).write_text(release.write())
    releases.switch_to(release)
    return release


@pytest.fixture
def release(database: Path) -> Release:
    assert not database.exists()
    return release_by_hand()


@pytest.fixture
def parquet(release: Release) -> Path:
    ((_, part),) = release.files()
    return release.folder / str(part.file)


def test_a_reader_answers_at_once_while_another_process_writes(
    release: Release, database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_for_writing():
        pass
    monkeypatch.setenv("DUCKDB_LOCK_TIMEOUT_SECONDS", "0.2")
    with held(database):
        with source_for_readers().open() as connection:
            assert connection.execute(COUNT).fetchall() == [(ROWS, ROWS)]
        with pytest.raises(WarehouseBusyError), source_for_readers(live=True).open():
            pass


def test_nothing_published_says_how_to_publish_and_makes_nothing(database: Path) -> None:
    with pytest.raises(NothingPublishedError, match=r"nothing has been published yet\. .*nyc publish.*--live"):
        source_for_readers()
    assert list(database.parent.iterdir()) == []


def test_a_reader_keeps_the_release_that_it_opened(release: Release) -> None:
    with open_release() as connection:
        newer = release_by_hand("20251126T160000Z-0000", rows=7)
        assert connection.execute(COUNT).fetchall() == [(ROWS, ROWS)]
        with open_release() as beside:
            assert beside.execute(COUNT).fetchall() == [(7, 7)]
        with Source(release).open() as old:
            assert old.execute(COUNT).fetchall() == [(ROWS, ROWS)]
    assert current_release().id == newer.id


def test_threads_open_one_release_at_the_same_time(release: Release) -> None:
    def ask(_: int) -> list[tuple[int, int]]:
        with open_release(release) as connection:
            return connection.execute(COUNT).fetchall()

    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(ask, range(40))) == [[(ROWS, ROWS)]] * 40


@pytest.mark.parametrize(
    "sql",
    [
        "select * from read_text('/etc/hostname')",
        "select * from release",
        "create table core_toys.mine as select 1",
        "copy core_toys.dim_toys to '{folder}/../mine.csv'",
        "set enable_external_access = true",
        "attach '{folder}/../other.duckdb'",
    ],
)
def test_a_reader_reads_the_release_and_writes_nothing(release: Release, sql: str) -> None:
    def state() -> list[tuple[str, int]]:
        return sorted((str(path), path.stat().st_mtime_ns) for path in release.folder.rglob("*") if path.is_file())

    before = state()
    with open_release() as connection, pytest.raises(duckdb.Error):
        connection.execute(sql.format(folder=release.folder)).fetchall()
    assert state() == before


def test_what_does_not_fit_into_memory_goes_elsewhere(release: Release, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DUCKDB_MEMORY_LIMIT", "60MB")
    before = sorted(release.folder.rglob("*"))
    with open_release() as connection:
        answer = connection.cursor().execute("select name, range from core_toys.fct_toys, range(100) order by all")
        assert answer.fetchone()
        spilled = connection.execute("select path from duckdb_temporary_files()").fetchall()
        assert spilled
        assert {stat.S_IMODE(Path(path).parent.stat().st_mode) for (path,) in spilled} == {0o700}
        assert sorted(release.folder.rglob("*")) == before


def _without_the_end(content: bytes) -> bytes:
    return content[: len(content) // 2]


def _nothing(content: bytes) -> bytes:
    return content[:0]


def _with_a_damaged_middle(content: bytes) -> bytes:
    middle = len(content) // 2
    return content[:middle] + bytes(5000) + content[middle + 5000 :]


def _with_a_damaged_footer(content: bytes) -> bytes:
    return content[:-400] + b"\xff" * 392 + content[-8:]


@pytest.mark.parametrize("harm", [_without_the_end, _nothing, _with_a_damaged_middle])
def test_a_damaged_parquet_file_is_named(release: Release, parquet: Path, harm: Callable[[bytes], bytes]) -> None:
    parquet.write_bytes(harm(parquet.read_bytes()))
    with (
        pytest.raises(ReleaseError, match=r"cannot be read: .*nyc build, nyc publish") as raised,
        open_release() as opened,
    ):
        opened.execute("select sum(length(name)), sum(number) from core_toys.fct_toys").fetchall()
    assert str(raised.value).startswith(f"{parquet}: expected the rows of core_toys.fct_toys of release {release.id}")
    assert len(str(raised.value)) < 600 + len(str(parquet)) * 2


def test_damage_that_duckdb_has_no_name_for_is_said_to_be_in_the_release(release: Release, parquet: Path) -> None:
    parquet.write_bytes(_with_a_damaged_footer(parquet.read_bytes()))
    with (
        pytest.raises(ReleaseError, match=rf"^{release.folder}.*cannot be read: .*nyc publish"),
        open_release() as opened,
    ):
        opened.execute("select sum(length(name)) from core_toys.fct_toys").fetchall()


def test_a_parquet_file_that_is_gone_is_named(release: Release, parquet: Path) -> None:
    parquet.unlink()
    with (
        pytest.raises(ReleaseError, match=rf"^{parquet}: expected the rows .* no such file.*nyc build, nyc publish"),
        open_release() as opened,
    ):
        opened.execute(COUNT)


@pytest.mark.parametrize("harm", [_without_the_end, _nothing])
def test_a_damaged_duckdb_file_is_named(release: Release, harm: Callable[[bytes], bytes]) -> None:
    release.database.write_bytes(harm(release.database.read_bytes()))
    with pytest.raises(ReleaseError, match=r"nyc_mobility\.duckdb.*nyc publish"), open_release():
        pass


def test_a_release_deleted_by_hand_says_what_to_do(release: Release) -> None:
    shutil.rmtree(release.folder)
    with pytest.raises(ReleaseError, match=rf"{release.folder} is gone\. .*nyc publish --list"), open_release():
        pass
    with pytest.raises(ReleaseError, match=rf"{release.folder}: expected release .* it is gone"), open_release(release):
        pass


def test_a_link_that_leads_elsewhere_says_what_to_do(release: Release) -> None:
    link = Releases().link
    link.unlink()
    link.symlink_to("releases/nowhere/nyc_mobility.duckdb")
    with pytest.raises(ReleaseError, match=r"nowhere is gone\. .*nyc publish --list"), open_release():
        pass


def test_a_folder_that_was_moved_says_what_mends_it(
    release: Release, database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    moved = database.parent / "elsewhere"
    shutil.move(Releases().folder, moved)
    monkeypatch.setenv("PUBLISHED_FOLDER", str(moved))
    with (
        pytest.raises(ReleaseError, match=rf"another folder: .*{release.folder}.*nyc publish --relink"),
        open_release() as opened,
    ):
        opened.execute(COUNT)


def test_a_folder_may_be_reached_over_a_link(release: Release, database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    link = database.parent / "link"
    link.symlink_to(Releases().folder)
    monkeypatch.setenv("PUBLISHED_FOLDER", str(link))
    with open_release() as opened:
        assert opened.execute(COUNT).fetchall() == [(ROWS, ROWS)]


@pytest.mark.parametrize("sql", ["select nothing from core_toys.fct_toys", "selec", "from core_toys.fct_dolls"])
def test_an_error_in_sql_stays_what_it_is(release: Release, sql: str) -> None:
    with pytest.raises(duckdb.Error, match="Error"), open_release() as connection:
        connection.execute(sql)


@pytest.mark.parametrize(
    ("age", "said"),
    [
        (timedelta(seconds=-5), "just now"),
        (timedelta(seconds=59), "just now"),
        (timedelta(minutes=1), "1 minute ago"),
        (timedelta(minutes=12, seconds=30), "12 minutes ago"),
        (timedelta(hours=25), "1 day ago"),
        (timedelta(days=40), "40 days ago"),
    ],
)
def test_a_source_says_what_it_is_and_how_old(release: Release, database: Path, age: timedelta, said: str) -> None:
    aged = Release(**{**vars(release), "published_at": utc_now() - age})
    assert str(Source(aged)) == f"release {release.id}, published {said}"
    assert str(Source()) == f"working file {database}"
    assert os.fspath(database) in str(source_for_readers(live=True))
