"""A restored working file is the one of the backup; until it is whole, everything is as before."""

import json
import subprocess
import sys
from collections import namedtuple
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.fixtures.version_before import unpack
from tests.warehouse.backup.working_files import KILLED_WRITER, change, everything
from warehouse.backup import Backup, BackupError, Backups, DamagedBackupError, back_up, find_backup, restore
from warehouse.backup.restore_command import main
from warehouse.connection import WarehouseBusyError, open_for_reading, open_for_writing
from warehouse.lakehouse import Location
from warehouse.paths import PROJECT_ROOT


@pytest.fixture
def backup(working_file: Path, place: Location) -> Backup:
    """A backup of the working file."""
    return back_up(place).backup


def _beside(path: Path) -> list[str]:
    """What is beside the working file, but for what is always there."""
    usual = {path.name, "backups", "published", f"{path.name}.waiting", f".{path.name}.restore.lock"}
    return sorted(each.name for each in path.parent.iterdir() if each.name not in usual)


def _describe(backup: Backup, **changes: Any) -> Backup:
    """The backup, described otherwise on the disk, too."""
    changed = replace(backup, **changes)
    (backup.place.path / backup.id / "backup.json").write_text(changed.write())
    return changed


def test_what_was_lost_comes_back_whole(working_file: Path, backup: Backup) -> None:
    before = everything(working_file, without_restores=True)
    working_file.unlink()
    done = restore(find_backup("latest"))
    assert (done.rows, done.kept_as) == (backup.rows, None)
    assert everything(working_file, without_restores=True) == before
    with open_for_reading() as connection:
        runs = connection.execute("select kind, status, error from meta.ingestion_runs order by started_at").fetchall()
    assert [(kind, status) for kind, status, _ in runs] == [("ingestion", "failed"), ("restore", "success")]
    assert "ended without finishing" in runs[0][2]
    assert _beside(working_file) == []


def test_on_another_machine_and_path_it_is_the_same(
    working_file: Path, backup: Backup, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "elsewhere" / "other name.duckdb"
    monkeypatch.setenv("DUCKDB_DATABASE_PATH", str(other))
    moved = backup.place.path.rename(tmp_path / "carried over")
    assert main(["--from", str(moved / backup.id)]) == 0
    assert everything(other, without_restores=True) == everything(working_file, without_restores=True)


def test_a_working_file_that_is_there_is_only_replaced_if_asked_and_is_kept(working_file: Path, backup: Backup) -> None:
    then = everything(working_file, without_restores=True)
    change(working_file, 5)
    now = everything(working_file)
    for dry_run in (True, False):
        with pytest.raises(BackupError, match=r"expected no DuckDB file, but there is one.*--force"):
            restore(backup, dry_run=dry_run)
    assert everything(working_file) == now
    done = restore(backup, force=True)
    assert done.kept_as
    assert _beside(working_file) == [done.kept_as.name]
    assert done.kept_as.name.startswith("warehouse.duckdb.before-restore-")
    assert everything(done.kept_as) == now
    assert everything(working_file, without_restores=True) == then
    # Once more: what was kept before stays, too.
    assert restore(backup, force=True).kept_as != done.kept_as
    assert len(_beside(working_file)) == 2


def test_a_dry_run_reads_all_and_changes_nothing(working_file: Path, backup: Backup) -> None:
    working_file.unlink()
    restore(backup, dry_run=True)
    assert not working_file.exists()
    with (backup.place.path / backup.id / "nyc_mobility.duckdb").open("r+b") as file:
        file.write(b"damage")
    with pytest.raises(DamagedBackupError):
        restore(backup, dry_run=True)


def test_a_damaged_backup_changes_nothing(working_file: Path, backup: Backup) -> None:
    change(working_file, 5)
    now = everything(working_file)
    file = backup.place.path / backup.id / "nyc_mobility.duckdb"
    whole = file.read_bytes()
    for damaged in (whole[:-4096], b"?" + whole[1:], b""):
        file.write_bytes(damaged)
        with pytest.raises(DamagedBackupError, match=r"the backup is damaged\. Nothing was changed"):
            restore(backup, force=True)
    file.unlink()
    with pytest.raises(DamagedBackupError, match="it is gone"):
        restore(backup, force=True)
    assert everything(working_file) == now
    assert _beside(working_file) == []


def test_a_file_that_was_never_a_duckdb_file_is_refused(working_file: Path, backup: Backup) -> None:
    import hashlib

    file = backup.place.path / backup.id / "nyc_mobility.duckdb"
    file.write_bytes(b"no database" * 2000)
    known = _describe(backup, bytes=22_000, sha256=hashlib.sha256(file.read_bytes()).hexdigest())
    with pytest.raises(BackupError, match=r"expected a file that DuckDB .* can open, but got"):
        restore(known, force=True)
    other = _describe(backup, tables={**backup.tables, "raw_data.trips": 1})
    file.write_bytes(working_file.read_bytes())
    with pytest.raises(DamagedBackupError, match=r"these differ: raw_data\.trips"):
        restore(other, force=True)
    assert _beside(working_file) == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"storage_version": "v99.0.0+"}, r"can open, but it needs v99\.0\.0\+"),
        ({"migrations": ("notes_added", "of_the_future")}, r"a later one wrote it \(of_the_future\)"),
    ],
)
def test_what_a_later_version_wrote_is_refused_before_anything_is_read(
    changes: dict[str, Any], said: str, working_file: Path, backup: Backup
) -> None:
    later = _describe(backup, **changes)
    (backup.place.path / backup.id / "nyc_mobility.duckdb").unlink()
    with pytest.raises(BackupError, match=said):
        restore(find_backup(later.id), force=True)


