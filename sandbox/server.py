"""All publishers on one local port, in a thread of their own."""

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

from ingestion.catalog import FEEDS
from ingestion.partitions import Partition
from sandbox.breakages import Breakage, Breakages
from sandbox.catalog import STAND_INS, stand_in_of
from sandbox.faults import Fault
from sandbox.responses import FileSlice, Request, Response, respond
from sandbox.store import Store, When

logger = logging.getLogger(__name__)

_CHUNK_BYTES = 1 << 18


class LogEntry(NamedTuple):
    """One request answered: `path` has the query, `bytes_sent` is the body without headers."""

    method: str
    path: str
    status: int
    bytes_sent: int


class SamplePublisher:
    """Publishes sample files from `first` to `last` over HTTP while its context is open.

    A date stands for the period of each feed that it lies in: for a feed of months 2025-02-01 is all of February. A
    period holds for feeds of every grain: February is also every day in it. `rows` is the size of a file of a
    subject's main feed; every other feed has its usual share. Files are made when first asked for and kept in
    `folder`; without one they go to a temporary folder that is removed.
    """

    def __init__(self, first: When, last: When, *, rows: int, port: int = 0, folder: Path | None = None) -> None:
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
        # Makes pyarrow import pandas, if installed, now: dlt fails when it finds pandas half imported by this thread.
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
        return {name: value for each in STAND_INS for name, value in each.settings(self.url).items()}

    @property
    def requests(self) -> list[LogEntry]:
        """The requests so far, in the order in which their answers began."""
        with self._log_lock:
            return list(self._log)

    def replace(self, feed: str, when: date) -> None:
        """Publish another file for the period of this date: other content, ETag and Last-Modified.

        Raises:
            ValueError: the feed has no files.
        """
        self.store.replace(_partition(feed, when))

    def publish(self, when: When) -> None:
        """Extend the published stretch of time to a period, or to the periods of a date."""
        self.store.publish(when)

    def break_(self, feed: str, when: date, fault: Fault, *, times: int | None = None) -> None:
        """Break the period of this date, for so many requests for it or until it is mended.

        Raises:
            ValueError: the feed cannot be broken that way.
        """
        self.break_as(Breakage(_partition(feed, when), fault, times))

    def break_as(self, breakage: Breakage) -> None:
        """Break a partition."""
        if breakage.fault is Fault.UNEXPECTED:
            self.store.add(breakage.partition)
        self._breakages.add(breakage)

    def mend(self, feed: str, when: date) -> None:
        """Serve the period of this date whole again, as it was before it was broken."""
        self._breakages.remove(_partition(feed, when))

    def respond(self, request: Request) -> Response:
        """The answer to a request."""
        return respond(request, self.store, self._breakages)

    def record(self, entry: LogEntry) -> int:
        """Log a request, and return its position in the log."""
        logger.debug("%s %s %s %s bytes", *entry)
        with self._log_lock:
            self._log.append(entry)
            return len(self._log) - 1

    def correct(self, position: int, entry: LogEntry) -> None:
        """Change the entry of a request that ended differently."""
        with self._log_lock:
            self._log[position] = entry


def _partition(feed: str, when: date) -> Partition:
    stand_in_of(feed)
    return Partition(FEEDS[feed], FEEDS[feed].period_of(when))


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    # An open keep-alive connection must not hold up the end.
    block_on_close = False

    def __init__(self, address: tuple[str, int], publisher: SamplePublisher) -> None:
        self.publisher = publisher
        super().__init__(address, _Handler)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Headers and body are two writes. Without this the second waits for the client's acknowledgement.
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
        # Recorded before it is sent, so that a client that has its answer finds it in the log.
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
