"""The storage that dagster.yaml names, on SQLite and on Postgres."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest
import yaml
from dagster._core.instance.ref import InstanceRef
from dagster._core.storage.sqlite_storage import DagsterSqliteStorage
from dagster_postgres import PostgresEventLogStorage

from orchestration.instances.settings import DagsterStorageError
from orchestration.instances.storage import ChosenStorage, sqlite_folder
from orchestration.retention import dagster_item, expire
from tests.orchestration.instances.history import daily, shown, upstream, write_history
from warehouse.paths import PROJECT_ROOT

LATER = datetime.now(UTC) + timedelta(days=31)


@pytest.fixture
def on_postgres(postgres: str, home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dg.DagsterInstance]:
    """The instance, with a password that the server does not ask for."""
    monkeypatch.setenv("DAGSTER_STORAGE", "postgres")
    monkeypatch.setenv("DAGSTER_PG_PASSWORD", "s3cret/@:#%")
    with dg.DagsterInstance.get() as instance:
        yield instance


def test_the_projects_instance_keeps_its_history_where_it_was() -> None:
    settings = yaml.safe_load((PROJECT_ROOT / "orchestration" / "dagster.yaml").read_text())
    assert settings["storage"]["custom"]["class"] == ChosenStorage.__name__
    folder = sqlite_folder(InstanceRef.from_dir(str(PROJECT_ROOT / "orchestration")))
    assert folder == PROJECT_ROOT / "data" / "dagster_storage"


def test_the_history_does_not_depend_on_the_folder_that_a_process_runs_in(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orchestration.instances.storage.PROJECT_ROOT", tmp_path / "project")
    monkeypatch.chdir(home)
    storage = ChosenStorage.from_config_value(None, {"base_dir": "data/history"})
    assert isinstance(storage, DagsterSqliteStorage)
    assert storage.base_dir == str(tmp_path / "project" / "data" / "history")


def test_what_is_handed_on_to_other_processes_holds_no_password(on_postgres: dg.DagsterInstance) -> None:
    assert isinstance(on_postgres.event_log_storage, PostgresEventLogStorage)
    handed_on = dg.serialize_value(on_postgres.get_ref())
    assert "s3cret" not in handed_on
    assert "s3cret" not in json.dumps(on_postgres.info_dict(), default=str)
    with dg.DagsterInstance.from_ref(dg.deserialize_value(handed_on, InstanceRef)) as other:
        dg.materialize([upstream], instance=on_postgres)
        assert len(other.get_runs()) == 1


def test_times_are_in_utc_whatever_the_server_is_set_to(on_postgres: dg.DagsterInstance) -> None:
    dg.materialize([upstream], instance=on_postgres)
    (run,) = on_postgres.get_run_records()
    assert abs(run.create_timestamp - datetime.now(UTC)) < timedelta(minutes=5)


def test_maintenance_keeps_what_dagster_shows(on_postgres: dg.DagsterInstance) -> None:
    superseded = dg.materialize([daily], instance=on_postgres, partition_key="a").run_id
    write_history(on_postgres)
    before = shown(on_postgres)

    expired = expire(on_postgres, 30, now=LATER)

    assert superseded not in {run.run_id for run in on_postgres.get_runs()}
    assert expired.runs >= 1
    after = shown(on_postgres)
    for what in ("partitions", "asset keys", "dynamic", "states"):
        assert after[what] == before[what], what
    assert expire(on_postgres, 30, now=LATER).runs == 0


@pytest.mark.usefixtures("on_postgres")
def test_maintenance_of_an_instance_without_a_folder_opens_the_database() -> None:
    assert "0 runs older than 30 days" in dagster_item().work(True).said


def test_a_server_that_is_not_there_is_named(
    postgres: str, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAGSTER_STORAGE", "postgres")
    monkeypatch.setenv("DAGSTER_PG_HOST", str(tmp_path))
    monkeypatch.setenv("DAGSTER_PG_PASSWORD", "s3cret")
    monkeypatch.setattr("orchestration.instances.storage._PATIENCE_SECONDS", 0)
    with pytest.raises(
        DagsterStorageError, match=f"Postgres at {tmp_path}, port 5432.* expected a connection"
    ) as raised:
        dg.DagsterInstance.get()
    assert raised.value.__context__ is None
    assert "s3cret" not in str(raised.value)


def test_a_user_who_may_not_make_tables_is_told_so(postgres: str, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAGSTER_STORAGE", "postgres")
    with dg.DagsterInstance.get() as instance, instance.run_storage.connect() as connection:  # type: ignore[attr-defined]
        connection.exec_driver_sql("create database of_somebody_else")
        connection.exec_driver_sql("create role visitor login")
    monkeypatch.setenv("DAGSTER_PG_USER", "visitor")
    monkeypatch.setenv("DAGSTER_PG_DB", "of_somebody_else")
    with pytest.raises(
        DagsterStorageError, match=r"permission denied .* create database of_somebody_else owner visitor"
    ):
        dg.DagsterInstance.get()
