"""The server that `nyc portal` starts: who may connect, and what it answers."""

import socket
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection

import pytest
import requests

from portal.command import main
from tests.portal.conftest import Sample
from tests.portal.serving import portal_up
from warehouse.paths import PROJECT_ROOT, log_folder


@pytest.fixture
def port(sample: Sample) -> Iterator[int]:
    """The port of a portal that is up."""
    with portal_up(is_fork=False) as number:
        yield number


def test_it_serves_pages_at_their_addresses_and_only_to_this_machine(port: int) -> None:
    address = f"http://127.0.0.1:{port}"
    page = requests.get(f"{address}/releases", timeout=60)
    assert page.status_code == 200
    # The browser need not look for the server below the page.
    assert "BACKEND_BASE_URL" in page.text
    assert requests.get(f"{address}/overview", timeout=60).url == f"{address}/"
    assert requests.get(f"{address}/favicon.png", timeout=60).headers["content-type"] == "image/png"
    assert (
        requests.get(f"{address}/../../pyproject.toml", timeout=60).text
        != (PROJECT_ROOT / "pyproject.toml").read_text()
    )

    assert status_of_stream(port, f"localhost:{port}") == 101
    # A site elsewhere could let its own name lead to this machine.
    assert status_of_stream(port, "elsewhere.example") == 403
    with socket.socket() as other, pytest.raises(OSError, match="refused"):
        other.connect((socket.gethostbyname("127.0.0.2"), port))
    assert (log_folder() / "portal.log").exists()


def status_of_stream(port: int, host: str) -> int:
    """What the server answers a browser that knows it by this name and wants to see a page."""
    connection = HTTPConnection("127.0.0.1", port, timeout=60)
    upgrade = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13"}
    connection.request(
        "GET", "/_stcore/stream", headers={**upgrade, "Sec-WebSocket-Key": "bm8gc2VjcmV0IGF0IGFsbA==", "Host": host}
    )
    with closing(connection):
        return connection.getresponse().status


@pytest.mark.parametrize("text", ["none", "-1", "70000"])
def test_a_port_that_is_none_is_refused(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([f"--port={text}"])
    assert ended.value.code == 2
    assert "expected a port from 1 to" in capsys.readouterr().err
