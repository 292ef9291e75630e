"""A server of S3, and releases to export."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from moto.server import ThreadedMotoServer

from tests.lakehouse.releases import make_release
from warehouse.lakehouse import Location
from warehouse.paths import PUBLISHED_FOLDER_VARIABLE
from warehouse.releases import Release


@pytest.fixture(scope="session")
def s3_endpoint() -> Iterator[str]:
    """The address of a server of S3."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


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
