"""Publishers that drip, never end, or redirect anywhere: each costs so much time and room at most, and is told."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from itertools import repeat
from pathlib import Path

import pytest

from ingestion.errors import IngestionError, NotPublishedError
from ingestion.fetch.answers import AnswerRules
from ingestion.fetch.download import download
from ingestion.fetch.retries import RetryPolicy
from ingestion.fetch.watched_session import WatchedSession
from ingestion.publishers import Downloaded
from warehouse.secrets import without_secrets

# Quick to try again. What is good may take its time, as it does where the machine has much else to do.
POLICY = RetryPolicy(first_wait_seconds=0.01, longest_wait_seconds=0.02, jitter_seconds=0.01)
# For answers that never begin, and for bodies that never end.
ANSWERS_AT_ONCE = replace(POLICY, answer_seconds=0.5)
NEVER_SLOW = replace(POLICY, slow_seconds=0.5, slow_bytes=1000)
# Longer than any failure takes, and far shorter than a publisher here would go on.
SOON_SECONDS = 60


class _SmallFiles(AnswerRules):
    largest_bytes = 1_000_000


OK = b"HTTP/1.1 200 OK\r\n"
Says = Callable[[bytes], Iterator[bytes]]


@contextmanager
def publishing(says: Says, pause_seconds: float = 0.05) -> Iterator[tuple[str, list[bytes]]]:
    """A publisher that answers each request with pieces, one after the other; yields its address and the requests."""
    seen: list[bytes] = []
    is_over = threading.Event()

    def answer(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            seen.append(connection.recv(65536))
            for piece in says(seen[-1]):
                connection.sendall(piece)
                if is_over.wait(pause_seconds):
                    break

    def serve(server: socket.socket) -> None:
        with suppress(OSError):
            while True:
                threading.Thread(target=answer, args=(server.accept()[0],), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=serve, args=(server,), daemon=True).start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}", seen
        is_over.set()


def fetch(
    address: str, folder: Path, policy: RetryPolicy = POLICY, rules: AnswerRules | None = None
) -> Downloaded | None:
    with WatchedSession() as session:
        return download(
            [address],
            folder,
            session,
            known=None,
            progress=lambda received, expected: None,
            policy=policy,
            rules=rules or AnswerRules(),
            again="load the month again",
        )


def failure(address: str, folder: Path, policy: RetryPolicy = POLICY, rules: AnswerRules | None = None) -> str:
    """The message of a download that must fail soon, and leave nothing behind."""
    begun = time.monotonic()
    with pytest.raises(IngestionError) as raised:
        fetch(address, folder, policy, rules)
    assert time.monotonic() - begun < SOON_SECONDS
    assert list(folder.iterdir()) == []
    assert str(raised.value).startswith(f"{without_secrets(address)}: expected ")
    return str(raised.value)


def _drip(head: bytes, drop: bytes = b"x") -> Says:
    def says(request: bytes) -> Iterator[bytes]:
        yield head
        yield from repeat(drop)

    return says


@pytest.mark.parametrize(
    ("head", "drop"),
    [
        (OK + b'ETag: "x"\r\nContent-Length: 1000000\r\n\r\n', b"x"),
        (OK + b"Connection: close\r\n\r\n", b"x"),  # a body without a length
        (OK + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
        (OK + b"Transfer-Encoding: chunked\r\n\r\n1;", b"x"),  # a line that does not end, before a chunk
        (OK + b"Content-Length: 100000\r\nContent-Encoding: gzip\r\n\r\n\x1f\x8b\x08" + b"\0" * 7, b"\0"),
    ],
)
def test_a_body_that_drips_is_given_up(head: bytes, drop: bytes, tmp_path: Path) -> None:
    with publishing(_drip(head, drop)) as (url, seen):
        message = failure(f"{url}/file", tmp_path, NEVER_SLOW)
        assert len(seen) == 2
    assert "less than 1,000 bytes came within 0.5 seconds" in message
    assert message.endswith("(tried 2 times). Load the month again later.")


@pytest.mark.parametrize("head", [b"", b"HTTP/1.1 200 OK\r\nX-Padding: ", OK + b"X: 1\r\n"])
def test_an_answer_that_drips_before_its_body_is_given_up(head: bytes, tmp_path: Path) -> None:
    drop = b"X: 1\r\n" if head.startswith(OK) else b"x"
    with publishing(_drip(head or b"H", drop)) as (url, _):
        assert "its answer had not begun within 0.5 seconds" in failure(f"{url}/file", tmp_path, ANSWERS_AT_ONCE)


def test_a_greeting_that_drips_is_given_up(tmp_path: Path) -> None:
    with publishing(_drip(b"\x16\x03\x03\x40\x00", b"\x02")) as (url, _):
        message = failure(url.replace("http:", "https:") + "/file", tmp_path, ANSWERS_AT_ONCE)
    assert "its answer had not begun within 0.5 seconds" in message


@pytest.mark.parametrize("status", [b"404 Not Found", b"403 Forbidden"])
def test_a_reason_that_drips_is_not_waited_for(status: bytes, tmp_path: Path) -> None:
    with publishing(_drip(b"HTTP/1.1 " + status + b"\r\nContent-Length: 90000\r\n\r\n")) as (url, _):
        begun = time.monotonic()
        with pytest.raises(NotPublishedError):
            # The limit ends the reason, and the status is good: it may take its time.
            fetch(f"{url}/file", tmp_path, replace(POLICY, answer_seconds=1.5))
    assert time.monotonic() - begun < SOON_SECONDS


def test_a_download_as_a_whole_has_its_time(tmp_path: Path) -> None:
    policy = replace(POLICY, longest_download_seconds=1.5)
    head = OK + b"Content-Length: 100000000\r\n\r\n"
    with publishing(_drip(head, b"x" * 70_000)) as (url, seen):
        message = failure(f"{url}/file", tmp_path, policy)
        assert len(seen) == 1
    assert "it was not whole within 1.5 seconds, after " in message


def test_a_slow_line_is_served(tmp_path: Path) -> None:
    def says(request: bytes) -> Iterator[bytes]:
        yield OK + b"Content-Length: 2100000\r\n\r\n"
        yield from repeat(b"x" * 70_000, 30)

    # A second and a half, so that what came is looked at while more is to come.
    with publishing(says, pause_seconds=0.05) as (url, seen):
        done = fetch(f"{url}/file", tmp_path, replace(NEVER_SLOW, slow_seconds=1))
        assert len(seen) == 1
    assert done is not None
    assert done.bytes == 2_100_000


@pytest.mark.parametrize("says_length", [True, False])
def test_a_file_that_is_too_large_is_refused(says_length: bool, tmp_path: Path) -> None:
    head = OK + (b"Content-Length: 100000000\r\n\r\n" if says_length else b"Connection: close\r\n\r\n")
    with publishing(_drip(head, b"x" * 70_000), pause_seconds=0) as (url, seen):
        message = failure(f"{url}/file", tmp_path, rules=_SmallFiles())
        assert len(seen) == 1
    assert "expected a file of at most 1,000,000 bytes, but it has " in message


@pytest.mark.parametrize(
    "target",
    [
        "file:///etc/passwd",
        "ftp://127.0.0.1/file",
        "http://",
        "http://127.0.0.1:99999/file",
        "http://127.0.0.1:port/file",
        "http://[::1/file",
        "http://" + "a" * 300 + ".example.org/file",
        "http://.example.org/",
        "http://\u00e9" + "\u00e9" * 80 + "/",
        "http://a:s3cret@[::1/file?token=s3cret",
        "http://a:" + "s3cret" * 100 + "@[::1/file",
        "gopher:x",
        "//",
    ],
)
def test_a_redirect_to_what_is_no_address_is_told(target: str, tmp_path: Path) -> None:
    with publishing(lambda request: iter([b"HTTP/1.1 302 Found\r\nLocation: " + target.encode() + b"\r\n\r\n"])) as (
        url,
        _,
    ):
        message = failure(f"{url}/file", tmp_path)
    assert "s3cret" not in message
    assert len(message) < 600


def test_redirects_without_end_are_told(tmp_path: Path) -> None:
    def says(request: bytes) -> Iterator[bytes]:
        # Its body would never end, either.
        yield b"HTTP/1.1 302 Found\r\nLocation: /again\r\nContent-Length: 1000000000\r\n\r\n"
        yield from repeat(b"x" * 60_000)

    with publishing(says, pause_seconds=0) as (url, seen):
        assert "Exceeded 10 redirects" in failure(f"{url}/file", tmp_path)
        assert len(seen) == 11


def test_redirects_that_take_their_time_are_bounded_together(tmp_path: Path) -> None:
    def says(request: bytes) -> Iterator[bytes]:
        yield b""
        time.sleep(0.2)
        yield b"HTTP/1.1 302 Found\r\nLocation: /again\r\nContent-Length: 0\r\n\r\n"

    with publishing(says, pause_seconds=0) as (url, _):
        assert "its answer had not begun within 0.5 seconds" in failure(f"{url}/file", tmp_path, ANSWERS_AT_ONCE)


def test_a_password_goes_to_its_own_host_alone(tmp_path: Path) -> None:
    def body(request: bytes) -> Iterator[bytes]:
        yield OK + b"Content-Length: 4\r\n\r\nfile"

    with publishing(body) as (other, seen_by_other):

        def redirect(request: bytes) -> Iterator[bytes]:
            yield b"HTTP/1.1 302 Found\r\nLocation: " + other.encode() + b"/there\r\nContent-Length: 0\r\n\r\n"

        with publishing(redirect) as (url, seen):
            done = fetch(url.replace("://", "://loader:s3cret@") + "/file", tmp_path)
    assert done is not None
    assert done.fingerprint.url == f"{url}/file"
    assert b"Authorization: Basic " in seen[0]
    assert b"GET /there" in seen_by_other[0]
    assert b"uthorization" not in seen_by_other[0]
