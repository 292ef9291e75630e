"""Exports to a folder: what readers find, what is written again, and what a crash leaves."""

import csv
import json
import os
import resource
import shutil
import subprocess
import sys
import threading
from collections import Counter
from contextlib import suppress
from pathlib import Path

import duckdb
import pytest

from tests.lakehouse.fingerprint import fingerprints_of_file
from tests.lakehouse.processes import interpreter
from tests.lakehouse.reading import READERS, by_csv, by_pyarrow, names, of_release
from tests.lakehouse.releases import FACT, make_release
from warehouse.exit_codes import ExitCode
from warehouse.lakehouse import Exported, ExportError, Location, UnknownTableError, export
from warehouse.lakehouse.exporting import locked
from warehouse.lakehouse.files import text_bytes
from warehouse.lakehouse.source import open_for_export, relation
from warehouse.paths import PROJECT_ROOT
from warehouse.releases import Release, Releases, ReleaseTable, open_release

FORMATS = ("parquet", "csv", "duckdb")

# Compared with PARTITIONS: one as before, one changed, one gone, one new.
CHANGED = {"green/2025-01": "a 40", "yellow/2025-01": "b 310", "yellow/2025-03": "a 9"}
OTHER_ZONES = "select 1::integer as zone_id, 'Astoria' as zone, 1.5::decimal(9, 4) as area_sq_mi"


@pytest.fixture
def lake(tmp_path: Path) -> Location:
    return Location.of(str(tmp_path / "lake"))


def _changed(published: Path, before: Release) -> Release:
    return make_release(published, number=2, before=before, partitions=CHANGED, zones=OTHER_ZONES)


def _written(done: list[Exported]) -> dict[str, int]:
    return {each.table: each.files_written for each in done if each.files_written}


def _states(folder: Path) -> dict[str, tuple[int, int]]:
    """Inode and time of every file."""
    states = {path: path.stat() for path in folder.rglob("*") if path.is_file()}
    return {str(path): (state.st_ino, state.st_mtime_ns) for path, state in states.items()}


def _fact(release: Release) -> ReleaseTable:
    fact = release.table(FACT)
    assert fact
    return fact


@pytest.mark.parametrize("read", READERS)
def test_every_reader_finds_what_was_published(read: object, release: Release, lake: Location) -> None:
    assert callable(read)
    export("parquet", to=lake)
    assert read(lake, release) == of_release(release)


def test_files_of_the_release_are_not_copied(release: Release, lake: Location) -> None:
    export("parquet", to=lake)
    for table, part in release.files():
        exported = lake.joined("parquet", table.schema, table.name, f"{part.partition_key}.parquet").path
        assert exported.samefile(release.folder / str(part.file))


