"""Wrong and missing settings are named; the password is shown to nobody."""

import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from orchestration.instances.settings import DagsterStorageError, PostgresSettings, Storage

GIVEN = {"DAGSTER_PG_HOST": "db", "DAGSTER_PG_USER": "dagster", "DAGSTER_PG_DB": "history"}
NASTY = "p@:/#% \"'\\w"


@pytest.mark.parametrize(("value", "chosen"), [(None, "sqlite"), ("", "sqlite"), (" postgres ", "postgres")])
def test_sqlite_is_the_default(value: str | None, chosen: str) -> None:
    assert Storage.chosen({} if value is None else {"DAGSTER_STORAGE": value}) == chosen


def test_another_storage_is_refused_without_repeating_a_password() -> None:
    with pytest.raises(DagsterStorageError, match="DAGSTER_STORAGE: expected sqlite or postgres, but got") as raised:
        Storage.chosen({"DAGSTER_STORAGE": "postgresql://me:secret@db/history"})
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize("missing", GIVEN)
def test_what_is_missing_is_named(missing: str) -> None:
    with pytest.raises(DagsterStorageError, match=f"{missing}: expected .* but it is not set"):
        PostgresSettings.from_environment({**GIVEN, missing: " "})


@pytest.mark.parametrize("port", ["five", "0", "65536", "-1", "5432.0", "٥٤٣٢", "9" * 20])
def test_a_port_is_a_number(port: str) -> None:
    with pytest.raises(DagsterStorageError, match="DAGSTER_PG_PORT: expected a number from 1 to 65535"):
        PostgresSettings.from_environment({**GIVEN, "DAGSTER_PG_PORT": port})


@pytest.mark.parametrize("host", ["postgresql://me:secret@db/history", "me:secret@db", "db/history", "db?sslmode=off"])
def test_a_host_is_no_whole_address(host: str) -> None:
    with pytest.raises(DagsterStorageError, match="DAGSTER_PG_HOST: expected") as raised:
        PostgresSettings.from_environment({**GIVEN, "DAGSTER_PG_HOST": host})
    assert "secret" not in str(raised.value)


# The operating system allows no NUL in a variable.
@given(st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",)), min_size=1))
def test_any_password_arrives_and_is_not_shown(password: str) -> None:
    settings = PostgresSettings.from_environment({**GIVEN, "DAGSTER_PG_PASSWORD": password})
    arrived = sa.make_url(settings.url.render_as_string(hide_password=False))
    assert (arrived.password, arrived.host, arrived.port, arrived.database) == (password, "db", 5432, "history")
    assert str(settings) == "Postgres at db, port 5432, database history, user dagster"
    assert "password" not in repr(settings)


def test_a_folder_is_that_of_a_socket() -> None:
    url = PostgresSettings.from_environment({**GIVEN, "DAGSTER_PG_HOST": "/run/postgresql"}).url
    assert url.host is None
    assert (url.query["host"], url.query["port"]) == ("/run/postgresql", "5432")


def test_dagsters_commands_say_it_without_a_traceback(home: Path) -> None:
    environment = {"PATH": "", "DAGSTER_HOME": str(home), "DAGSTER_STORAGE": "postgres", "DAGSTER_PG_PASSWORD": NASTY}
    command = [sys.executable, "-m", "dagster", "run", "list"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, cwd=home)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("Error: DAGSTER_PG_HOST: expected the server's name or address")
    assert "Traceback" not in done.stderr
    assert NASTY not in done.stdout + done.stderr
