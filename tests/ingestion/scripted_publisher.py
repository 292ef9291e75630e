"""A publisher that does what its script says, and downloads from it."""

import random
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TypeVar

import pytest

from ingestion.errors import DownloadError
from ingestion.fetch.answers import AnswerRules
from ingestion.fetch.download import download
from ingestion.fetch.retries import RetryPolicy
from ingestion.fetch.watched_session import WatchedSession
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

Step = Callable[["Handler"], None]


class Handler(BaseHTTPRequestHandler):
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


class ClosingServer(ThreadingHTTPServer):
    """A server whose answers can wait until it closes."""

    closing: threading.Event


_Server = TypeVar("_Server", bound=ClosingServer)


class Publisher(ClosingServer):
    """A publisher on a local port that does what its script says."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, *script: Step) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
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
def serving(server: _Server) -> Iterator[_Server]:
    """The server, answering until the end; whoever waits for its `closing` then goes on."""
    with server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        try:
            yield server
        finally:
            server.closing.set()
            server.shutdown()


def publishing(*script: Step) -> AbstractContextManager[Publisher]:
    """A publisher with this script."""
    return serving(Publisher(*script))


def whole(
    body: bytes = FILE,
    marks: dict[str, str] = ETAG,
    *,
    status: int = 200,
    sent: int | None = None,
    stalls: bool = False,
) -> Step:
    """Answers the body, of which only `sent` bytes are sent before the connection closes, or is left open."""

    def step(handler: Handler) -> None:
        handler.head(status, len(body), marks)
        handler.wfile.write(body[:sent])
        if stalls:
            handler.server.closing.wait(5)
        handler.close_connection = handler.close_connection or sent is not None

    return step


def rest(body: bytes = FILE, marks: dict[str, str] = ETAG, *, sent: int | None = None) -> Step:
    """Answers the range that is asked for, as an object store does: all of it if the file is another one."""

    def step(handler: Handler) -> None:
        first = int(handler.headers["Range"].removeprefix("bytes=").removesuffix("-"))
        if handler.headers["If-Range"] not in marks.values():
            return whole(body, marks)(handler)
        content_range = f"bytes {first}-{len(body) - 1}/{len(body)}"
        return whole(body[first:], marks | {"Content-Range": content_range}, status=206, sent=sent)(handler)

    return step


def status(code: int, body: bytes = b"", **headers: str) -> Step:
    """Answers a status."""
    return whole(body, {name.replace("_", "-"): value for name, value in headers.items()}, status=code)


def hang(handler: Handler) -> None:
    """Answers nothing."""
    handler.server.closing.wait(5)
    handler.close_connection = True


def break_off(handler: Handler) -> None:
    """Closes the connection without an answer."""
    handler.close_connection = True


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
