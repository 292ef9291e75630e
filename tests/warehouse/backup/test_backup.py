"""A backup is the working file as it was at one moment, and nothing but a whole one counts."""

import json
import subprocess
import sys
import time
from collections import namedtuple
from pathlib import Path

import duckdb
import pytest

from tests.warehouse.backup.working_files import KILLED_WRITER, WRITER, change, everything
from warehouse.backup import BackupError, Backups, DamagedBackupError, NoBackupError, back_up, find_backup, restore
from warehouse.backup.command import main
from warehouse.backup.store import verify
from warehouse.backup.working_file import copy, read_again
from warehouse.connection import NotThereYetError, WarehouseBusyError, open_for_reading, open_for_writing
from warehouse.lakehouse import Location
from warehouse.paths import PROJECT_ROOT


def _file(place: Location, id_: str) -> Path:
    return place.path / id_ / "nyc_mobility.duckdb"


def test_a_backup_is_the_file_byte_by_byte_and_leaves_it_alone(working_file: Path, place: Location) -> None:
    before = working_file.read_bytes(), working_file.stat().st_mtime_ns
    done = back_up(place)
    assert done.is_new
    assert done.held_seconds <= done.seconds
    assert _file(place, done.backup.id).read_bytes() == before[0]
    assert (working_file.read_bytes(), working_file.stat().st_mtime_ns) == before
    assert done.backup == Backups(place).find("latest") == find_backup("latest")
    assert done.backup.tables["raw_data.trips"] == 20_000
    verify(done.backup)


def test_the_same_file_is_not_written_twice(working_file: Path, place: Location) -> None:
    first = back_up(place).backup
    again = back_up(place)
    assert (again.is_new, again.backup) == (False, first)
    # Another time of change, and the same bytes.
    working_file.touch()
    again = back_up(place)
    assert (again.is_new, again.backup) == (False, first)
    change(working_file, 1)
    assert back_up(place).is_new
    assert len(Backups(place).all()) == 2


def test_the_newest_are_kept(working_file: Path, place: Location) -> None:
    made = []
    for number in range(4):
        change(working_file, number)
        done = back_up(place, keep=2)
        made.append(done.backup.id)
        assert done.removed == tuple(made[-3:-2])
    assert made == sorted(made), "in the order of time, also of the same second"
    assert [each.id for each in Backups(place).all()] == made[-2:]
    assert sorted(path.name for path in place.path.iterdir() if path.is_dir()) == made[-2:]
    with pytest.raises(BackupError, match="at least 1"):
        back_up(place, keep=0)


def test_beside_a_writer_every_backup_is_of_one_moment(working_file: Path, place: Location) -> None:
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(working_file)], cwd=PROJECT_ROOT, stdout=subprocess.PIPE, text=True
    )
    try:
        assert writer.stdout
        writer.stdout.readline()
        for _ in range(3):
            backup = back_up(place).backup
            deadline = time.monotonic() + 30
            # Not by what it says: that may have been said before.
            while working_file.stat().st_mtime_ns == backup.modified_ns and time.monotonic() < deadline:
                time.sleep(0.02)
    finally:
        writer.kill()
        writer.wait()
    seen = []
    for backup in Backups(place).all():
        with duckdb.connect(str(_file(place, backup.id)), read_only=True) as connection:
            pairs = connection.execute(
                "select (select count(*) from core_core.counted), (select count(*) from raw_data.trips where t = 'new')"
            ).fetchall()
        seen += pairs
    assert all(written == 5000 * number for number, written in seen)
    assert len(set(seen)) > 1


def test_what_a_killed_writer_had_committed_is_in_it(working_file: Path, place: Location) -> None:
    subprocess.run([sys.executable, "-c", KILLED_WRITER, str(working_file)], check=False)
    assert working_file.with_name(f"{working_file.name}.wal").stat().st_size
    backup = back_up(place).backup
    assert backup.tables["core_core.counted"] == 1
    with duckdb.connect(str(_file(place, backup.id)), read_only=True) as connection:
        assert connection.execute("from core_core.counted").fetchall() == [(77,)]


