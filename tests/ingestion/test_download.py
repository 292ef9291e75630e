"""Downloads from publishers that break off, hang, refuse, replace their files, or say little about them."""

import errno
import hashlib
import os
import random
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import partial
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from ingestion.errors import DownloadError, NotPublishedError
from ingestion.fetch.answers import AnswerRules
from ingestion.fetch.download import download
from ingestion.fetch.retries import RetryPolicy
from ingestion.fetch.watched_session import WatchedSession
from ingestion.mobility import weather
from ingestion.publishers import Downloaded
from warehouse.ledger import Fingerprint

# Quick to try again. A good answer may take its time, as it does where the machine has much else to do.
QUICK = RetryPolicy(first_wait_seconds=0.01, longest_wait_seconds=0.02, jitter_seconds=0.01)
# For publishers that fall silent. Good answers among theirs have this long.
IMPATIENT = replace(QUICK, read_timeout_seconds=1.2)
# For publishers of which no answer is good.
HURRIED = replace(QUICK, read_timeout_seconds=0.3)
FILE = random.Random(1).randbytes(1_000_000)
OTHER_FILE = random.Random(2).randbytes(900_000)
NAME = "green_tripdata_2025-05.parquet"
MODIFIED = "Tue, 01 Jul 2025 12:00:00 GMT"
ETAG = {"ETag": '"one"', "Last-Modified": MODIFIED}

Step = Callable[["_Handler"], None]


