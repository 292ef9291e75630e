"""Maintenance gives back what nobody needs, disturbs neither readers nor writers, and says what it found."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import duckdb
import pytest

from ingestion.maintenance import ingestion_items
from quality.maintenance import quality_items
from tests.warehouse.small_releases import TRIPS, id_of, make_release, snapshot
from warehouse.connection import open_for_writing
from warehouse.exit_codes import ExitCode
from warehouse.ledger import Check, Ledger, utc_now
from warehouse.maintenance import Found, Item, Outcome, maintain, warehouse_items
from warehouse.maintenance.command import main
from warehouse.paths import PROJECT_ROOT
from warehouse.releases import Release, Releases

# A process that opens a DuckDB file, says so, and then executes each line that it is sent.
CLIENT = """
import duckdb, sys
connection = duckdb.connect(sys.argv[1], read_only=sys.argv[2] == "reads")
print("open", flush=True)
for line in sys.stdin:
    print(connection.execute(line).fetchall(), flush=True)
"""

DAY_SECONDS = 24 * 3600


class Client:
    """Another process that has a DuckDB file open."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        assert process.stdin
        assert process.stdout
        self._in, self._out = process.stdin, process.stdout

    def says(self) -> str:
        return self._out.readline().strip()

    def execute(self, sql: str) -> str:
        self._in.write(f"{sql}\n")
        self._in.flush()
        return self.says()


@contextmanager
def client(file: Path, does: str) -> Iterator[Client]:
    command = [sys.executable, "-c", CLIENT, str(file), does]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            opened = Client(process)
            assert opened.says() == "open"
            yield opened
        finally:
            process.kill()