def test_a_backup_of_a_later_format_is_refused(backup: Backup) -> None:
    described = backup.place.path / backup.id / "backup.json"
    described.write_text(json.dumps({**json.loads(described.read_text()), "format": 2}))
    with pytest.raises(BackupError, match="a later version of this project made it"):
        find_backup("latest")


def test_the_ledger_of_a_version_before_is_brought_up_to_date(
    database: Path, place: Location, monkeypatch: pytest.MonkeyPatch
) -> None:
    unpack(database)
    with duckdb.connect(str(database), read_only=True) as connection:
        trips = connection.execute("select count(*) from core_core.fct_trips").fetchall()
    backup = back_up(place).backup
    database.unlink()
    restore(backup)
    with open_for_reading() as connection:  # It refuses what is outdated.
        assert connection.execute("select count(*) from core_core.fct_trips").fetchall() == trips
        assert connection.execute("select count(*) from meta.stream_offsets").fetchall() == [(0,)]


def test_a_working_file_in_use_is_waited_for(
    working_file: Path, backup: Backup, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DUCKDB_LOCK_TIMEOUT_SECONDS", "0.2")
    holder = "import sys, duckdb; c = duckdb.connect(sys.argv[1]); print(flush=True); input()"
    process = subprocess.Popen(
        [sys.executable, "-c", holder, str(working_file)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout
    process.stdout.readline()
    try:
        with pytest.raises(WarehouseBusyError, match="still has it open"):
            restore(backup, force=True)
    finally:
        process.communicate("\n", timeout=20)
    assert _beside(working_file) == []


def test_a_damaged_working_file_is_replaced_and_kept(working_file: Path, backup: Backup) -> None:
    then = everything(working_file, without_restores=True)
    subprocess.run([sys.executable, "-c", KILLED_WRITER, str(working_file)], check=False)
    with working_file.open("r+b") as file:
        file.write(b"damage" * 4000)
    damaged = working_file.read_bytes()
    done = restore(backup, force=True)
    assert done.kept_as
    assert done.kept_as.read_bytes() == damaged
    # The log of the killed writer is not brought into the restored file.
    assert _beside(working_file) == [done.kept_as.name, f"{done.kept_as.name}.wal"]
    assert everything(working_file, without_restores=True) == then


def test_the_log_of_a_lost_file_is_not_brought_into_the_restored_one(working_file: Path, backup: Backup) -> None:
    then = everything(working_file, without_restores=True)
    subprocess.run([sys.executable, "-c", KILLED_WRITER, str(working_file)], check=False)
    working_file.unlink()
    restore(backup)
    assert everything(working_file, without_restores=True) == then
    assert [name.endswith(".wal") for name in _beside(working_file)] == [True]


def test_what_a_killed_writer_had_committed_is_in_the_file_that_is_kept(working_file: Path, backup: Backup) -> None:
    subprocess.run([sys.executable, "-c", KILLED_WRITER, str(working_file)], check=False)
    done = restore(backup, force=True)
    assert done.kept_as
    assert everything(done.kept_as)["core_core.counted"] == [(77,)]
    assert _beside(working_file) == [done.kept_as.name]


def test_a_file_that_somebody_makes_meanwhile_is_not_replaced(
    working_file: Path, backup: Backup, monkeypatch: pytest.MonkeyPatch
) -> None:
    from warehouse.backup import placing

    working_file.unlink()

    def made_meanwhile(_: Path) -> None:
        change_to = duckdb.connect(str(working_file))
        change_to.execute("create table theirs as select 1 as n")
        change_to.close()

    monkeypatch.setattr(placing, "_keep_log", made_meanwhile)
    with pytest.raises(BackupError, match="another process has just made one"):
        restore(backup)
    with duckdb.connect(str(working_file), read_only=True) as connection:
        assert connection.execute("from theirs").fetchall() == [(1,)]


def test_without_room_or_on_a_disk_that_fills_nothing_is_changed(
    working_file: Path, backup: Backup, monkeypatch: pytest.MonkeyPatch
) -> None:
    change(working_file, 5)
    now = everything(working_file)
    usage = namedtuple("usage", "total used free")
    with monkeypatch.context() as patched:
        patched.setattr("shutil.disk_usage", lambda _: usage(10, 9, 1))
        with pytest.raises(BackupError, match=r"expected [\d,]+ bytes free.*Nothing was changed"):
            restore(backup, force=True)
    limited = (
        "import resource, signal, sys; from warehouse.backup.restore_command import main;"
        " signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        f" resource.setrlimit(resource.RLIMIT_FSIZE, ({backup.bytes // 2},) * 2);"
        " sys.exit(main(['--from', 'latest', '--force']))"
    )
    done = subprocess.run([sys.executable, "-c", limited], cwd=PROJECT_ROOT, capture_output=True, text=True)
    assert done.returncode == 1
    assert f"{working_file}: expected to write to it, but the disk is full" in done.stderr
    assert everything(working_file) == now
    assert _beside(working_file) == []


def test_exit_codes_and_words(working_file: Path, backup: Backup, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--from", "latest"]) == 1
    assert "--force" in capsys.readouterr().err
    assert main(["--from", "20200101T000000Z-0000"]) == 3
    assert f"There are: {backup.id}" in capsys.readouterr().err
    assert main(["--from", backup.id, "--force", "--dry-run"]) == 0
    assert "it is whole" in capsys.readouterr().out
    assert main(["--from", str(backup.place.path), "--force"]) == 0
    said = capsys.readouterr().out
    assert "the file that was there is now" in said
    assert "nyc gaps --fill, then nyc build and nyc publish" in said
    assert main(["--from", backup.address, "--force", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["rows"] == backup.rows
    for wrong in ([], ["--from"], ["--from", "latest", "--from-release"], ["--from-release", "../x"], ["--give-up"]):
        with pytest.raises(SystemExit) as ended:
            main(wrong)
        assert ended.value.code == 2
    assert main(["--from-release"]) == 3
    assert Backups(backup.place).all() == [backup]


def test_an_address_with_a_secret_is_not_shown(place: Location, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--from", "s3://me:hunter2@bucket/x"]) == 1
    assert "hunter2" not in capsys.readouterr().err


def test_what_is_restored_can_be_written_to(working_file: Path, backup: Backup) -> None:
    restore(backup, force=True)
    change(working_file, 9)
    with open_for_writing() as connection:
        assert connection.execute("from core_core.counted").fetchall() == [(9,)]