def test_readers_go_on_and_a_writer_is_waited_for(
    working_file: Path, place: Location, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DUCKDB_LOCK_TIMEOUT_SECONDS", "0.2")
    holder = (
        "import sys, duckdb; c = duckdb.connect(sys.argv[1], read_only=sys.argv[2] == 'r'); print(flush=True); input()"
    )
    for mode in ("r", "w"):
        process = subprocess.Popen(
            [sys.executable, "-c", holder, str(working_file), mode],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout
        process.stdout.readline()
        try:
            if mode == "r":
                assert back_up(place).is_new
            else:
                with pytest.raises(WarehouseBusyError, match="still has it open"):
                    back_up(place)
        finally:
            process.communicate("\n", timeout=20)


def test_while_it_is_copied_nobody_writes_and_after_that_they_do(
    working_file: Path, place: Location, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DuckDB's lock would be gone if another descriptor of the file was closed in this process."""
    from warehouse.backup import backing_up

    ask = "import sys, duckdb; duckdb.connect(sys.argv[1])"
    asked = [sys.executable, "-c", ask, str(working_file)]
    answers: dict[str, int] = {}

    def copied(*arguments: object) -> object:
        done = copy(*arguments)  # type: ignore[arg-type]
        answers["copied"] = subprocess.run(asked, capture_output=True).returncode
        return done

    def compared(path: Path) -> object:
        answers["comparing"] = subprocess.run(asked, capture_output=True).returncode
        return read_again(path)

    monkeypatch.setattr(backing_up, "copy", copied)
    monkeypatch.setattr(backing_up, "read_again", compared)
    back_up(place)
    assert answers == {"copied": 1, "comparing": 0}


def test_without_room_it_says_so_and_the_backups_before_stay(
    working_file: Path, place: Location, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = back_up(place, keep=1).backup
    change(working_file, 1)
    usage = namedtuple("usage", "total used free")
    with monkeypatch.context() as patched:
        patched.setattr("shutil.disk_usage", lambda _: usage(10, 9, 1))
        with pytest.raises(BackupError, match=r"expected [\d,]+ bytes free for the copy.*Free [\d,]+ bytes more"):
            back_up(place, keep=1)
    assert Backups(place).all() == [first]
    assert back_up(place, keep=1).is_new


def test_a_disk_that_fills_meanwhile_leaves_nothing_half_made(working_file: Path, place: Location) -> None:
    """With a limit to the size of files, writing fails as on a full disk."""
    first = back_up(place, keep=1).backup
    change(working_file, 1)
    limited = (
        "import resource, signal, sys; from warehouse.backup.command import main;"
        " signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        f" resource.setrlimit(resource.RLIMIT_FSIZE, ({working_file.stat().st_size // 2},) * 2);"
        " sys.exit(main(['--keep', '1']))"
    )
    done = subprocess.run([sys.executable, "-c", limited], cwd=PROJECT_ROOT, capture_output=True, text=True)
    assert done.returncode == 1
    assert f"{place.url}: expected to write there, but the disk is full" in done.stderr
    assert "Traceback" not in done.stderr
    assert Backups(place).all() == [first]
    left = {path.name for path in place.path.iterdir()} - {first.id, ".export.lock"}
    assert not left


def test_a_copy_that_the_disk_did_not_keep_is_no_backup(
    working_file: Path, place: Location, monkeypatch: pytest.MonkeyPatch
) -> None:
    from warehouse.backup import backing_up

    def copied(*arguments: object) -> object:
        done = copy(*arguments)  # type: ignore[arg-type]
        with (place.path / ".export.making" / "nyc_mobility.duckdb").open("r+b") as file:
            file.seek(5000)
            file.write(b"?")
        return done

    monkeypatch.setattr(backing_up, "copy", copied)
    with pytest.raises(DamagedBackupError, match="its disk does not keep what is written"):
        back_up(place)
    assert Backups(place).all() == []


def test_damage_is_found_and_named(working_file: Path, place: Location, capsys: pytest.CaptureFixture[str]) -> None:
    first = back_up(place).backup
    change(working_file, 1)
    second = back_up(place).backup
    assert main(["--verify"]) == 0
    with _file(place, first.id).open("r+b") as file:
        file.seek(9000)
        file.write(b"damage")
    _file(place, second.id).unlink()
    capsys.readouterr()
    assert main(["--verify", "--json"]) == 1
    damage = {each["backup"]: each["damage"] for each in json.loads(capsys.readouterr().out)}
    assert "the backup is damaged" in damage[first.id]
    assert "it is gone" in damage[second.id]


def test_what_is_no_backup_is_left_alone_and_what_a_crash_left_is_removed(working_file: Path, place: Location) -> None:
    own = place.path / "my own"
    own.mkdir(parents=True)
    (own / "note").write_text("mine")
    crashed = place.path / "20250101T000000Z-0000"
    crashed.mkdir()
    (crashed / "nyc_mobility.duckdb").write_text("half")
    (place.path / "20250101T000000Z-0001").mkdir()
    scratch = place.path / ".export.making"
    scratch.mkdir()
    (scratch / "nyc_mobility.duckdb").write_text("half")
    assert Backups(place).all() == []
    done = back_up(place)
    assert done.cleared == (crashed.name, "20250101T000000Z-0001")
    names = {path.name for path in place.path.iterdir() if path.is_dir()}
    assert names == {own.name, done.backup.id}
    assert (own / "note").read_text() == "mine"


@pytest.mark.parametrize("text", ["", "{", "[]", '{"format": 1}', '{"format": 1, "tables": 3, "bytes": "x"}'])
def test_a_description_that_cannot_be_read_is_named_and_removed_by_nobody(
    text: str, working_file: Path, place: Location, caplog: pytest.LogCaptureFixture
) -> None:
    first = back_up(place, keep=1).backup
    (place.path / first.id / "backup.json").write_text(text)
    with pytest.raises(DamagedBackupError, match="expected the description of a backup"):
        find_backup("latest")
    change(working_file, 1)
    back_up(place, keep=1)
    assert first.id in caplog.text
    assert _file(place, first.id).exists()


def test_exit_codes_and_words(working_file: Path, place: Location, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--list"]) == 3
    assert main(["--verify"]) == 3
    assert main([]) == 0
    said = capsys.readouterr()
    assert "there is no backup yet. Make one: nyc backup" in said.err
    assert "nobody could write for" in said.out
    assert main([]) == 0
    assert "nothing has changed since backup" in capsys.readouterr().out
    assert main(["--list"]) == 0
    assert place.url in capsys.readouterr().out
    assert main(["--list", "--to", "s3://bucket/x"]) == 1
    assert "AWS_ACCESS_KEY_ID" in capsys.readouterr().err
    for wrong in (["--keep", "0"], ["--keep", "x"], ["--list", "--keep", "1"], ["--to", "s3://me:pw@b/x"], ["--what"]):
        with pytest.raises(SystemExit) as ended:
            main(wrong)
        assert ended.value.code == 2
    working_file.unlink()
    assert main([]) == 3
    assert "nyc restore --from latest" in capsys.readouterr().err


def test_there_is_nothing_to_back_up_or_restore_yet(database: Path, place: Location) -> None:
    with pytest.raises(NotThereYetError):
        back_up(place)
    with pytest.raises(NoBackupError, match="Make one: nyc backup"):
        find_backup("latest")
    assert not database.exists()


def test_in_s3_it_arrives_whole_in_parts_and_comes_back(
    working_file: Path, bucket: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("warehouse.lakehouse.destination._UPLOAD_PART_BYTES", 5 * 2**20)
    with open_for_writing(working_file) as connection:
        connection.execute("create table raw_data.much as select random() as x, uuid() as u from range(400000)")
    assert working_file.stat().st_size > 6 * 2**20
    place = Location.of(f"s3://{bucket}/backups")
    first = back_up(place, keep=1).backup
    assert main(["--verify", "--to", place.url]) == 0
    assert f"{first.id}: whole" in capsys.readouterr().out
    assert not back_up(place, keep=1).is_new
    change(working_file, 1)
    done = back_up(place, keep=1)
    assert done.removed == (first.id,)
    assert [each.id for each in Backups(place).all()] == [done.backup.id]
    expected = everything(working_file, without_restores=True)
    working_file.unlink()
    restore(find_backup(place.url))
    assert everything(working_file, without_restores=True) == expected
    with open_for_reading() as connection:
        assert connection.execute("select count(*) from raw_data.much").fetchall() == [(400_000,)]


def test_what_s3_refuses_is_said_and_the_backup_before_stays(working_file: Path, bucket: str, refuse: object) -> None:
    place = Location.of(f"s3://{bucket}/backups")
    first = back_up(place, keep=1).backup
    change(working_file, 1)
    assert callable(refuse)
    refuse("backup.json")
    with pytest.raises(BackupError.__mro__[1], match=r"refuses: AccessDenied"):
        back_up(place, keep=1)
    refuse("")
    assert Backups(place).all() == [first]
    done = back_up(place, keep=1)
    assert (done.is_new, len(done.cleared), done.removed) == (True, 1, (first.id,))