@pytest.fixture(autouse=True)
def _lakehouse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing was exported; see tests/lakehouse."""
    monkeypatch.setenv("LAKEHOUSE_URL", str(tmp_path / "lakehouse"))
    monkeypatch.setenv("LAYERS_URL", str(tmp_path / "layers"))


@pytest.fixture
def releases(tmp_path: Path, database: Path, monkeypatch: pytest.MonkeyPatch) -> Releases:
    """Three releases, of which one is to be kept."""
    monkeypatch.setenv("PUBLISHED_FOLDER", str(tmp_path / "published"))
    monkeypatch.setenv("PUBLISHED_RELEASES", "1")
    releases = Releases()
    for number in range(3):
        make_release(releases, number)
    return releases


@pytest.fixture
def worn(releases: Releases, database: Path) -> Path:
    """A warehouse of years: everything that maintenance knows of has something to do."""
    with open_for_writing() as connection:
        ledger = Ledger(connection)
        for number in range(3):
            at = utc_now() - timedelta(days=900 - number)
            run_id = ledger.start_run("quality", {}, started_by="terminal", started_at=at, run_id=f"run {number}")
            ledger.finish_run(run_id, "success", finished_at=at)
            ledger.record_checks(run_id, [Check("table", "check", "great_expectations", "error", True, "0", "0")])
        connection.execute(
            "update meta.asset_checks set checked_at = started_at from meta.ingestion_runs as runs"
            " where runs.run_id = asset_checks.run_id"
        )
        connection.execute("create table replaced as select random() as a from range(500000)")
        connection.execute("checkpoint; drop table replaced")
        # So that what is dropped is not at the end of the file.
        connection.execute("create table kept as select 1 as a; checkpoint")
    _write(database.with_name(f"{database.name}.tmp") / "duckdb_temp_storage-0.tmp", 3000)
    _write(database.parent / "work" / "killed" / "file.parquet", 2000)
    pages = database.parent / "quality_docs" / "validations" / "suite"
    for number in range(2):
        _write(pages / f"2025010{number}T000000" / "page.html", 1000)
        age = time.time() - 40 * DAY_SECONDS
        os.utime(pages / f"2025010{number}T000000" / "page.html", (age, age))
    _write(releases.releases_folder / id_of(9) / "half.parquet", 500)
    return database


def _write(path: Path, size: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(bytes(size))


def everything(*, dry_run: bool = False) -> dict[str, Outcome]:
    items = [*ingestion_items(), *warehouse_items(), *quality_items()]
    return {outcome.item: outcome for outcome in maintain(items, dry_run=dry_run)}


def without_lock(folder: Path) -> dict[str, object]:
    """All that is in a folder, but for the file whose lock says that somebody publishes."""
    return {name: state for name, state in snapshot(folder).items() if name not in ("published", "published/.lock")}


def test_everything_is_given_back_and_a_dry_run_says_so_and_changes_nothing(worn: Path, tmp_path: Path) -> None:
    before = without_lock(tmp_path)
    planned = everything(dry_run=True)
    assert without_lock(tmp_path) == before

    done = everything()

    for outcome in (planned, done):
        statuses = {name: one.status for name, one in outcome.items()}
        assert statuses.pop("files of releases") == statuses.pop("lakehouse") == "nothing"
        assert set(statuses.values()) == {"done"}, statuses
    # When files are looked at, old releases are gone; and what compacting gains is known afterwards.
    for name in set(done) - {"working file", "files of releases", "lakehouse"}:
        assert planned[name] == done[name]
    assert done["work folders of loads"].bytes == 2000
    assert done["temporary files of DuckDB"].bytes == 3000
    assert done["data docs"].bytes == 1000
    assert done["half-made releases"].bytes == 500
    assert done["working file"].bytes > 1_000_000
    assert done["ledger"].said == "2 runs older than 400 days, with 2 rows of theirs"
    assert done["old releases"].said == f"{id_of(0)}, {id_of(1)}"
    assert [path.name for path in (tmp_path / "work").iterdir()] == []
    assert [path.parent.name for path in (tmp_path / "quality_docs").rglob("*.html")] == ["20250101T000000"]
    assert {outcome.status for outcome in everything().values()} == {"nothing"}


def test_neither_a_reader_of_an_old_release_nor_a_writer_is_disturbed(worn: Path, releases: Releases) -> None:
    with client(releases.find(id_of(0)).database, "reads") as reader, client(worn, "writes") as writer:
        assert writer.execute("begin; insert into kept values (2)") == "[(1,)]"
        began = time.monotonic()

        outcomes = everything()

        assert time.monotonic() - began < 20, "it waits for nobody"
        statuses = {name: outcome.status for name, outcome in outcomes.items()}
        of_working_file = ("work folders of loads", "ledger", "temporary files of DuckDB", "working file")
        assert {statuses.pop(name) for name in of_working_file} == {"skipped"}
        assert "in use by python" in outcomes["ledger"].said
        assert outcomes["old releases"].said == id_of(1)
        assert statuses["half-made releases"] == "done"
        assert reader.execute(f"select min(n), max(n) from {TRIPS}") == "[(0, 0)]"
        assert writer.execute("commit; select count(*) from kept") == "[(2,)]"
    with duckdb.connect(str(worn)) as connection:
        assert connection.execute("from kept").fetchall() == [(1,), (2,)]
    assert {outcome.status for outcome in everything().values()} == {"done", "nothing"}


def test_beside_a_reader_of_the_working_file_nothing_fails(worn: Path) -> None:
    with client(worn, "reads") as reader:
        outcomes = everything()
        assert {outcome.status for outcome in outcomes.values()} == {"skipped", "done", "nothing"}
        assert reader.execute("from kept") == "[(1,)]"


def test_beside_a_publication_the_releases_are_left_alone(worn: Path, releases: Releases) -> None:
    hold = "from warehouse.releases import Releases\nwith Releases().lock(): print('held', flush=True); input()"
    command = [sys.executable, "-c", hold]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=PROJECT_ROOT
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == "held\n"
        outcomes = everything()
        process.communicate("\n")
    assert outcomes["old releases"].status == outcomes["half-made releases"].status == "skipped"
    assert len(list(releases.releases_folder.iterdir())) == 4


def _rot(release: Release, name: str) -> Path:
    """Change a byte of a file, and nothing that the file system shows of it."""
    file = release.folder / "tables" / "core_core" / "fct_trips" / name
    content, state = bytearray(file.read_bytes()), file.stat()
    content[len(content) // 2] ^= 1
    file.chmod(0o644)
    file.write_bytes(content)
    file.chmod(0o444)
    os.utime(file, ns=(state.st_atime_ns, state.st_mtime_ns))
    return file


def test_a_file_that_rotted_is_named_with_its_releases(
    releases: Releases, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PUBLISHED_RELEASES", "2")
    own, shared = _rot(releases.find(id_of(0)), "own.parquet"), _rot(releases.find(id_of(2)), "shared.parquet")
    told = shared.stat().st_mtime_ns

    assert main(["--dry-run"]) == ExitCode.FAILED
    assert shared.stat().st_mtime_ns == told
    assert main([]) == ExitCode.FAILED

    (line,) = [line for line in capsys.readouterr().out.splitlines()[10:] if line.startswith("files of releases")]
    assert str(own) not in line, "its release was deleted before"
    for number in (1, 2):
        assert str(releases.find(id_of(number)).folder / shared.relative_to(shared.parents[3])) in line
    assert "nyc publish" in line
    assert len(line) < 700
    # Publications look at files again whose time has changed.
    assert shared.stat().st_mtime_ns != told


def test_a_file_that_is_gone_is_named(releases: Releases) -> None:
    release = releases.find(id_of(2))
    folder = release.folder / "tables" / "core_core" / "fct_trips"
    folder.chmod(0o755)
    (folder / "own.parquet").unlink()
    outcome = everything()["files of releases"]
    assert outcome.status == "failed"
    assert f"{folder / 'own.parquet'} (release {release.id})" in outcome.said


def test_a_release_that_cannot_be_read_is_named(releases: Releases) -> None:
    folder = releases.find(id_of(2)).folder
    (folder / "release.json").chmod(0o644)
    (folder / "release.json").write_text("{")
    outcome = everything()["files of releases"]
    assert outcome.status == "failed"
    assert str(folder / "release.json") in outcome.said


def test_one_that_fails_stops_no_other(worn: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PUBLISHED_RELEASES", "none")
    monkeypatch.setenv("LEDGER_RETENTION_DAYS", "long")
    outcomes = everything()
    failed = {name: outcome.said for name, outcome in outcomes.items() if outcome.status == "failed"}
    assert failed.keys() == {"ledger", "old releases"}
    assert "PUBLISHED_RELEASES" in failed["old releases"]
    assert outcomes["working file"].status == outcomes["half-made releases"].status == "done"


def test_what_an_item_did_not_expect_is_named_without_secrets(capsys: pytest.CaptureFixture[str]) -> None:
    def fail(dry_run: bool) -> Found:
        raise RuntimeError("https://user:pa55word@example.org/ does not answer")

    status = main(["--json"], items=lambda: [Item("odd", fail), Item("even", lambda dry_run: Found("2 files", 7))])

    outcomes = json.loads(capsys.readouterr().out)
    assert status == ExitCode.FAILED
    assert [(one["item"], one["status"], one["bytes"]) for one in outcomes] == [
        ("odd", "failed", 0),
        ("even", "done", 7),
    ]
    assert "RuntimeError" in outcomes[0]["said"]
    assert "pa55word" not in outcomes[0]["said"]


@pytest.mark.usefixtures("database")
def test_nothing_is_made_where_nothing_is(tmp_path: Path) -> None:
    assert {outcome.status for outcome in everything().values()} == {"nothing"}
    assert list(tmp_path.iterdir()) == []
