"""A publisher on a local port that answers for each partition exactly the bytes it is told to."""

import contextlib
import hashlib
import socket
import struct
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self
from urllib.parse import parse_qs, unquote, urlsplit

from ingestion.partitions import Partition


class Exchange:
    """One request, and the connection to answer it on."""

    def __init__(self, handler: "_Handler") -> None:
        self._handler = handler
        self.headers: Mapping[str, str] = dict(handler.headers)
        self.url = handler.server.publisher.url
        self.closing = handler.server.publisher.closing

    def send(self, content: bytes) -> None:
        """Send bytes as they are."""
        self._handler.wfile.write(content)
        self._handler.wfile.flush()

    def reset(self) -> None:
        """End the connection with a reset instead of a goodbye."""
        linger = struct.pack("ii", 1, 0)
        self._handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)


Step = Callable[[Exchange], None]


@dataclass(frozen=True)
class Answer:
    """What is answered for a partition, request after request; the last step again and again."""

    steps: tuple[Step, ...]
    asked: list[Mapping[str, str]] = field(default_factory=list)

    def respond(self, exchange: Exchange) -> None:
        step = self.steps[min(len(self.asked), len(self.steps) - 1)]
        self.asked.append(exchange.headers)
        step(exchange)


def head(status: str, headers: Mapping[str, str | int] | None = None) -> bytes:
    """The first lines of an answer, to the empty one."""
    lines = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in (headers or {}).items())]
    return "\r\n".join([*lines, "Connection: close", "", ""]).encode()


def etag(body: bytes) -> str:
    """What tells this body from others, as an object store gives it."""
    return f'"{hashlib.md5(body, usedforsecurity=False).hexdigest()}"'


def whole(body: bytes, headers: Mapping[str, str | int] | None = None) -> Step:
    """Answers the body; with an ETag among the headers, 304 to who has it."""
    described = {"Content-Length": len(body), **(headers or {})}

    def step(exchange: Exchange) -> None:
        if "ETag" in described and exchange.headers.get("If-None-Match") == described["ETag"]:
            exchange.send(head("304 Not Modified", {"ETag": described["ETag"]}))
        else:
            exchange.send(head("200 OK", described) + body)

    return step


def body_answer(partition: Partition, body: bytes) -> Answer:
    """The body served whole, as the partition's publisher does: of files it says the ETag, of weather nothing."""
    return Answer((whole(body, {} if partition.feed.publisher.name == "weather" else {"ETag": etag(body)}),))


def key(partition: Partition) -> str:
    """What a request for the partition asks for: the name of its file, or the first day of its weather."""
    return partition.feed.file_names[0].format(period=partition.period.start) or partition.period.first_day.isoformat()


class FuzzPublisher:
    """All three publishers on one port. What it has no answer for is not published."""

    def __init__(self) -> None:
        self.answers: dict[str, Answer] = {}
        self.closing = threading.Event()
        self._server = _Server(self)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.closing.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def url(self) -> str:
        """The address, without a trailing slash."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def environment(self) -> dict[str, str]:
        """The environment variables that make the platform read from here."""
        return {f"SOURCES__{name}__BASE_URL": f"{self.url}/{name.lower()}" for name in ("TLC", "CITIBIKE", "WEATHER")}


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, publisher: FuzzPublisher) -> None:
        self.publisher = publisher
        super().__init__(("127.0.0.1", 0), _Handler)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:
        self.close_connection = True
        address = urlsplit(self.path)
        days = parse_qs(address.query).get("start_date")
        answer = self.server.publisher.answers.get(days[0] if days else unquote(address.path).rpartition("/")[2])
        exchange = Exchange(self)
        with contextlib.suppress(ConnectionError):
            if answer is None:
                exchange.send(head("404 Not Found", {"Content-Length": 0}))
            else:
                answer.respond(exchange)

    def log_message(self, format: str, *args: object) -> None: ...

    def handle(self) -> None:
        with contextlib.suppress(ConnectionError):
            super().handle()
