"""Old releases go, but never the current one, one that somebody reads, or anything that is not a release."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pytest

from tests.warehouse.small_releases import TRIPS, id_of, make_release, snapshot
from warehouse.connection import WarehouseError
from warehouse.releases import ReleaseError, Releases, expiry, open_release
from warehouse.releases.expiry import bytes_of, clear_half_made, expire_releases, expired_releases, kept_releases
from warehouse.releases.readers import being_read

# A reader in a process of its own: opens a file, says so, and for each line that it is sent asks again.
READER = """
import duckdb, sys
connection = duckdb.connect(sys.argv[1], read_only=True)
print("open", flush=True)
for line in sys.stdin:
    print(connection.execute(line).fetchall(), flush=True)
"""


@pytest.fixture
def releases(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Releases:
    monkeypatch.setenv("PUBLISHED_FOLDER", str(tmp_path / "published"))
    return Releases(tmp_path / "published")


@contextmanager
def reader(file: Path) -> Iterator["subprocess.Popen[str]"]:
    """Another process that has a DuckDB file open."""
    command = [sys.executable, "-c", READER, str(file)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert ask(process) == "open"
            yield process
        finally:
            process.kill()


def ask(process: "subprocess.Popen[str]", query: str | None = None) -> str:
    assert process.stdin
    assert process.stdout
    if query:
        process.stdin.write(f"{query}\n")
        process.stdin.flush()
    return process.stdout.readline().strip()


def ids(found: list[Path]) -> list[str]:
    return sorted(path.name for path in found)


def test_the_newest_stay(releases: Releases) -> None:
    for number in range(4):
        make_release(releases, number)

    assert [release.id for release in expired_releases(releases, keep=2)] == [id_of(0), id_of(1)]
    assert [release.id for release in expire_releases(releases, keep=2)] == [id_of(0), id_of(1)]

    assert ids(list(releases.releases_folder.iterdir())) == [id_of(2), id_of(3)]
    assert expire_releases(releases, keep=2) == []
    with open_release() as connection:
        # A file that the deleted releases shared is still there.
        assert connection.execute(f"select min(n), max(n) from {TRIPS}").fetchall() == [(0, 3)]


def test_the_current_one_stays_however_old(releases: Releases) -> None:
    first = make_release(releases, 0)
    for number in range(1, 4):
        make_release(releases, number, is_current=False)

    assert [release.id for release in expire_releases(releases, keep=1)] == [id_of(1), id_of(2)]

    assert releases.current() == first


def test_one_that_another_process_reads_stays_until_it_is_closed(releases: Releases) -> None:
    for number in range(4):
        make_release(releases, number)
    with reader(releases.find(id_of(1)).database) as process:
        assert [release.id for release in expire_releases(releases, keep=1)] == [id_of(0), id_of(2)]
        # The reader had not opened the Parquet files before.
        assert ask(process, f"select max(n) from {TRIPS}") == "[(1,)]"
        assert releases.find(id_of(1)).folder.stat().st_mode & 0o777 == 0o555

    assert [release.id for release in expire_releases(releases, keep=1)] == [id_of(1)]


def test_one_that_this_process_reads_stays_until_it_is_closed(releases: Releases) -> None:
    for number in range(3):
        make_release(releases, number)
    with open_release(releases.find(id_of(0))) as connection, duckdb.connect() as other:
        other.execute(f"attach '{releases.find(id_of(1)).database}' as release (read_only)")
        assert expire_releases(releases, keep=1) == []
        assert connection.execute(f"select max(n) from {TRIPS}").fetchall() == [(0,)]
        assert other.execute("select n from release.core_core.dim_zone").fetchall() == [(1,)]

    assert [release.id for release in expire_releases(releases, keep=1)] == [id_of(0), id_of(1)]


def test_a_reader_that_opens_it_at_the_last_moment_keeps_it(
    releases: Releases, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(2):
        make_release(releases, number)
    old = releases.find(id_of(0))
    with duckdb.connect() as connection:

        def open_meanwhile(files: object) -> set[Path]:
            monkeypatch.undo()
            connection.execute(f"attach '{old.database}' as release (read_only)")
            return set()

        monkeypatch.setattr(expiry, "being_read", open_meanwhile)
        before = snapshot(old.folder)
        assert expire_releases(releases, keep=1) == []
        assert snapshot(old.folder) == before
        assert releases.find(id_of(0)) == old


def test_a_reader_who_comes_too_late_is_told(releases: Releases) -> None:
    for number in range(2):
        make_release(releases, number)
    old = releases.find(id_of(0))
    old.folder.chmod(0o755)
    (old.folder / "release.json").unlink()

    with pytest.raises(ReleaseError, match=f"expected release {old.id}, but it is gone"), open_release(old):
        pass
    assert being_read([old.database]) == set()


def test_asking_who_reads_keeps_nobody_out(releases: Releases) -> None:
    file = make_release(releases, 0).database
    opener = "import duckdb, sys\nfor _ in range(60): duckdb.connect(sys.argv[1], read_only=True).close()"
    with subprocess.Popen([sys.executable, "-c", opener, str(file)]) as process:
        asked = 0
        while process.poll() is None:
            being_read([file])
            asked += 1

    assert process.returncode == 0
    assert asked > 2


def test_a_file_that_is_gone_is_not_read(tmp_path: Path) -> None:
    assert being_read([tmp_path / "gone.duckdb"]) == set()
    assert being_read([]) == set()


def test_nothing_is_deleted_if_readers_cannot_be_told(releases: Releases) -> None:
    for number in range(2):
        make_release(releases, number)
    old = releases.find(id_of(0))
    old.folder.chmod(0o755)
    # A folder has no locks: asking fails.
    old.database.unlink()
    old.database.symlink_to(old.database)
    before = snapshot(releases.folder)

    with pytest.raises(WarehouseError, match="expected to learn who reads it") as caught:
        expire_releases(releases, keep=1)

    assert snapshot(releases.folder) == before
    assert len(str(caught.value)) < 600


def test_what_a_crash_left_is_cleared(releases: Releases) -> None:
    kept = make_release(releases, 1)
    half = releases.releases_folder / id_of(2)
    (half / "tables").mkdir(parents=True)
    (half / "tables" / "a.parquet").touch()
    (half / "tables").chmod(0o555)
    half.chmod(0o555)
    (releases.releases_folder / f".{id_of(3)}.new").mkdir()

    assert ids(clear_half_made(releases)) == [f".{id_of(3)}.new", id_of(2)]

    assert ids(list(releases.releases_folder.iterdir())) == [kept.id]
    assert clear_half_made(releases) == []


def test_a_crash_while_deleting_leaves_what_the_next_run_clears(
    releases: Releases, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(2):
        make_release(releases, number)

    def crash(folder: Path) -> None:
        (folder / "nyc_mobility.duckdb").unlink()
        raise KeyboardInterrupt

    monkeypatch.setattr(expiry, "_remove", crash)
    with pytest.raises(KeyboardInterrupt):
        expire_releases(releases, keep=1)
    monkeypatch.undo()

    assert [release.id for release in releases.all()] == [id_of(1)]
    assert ids(clear_half_made(releases)) == [id_of(0)]


def test_half_made_but_read_or_current_stays(releases: Releases) -> None:
    for number in range(2):
        release = make_release(releases, number)
        release.folder.chmod(0o755)
        (release.folder / "release.json").unlink()

    with reader(releases.releases_folder / id_of(0) / "nyc_mobility.duckdb"):
        assert clear_half_made(releases) == []
    assert ids(clear_half_made(releases)) == [id_of(0)]


def test_nothing_outside_of_releases_is_deleted(releases: Releases, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    other = Releases(elsewhere)
    precious = make_release(other, 0)
    (elsewhere / "precious").touch()
    make_release(releases, 1)
    make_release(releases, 2)
    # A link that looks like a release, one that looks half-made, one in what is to be cleared, and a person's folder.
    (releases.releases_folder / id_of(0)).symlink_to(precious.folder)
    (releases.releases_folder / f"{id_of(3)}.new").symlink_to(elsewhere)
    half = releases.releases_folder / id_of(4)
    half.mkdir()
    (half / "linked").symlink_to(elsewhere)
    (releases.releases_folder / "mine").mkdir()
    before = snapshot(elsewhere)

    assert [release.id for release in expire_releases(releases, keep=1)] == [id_of(1)]
    assert ids(clear_half_made(releases)) == [id_of(4)]

    assert snapshot(elsewhere) == before
    assert ids(list(releases.releases_folder.iterdir())) == [id_of(0), id_of(2), f"{id_of(3)}.new", "mine"]


def test_bytes_of_files_that_others_share_do_not_count(releases: Releases) -> None:
    made = [make_release(releases, number) for number in range(3)]
    sizes = [sum(f.stat().st_size for f in release.folder.rglob("*") if f.is_file()) for release in made]
    shared = (made[0].folder / "tables/core_core/fct_trips/shared.parquet").stat().st_size

    assert bytes_of([made[0].folder]) == sizes[0] - shared
    assert bytes_of([made[0].folder, made[1].folder]) == sizes[0] + sizes[1] - 2 * shared
    assert bytes_of(release.folder for release in made) == sum(sizes) - 2 * shared


def test_how_many_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PUBLISHED_RELEASES", raising=False)
    assert kept_releases() == 5
    monkeypatch.setenv("PUBLISHED_RELEASES", "2")
    assert kept_releases() == 2


@pytest.mark.parametrize("text", ["0", "-1", "five", "1.5", "²", " 3 x"])
def test_a_setting_that_is_no_number_is_named(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PUBLISHED_RELEASES", text)
    with pytest.raises(WarehouseError, match="PUBLISHED_RELEASES to be a whole number of at least 1"):
        kept_releases()
