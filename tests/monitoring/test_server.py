"""The server: what it answers, whom it does not wait for, and how it ends."""

import http.client
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import psutil
import pytest

from monitoring.families import one
from monitoring.server import _MOST_CLIENTS, server_of
from tests.monitoring.reading import Given, values
from warehouse.paths import PROJECT_ROOT


@contextmanager
def _serving() -> Iterator[int]:
    with server_of(Given([one("nyc_answer", "An answer.", 42)]), "127.0.0.1", 0) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


@pytest.fixture
def port() -> Iterator[int]:
    with _serving() as number:
        yield number


def _get(port: int, path: str) -> str:
    with urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
        text: str = answer.read().decode()
        return text


def test_figures_are_at_one_address(port: int) -> None:
    assert values(_get(port, "/metrics"), "nyc_answer") == {(): 42}
    assert _get(port, "/-/healthy") == "healthy\n"


@pytest.mark.parametrize("path", ["/", "/metrics/", "/favicon.ico", "/../etc/passwd", "/%2e%2e", "/metrics%00"])
def test_nothing_else_is_there(port: int, path: str) -> None:
    with pytest.raises(HTTPError) as refused:
        _get(port, path)
    assert refused.value.code == 404
    assert path.encode() not in refused.value.read() or path == "/"


def test_nothing_can_be_written(port: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("POST", "/metrics", body=b"x" * 1000)
    assert connection.getresponse().status == 405


def test_a_client_that_says_nothing_holds_up_nobody(port: int) -> None:
    slow = [socket.create_connection(("127.0.0.1", port)) for _ in range(_MOST_CLIENTS - 2)]
    slow[0].sendall(b"GET /metrics HTTP/1.1\r\nHost:")
    try:
        assert values(_get(port, "/metrics"), "nyc_answer") == {(): 42}
    finally:
        for client in slow:
            client.close()


def test_more_clients_than_places_are_turned_away_and_the_server_goes_on(port: int) -> None:
    many = [socket.create_connection(("127.0.0.1", port)) for _ in range(_MOST_CLIENTS + 20)]
    for client in many:
        client.close()
    patience = time.monotonic() + 20
    while time.monotonic() < patience:
        try:
            assert values(_get(port, "/metrics"), "nyc_answer") == {(): 42}
            return
        except OSError:
            time.sleep(0.1)
    pytest.fail("the server did not answer again")


@pytest.mark.parametrize("said", [b"\x00\xff" * 100, b"GET " + b"/" * 70_000 + b" HTTP/1.1\r\n\r\n", b"\r\n\r\n"])
def test_nonsense_ends_nothing(port: int, said: bytes) -> None:
    with closing(socket.create_connection(("127.0.0.1", port))) as client:
        client.sendall(said)
    assert _get(port, "/-/healthy") == "healthy\n"


def test_hundreds_of_scrapes_leak_nothing(port: int) -> None:
    process = psutil.Process()

    def scrape(times: int) -> tuple[int, int]:
        for _ in range(times):
            _get(port, "/metrics")
        time.sleep(0.2)
        return process.num_fds(), threading.active_count()

    before = scrape(20)
    after = scrape(300)
    assert after[0] <= before[0] + 2
    assert after[1] <= before[1] + 2


def _started(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "cli", "metrics-server", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=PROJECT_ROOT,
        env={**os.environ, "DAGSTER_HOME": ""},
    )


@pytest.mark.usefixtures("database")
def test_it_serves_this_machine_alone_and_ends_when_it_is_told_to(database: Path) -> None:
    with _started("--port", "0") as process:
        assert process.stdout
        address = process.stdout.readline().removeprefix("serving ").strip()
        assert address.startswith("http://127.0.0.1:")
        port = int(address.rpartition(":")[2].partition("/")[0])
        assert "nyc_source_up" in _get(port, "/metrics")
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=60)
    assert (process.returncode, said) == (0, "")


def test_a_port_that_is_taken_is_named(port: int) -> None:
    with _started("--port", str(port)) as process:
        _, said = process.communicate(timeout=60)
    assert process.returncode == 1
    assert f"127.0.0.1 port {port}" in said
