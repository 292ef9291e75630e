"""Secrets come from files into the environment of a command, and nowhere else."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warehouse.paths import PROJECT_ROOT

SCRIPT = PROJECT_ROOT / "deploy/with_secrets.py"


def _load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("with_secrets", SCRIPT)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


script = _load()


def test_the_file_becomes_the_variable(tmp_path: Path) -> None:
    (tmp_path / "pw").write_text("s3cr et#'$x\n")
    environment = {"DAGSTER_PG_PASSWORD_FILE": str(tmp_path / "pw"), "PATH": "/bin"}
    assert script.with_secrets(environment, tmp_path) == {"DAGSTER_PG_PASSWORD": "s3cr et#'$x", "PATH": "/bin"}


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0\r\n"), min_size=1))
def test_every_text_of_one_line_comes_through_as_it_is(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    folder = tmp_path_factory.mktemp("secrets")
    for end in ("", "\n", "\r\n"):
        (folder / "x").write_bytes((text + end).encode())
        assert script.with_secrets({"X_FILE": str(folder / "x")}, folder) == {"X": text}


@pytest.mark.parametrize(
    "path", ["/etc/ssl/cert.pem", "", "relative", "{folder}/../elsewhere", "{folder}beside/x"], ids=lambda path: path
)
def test_files_elsewhere_stay_paths(tmp_path: Path, path: str) -> None:
    environment = {"SSL_CERT_FILE": path.format(folder=tmp_path)}
    assert script.with_secrets(environment, tmp_path) == environment


@pytest.mark.parametrize(
    ("content", "words"),
    [(None, "No such file"), (b"", "is empty"), (b"\n", "is empty"), (b"a\0b", "NUL"), (b"\xff\xfe", "UTF-8")],
    ids=["missing", "empty", "blank line", "NUL", "not text"],
)
def test_a_file_that_holds_no_secret_is_named(tmp_path: Path, content: bytes | None, words: str) -> None:
    if content is not None:
        (tmp_path / "pw").write_bytes(content)
    with pytest.raises(script.SecretError, match=f"A_FILE: .*{tmp_path}/pw.*{words}"):
        script.with_secrets({"A_FILE": str(tmp_path / "pw")}, tmp_path)


def test_both_ways_at_once_are_refused_without_a_secret_in_the_message(tmp_path: Path) -> None:
    (tmp_path / "pw").write_text("hidden1")
    with pytest.raises(script.SecretError, match="A and A_FILE are both set") as raised:
        script.with_secrets({"A": "hidden2", "A_FILE": str(tmp_path / "pw")}, tmp_path)
    assert "hidden" not in str(raised.value)


def test_a_variable_that_is_set_to_nothing_is_not_set(tmp_path: Path) -> None:
    (tmp_path / "pw").write_text("x")
    assert script.with_secrets({"A": "", "A_FILE": str(tmp_path / "pw")}, tmp_path) == {"A": "x"}


def _run(*command: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], **variables}
    return subprocess.run(
        [sys.executable, str(SCRIPT), *command], env=environment, capture_output=True, text=True, check=False
    )


def test_the_command_takes_the_place_of_the_script_and_its_exit_status() -> None:
    run = _run("sh", "-c", 'echo "$A"; exit 7', A="b c")
    assert (run.returncode, run.stdout, run.stderr) == (7, "b c\n", "")


@pytest.mark.parametrize(
    ("command", "status", "words"),
    [
        (["true"], 1, "PW_FILE: expected a secret in /run/secrets/not_there"),
        ([], 127, "usage"),
    ],
)
def test_what_keeps_the_command_from_running_is_said_in_one_line(command: list[str], status: int, words: str) -> None:
    run = _run(*command, PW_FILE="/run/secrets/not_there")
    assert run.returncode == status
    assert words in run.stderr
    assert len(run.stderr.splitlines()) == 1


def test_a_command_that_is_not_there_is_named() -> None:
    run = _run("no-such-command")
    assert run.returncode == 127
    assert run.stderr.startswith("no-such-command: ")