def test_on_another_disk_they_are_copies(release: Release, lake: Location, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", refuse)
    assert _written(export("parquet", to=lake))[FACT] == 3
    assert by_pyarrow(lake, release) == of_release(release)
    assert _written(export("parquet", to=lake)) == {}


def test_csv_is_what_was_published(release: Release, lake: Location) -> None:
    export("csv", to=lake)
    assert by_csv(lake, release) == of_release(release)
    file = lake.joined("csv", "core_core", "fct_trips", "green", "2025-01.csv").path
    with file.open(encoding="utf-8", newline="") as opened:
        rows = list(csv.DictReader(opened, strict=True))
    assert len(rows) == 40
    assert rows[1]["picked_up_at"] == "2025-01-01T02:00:00.000123"
    assert {'say "hi", twice', "two\nlines", "café, 東京 🚕"} <= {row["note"] for row in rows}
    with lake.joined("csv", "meta", "runs.csv").path.open(newline="") as opened:
        assert next(csv.DictReader(opened))["started_at"] == "2025-03-01T04:05:06.789012Z"


def test_the_duckdb_file_has_all_rows_and_descriptions_in_it(release: Release, lake: Location, tmp_path: Path) -> None:
    export("duckdb", to=lake)
    file = lake.joined("duckdb", "nyc_mobility.duckdb").path
    moved = tmp_path / "elsewhere.duckdb"
    file.rename(moved)
    ledger = {"meta.checks": fingerprints_of_file(str(release.database))["meta.checks"]}
    shutil.move(release.folder, tmp_path / "gone")
    assert set(fingerprints_of_file(str(moved))) == {*(table.full_name for table in release.tables), *ledger}
    comments = "select table_name, column_name, comment from duckdb_columns() where comment is not null order by all"
    with duckdb.connect(str(moved), read_only=True) as exported:
        ((comment,),) = exported.execute(
            "select comment from duckdb_tables() where table_name = 'fct_trips'"
        ).fetchall()
        found = exported.execute(comments).fetchall()
        assert exported.execute("select count(*) from duckdb_views() where not internal").fetchall() == [(0,)]
    assert comment == _fact(release).description
    with duckdb.connect(str(tmp_path / "gone" / "nyc_mobility.duckdb"), read_only=True) as published:
        assert found == published.execute(comments).fetchall()


def test_the_duckdb_file_has_the_rows_that_were_published(release: Release, lake: Location) -> None:
    export("duckdb", to=lake)
    found = fingerprints_of_file(str(lake.joined("duckdb", "nyc_mobility.duckdb").path))
    assert {table: found[table] for table in of_release(release)} == of_release(release)


@pytest.mark.parametrize("format_", FORMATS)
def test_what_did_not_change_is_not_written_again(
    format_: str, published: Path, release: Release, lake: Location
) -> None:
    assert _written(export(format_, to=lake))
    before = _states(lake.path)
    assert _written(export(format_, to=lake)) == {}
    assert _states(lake.path) == before
    # A release with the same rows: only what says which release it is.
    make_release(published, number=2, before=release)
    assert _written(export(format_, to=lake)) == {}
    changed = {path for path, state in _states(lake.path).items() if before.get(path) != state}
    assert {Path(path).name for path in changed} == {"_export.json"}
    noted = json.loads(lake.joined(format_, "_export.json").path.read_text())
    assert noted["release"] == "20250301T000002Z-0002"
    assert {table["release"] for table in noted["tables"].values()} == {"20250301T000002Z-0002"}


@pytest.mark.parametrize("format_", ["parquet", "csv"])
def test_only_changed_partitions_are_written_and_those_gone_are_removed(
    format_: str, published: Path, release: Release, lake: Location
) -> None:
    export(format_, to=lake)
    after = _changed(published, release)
    assert _written(export(format_, to=lake)) == {FACT: 2, "core_core.dim_zone": 1}
    assert (by_pyarrow if format_ == "parquet" else by_csv)(lake, after) == of_release(after)
    folder = lake.joined(format_, "core_core", "fct_trips").path
    assert {path.relative_to(folder).with_suffix("").as_posix() for path in folder.rglob("*.*")} == set(CHANGED)


def test_a_table_that_is_gone_is_removed_and_a_file_of_somebody_else_stays(
    published: Path, release: Release, lake: Location
) -> None:
    export("parquet", to=lake)
    theirs = lake.joined("parquet", "core_core", "fct_trips", "notes.txt").path
    theirs.write_text("mine")
    manifest = lake.joined("parquet", "_export.json").path
    noted = json.loads(manifest.read_text())
    gone = lake.joined("parquet", "core_old", "fct_old", "all.parquet").path
    gone.parent.mkdir(parents=True)
    gone.write_text("rows")
    noted["tables"]["core_old.fct_old"] = {"release": "x", "rows": 1, "files": {"core_old/fct_old/all.parquet": {}}}
    manifest.write_text(json.dumps(noted))
    export("parquet", ["fct_trips"], lake)
    assert gone.exists()
    export("parquet", to=lake)
    assert not gone.exists()
    assert not gone.parents[1].exists()
    assert theirs.exists()


def test_a_file_that_somebody_damaged_or_deleted_is_written_again(release: Release, lake: Location) -> None:
    export("parquet", to=lake)
    lake.joined("parquet", "meta", "runs", "all.parquet").path.write_text("not mine")
    lake.joined("parquet", "core_core", "fct_trips", "green", "2025-01.parquet").path.unlink()
    assert _written(export("parquet", to=lake)) == {FACT: 1, "meta.runs": 1}
    assert by_pyarrow(lake, release) == of_release(release)


def test_selected_tables_are_exported_and_others_stay(published: Path, release: Release, lake: Location) -> None:
    assert [each.table for each in export("parquet", ["dim_zone", "meta.runs"], lake)] == [
        "core_core.dim_zone",
        "meta.runs",
    ]
    assert not lake.joined("parquet", "core_core", "fct_trips").path.exists()
    export("parquet", to=lake)
    after = _changed(published, release)
    export("parquet", ["fct_trips"], lake)
    assert by_pyarrow(lake, after)[FACT] == of_release(after)[FACT]
    zone = "core_core.dim_zone"
    assert by_pyarrow(lake, after)[zone] == of_release(release)[zone]
    described = json.loads(lake.joined("parquet", "_descriptions.json").path.read_text())
    assert set(described) == {FACT, zone, "meta.runs"}
    assert described[FACT]["description"] == _fact(release).description
    assert described[FACT]["columns"]["miles"] == {
        "type": "DOUBLE",
        "description": "The distance in miles; null if the meter gave none.",
    }


def test_an_unknown_name_is_refused_with_the_nearest(release: Release, lake: Location) -> None:
    with pytest.raises(UnknownTableError, match=r"fct_trisp: .*Near are: core_core\.fct_trips"):
        export("csv", ["fct_trisp"], lake)
    assert not lake.joined("csv").path.exists()


def test_not_enough_disk_is_said_before_anything_is_written(
    release: Release, lake: Location, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage("/")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=1_000))
    for format_ in ("csv", "duckdb"):
        with pytest.raises(
            ExportError, match=r"expected about [\d,]{6,} bytes free .* 1,000 bytes are free on the disk"
        ):
            export(format_, to=lake)
        assert not [path for path in lake.joined(format_).path.rglob("*") if path.is_file()]
    # Links take no room, and the small tables less than 1,000 bytes of text would.
    export("parquet", ["fct_trips"], lake)


