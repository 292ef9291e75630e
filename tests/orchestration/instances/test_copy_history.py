"""A history is carried over whole: sensors go on where they were, and nothing is told or started again."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import sqlalchemy as sa
from dagster._core.definitions.run_status_sensor_definition import RunStatusSensorCursor
from dagster._core.storage.event_log.schema import SqlEventLogStorageTable
from dagster._core.storage.event_log.sqlite import SqliteEventLogStorage
from dagster._daemon.types import DaemonHeartbeat

from orchestration.instances.command import main
from orchestration.instances.settings import STORAGE_VARIABLE, PostgresSettings
from orchestration.instances.storage import open_postgres
from tests.orchestration.instances.conftest import lay_out_home
from tests.orchestration.instances.history import (
    DEFINITIONS,
    failing,
    logs,
    shown,
    ticked,
    upstream,
    write_history,
)

FROM_THE_BEGINNING = RunStatusSensorCursor(record_id=-1).to_json()  # type: ignore[no-untyped-call]

pytestmark = pytest.mark.usefixtures("postgres")


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folders of an instance with a history, which runs of Dagster wrote: that takes seconds."""
    root = tmp_path_factory.mktemp("written")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DAGSTER_HOME", str(lay_out_home(root)))
        patch.delenv(STORAGE_VARIABLE, raising=False)
        with dg.DagsterInstance.get() as instance:
            write_history(instance)
    return root


@pytest.fixture
def sqlite(written: Path, home: Path, tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    """The test's own instance with the history."""
    for folder in ("storage", "compute"):
        shutil.copytree(written / folder, tmp_path / folder)
    with dg.DagsterInstance.get() as instance:
        yield instance


@pytest.fixture
def on_postgres(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Opens the same instance on Postgres."""

    def opened() -> dg.DagsterInstance:
        monkeypatch.setenv("DAGSTER_STORAGE", "postgres")
        return dg.DagsterInstance.get()

    return opened


def rows(table: str = "event_logs") -> int:
    engine = sa.create_engine(PostgresSettings.from_environment(os.environ).url)
    with engine.connect() as connection:
        return int(connection.exec_driver_sql(f"select count(*) from {table}").scalar_one())


def test_everything_is_there_and_sensors_go_on(
    sqlite: dg.DagsterInstance, on_postgres: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told, cursor = ticked(sqlite, FROM_THE_BEGINNING)
    assert len(told) == 1
    automation = dg.evaluate_automation_conditions(DEFINITIONS, sqlite)
    before, logs_before = shown(sqlite), logs(sqlite)

    assert main(["--to", "postgres"]) == 0

    said = capsys.readouterr().out
    assert "as many as before" in said
    postgres = on_postgres()
    after = shown(postgres)
    for what, value in before.items():
        assert after[what] == value, what
    assert logs(postgres) == logs_before
    assert postgres.get_daemon_statuses()["SENSOR"].last_heartbeat is None
    # Nothing is told or requested again, and what comes next is.
    assert ticked(postgres, cursor)[0] == []
    again = dg.evaluate_automation_conditions(DEFINITIONS, postgres, cursor=automation.cursor)
    assert again.total_requested == 0
    new = failing.execute_in_process(instance=postgres, raise_on_error=False)
    dg.materialize([upstream], instance=postgres)
    assert ticked(postgres, cursor)[0] == [new.run_id]
    assert dg.evaluate_automation_conditions(DEFINITIONS, postgres, cursor=again.cursor).total_requested == 1

    # And back.
    before, logs_before = shown(postgres), logs(postgres)
    for part in ("history", "schedules"):
        (tmp_path / "storage" / part).rename(tmp_path / part)
    assert main(["--to", "sqlite"]) == 0
    os.environ["DAGSTER_STORAGE"] = "sqlite"
    with dg.DagsterInstance.get() as back:
        assert isinstance(back.event_log_storage, SqliteEventLogStorage)
        after = shown(back)
        for what, value in before.items():
            assert after[what] == value, what
        assert logs(back) == logs_before
        in_order = [list(back.all_logs(run)) for run in logs_before]
        assert [[entry.timestamp for entry in log] for log in in_order] == [
            sorted(entry.timestamp for entry in log) for log in in_order
        ]


def test_a_second_copy_is_refused(sqlite: dg.DagsterInstance, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--to", "postgres"]) == 0
    events = rows()
    assert main(["--to", "postgres"]) == 1
    assert "expected an empty database, but" in capsys.readouterr().err
    assert rows() == events


def test_a_running_dagster_is_refused(
    sqlite: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def beat(seconds: float) -> None:
        sqlite.add_daemon_heartbeat(
            DaemonHeartbeat(timestamp=time.time(), daemon_type="SENSOR", daemon_id="new", errors=None)
        )

    beat(0)
    monkeypatch.setattr("orchestration.instances.checks.time.sleep", beat)
    assert main(["--to", "postgres"]) == 1
    assert "Stop Dagster first" in capsys.readouterr().err
    assert rows() == 0


def test_a_run_in_progress_is_refused(sqlite: dg.DagsterInstance, capsys: pytest.CaptureFixture[str]) -> None:
    run = sqlite.create_run_for_job(failing, status=dg.DagsterRunStatus.STARTED)
    assert main(["--to", "postgres"]) == 1
    assert f"expected no run in progress, but {run.run_id} is STARTED" in capsys.readouterr().err
    assert rows("runs") == 0


def test_another_schema_is_refused(sqlite: dg.DagsterInstance, capsys: pytest.CaptureFixture[str]) -> None:
    with sqlite.event_log_storage.index_connection() as connection:  # type: ignore[attr-defined]
        connection.execute(sa.text("update alembic_version set version_num = '29a8e9d74220'"))
    assert main(["--to", "postgres"]) == 1
    assert "Run `dagster instance migrate` with DAGSTER_STORAGE=sqlite" in capsys.readouterr().err


@pytest.mark.usefixtures("home")
def test_an_instance_without_history_is_not_made(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--to", "postgres"]) == 1
    assert "there is nothing to copy" in capsys.readouterr().err
    assert not (tmp_path / "storage").exists()


def test_a_killed_copy_leaves_the_database_empty_and_can_be_repeated(sqlite: dg.DagsterInstance) -> None:
    """The copy waits for a lock that the test holds on what is copied last, and is killed there."""
    settings = PostgresSettings.from_environment(os.environ)
    open_postgres(settings)
    with sa.create_engine(settings.url).begin() as blocking:
        blocking.exec_driver_sql("lock table event_logs in access exclusive mode")
        command = [sys.executable, "-m", "orchestration.instances.command", "--to", "postgres"]
        copying = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        with sa.create_engine(settings.url).connect() as watching:
            while not watching.exec_driver_sql("select count(*) from pg_locks where not granted").scalar_one():
                assert copying.poll() is None
                time.sleep(0.1)
        copying.send_signal(signal.SIGKILL)
        copying.communicate()
    assert (rows(), rows("runs")) == (0, 0)

    assert main(["--to", "postgres"]) == 0
    with sqlite.event_log_storage.index_connection() as connection:
        indexed = connection.execute(sa.select(sa.func.count()).select_from(SqlEventLogStorageTable)).scalar_one()
    assert rows() > indexed
