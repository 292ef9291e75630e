"""The three publishers on one local port, in a thread of their own."""

import logging
import shutil
import threading
from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import mkdtemp
from types import TracebackType
from typing import NamedTuple, Self

import pyarrow as pa

from sandbox.faults import Breakage, Breakages, Fault
from sandbox.responses import ARCHIVE_PATH, FileSlice, Request, Response, respond
from sandbox.store import Store

logger = logging.getLogger(__name__)

_CHUNK_BYTES = 1 << 18


class LogEntry(NamedTuple):
    """One request answered: `path` has the query, `bytes_sent` is the body without headers."""

    method: str
    path: str
    status: int
    bytes_sent: int


class SamplePublisher:
    """Publishes sample months from `first` to `last` over HTTP while its context is open.

    `rows` is the size of a month of yellow; every other feed has its usual share. Files are made when
    first asked for and kept in `folder`; without one they go to a temporary folder that is removed.
    """

    def __init__(self, first: date, last: date, *, rows: int, port: int = 0, folder: Path | None = None) -> None:
        self._folder = folder or Path(mkdtemp(prefix="sample_publisher_"))
        self._is_temporary = folder is None
        self._log: list[LogEntry] = []
        self._log_lock = threading.Lock()
        self.closing = threading.Event()
        self._breakages = Breakages()
        try:
            self.store = Store(first, last, rows=rows, folder=self._folder)
            self._server = _Server(("127.0.0.1", port), self)
        except (OSError, ValueError, OverflowError):
            self._remove_folder()
            raise
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), name="sample-publisher")
        self._thread.daemon = True

    def __enter__(self) -> Self:
        # Has pyarrow import pandas, where it is installed: dlt, loading in another thread, fails on half of it.
        pa.array([0])
        self._thread.start()
        logger.info("sample publisher serves %s", self.url)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.closing.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self._remove_folder()

    def _remove_folder(self) -> None:
        if self._is_temporary:
            shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def url(self) -> str:
        """The address, without a trailing slash."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def environment(self) -> dict[str, str]:
        """The environment variables that make the platform read from here."""
        return {
            "SOURCES__TLC__BASE_URL": f"{self.url}/trip-data",
            "SOURCES__CITIBIKE__BASE_URL": f"{self.url}/tripdata",
            "SOURCES__WEATHER__BASE_URL": f"{self.url}{ARCHIVE_PATH}",
        }

    @property
    def requests(self) -> list[LogEntry]:
        """The requests so far, in the order in which their answers began."""
        with self._log_lock:
            return list(self._log)

    def replace(self, feed: str, month: date) -> None:
        """Publish another file for the month: other content, ETag and Last-Modified."""
        self.store.replace(feed, month)

    def publish(self, month: date) -> None:
        """Extend the published range to the month."""
        self.store.publish(month)

    def break_(self, feed: str, month: date, fault: Fault, *, times: int | None = None) -> None:
        """Have something be wrong with a month, for so many requests for it or until it is mended.

        Raises:
            ValueError: the feed cannot be broken that way.
        """
        self._breakages.add(Breakage(feed, month, fault, times))

    def mend(self, feed: str, month: date) -> None:
        """Serve a month whole again, as it was before it was broken."""
        self._breakages.remove(feed, month)

    def respond(self, request: Request) -> Response:
        """The answer to a request."""
        return respond(request, self.store, self._breakages)

    def record(self, entry: LogEntry) -> int:
        """Note a request, and return its position in the log."""
        logger.debug("%s %s %s %s bytes", *entry)
        with self._log_lock:
            self._log.append(entry)
            return len(self._log) - 1

    def correct(self, position: int, entry: LogEntry) -> None:
        """Note that a request ended otherwise than it began."""
        with self._log_lock:
            self._log[position] = entry


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    # an open keep-alive connection must not hold up the end
    block_on_close = False

    def __init__(self, address: tuple[str, int], publisher: SamplePublisher) -> None:
        self.publisher = publisher
        super().__init__(address, _Handler)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # headers and body are two writes; without this the second waits for the client's acknowledgement
    disable_nagle_algorithm = True
    server: _Server

    def do_GET(self) -> None:
        self._answer()

    def do_HEAD(self) -> None:
        self._answer()

    def handle(self) -> None:
        try:
            super().handle()
        except ConnectionError:
            logger.debug("the client closed the connection")

    def log_message(self, format: str, *args: object) -> None:
        logger.debug(format, *args)

    def _answer(self) -> None:
        request = Request(self.command, self.path, {name.title(): value for name, value in self.headers.items()})
        try:
            response = self.server.publisher.respond(request)
        except Exception:
            logger.exception("cannot answer %s %s", self.command, self.path)
            response = Response(500, {"Content-Type": "text/plain"}, b"the sample publisher failed; see its log")
        has_body = self.command != "HEAD"
        # Noted before it is sent, so that a client that has its answer finds it in the log.
        body, ending = response.body if has_body else b"", response.ending
        if ending is not None:
            body = _first(body, ending.sent or 0)
        entry = LogEntry(self.command, self.path, response.status, _length(body))
        position = self.server.publisher.record(entry)
        sent = 0
        try:
            if ending is None or ending.sent is not None:
                self._send_head(response)
            for chunk in _chunks(body):
                self.wfile.write(chunk)
                sent += len(chunk)
            if ending is not None:
                self.close_connection = True
                if ending.hangs:
                    self.server.publisher.closing.wait()
        except ConnectionError:
            logger.debug("the client left after %s bytes of %s", sent, self.path)
            self.server.publisher.correct(position, entry._replace(bytes_sent=sent))
            self.close_connection = True

    def _send_head(self, response: Response) -> None:
        self.send_response(response.status)
        for name, value in response.headers.items():
            self.send_header(name, value)
        if response.status != 304 and "Content-Length" not in response.headers:
            self.send_header("Content-Length", str(response.length))
        self.end_headers()


def _first(body: bytes | FileSlice, length: int) -> bytes | FileSlice:
    return body[:length] if isinstance(body, bytes) else replace(body, length=min(body.length, length))


def _length(body: bytes | FileSlice) -> int:
    return len(body) if isinstance(body, bytes) else body.length


def _chunks(body: bytes | FileSlice) -> Iterable[bytes]:
    if isinstance(body, bytes):
        yield body
        return
    left = body.length
    with body.path.open("rb") as file:
        file.seek(body.offset)
        while left and (chunk := file.read(min(left, _CHUNK_BYTES))):
            yield chunk
            left -= len(chunk)