def test_room_is_asked_for_what_is_written(release: Release, lake: Location) -> None:
    export("csv", to=lake)
    written = sum(path.stat().st_size for path in lake.path.rglob("*.csv"))
    with open_for_export(release) as connection:
        expected = sum(text_bytes(connection, f"from {relation(table)}") for table in release.tables)
    assert 0.8 * written < expected < 1.5 * written


def test_a_disk_that_is_full_is_said_and_a_plain_run_mends_it(release: Release, lake: Location) -> None:
    def limit() -> None:
        # The size of a file, which stands for that of the disk.
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))

    command = [sys.executable, "-m", "warehouse.lakehouse.command", "--format", "csv", "--to", lake.url]
    done = subprocess.run(command, cwd=PROJECT_ROOT, preexec_fn=limit, capture_output=True, text=True)
    assert done.returncode == ExitCode.FAILED
    assert "the disk is full" in done.stderr
    assert "bytes are free on the disk" in done.stderr
    export("csv", to=lake)
    assert by_csv(lake, release) == of_release(release)
    assert not [name for name in names(lake.path) if "making" in name]


WITHOUT_EXTRA = """
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("s3fs", "deltalake", "pyiceberg"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Absent())
from warehouse.lakehouse.command import main
sys.exit(main(sys.argv[1:]))
"""


def test_without_the_extra_a_folder_still_works_and_s3_says_what_to_install(
    release: Release, lake: Location, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "x")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    results = [
        subprocess.run(
            [sys.executable, "-c", WITHOUT_EXTRA, "--to", to], cwd=PROJECT_ROOT, capture_output=True, text=True
        )
        for to in (lake.url, "s3://bucket/x")
    ]
    assert [done.returncode for done in results] == [ExitCode.DONE, ExitCode.FAILED]
    assert "poetry install --extras lakehouse" in results[1].stderr
    assert "s3fs" in results[1].stderr
    assert by_pyarrow(lake, release) == of_release(release)


