"""An HTTP session whose requests another thread can end."""

import io
import socket
import threading
from collections.abc import Callable, MutableMapping
from contextlib import suppress
from typing import Any
from weakref import WeakKeyDictionary

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection

_MOST_REDIRECTS = 10

_Keep = Callable[[HTTPConnection, socket.socket], None]


class WatchedSession(requests.Session):
    """A session that another thread can hang up while it connects, waits or reads. It asks each thing once."""

    def __init__(self) -> None:
        super().__init__()
        # A duplicate of each connection's socket: TLS and the answer's body take over the socket itself.
        self._sockets: MutableMapping[HTTPConnection, socket.socket] = WeakKeyDictionary()
        self._lock = threading.Lock()
        self.max_redirects = _MOST_REDIRECTS
        # The bytes of a file are counted, and asked for again where they broke off: not those of its compression.
        self.headers["Accept-Encoding"] = "identity"
        for scheme in ("http://", "https://"):
            self.mount(scheme, _Adapter(self._keep))

    def hang_up(self) -> None:
        """End every connection: who waits on one gets an error, or the end of the body."""
        with self._lock:
            for kept in self._sockets.values():
                with suppress(OSError):
                    kept.shutdown(socket.SHUT_RDWR)
                kept.close()
            self._sockets.clear()

    def close(self) -> None:
        super().close()
        self.hang_up()

    def _keep(self, connection: HTTPConnection, opened: socket.socket) -> None:
        with self._lock:
            # A connection that is opened again has no use for its former socket.
            if former := self._sockets.pop(connection, None):
                former.close()
            self._sockets[connection] = opened.dup()


class _Adapter(HTTPAdapter):
    """Tells of each socket that it opens, and never reads the body of a redirect, which might not end."""

    def __init__(self, keep: _Keep) -> None:
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


def _watched_pools(keep: _Keep) -> dict[str, type[HTTPConnectionPool]]:
    class Plain(HTTPConnection):
        def _new_conn(self) -> socket.socket:
            opened = super()._new_conn()
            keep(self, opened)
            return opened

    class Secure(HTTPSConnection):
        def _new_conn(self) -> socket.socket:
            opened = super()._new_conn()
            keep(self, opened)
            return opened

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = Plain

    class SecurePool(HTTPSConnectionPool):
        ConnectionCls = Secure

    return {"http": PlainPool, "https": SecurePool}
