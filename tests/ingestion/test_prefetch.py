"""Downloads ahead of the load: in order, bounded, each for itself, and ended when nobody wants them."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future
from functools import partial
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from ingestion.errors import DownloadError, NotPublishedError
from ingestion.fetch.answers import AnswerRules
from ingestion.fetch.download import download
from ingestion.fetch.retries import RetryPolicy
from ingestion.fetch.watched_session import WatchedSession
from ingestion.prefetch import DownloadJob, Limits, downloads_ahead
from ingestion.publishers import Downloaded
from tests.ingestion.scripted_publisher import ClosingServer, serving
from warehouse.ledger import Fingerprint

QUICK = RetryPolicy(attempts=2, first_wait_seconds=0.01, jitter_seconds=0)
# For what must come, however much else the machine has to do.
WAIT_SECONDS = 60


class _Handler(BaseHTTPRequestHandler):
    """`/<name>` is a file that says its name; `/slow-…` takes a moment, `/endless-…` never ends."""

    server: "Publisher"

    def do_GET(self) -> None:
        name = self.path.removeprefix("/")
        with self.server.lock:
            self.server.seen.append(name)
            self.server.running += 1
            self.server.most_running = max(self.server.most_running, self.server.running)
        if name.startswith("slow"):
            time.sleep(0.2)
        # Before the answer: whoever has it may ask for the next file before this thread goes on.
        with self.server.lock:
            self.server.running -= 1
        self._answer(name)

    def _answer(self, name: str) -> None:
        status = {"missing": 404, "broken": 503, "unchanged": 304}.get(name, 200)
        self.send_response(status)
        if not name.startswith("endless"):
            self.send_header("Content-Length", str(len(name) if status == 200 else 0))
        self.end_headers()
        if status == 200:
            self.wfile.write(name.encode())
        while name.startswith("endless") and not self.server.closing.wait(0.01):
            self.wfile.write(bytes(100_000))

    def handle(self) -> None:
        try:
            super().handle()
        except ConnectionError:
            self.server.left.set()

    def log_message(self, format: str, *args: object) -> None: ...


class Publisher(ClosingServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.lock = threading.Lock()
        self.seen: list[str] = []
        self.running = 0
        self.most_running = 0
        self.closing = threading.Event()
        self.left = threading.Event()

    def job(
        self, name: str, folder: Path, told: list[tuple[str, int]] | None = None, policy: RetryPolicy = QUICK
    ) -> DownloadJob:
        address = f"http://127.0.0.1:{self.server_address[1]}/{name}"
        known = Fingerprint(address, '"one"') if name == "unchanged" else None
        progress = partial(_note, told if told is not None else [], name)

        def fetch(cancelled: threading.Event) -> Downloaded | None:
            with WatchedSession() as session:
                return download(
                    [address],
                    folder,
                    session,
                    known=known,
                    progress=progress,
                    rules=AnswerRules(),
                    again="load the month again",
                    policy=policy,
                    cancelled=cancelled,
                )

        return DownloadJob(folder, fetch)


def _note(told: list[tuple[str, int]], name: str, received: int, expected: int | None) -> None:
    told.append((name, received))


@pytest.fixture
def publisher(no_proxy: None) -> Iterator[Publisher]:
    with serving(Publisher()) as server:
        yield server


def _large_files(ahead: int = 2) -> Limits:
    """Limits within which no more files are fetched than may be however large they are."""
    return Limits(ahead=ahead, waiting_bytes=0)


def _file_of(download: Future[Downloaded | None]) -> Downloaded:
    assert download.done()
    done = download.result()
    assert done is not None
    return done


def _threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("download")]


def test_downloads_come_in_the_order_asked_for(publisher: Publisher, tmp_path: Path) -> None:
    names = ["slow-0", "1", "slow-2", "3", "4", "slow-5", "6"]
    told: list[tuple[str, int]] = []
    with downloads_ahead(publisher.job(name, tmp_path / name, told) for name in names) as batches:
        came = [_file_of(download).path.read_text() for batch in batches for download in batch]
    assert came == names
    assert sorted(told) == sorted((name, len(name)) for name in names)
    assert _threads() == []


@pytest.mark.parametrize("ahead", [1, 2, 3])
def test_no_more_run_and_wait_than_asked_for(publisher: Publisher, tmp_path: Path, ahead: int) -> None:
    names = [f"{'slow-' if number % 3 == 0 else ''}{number}" for number in range(8)]
    begun: list[str] = []

    def jobs() -> Iterator[DownloadJob]:
        for name in names:
            begun.append(name)
            yield publisher.job(name, tmp_path / name)

    consumed = 0
    with downloads_ahead(jobs(), limits=_large_files(ahead)) as batches:
        for batch in batches:
            consumed += len(batch)
            assert len(batch) <= ahead
            time.sleep(0.05)  # the load, during which as many as may be are downloaded
            assert len(begun) <= consumed + ahead
            assert len([path for path in tmp_path.rglob("*") if path.is_file()]) <= len(batch) + ahead
            for download in batch:
                _file_of(download).path.unlink()
    assert publisher.most_running <= ahead
    assert publisher.seen.count("slow-0") == 1


def test_small_files_wait_for_a_slow_load_and_come_together(publisher: Publisher, tmp_path: Path) -> None:
    names = [f"{number:02}" for number in range(40)]
    limits = Limits(at_once=4, waiting_bytes=2 * 30, waiting_files=20, batch_files=8)
    sizes = []
    with downloads_ahead((publisher.job(name, tmp_path / name) for name in names), limits=limits) as batches:
        for batch in batches:
            sizes.append(len(batch))
            deadline = time.monotonic() + WAIT_SECONDS
            left = len(names) - sum(sizes)
            while len(publisher.seen) < len(names) - left + min(20, left) and time.monotonic() < deadline:
                time.sleep(0.01)
            time.sleep(0.02)
            assert len(publisher.seen) == len(names) - left + min(20, left), "no more than may wait"
    assert publisher.most_running <= 4
    assert sizes[1:5] == [8, 8, 8, 8]
    assert sum(sizes) == len(names)


def test_a_batch_ends_where_its_files_are_too_large_together(publisher: Publisher, tmp_path: Path) -> None:
    names = ["0", "1" * 40, "2" * 40, "3" * 90, "4", "5"]
    limits = Limits(ahead=6, batch_bytes=80)
    with downloads_ahead((publisher.job(name, tmp_path / name) for name in names), limits=limits) as batches:
        deadline = time.monotonic() + WAIT_SECONDS
        while len(list(tmp_path.glob("*/*[0-9]"))) < len(names) and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(0.1)
        came = [[_file_of(download).path.read_text() for download in batch] for batch in batches]
    assert came == [names[0:2], names[2:3], names[3:4], names[4:]]


def test_large_files_are_not_fetched_further_ahead_than_two(publisher: Publisher, tmp_path: Path) -> None:
    names = [f"{number}" * 50 for number in range(6)]
    limits = Limits(waiting_bytes=149)
    with downloads_ahead((publisher.job(name, tmp_path / name) for name in names), limits=limits) as batches:
        consumed = len(next(batches))
        deadline = time.monotonic() + WAIT_SECONDS
        while len(publisher.seen) < consumed + 2 and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(0.3)
        assert len(publisher.seen) == consumed + 2


def test_the_next_downloads_run_during_a_load(publisher: Publisher, tmp_path: Path) -> None:
    jobs = [publisher.job(name, tmp_path / name) for name in ("0", "1", "2", "3", "4", "5")]
    with downloads_ahead(jobs, limits=_large_files()) as batches:
        expected = len(next(batches)) + 2
        deadline = time.monotonic() + WAIT_SECONDS
        while len(list(tmp_path.glob("*/?"))) < expected and time.monotonic() < deadline:
            time.sleep(0.01)
        assert sorted(path.name for path in tmp_path.glob("*/?")) == ["0", "1", "2", "3", "4", "5"][:expected]


def test_what_goes_wrong_with_one_stops_no_other(publisher: Publisher, tmp_path: Path) -> None:
    names = ["broken", "0", "missing", "unchanged", "1"]
    with downloads_ahead(publisher.job(name, tmp_path / name) for name in names) as batches:
        outcomes = [download.exception() or download.result() for batch in batches for download in batch]
    broken, first, missing, unchanged, last = outcomes
    assert isinstance(broken, DownloadError)
    assert isinstance(missing, NotPublishedError)
    assert unchanged is None
    assert [getattr(done, "bytes", None) for done in (first, last)] == [1, 1]


def test_a_folder_that_cannot_be_made_fails_its_own_download(publisher: Publisher, tmp_path: Path) -> None:
    (tmp_path / "a file").touch()
    jobs = [publisher.job("0", tmp_path / "a file" / "folder"), publisher.job("1", tmp_path / "1")]
    with downloads_ahead(jobs) as batches:
        outcomes = [download.exception() for batch in batches for download in batch]
    assert isinstance(outcomes[0], OSError)
    assert outcomes[1] is None


def test_stopping_early_ends_what_runs_and_what_waits(publisher: Publisher, tmp_path: Path) -> None:
    names = ["0", "endless-1", "endless-2", "3"]
    begun = time.monotonic()
    jobs = [publisher.job(name, tmp_path / name) for name in names]
    with downloads_ahead(jobs, limits=_large_files()) as batches:
        next(batches)
    assert time.monotonic() - begun < WAIT_SECONDS / 2
    assert "3" not in publisher.seen
    assert _threads() == []
    assert publisher.left.wait(WAIT_SECONDS)
    assert list(tmp_path.rglob("endless*.part")) == []


def test_an_error_of_the_consumer_ends_what_runs_and_is_not_hidden(publisher: Publisher, tmp_path: Path) -> None:
    jobs = [publisher.job(name, tmp_path / name) for name in ("0", "endless-1", "2")]

    def load() -> None:
        with downloads_ahead(jobs) as batches:
            next(batches)
            raise RuntimeError("the load failed")

    with pytest.raises(RuntimeError, match="the load failed"):
        load()
    assert _threads() == []


def test_stopping_early_ends_a_wait_between_two_attempts(publisher: Publisher, tmp_path: Path) -> None:
    patient = RetryPolicy(first_wait_seconds=2 * WAIT_SECONDS, longest_wait_seconds=2 * WAIT_SECONDS)
    begun = time.monotonic()
    jobs = [publisher.job(name, tmp_path / name, policy=patient) for name in ("0", "broken")]
    with downloads_ahead(jobs) as batches:
        next(batches)
        while "broken" not in publisher.seen:
            time.sleep(0.01)
        time.sleep(0.1)
    assert time.monotonic() - begun < WAIT_SECONDS


def test_no_jobs_are_no_downloads(tmp_path: Path) -> None:
    with downloads_ahead([]) as batches:
        assert list(batches) == []


def test_none_ahead_is_refused() -> None:
    with (
        pytest.raises(ValueError, match="at least 1 download ahead, got 0"),
        downloads_ahead([], limits=Limits(ahead=0)),
    ):
        pass