class _Handler(BaseHTTPRequestHandler):
    """Answers each request with the next step of its server's script, the last one again and again."""

    protocol_version = "HTTP/1.1"
    server: "Publisher"

    def do_GET(self) -> None:
        with self.server.lock:
            self.server.seen.append((self.path, dict(self.headers)))
            step = self.server.script.pop(0) if len(self.server.script) > 1 else self.server.script[0]
        step(self)

    def log_message(self, format: str, *args: object) -> None: ...

    def head(self, status: int, length: int | None, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if length is not None:
            self.send_header("Content-Length", str(length))
        self.end_headers()


class Publisher(ThreadingHTTPServer):
    """A publisher on a local port that does what its script says."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, *script: Step) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.script = list(script)
        self.seen: list[tuple[str, dict[str, str]]] = []
        self.lock = threading.Lock()
        self.closing = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    @property
    def ranges(self) -> list[str | None]:
        return [headers.get("Range") for _, headers in self.seen]


@contextmanager
def publishing(*script: Step) -> Iterator[Publisher]:
    with Publisher(*script) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        try:
            yield server
        finally:
            server.closing.set()
            server.shutdown()


def whole(
    body: bytes = FILE,
    marks: dict[str, str] = ETAG,
    *,
    status: int = 200,
    sent: int | None = None,
    stalls: bool = False,
) -> Step:
    """Answers the body, of which only `sent` bytes are sent before the connection closes, or is left open."""

    def step(handler: _Handler) -> None:
        handler.head(status, len(body), marks)
        handler.wfile.write(body[:sent])
        if stalls:
            handler.server.closing.wait(5)
        handler.close_connection = handler.close_connection or sent is not None

    return step


def rest(body: bytes = FILE, marks: dict[str, str] = ETAG, *, sent: int | None = None) -> Step:
    """Answers the range that is asked for, as an object store does: all of it if the file is another one."""

    def step(handler: _Handler) -> None:
        first = int(handler.headers["Range"].removeprefix("bytes=").removesuffix("-"))
        if handler.headers["If-Range"] not in marks.values():
            return whole(body, marks)(handler)
        content_range = f"bytes {first}-{len(body) - 1}/{len(body)}"
        return whole(body[first:], marks | {"Content-Range": content_range}, status=206, sent=sent)(handler)

    return step


def status(code: int, body: bytes = b"", **headers: str) -> Step:
    """Answers a status."""
    return whole(body, {name.replace("_", "-"): value for name, value in headers.items()}, status=code)


def hang(handler: _Handler) -> None:
    """Answers nothing."""
    handler.server.closing.wait(5)
    handler.close_connection = True


def break_off(handler: _Handler) -> None:
    """Closes the connection without an answer."""
    handler.close_connection = True


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "*")


def fetch(
    *addresses: str,
    folder: Path,
    known: Fingerprint | None = None,
    policy: RetryPolicy = QUICK,
    rules: AnswerRules | None = None,
    progress: Callable[[int, int | None], None] = lambda received, expected: None,
) -> Downloaded | None:
    with WatchedSession() as session:
        return download(
            addresses,
            folder,
            session,
            known=known,
            progress=progress,
            rules=rules or AnswerRules(),
            again="load the month again",
            policy=policy,
        )


def fetch_file(server: Publisher, folder: Path, policy: RetryPolicy = QUICK) -> Downloaded:
    """Fetch the file, which must come."""
    done = fetch(f"{server.url}/{NAME}", folder=folder, policy=policy)
    assert done is not None
    assert done.path == folder / NAME
    assert done.bytes == done.path.stat().st_size
    assert list(folder.iterdir()) == [done.path]
    return done


def failure(address: str, folder: Path, policy: RetryPolicy = QUICK) -> str:
    """The message of a download that must fail and leave nothing behind."""
    with pytest.raises(DownloadError) as raised:
        fetch(address, folder=folder, policy=policy)
    assert list(folder.iterdir()) == []
    message = str(raised.value)
    assert message.startswith(f"{address}: expected ")
    assert "object at 0x" not in message
    assert "Pool" not in message
    return message


def test_a_file_comes_whole_with_what_its_publisher_says_of_it(tmp_path: Path) -> None:
    told: list[tuple[int, int | None]] = []
    with publishing(whole()) as server:
        done = fetch(f"{server.url}/{NAME}", folder=tmp_path, progress=lambda *amounts: told.append(amounts))
        url = server.url
    assert done == Downloaded(tmp_path / NAME, Fingerprint(f"{url}/{NAME}", '"one"', MODIFIED, len(FILE)), len(FILE))
    assert done.path.read_bytes() == FILE
    assert told == sorted(told)
    assert told[-1] == (len(FILE), len(FILE))


@pytest.mark.parametrize("marks", [ETAG, {"Last-Modified": MODIFIED}, {"ETag": '"one"'}])
@pytest.mark.parametrize("stalls", [False, True])
def test_a_download_that_broke_off_is_continued(tmp_path: Path, marks: dict[str, str], stalls: bool) -> None:
    with publishing(whole(marks=marks, sent=500_000, stalls=stalls), rest(marks=marks)) as server:
        done = fetch_file(server, tmp_path, IMPATIENT if stalls else QUICK)
        (first, again) = server.ranges
        assert server.seen[1][1]["If-Range"] == marks.get("ETag", MODIFIED)
    assert done.path.read_bytes() == FILE
    assert first is None
    # at most one chunk of what came is asked for again
    assert again is not None
    assert 430_000 < int(again.removeprefix("bytes=").removesuffix("-")) <= 500_000
    assert done.fingerprint.content_length == len(FILE)


def test_a_download_is_continued_as_often_as_it_breaks_off(tmp_path: Path) -> None:
    with publishing(whole(sent=300_000), rest(sent=300_000), status(503), rest(sent=100_000), rest()) as server:
        assert fetch_file(server, tmp_path).path.read_bytes() == FILE
        assert None not in server.ranges[1:]
        assert len(set(server.ranges)) == 4


def test_a_file_replaced_between_break_and_resume_comes_whole(tmp_path: Path) -> None:
    new_marks = {"ETag": '"two"', "Last-Modified": "Wed, 02 Jul 2025 12:00:00 GMT"}
    with publishing(whole(sent=500_000), rest(OTHER_FILE, new_marks)) as server:
        done = fetch_file(server, tmp_path)
    assert done.path.read_bytes() == OTHER_FILE
    assert (done.fingerprint.etag, done.fingerprint.content_length) == ('"two"', len(OTHER_FILE))


@pytest.mark.parametrize(
    ("other_file", "other_marks"),
    [
        (FILE[::-1], {"ETag": '"two"'}),
        (FILE[::-1], {"Last-Modified": "Wed, 02 Jul 2025 12:00:00 GMT"}),
        (OTHER_FILE, {}),
    ],
)
def test_a_publisher_that_mixes_two_files_is_noticed(
    tmp_path: Path, other_file: bytes, other_marks: dict[str, str]
) -> None:
    def rest_of_another(handler: _Handler) -> None:
        first = int(handler.headers["Range"].removeprefix("bytes=").removesuffix("-"))
        content_range = f"bytes {first}-{len(other_file) - 1}/{len(other_file)}"
        whole(other_file[first:], other_marks | {"Content-Range": content_range}, status=206)(handler)

    with publishing(whole(sent=500_000), rest_of_another, whole(other_file, {"ETag": '"two"'})) as server:
        assert fetch_file(server, tmp_path).path.read_bytes() == other_file
        assert server.ranges[2] is None


def test_a_range_that_is_not_there_starts_the_download_over(tmp_path: Path) -> None:
    with publishing(whole(sent=500_000), status(416, Content_Range="bytes */400000"), whole()) as server:
        assert fetch_file(server, tmp_path).path.read_bytes() == FILE
        assert server.ranges[2] is None


@pytest.mark.parametrize("marks", [{}, {"ETag": 'W/"weak"', "Last-Modified": MODIFIED}])
def test_without_a_mark_for_equal_bytes_a_download_starts_over(tmp_path: Path, marks: dict[str, str]) -> None:
    with publishing(whole(marks=marks, sent=500_000), whole(marks=marks)) as server:
        assert fetch_file(server, tmp_path).path.read_bytes() == FILE
        assert server.ranges == [None, None]


def test_a_server_that_knows_no_ranges_sends_the_file_again(tmp_path: Path) -> None:
    with publishing(whole(sent=500_000), whole()) as server:
        assert fetch_file(server, tmp_path).path.read_bytes() == FILE


def test_a_body_shorter_than_its_content_length_is_no_file(tmp_path: Path) -> None:
    with publishing(whole(FILE[:1000], {}, sent=400)) as server:
        message = failure(f"{server.url}/{NAME}", tmp_path)
    assert "the connection broke off after its first bytes (tried 5 times)" in message


def test_how_much_came_is_told(tmp_path: Path) -> None:
    with publishing(whole(marks={}, sent=500_000)) as server:
        message = failure(f"{server.url}/{NAME}", tmp_path)
    assert re.search(r"the connection broke off after [45]\d\d,\d\d\d of 1,000,000 bytes \(tried 5 times\)", message)


def test_an_answer_that_never_begins_is_told(tmp_path: Path) -> None:
    with publishing(whole(marks={}, sent=400), break_off) as server:
        message = failure(f"{server.url}/{NAME}", tmp_path)
    assert "the connection broke off before any of it came (tried 5 times)" in message


@pytest.mark.parametrize("sent", [20, 60, 90])
def test_an_answer_that_ends_within_its_headers_is_no_empty_file(tmp_path: Path, sent: int) -> None:
    def cut(handler: _Handler) -> None:
        handler.wfile.write(f"HTTP/1.1 200 OK\r\nDate: {MODIFIED}\r\nContent-Length: {len(FILE)}\r\n"[:sent].encode())
        handler.close_connection = True

    with publishing(cut, whole()) as server:
        fetch_file(server, tmp_path).path.unlink()
    with publishing(cut) as server:
        message = failure(f"{server.url}/{NAME}", tmp_path)
    assert re.search(r"the answer was empty|the connection broke off", message)
    assert "(tried 5 times)" in message


@pytest.mark.parametrize("body", [b"\x1b[31mred", b"PK\x03\x04\x14\x00", FILE[:5000], b'{"reason": "\\u0000"}'])
def test_an_answer_that_is_no_text_for_people_is_not_quoted(tmp_path: Path, body: bytes) -> None:
    with publishing(status(418, body)) as server:
        message = failure(f"{server.url}/{NAME}", tmp_path)
    assert "the publisher answered 418 I'm a Teapot. Look at" in message


@pytest.mark.parametrize("step", [break_off, hang, status(500), status(502), status(504), status(408), status(429)])
def test_what_is_transient_is_tried_again(tmp_path: Path, step: Step) -> None:
    with publishing(step, step, whole()) as server:
        assert fetch_file(server, tmp_path, IMPATIENT if step is hang else QUICK).path.read_bytes() == FILE
        assert len(server.seen) == 3


def test_a_server_that_hangs_is_given_up(tmp_path: Path) -> None:
    with publishing(hang) as server:
        message = failure(f"{server.url}/{NAME}", tmp_path, HURRIED)
    assert "nothing came within 0.3 seconds (tried 5 times). Load the month again later." in message


def test_a_server_that_stalls_is_given_up_with_what_came(tmp_path: Path) -> None:
    with publishing(whole(marks={}, sent=500_000, stalls=True)) as server:
        message = failure(f"{server.url}/{NAME}", tmp_path, replace(IMPATIENT, attempts=1))
    assert "nothing more came within 1.2 seconds after " in message
    assert "of 1,000,000 bytes (tried 1 time)" in message


@pytest.mark.parametrize("code", [429, 503])
@pytest.mark.parametrize("as_date", [False, True])
def test_retry_after_is_waited_for(tmp_path: Path, code: int, as_date: bool) -> None:
    begun = time.monotonic()
    asked = format_datetime(datetime.now(UTC) + timedelta(seconds=2), usegmt=True) if as_date else "1"
    with publishing(status(code, Retry_After=asked), whole()) as server:
        fetch_file(server, tmp_path)
    # a date has whole seconds: two from now is at least one
    assert time.monotonic() - begun > 0.9


@pytest.mark.parametrize("asked", ["3600", "Wed, 01 Jan 2200 00:00:00 GMT", "9" * 400])
def test_who_asks_for_a_long_pause_is_left_alone(tmp_path: Path, asked: str) -> None:
    with publishing(status(429, Retry_After=asked)) as server:
        message = failure(f"{server.url}/{NAME}", tmp_path)
        assert len(server.seen) == 1
    assert "the publisher answered 429 Too Many Requests and asks to be left alone for " in message


@pytest.mark.parametrize(
    "said",
    [
        b'{"error": true, "reason": "Hourly API request limit exceeded. Please try again in the next hour."}',
        b'{"error": true, "reason": "Daily API request limit exceeded. Please try again tomorrow."}',
    ],
)
def test_a_limit_of_the_archive_that_lasts_is_told_at_once(tmp_path: Path, said: bytes) -> None:
    with publishing(status(429, said)) as server:
        with pytest.raises(DownloadError, match=r"API request limit exceeded.* asks to be left alone for") as raised:
            fetch(f"{server.url}/{NAME}", folder=tmp_path, rules=weather.OPEN_METEO)
        assert len(server.seen) == 1
    assert raised.value.is_transient


class _Hurried(weather.OpenMeteo):
    """An archive whose minute has 0.6 seconds."""

    def pause_seconds(self, text: str) -> float:
        return super().pause_seconds(text) / 100


def test_a_limit_of_the_archive_that_passes_is_waited_for(tmp_path: Path) -> None:
    minutely = b'{"error": true, "reason": "Minutely API request limit exceeded. Please try again in one minute."}'
    begun = time.monotonic()
    with publishing(status(429, minutely), whole()) as server:
        assert fetch(f"{server.url}/{NAME}", folder=tmp_path, rules=_Hurried())
    assert time.monotonic() - begun > 0.6


@pytest.mark.parametrize(
    "asked",
    [
        "soon",
        "-5",
        "inf",
        "Mon, 01 Jan 99999999999 00:00:00 GMT",
        "Mon, 01 Jan 2200 00:00:00 -9999999999999999999",
        "Fri, 31 Dec 1999 23:59:59 GMT",
    ],
)
def test_a_retry_after_that_means_nothing_is_ignored(tmp_path: Path, asked: str) -> None:
    with publishing(status(503, Retry_After=asked), whole()) as server:
        fetch_file(server, tmp_path)


def test_a_publisher_that_stays_unavailable_is_given_up(tmp_path: Path) -> None:
    with publishing(status(503, b"<html>an error page</html>")) as server:
        message = failure(f"{server.url}/{NAME}", tmp_path)
        assert len(server.seen) == 5
    assert message.endswith(
        ": expected the file, but the publisher answered 503 Service Unavailable (tried 5 times). "
        "Load the month again later."
    )


def test_a_refusal_with_a_reason_is_told_and_not_tried_again(tmp_path: Path) -> None:
    with publishing(status(400, b'{"error": true, "reason": "Cannot resolve variable rain"}')) as server:
        message = failure(f"{server.url}/{NAME}", tmp_path)
        assert len(server.seen) == 1
    assert "but the publisher answered 400 Bad Request (Cannot resolve variable rain)" in message


@pytest.mark.parametrize(
    "missing",
    [
        status(403, b"<Error/>"),
        status(404),
        status(400, b'{"error": true, "reason": "Parameter \'end_date\' is out of allowed range from 1940 to now"}'),
    ],
)
def test_what_is_not_published_is_not_asked_for_again(tmp_path: Path, missing: Step) -> None:
    with publishing(missing) as server:
        with pytest.raises(NotPublishedError, match=f"{server.url}/one: not published"):
            fetch(f"{server.url}/one", f"{server.url}/two", folder=tmp_path, rules=weather.OPEN_METEO)
        assert [path for path, _ in server.seen] == ["/one", "/two"]


def test_the_second_address_is_tried_where_the_first_has_nothing(tmp_path: Path) -> None:
    with publishing(status(404), whole()) as server:
        done = fetch(f"{server.url}/202505.zip", f"{server.url}/202505.csv.zip", folder=tmp_path)
    assert done is not None
    assert (done.path.name, done.fingerprint.url) == ("202505.csv.zip", f"{server.url}/202505.csv.zip")


def test_a_host_name_that_cannot_be_resolved_is_given_up_soon(tmp_path: Path) -> None:
    message = failure(f"http://nowhere.invalid/{NAME}", tmp_path)
    assert "the host name nowhere.invalid cannot be resolved (tried 3 times). Check the network" in message


def test_a_host_that_refuses_is_given_up_soon(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    message = failure(f"http://127.0.0.1:{port}/{NAME}", tmp_path)
    assert "127.0.0.1 refused the connection (tried 3 times). Check the network" in message


def test_a_host_that_goes_away_during_a_download_gets_all_attempts(tmp_path: Path) -> None:
    def last_words(handler: _Handler) -> None:
        handler.server.socket.close()
        whole(sent=500_000)(handler)

    with publishing(last_words) as server:
        message = failure(f"{server.url}/{NAME}", tmp_path)
    assert "127.0.0.1 refused the connection (tried 5 times)" in message


@pytest.mark.parametrize("address", ["", "trip-data/a.parquet", "ftp://127.0.0.1/a.parquet", "http://"])
def test_what_is_no_web_address_is_not_tried_again(tmp_path: Path, address: str) -> None:
    message = failure(address, tmp_path)
    assert "it cannot be asked for (" in message
    assert "Check the publisher's base address" in message


@pytest.mark.parametrize(("etag", "asked"), [('"one"', ('"one"', None)), (None, (None, MODIFIED))])
def test_the_known_file_is_not_sent_again(
    tmp_path: Path, etag: str | None, asked: tuple[str | None, str | None]
) -> None:
    with publishing(status(304)) as server:
        known = Fingerprint(f"{server.url}/{NAME}", etag, MODIFIED, len(FILE))
        assert fetch(known.url, folder=tmp_path, known=known) is None
        (_, headers) = server.seen[0]
    assert (headers.get("If-None-Match"), headers.get("If-Modified-Since")) == asked


def test_the_known_file_is_recognised_where_conditions_are_ignored(tmp_path: Path) -> None:
    with publishing(whole()) as server:
        known = Fingerprint(f"{server.url}/{NAME}", '"one"', MODIFIED, len(FILE))
        assert fetch(known.url, folder=tmp_path, known=known) is None
    assert list(tmp_path.iterdir()) == []


def test_nothing_known_means_that_304_is_no_answer(tmp_path: Path) -> None:
    with publishing(status(304)) as server:
        assert "answered 304 Not Modified" in failure(f"{server.url}/{NAME}", tmp_path)


def test_a_replaced_file_comes_though_another_is_known(tmp_path: Path) -> None:
    with publishing(whole()) as server:
        known = Fingerprint(f"{server.url}/{NAME}", '"zero"', "Mon, 30 Jun 2025 12:00:00 GMT", len(FILE))
        done = fetch(known.url, folder=tmp_path, known=known)
    assert done is not None
    assert done.fingerprint.etag == '"one"'


def test_a_file_server_without_etags_tells_files_apart_by_date(tmp_path: Path) -> None:
    published, folder = tmp_path / "published", tmp_path / "work"
    published.mkdir()
    folder.mkdir()
    (published / NAME).write_bytes(FILE)
    handler = partial(SimpleHTTPRequestHandler, directory=str(published))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        address = f"http://127.0.0.1:{server.server_address[1]}/{NAME}"
        first = fetch(address, folder=folder)
        assert first is not None
        assert (first.fingerprint.etag, first.fingerprint.content_length) == (None, len(FILE))
        assert fetch(address, folder=folder, known=first.fingerprint) is None
        (published / NAME).write_bytes(OTHER_FILE)
        os.utime(published / NAME, (2_000_000_000, 2_000_000_000))
        again = fetch(address, folder=folder, known=first.fingerprint)
        server.shutdown()
    assert again is not None
    assert again.path.read_bytes() == OTHER_FILE


def test_without_any_marks_the_content_tells_files_apart(tmp_path: Path) -> None:
    with publishing(whole(FILE, {}), whole(FILE, {}), whole(OTHER_FILE, {})) as server:
        address = f"{server.url}/{NAME}"
        first = fetch(address, folder=tmp_path)
        assert first is not None
        assert first.fingerprint == Fingerprint(address, content_hash=hashlib.sha256(FILE).hexdigest())
        assert fetch(address, folder=tmp_path, known=first.fingerprint) is None
        assert fetch(address, folder=tmp_path, known=first.fingerprint) is not None


def test_how_long_the_archive_took_is_no_change(tmp_path: Path) -> None:
    answers = [b'{"generationtime_ms": %d, "hourly": {"rain": [%d]}}' % numbers for numbers in ((1, 0), (2, 0), (3, 1))]
    with publishing(*(whole(answer, {}) for answer in answers)) as server:
        first = fetch(f"{server.url}/v1/archive?a=b", folder=tmp_path, rules=weather.OPEN_METEO)
        assert first is not None
        assert (
            fetch(f"{server.url}/v1/archive?a=b", folder=tmp_path, known=first.fingerprint, rules=weather.OPEN_METEO)
            is None
        )
        assert fetch(f"{server.url}/v1/archive?a=b", folder=tmp_path, known=first.fingerprint, rules=weather.OPEN_METEO)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_is_told_and_not_tried_again(tmp_path: Path) -> None:
    part = tmp_path / f"{NAME}.part"

    def rest_on_a_full_disk(handler: _Handler) -> None:
        part.unlink()
        part.symlink_to("/dev/full")
        rest()(handler)

    with publishing(whole(sent=500_000), rest_on_a_full_disk, rest()) as server:
        message = failure(f"{server.url}/{NAME}", tmp_path)
        assert len(server.seen) == 2
    assert f"expected room for 1,000,000 bytes in {tmp_path}, but the disk is full: " in message


def test_a_folder_that_cannot_be_written_to_is_told(tmp_path: Path) -> None:
    with publishing(whole()) as server, pytest.raises(DownloadError, match=os.strerror(errno.ENOENT)):
        fetch(f"{server.url}/{NAME}", folder=tmp_path / "missing")
