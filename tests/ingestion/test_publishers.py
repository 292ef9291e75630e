"""The engine needs nothing of a publisher but the methods of the seam: one that is no web server is loaded as well."""

import ast
import shutil
import threading
from collections.abc import Iterable
from datetime import date
from pathlib import Path

import pytest

from ingestion.errors import DownloadError, NotPublishedError
from ingestion.feeds import Feed, columns
from ingestion.fetch.file_addresses import could_be_named, registered_names
from ingestion.fetch.retries import DEFAULT_POLICY, RetryPolicy
from ingestion.gap_survey import ask
from ingestion.partitions import Partition
from ingestion.pipeline import Status, ingest
from ingestion.publishers import Downloaded, Progress, Publisher, Visit
from ingestion.readers.csv_files import CsvReader
from warehouse.ledger import Fingerprint
from warehouse.paths import PROJECT_ROOT
from warehouse.periods import Grain, day


class Shelf(Publisher):
    """Publishes by putting files into a folder. It is not there while the folder is not."""

    name = "shelf"
    read = CsvReader()

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.visits = 0

    def locate(self, partition: Partition) -> list[str]:
        return [str(self.folder / name) for name in registered_names(partition)]

    def visit(self, partitions: Iterable[Partition], policy: RetryPolicy = DEFAULT_POLICY) -> Visit:
        self.visits += 1
        return _Look(self)


class _Look(Visit):
    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf

    def ask(self, partition: Partition) -> Fingerprint | None:
        if not self._shelf.folder.exists():
            raise DownloadError(f"{self._shelf.folder}: expected a folder, but there is none. Mount it.")
        path = Path(self._shelf.locate(partition)[0])
        return Fingerprint(str(path), etag=str(path.stat().st_mtime_ns)) if path.exists() else None

    def fetch(
        self,
        partition: Partition,
        folder: Path,
        cancelled: threading.Event,
        *,
        known: Fingerprint | None,
        progress: Progress,
    ) -> Downloaded | None:
        fingerprint = self.ask(partition)
        if fingerprint is None:
            raise NotPublishedError(f"{partition}: not on the shelf (yet)")
        if fingerprint == known:
            return None
        path = Path(shutil.copy(fingerprint.url, folder))
        return Downloaded(path, fingerprint, path.stat().st_size)

    def close(self) -> None: ...


def _feed(shelf: Publisher, name: str = "toys", file_name: str = "{period:%Y-%m-%d}.csv") -> Feed:
    return Feed(
        name=name,
        publisher=shelf,
        raw_table="toys",
        file_names=(file_name,),
        columns=columns(required="toy:s made_at:t"),
        event_time="made_at",
        first_day=date(2025, 1, 1),
        publication_lag_days=0,
        kind="toy",
        staging_model="stg_toys",
        kept_in="fct_toys",
        grain=Grain.DAY,
    )


def test_a_publisher_that_is_no_web_server_is_loaded_compared_and_asked(database: Path, tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "shelf")
    shelf.folder.mkdir()
    days = [Partition(_feed(shelf), day(2025, 1, number)) for number in (1, 2)]
    file = shelf.folder / "2025-01-01.csv"
    file.write_text("toy,made_at\nball,2025-01-01 08:00:00\n")

    def statuses() -> list[Status]:
        return [result.status for result in ingest(days)]

    assert statuses() == [Status.LOADED, Status.NOT_PUBLISHED]
    assert statuses() == [Status.UNCHANGED, Status.NOT_PUBLISHED]
    file.write_text("toy,made_at\nball,2025-01-01 08:00:00\nkite,2025-01-01 09:00:00\n")
    assert statuses() == [Status.LOADED, Status.NOT_PUBLISHED]
    answers, unreachable = ask(days)
    assert [answer is None for answer in answers.values()] == [False, True]
    assert unreachable == {}
    assert shelf.visits == 4
    shutil.rmtree(shelf.folder)
    answers, unreachable = ask(days)
    assert answers == {}
    assert "expected a folder" in unreachable["shelf"]


def test_the_engine_does_not_know_how_files_are_fetched() -> None:
    """Outside `ingestion/fetch` and the subjects, nobody imports HTTP; how patient to be is for everybody."""
    subjects = {
        path.parent for path in (PROJECT_ROOT / "ingestion").glob("*/__init__.py") if "SUBJECT" in path.read_text()
    }
    modules = [path for path in (PROJECT_ROOT / "ingestion").rglob("*.py") if path.parent not in subjects]
    engine = [path for path in modules if path.parent.name != "fetch"]
    assert len(engine) > 20
    for path in [*engine, *(PROJECT_ROOT / "orchestration").rglob("*.py")]:
        imported = {node.module for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.ImportFrom)}
        http = {name for name in imported if name and name.startswith(("ingestion.fetch", "requests", "urllib3"))}
        assert http <= {"ingestion.fetch.retries"}, path


@pytest.mark.parametrize(
    ("name", "is_named"),
    [("2025/01/toys_2025-01-02 v.csv", True), ("2025/02/toys_x.csv", False), ("2025/01/toys_2025-01-03x.csv", False)],
)
def test_a_name_with_its_period_in_several_places_is_told_by_all_of_them(name: str, is_named: bool) -> None:
    feed = _feed(Shelf(Path("shelf")), file_name="{period:%Y}/{period:%m}/toys_{period:%Y-%m-%d}_final.csv")
    assert could_be_named(Partition(feed, day(2025, 1, 2)), name) is is_named