@pytest.mark.parametrize("format_", FORMATS)
def test_an_export_does_not_open_the_working_file(
    format_: str, release: Release, lake: Location, database: Path
) -> None:
    """So it waits for no load or build."""
    export(format_, to=lake)
    assert not database.exists()


def test_an_export_waits_for_no_reader(release: Release, lake: Location) -> None:
    """Also not within one process, where DuckDB shares a file that is opened twice."""
    with open_release(release) as reader:
        before = reader.execute(f"select count(*) from {FACT}").fetchall()
        export("duckdb", to=lake)
        assert reader.execute(f"select count(*) from {FACT}").fetchall() == before


def test_a_damaged_file_of_the_release_is_named(release: Release, lake: Location) -> None:
    damaged = release.folder / str(_fact(release).parts[0].file)
    damaged.chmod(0o644)
    damaged.write_bytes(b"x" * damaged.stat().st_size)
    with pytest.raises(ExportError, match=rf"{damaged}: .*damaged or gone.*nyc publish"):
        export("parquet", to=lake)


def test_what_the_last_export_wrote_down_may_be_damaged_but_never_leads_elsewhere(
    release: Release, lake: Location, tmp_path: Path
) -> None:
    export("parquet", to=lake)
    manifest = lake.joined("parquet", "_export.json").path
    precious = tmp_path / "precious"
    precious.write_text("keep")
    noted = json.loads(manifest.read_text())
    noted["tables"]["x.y"] = {"files": {"../../precious": {}}}
    for text in (json.dumps(noted), "{", "[]", '{"format": 1, "tables": 3}'):
        manifest.write_text(text)
        with pytest.raises(ExportError, match=r"_export\.json: .*Delete it and export again"):
            export("parquet", to=lake)
    assert precious.exists()
    manifest.unlink()
    export("parquet", to=lake)
    assert by_pyarrow(lake, release) == of_release(release)


@pytest.mark.parametrize("taken", ["working", "link", "changed"])
def test_a_duckdb_file_of_somebody_else_is_not_replaced(
    taken: str, published: Path, release: Release, tmp_path: Path
) -> None:
    file = tmp_path / "mine.duckdb"
    if taken == "link":
        file = published / "nyc_mobility.duckdb"
    elif taken == "changed":
        export("duckdb", to=Location.of(str(file)))
    if taken != "link":
        with duckdb.connect(str(file)) as connection:
            connection.execute("create table mine as select 1 as x")
    with pytest.raises(ExportError, match="Export to another name, or delete it first"):
        export("duckdb", to=Location.of(str(file)))
    assert file.is_symlink() == (taken == "link")


def test_a_file_of_any_name_may_be_the_target(published: Path, release: Release, tmp_path: Path) -> None:
    folder = tmp_path / "with others"
    folder.mkdir()
    (folder / "other.txt").write_text("theirs")
    to = Location.of(str(folder / "it's [mine].duckdb"))
    for expected in (1, 0):
        (done,) = export("duckdb", to=to)
        assert (done.files_written, done.address) == (expected, to.url)
    after = _changed(published, release)
    export("duckdb", to=to)
    assert fingerprints_of_file(to.url)[FACT] == of_release(after)[FACT]
    hidden = {".it's [mine].duckdb.export.lock"}
    assert names(folder) - hidden == {"it's [mine].duckdb", "it's [mine].duckdb.export.json", "other.txt"}


def test_a_second_exporter_waits_for_the_first(published: Path, release: Release, lake: Location) -> None:
    command = [sys.executable, "-m", "warehouse.lakehouse.command", "--to", lake.url]
    with locked(lake):
        waiting = [
            subprocess.Popen([*command, "--format", each], cwd=PROJECT_ROOT, stderr=subprocess.PIPE, text=True)
            for each in ("parquet", "csv")
        ]
        for process in waiting:
            assert process.stderr
            assert "is being written to: waiting for it" in process.stderr.readline()
        assert not lake.joined("parquet").path.exists()
    assert [process.wait(60) for process in waiting] == [ExitCode.DONE, ExitCode.DONE]
    for process in waiting:
        assert process.stderr
        process.stderr.close()
    assert by_pyarrow(lake, release) == by_csv(lake, release) == of_release(release)


