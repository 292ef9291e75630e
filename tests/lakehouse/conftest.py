"""A server of S3, and releases to export."""

import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests

from tests.lakehouse.releases import make_release
from warehouse.lakehouse import Location
from warehouse.paths import PUBLISHED_FOLDER_VARIABLE
from warehouse.releases import Release

# It ends when the tests do, also if they are killed: then its standard input ends. A PUT of `/-/refuse?TEXT` makes it
# refuse every further PUT of an object whose key has that text; without a text it refuses none.
_SERVER = """
import sys
from threading import Thread
from moto.server import create_backend_app
from werkzeug.serving import make_server

# Of S3 alone: which service is asked need not be found out for each request.
moto = create_backend_app("s3")
refused = [""]

def answer(environ, start_response):
    is_put = environ["REQUEST_METHOD"] in ("PUT", "POST")
    if environ["PATH_INFO"] == "/-/refuse":
        refused[0] = environ["QUERY_STRING"]
        start_response("200 OK", [("Content-Length", "0")])
        return [b""]
    if is_put and refused[0] and refused[0] in environ["PATH_INFO"]:
        body = b"<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"
        environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        headers = [("Content-Type", "application/xml"), ("Content-Length", str(len(body)))]
        start_response("403 Forbidden", headers)
        return [body]
    return moto(environ, start_response)

server = make_server("127.0.0.1", 0, answer, threaded=True)
Thread(target=server.serve_forever, daemon=True).start()
print(f"http://127.0.0.1:{server.server_port}", flush=True)
sys.stdin.read()
"""


@pytest.fixture(scope="session")
def s3_endpoint() -> Iterator[str]:
    """The address of a server of S3, in a process of its own: deltalake keeps Python's lock while it waits for it."""
    server = subprocess.Popen(
        [sys.executable, "-c", _SERVER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert server.stdout
    try:
        yield server.stdout.readline().strip()
    finally:
        server.kill()
        server.wait()


@pytest.fixture
def s3_environment(s3_endpoint: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """What a process needs in its environment to use that server; this process has it already."""
    environment = {
        "AWS_ACCESS_KEY_ID": "testing-key-id",
        "AWS_SECRET_ACCESS_KEY": "testing-secret",
        "AWS_REGION": "us-east-2",
        "AWS_ENDPOINT_URL": s3_endpoint,
    }
    for name in ("AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL_S3", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return environment


@pytest.fixture
def bucket(s3_environment: dict[str, str]) -> str:
    """The name of an empty bucket of the test's own."""
    name = f"test-{uuid.uuid4().hex}"
    Location.of(f"s3://{name}").filesystem().mkdir(name)
    return name


@pytest.fixture
def published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of releases of the test, empty."""
    folder = tmp_path / "published"
    monkeypatch.setenv(PUBLISHED_FOLDER_VARIABLE, str(folder))
    return folder


@pytest.fixture
def release(published: Path) -> Release:
    """A small release, published."""
    return make_release(published)


@pytest.fixture
def refuse(s3_endpoint: str) -> Iterator[Callable[[str], None]]:
    """Makes the server refuse to write objects whose key has a text. After the test, or for an empty text: none."""

    def refuse(text: str) -> None:
        requests.put(f"{s3_endpoint}/-/refuse?{text}", timeout=10).raise_for_status()

    yield refuse
    refuse("")


@pytest.fixture
def lake(tmp_path: Path) -> Location:
    """An empty folder of the test's own, to export to."""
    return Location.of(str(tmp_path / "lake"))
