"""The working file is lost, and there is no backup: what a release knows, and what publishers have, make it again."""

import os
from collections.abc import Collection, Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
import pytest

from sandbox.server import SamplePublisher
from sandbox.telemetry.event_files import write_event_files
from sandbox.telemetry.event_lines import Sample
from tests.dbt.small_warehouse import keep_parsed_project
from tests.end_to_end.line import interpreter_with_dbt
from tests.forking import interpreter
from warehouse.connection import open_for_writing
from warehouse.paths import PROJECT_ROOT
from warehouse.publishing.database import write_database
from warehouse.releases import Release, Releases

MONTH = date(2025, 5, 1)
FACTS = ("fct_trips", "quarantined_trips", "fct_hourly_mobility")


class Shell:
    """A shell whose settings name a warehouse of its own."""

    def __init__(self, folder: Path, publisher: SamplePublisher) -> None:
        self.database = folder / "warehouse.duckdb"
        self.events = folder / "event_files"
        keep_parsed_project(folder / "target")
        self._environment = (
            os.environ
            | publisher.environment
            | {
                "DUCKDB_DATABASE_PATH": str(self.database),
                "DBT_TARGET_PATH": str(folder / "target"),
                "DBT_LOG_PATH": str(folder / "logs"),
                "LOG_FOLDER": str(folder / "logs"),
                "SOURCES__EVENT_FILES__URL": str(self.events),
                "COLUMNS": "300",
            }
        )

    def nyc(self, *arguments: str, status: Collection[int] = (0,)) -> str:
        """What `nyc …` prints. It must end with one of these statuses."""
        starter = interpreter_with_dbt() if arguments[0] == "build" else interpreter()
        done = starter.run(["-m", "cli", *arguments], self._environment, cwd=PROJECT_ROOT)
        assert done.returncode in status, done.stdout + done.stderr
        return done.stdout + done.stderr

    def build(self, *, status: Collection[int] = (0,)) -> str:
        selected = [f"+{fact}" for fact in FACTS]
        return self.nyc("build", "--exclude-resource-type", "unit_test", "test", "--select", *selected, status=status)

    def publish(self) -> None:
        """A release with the working file's ledger, as a publication writes it, and no table: not all is built."""
        releases = Releases(self.database.parent / "published")
        folder = releases.releases_folder / "20250601T000000Z-0001"
        folder.mkdir(parents=True)
        release = Release(folder.name, folder, datetime.now(UTC), "terminal", "run", duckdb.__version__, "content", ())
        with open_for_writing(self.database) as connection:
            write_database(connection, release.database, (), {})
        (folder / "release.json").write_text(release.write())
        releases.switch_to(release)


def _facts(path: Path) -> dict[str, list[tuple[object, ...]]]:
    """The rows of the facts, without what says which load a row is of."""
    found = {}
    with duckdb.connect(str(path), read_only=True) as connection:
        for fact in FACTS:
            names = [name for name, *_ in connection.execute(f"describe core_core.{fact}").fetchall()]
            kept = ", ".join(name for name in names if name != "load_id")
            found[fact] = connection.execute(f"select {kept} from core_core.{fact} order by all").fetchall()
    return found


def _loaded(path: Path) -> set[tuple[object, ...]]:
    """What is loaded of each partition, by the ledger. Of the platform's own runs there are more by then."""
    with duckdb.connect(str(path), read_only=True) as connection:
        found = connection.execute(
            "select asset, partition_key, rows, min_event_time, max_event_time from meta.asset_watermarks"
            " where source_url is not null and asset <> 'platform_runs'"
        ).fetchall()
        return set(found)


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    """May of all default feeds, hours of event files, and own runs; the facts built, and a release."""
    with SamplePublisher(MONTH, MONTH, rows=300, folder=tmp_path / "files") as publisher:
        shell = Shell(tmp_path, publisher)
        hours = Sample(datetime.fromisoformat("2025-05-09T08"), hours=3, events=30, profiles=5)
        write_event_files(shell.events, hours)
        shell.nyc("load", "--from", "2025-05", "--to", "2025-05", "--sources", "taxi,citibike,weather")
        shell.nyc("load", "--from", "2025-05-09", "--to", f"{datetime.now(UTC):%Y-%m-%d}", "--sources", "telemetry")
        shell.build()
        shell.publish()
        yield shell


def test_a_lost_file_restored_from_a_release_and_loaded_again_equals_a_clean_build(
    shell: Shell, tmp_path: Path
) -> None:
    clean = tmp_path / "clean.duckdb"
    shell.database.rename(clean)
    facts, loaded = _facts(clean), _loaded(clean)
    said = shell.nyc("restore", "--from-release")
    assert "yellow: 1 periods, 2025-05 to 2025-05" in said
    # Nothing is built of less than was there.
    assert "as the ledger (meta.asset_watermarks) says" in shell.build(status=(1,))

    # The files of one hour are gone by now, and are given up.
    hour = min((shell.events / "events").rglob("*.jsonl")).parent
    hour.rename(tmp_path / "gone")
    shell.nyc("gaps", "--fill", status=(0, 3))
    assert "nyc restore --give-up" in shell.build(status=(1,))
    given_up = shell.nyc("restore", "--give-up")
    assert given_up.count(" rows\n") == 1
    assert "there is nothing to give up" in shell.nyc("restore", "--give-up")
    shell.build()
    assert _facts(shell.database) == facts
    assert len(loaded - _loaded(shell.database)) == 1
    assert _loaded(shell.database) <= loaded
