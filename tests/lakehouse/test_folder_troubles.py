"""Exports to a folder when something is in the way: a full disk, damage, other exporters, readers, and a crash."""

import json
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
from tests.lakehouse.reading import by_csv, by_pyarrow, names, of_release
from tests.lakehouse.releases import FACT, make_changed_release
from warehouse.exit_codes import ExitCode
from warehouse.lakehouse import ExportError, Location, export
from warehouse.lakehouse.exporting import locked
from warehouse.lakehouse.files import text_bytes
from warehouse.lakehouse.source import open_for_export, relation
from warehouse.paths import PROJECT_ROOT
from warehouse.releases import Release, Releases, open_release

FORMATS = ("parquet", "csv", "duckdb")


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
    fact = release.table(FACT)
    assert fact
    damaged = release.folder / str(fact.parts[0].file)
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
    after = make_changed_release(published, release)
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
    first, second = release, make_changed_release(published, release)
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
    after = make_changed_release(published, release)
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
        assert not any(each.files_written for each in export(format_, to=lake))


def _assert_no_trip_twice(lake: Location) -> None:
    files = lake.joined("parquet", "core_core", "fct_trips").url + "/**/*.parquet"
    with duckdb.connect() as connection:
        ((rows, trips),) = connection.execute(
            f"select count(*), count(distinct trip_id) from read_parquet('{files}')"
        ).fetchall()
    assert rows == trips
