"""The server of `/metrics`. It answers from what was read last, so no client waits for a file or a storage."""

import threading
from collections.abc import Callable, Iterable
from http import HTTPStatus
from socket import AF_INET6
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from prometheus_client import CollectorRegistry, make_wsgi_app
from prometheus_client.exposition import ThreadingWSGIServer
from prometheus_client.registry import Collector

METRICS, HEALTHY = "/metrics", "/-/healthy"

# Who does not send a request or take the answer for so long is left.
_PATIENCE_SECONDS = 10
_MOST_CLIENTS = 32


class _Handler(WSGIRequestHandler):
    timeout = _PATIENCE_SECONDS

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: a scrape a few seconds is no news, and what a client sends may be anything."""


class _Server(ThreadingWSGIServer):
    """A thread for each client, and no more clients than can be served."""

    request_queue_size = 64
    _places: threading.BoundedSemaphore

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._places = threading.BoundedSemaphore(_MOST_CLIENTS)
        super().__init__(*args, **kwargs)

    def process_request(self, request: Any, client_address: Any) -> None:
        if self._places.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._places.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a client that went away."""


class _ServerOfSix(_Server):
    address_family = AF_INET6


def app_of(collector: Collector) -> WSGIApplication:
    """What answers to `/metrics` and `/-/healthy`, and to nothing else."""
    registry = CollectorRegistry()
    registry.register(collector)
    metrics: Callable[..., Iterable[bytes]] = make_wsgi_app(registry)

    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        if path == METRICS:
            return metrics(environ, start_response)
        is_healthy = path == HEALTHY and environ["REQUEST_METHOD"] in ("GET", "HEAD")
        status = HTTPStatus.OK if is_healthy else HTTPStatus.NOT_FOUND
        start_response(f"{status.value} {status.phrase}", [("Content-Type", "text/plain; charset=utf-8")])
        return [b"healthy\n" if is_healthy else b"expected /metrics or /-/healthy\n"]

    return app


def server_of(collector: Collector, address: str, port: int) -> ThreadingWSGIServer:
    """A server that is bound and not yet serving; port 0 takes a free one.

    Raises:
        OSError: the address or port cannot be had.
    """
    server: type[_Server] = _ServerOfSix if ":" in address else _Server
    return make_server(address, port, app_of(collector), server_class=server, handler_class=_Handler)