def test_whoever_lists_the_files_meanwhile_finds_no_trip_twice_and_no_half_file(
    published: Path, release: Release, lake: Location
) -> None:
    export("parquet", to=lake)
    stop = threading.Event()
    problems: list[str] = []
    states = Counter[int]()

    def inodes() -> dict[Path, int]:
        found = {}
        for path in lake.joined("parquet", "core_core", "fct_trips").path.rglob("*.parquet"):
            with suppress(FileNotFoundError):
                found[path] = path.stat().st_ino
        return found

    def read() -> None:
        files = lake.joined("parquet", "core_core", "fct_trips").url + "/**/*.parquet"
        with duckdb.connect() as connection:
            while not stop.is_set():
                before = inodes()
                try:
                    ((rows, trips),) = connection.execute(
                        f"select count(*), count(distinct trip_id) from read_parquet('{files}')"
                    ).fetchall()
                except duckdb.IOException as error:
                    # A partition that was gone between the listing and the reading.
                    if "No such file" not in str(error) and "No files found" not in str(error):
                        problems.append(str(error))
                    continue
                if inodes() != before:
                    # DuckDB opens a file more than once. What it read is of neither listing.
                    continue
                states[rows] += 1
                if rows != trips:
                    problems.append(f"{rows} rows of {trips} trips")

    reader = threading.Thread(target=read)
    reader.start()
    first, second = release, _changed(published, release)
    for _ in range(15):
        for each in (second, first):
            Releases().switch_to(each)
            export("parquet", to=lake)
    stop.set()
    reader.join()
    assert problems == []
    assert sum(states.values()) > 3


def _run_killed_at(number: int, lake: Location, format_: str) -> subprocess.CompletedProcess[str]:
    command = ["-m", "tests.lakehouse.kill_at", str(number), lake.url, "--format", format_, "--to", lake.url]
    return interpreter().run(command)


@pytest.mark.parametrize("format_", FORMATS)
def test_killed_anywhere_a_plain_run_mends_it(format_: str, published: Path, release: Release, tmp_path: Path) -> None:
    lakes = [Location.of(str(tmp_path / f"lake {number}")) for number in range(7)]
    for lake in lakes:
        export(format_, to=lake)
    after = _changed(published, release)
    whole = _run_killed_at(0, lakes[0], format_)
    changes = int(whole.stdout.rpartition("changes: ")[2])
    assert changes > 8
    wanted = names(lakes[0].path)
    for index, lake in enumerate(lakes[1:]):
        # Spread over all changes, the first and the last among them.
        number = 1 + index * (changes - 1) // (len(lakes) - 2)
        assert _run_killed_at(number, lake, format_).returncode == -9
        if format_ == "parquet":
            _assert_no_trip_twice(lake)
        export(format_, to=lake)
        assert names(lake.path) == wanted, f"killed at change {number} of {changes}"
        if format_ == "duckdb":
            found = fingerprints_of_file(str(lake.joined("duckdb", "nyc_mobility.duckdb").path))
            assert {table: found[table] for table in of_release(after)} == of_release(after)
        else:
            assert (by_pyarrow if format_ == "parquet" else by_csv)(lake, after) == of_release(after)
        assert _written(export(format_, to=lake)) == {}


def _assert_no_trip_twice(lake: Location) -> None:
    files = lake.joined("parquet", "core_core", "fct_trips").url + "/**/*.parquet"
    with duckdb.connect() as connection:
        ((rows, trips),) = connection.execute(
            f"select count(*), count(distinct trip_id) from read_parquet('{files}')"
        ).fetchall()
    assert rows == trips
