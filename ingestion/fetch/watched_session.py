"""Requests that can be ended from outside: a publisher that drips is hung up on.

The timeouts of sockets are for silence between two bytes. They do not bound a line that never ends, a body of a byte
every few seconds, or a redirect after another. So a thread watches each request, and shuts its sockets when it has had
its time.
"""

import io
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection

from ingestion.fetch.retries import RetryPolicy

_MOST_REDIRECTS = 10


class WatchedSession(requests.Session):
    """A session that can be hung up by another thread while it connects, waits or reads."""

    def __init__(self) -> None:
        super().__init__()
        self._sockets: list[socket.socket] = []
        self._lock = threading.Lock()
        self.max_redirects = _MOST_REDIRECTS
        # The bytes of a file are counted, and asked for again where they broke off: not those of its compression.
        self.headers["Accept-Encoding"] = "identity"
        for scheme in ("http://", "https://"):
            self.mount(scheme, _Adapter(self._keep))

    def hang_up(self) -> None:
        """End every connection: who waits on one gets an error, or the end of the body."""
        with self._lock:
            for kept in self._sockets:
                with suppress(OSError):
                    kept.shutdown(socket.SHUT_RDWR)
                kept.close()
            self._sockets.clear()

    def close(self) -> None:
        super().close()
        self.hang_up()

    def _keep(self, opened: socket.socket) -> None:
        # A duplicate: TLS and the answer's body take the socket itself over.
        with self._lock:
            self._sockets.append(opened.dup())


class _Adapter(HTTPAdapter):
    """Tells of each socket that it opens, and never reads the body of a redirect, which might not end."""

    def __init__(self, keep: Callable[[socket.socket], None]) -> None:
        self._pools = _watched_pools(keep)
        super().__init__()

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = self._pools

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(proxy, **kwargs)
        if not proxy.lower().startswith("socks"):
            manager.pool_classes_by_scheme = self._pools
        return manager

    def send(self, *args: Any, **kwargs: Any) -> requests.Response:
        answer = super().send(*args, **kwargs)
        if answer.is_redirect:
            answer.raw.close()
            answer.raw = io.BytesIO()
        return answer


def _watched_pools(keep: Callable[[socket.socket], None]) -> dict[str, type[HTTPConnectionPool]]:
    class Plain(HTTPConnection):
        def _new_conn(self) -> socket.socket:
            opened = super()._new_conn()
            keep(opened)
            return opened

    class Secure(HTTPSConnection):
        def _new_conn(self) -> socket.socket:
            opened = super()._new_conn()
            keep(opened)
            return opened

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = Plain

    class SecurePool(HTTPSConnectionPool):
        ConnectionCls = Secure

    return {"http": PlainPool, "https": SecurePool}


class Watch:
    """Hangs a session up if its answer does not begin, or its body comes too slowly. Use it as a context manager.

    `reason` then says which, continuing "expected the file, but". A session that is no WatchedSession is not watched.
    """

    def __init__(
        self, session: requests.Session, policy: RetryPolicy, cancelled: threading.Event, deadline: float
    ) -> None:
        self._session = session
        self._policy = policy
        self._cancelled = cancelled
        self._deadline = deadline
        self._received: int | None = None  # None until the body begins
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="watch", daemon=True)
        self.reason: str | None = None
        self.is_too_late = False

    def __enter__(self) -> "Watch":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_over.set()
        self._thread.join()

    def received(self, amount: int) -> None:
        """Tell how much of the body has come in all; from the first call on the body is what is watched."""
        self._received = amount

    def _watch(self) -> None:
        policy = self._policy
        begun = window_begun = time.monotonic()
        seen: int | None = None
        while not self._is_over.wait(min(0.5, policy.slow_seconds / 10, policy.answer_seconds / 10)):
            now, received = time.monotonic(), self._received
            if self._cancelled.is_set():
                return self._hang_up("it was cancelled")
            if now > self._deadline:
                self.is_too_late = True
                return self._hang_up(f"it was not whole within {policy.longest_download_seconds:,g} seconds")
            if received is None:
                if now - begun > policy.answer_seconds:
                    return self._hang_up(f"its answer had not begun within {policy.answer_seconds:g} seconds")
            elif seen is None:
                window_begun, seen = now, received
            elif now - window_begun > policy.slow_seconds:
                if received - seen < policy.slow_bytes:
                    return self._hang_up(
                        f"less than {policy.slow_bytes:,} bytes came within {policy.slow_seconds:g} seconds"
                    )
                window_begun, seen = now, received

    def _hang_up(self, reason: str) -> None:
        self.reason = reason
        if isinstance(self._session, WatchedSession):
            self._session.hang_up()
