"""A server in front of S3 that counts requests, and refuses some."""

import http.client
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

_REFUSAL = b'<?xml version="1.0" encoding="UTF-8"?><Error><Code>AccessDenied</Code><Message>not today</Message></Error>'


class S3Proxy:
    """Passes requests on. `refuse` names those that are refused: method and number, such as `("PUT", 3)`.

    A number of 0 refuses all of a method. `before_put` is called with the number of each PUT before it is passed on.
    """

    def __init__(self, endpoint: str) -> None:
        self.refuse: tuple[str, int] | None = None
        self.before_put: Callable[[int], None] = lambda _: None
        self.requests: Counter[str] = Counter()
        self._target = urlsplit(endpoint)
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def forget(self) -> None:
        """Count from the start, and refuse nothing."""
        self.requests.clear()
        self.refuse = None

    def is_refused(self, method: str) -> bool:
        with self._lock:
            self.requests[method] += 1
            if method == "PUT":
                self.before_put(self.requests[method])
            return self.refuse in ((method, self.requests[method]), (method, 0))

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        proxy, target = self, self._target

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _body(self) -> bytes:
                if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
                    return self.rfile.read(int(self.headers.get("Content-Length") or 0))
                body = b""
                while size := int(self.rfile.readline().split(b";")[0], 16):
                    body += self.rfile.read(size)
                    self.rfile.readline()
                self.rfile.readline()
                return body

            def _pass_on(self) -> None:
                body = self._body()
                if proxy.is_refused(self.command):
                    self._answer(403, [("Content-Type", "application/xml")], _REFUSAL)
                    return
                skipped = ("transfer-encoding", "content-length", "expect", "connection")
                headers = {name: value for name, value in self.headers.items() if name.lower() not in skipped}
                upstream = http.client.HTTPConnection(target.hostname or "", target.port)
                upstream.request(self.command, self.path, body, headers)
                response = upstream.getresponse()
                content = response.read()
                length = response.getheader("Content-Length") if self.command == "HEAD" else None
                self._answer(response.status, response.getheaders(), content, length)
                upstream.close()

            def _answer(
                self, status: int, headers: list[tuple[str, str]], content: bytes, length: str | None = None
            ) -> None:
                self.send_response_only(status)
                for name, value in headers:
                    if name.lower() not in ("transfer-encoding", "content-length", "connection"):
                        self.send_header(name, value)
                self.send_header("Content-Length", length or str(len(content)))
                self.end_headers()
                self.wfile.write(content if self.command != "HEAD" else b"")

            do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = _pass_on  # noqa: N815 - the names of http.server

            def log_message(self, *arguments: object) -> None:
                pass

        return Handler

    @contextmanager
    def running(self) -> Iterator["S3Proxy"]:
        thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._server.server_close()
            thread.join()
