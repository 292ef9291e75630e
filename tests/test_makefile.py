"""Settings and exit codes through a real make."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from warehouse.paths import PROJECT_ROOT

SHOW = 'p:; @$(RUN) python -c "import os, json; print(json.dumps(dict(os.environ)))"'

SECRETS = {
    "ALERT_SMTP_PASSWORD": "pa$word#1",
    "ALERT_EMAIL_TO": "a b #c",
    "ALERT_SLACK_WEBHOOK_URL": 'it\'s "$(HOME)" \\ `x` %d',
    "ALERT_SMTP_USER": "${HOME}",
}
WRITTEN = r"""
ALERT_SMTP_PASSWORD=pa$word#1
ALERT_EMAIL_TO='a b #c'
ALERT_SLACK_WEBHOOK_URL='it\'s "$(HOME)" \\ `x` %d'
ALERT_SMTP_USER="\${HOME}"
"""

# make takes these for up to date.
INSTALLED = ("-o", ".venv/.installed", "-o", ".venv/.development")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """The part of a checkout that make needs, with the environment that the tests run in."""
    for name in ("Makefile", ".env.example", "pyproject.toml", "poetry.lock"):
        shutil.copy(PROJECT_ROOT / name, tmp_path)
    (tmp_path / ".venv").symlink_to(sys.prefix)
    return tmp_path


def make(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = ["make", "--no-print-directory", *INSTALLED, *arguments]
    inherited = {name: value for name, value in os.environ.items() if name not in SECRETS}
    return subprocess.run(command, cwd=folder, env=inherited | environment, capture_output=True, text=True)


def test_secrets_reach_commands_as_dagster_reads_them(checkout: Path) -> None:
    from dotenv import dotenv_values

    (checkout / ".env").write_text(WRITTEN)
    shown = make(checkout, "--eval", SHOW, "p")
    assert shown.returncode == 0, shown.stderr
    environment = json.loads(shown.stdout)
    read = dotenv_values(checkout / ".env")
    assert {name: environment[name] for name in SECRETS} == {name: read[name] for name in SECRETS}
    for name in ("ALERT_SMTP_PASSWORD", "ALERT_EMAIL_TO", "ALERT_SLACK_WEBHOOK_URL"):
        assert environment[name] == SECRETS[name]


def test_what_is_set_in_the_environment_comes_before_the_file(checkout: Path) -> None:
    (checkout / ".env").write_text("ALERT_SMTP_PASSWORD=file\nALERT_EMAIL_TO=file\n")
    shown = make(checkout, "--eval", SHOW, "p", ALERT_SMTP_PASSWORD="set")
    environment = json.loads(shown.stdout)
    assert (environment["ALERT_SMTP_PASSWORD"], environment["ALERT_EMAIL_TO"]) == ("set", "file")


def test_an_environment_that_is_active_is_left_alone(checkout: Path, tmp_path: Path) -> None:
    (checkout / ".env").touch()
    shown = make(checkout, "--eval", SHOW, "p", VIRTUAL_ENV="/somewhere/else")
    assert json.loads(shown.stdout)["VIRTUAL_ENV"] == str(tmp_path / ".venv")


def test_setups_at_once_leave_the_settings_whole(checkout: Path) -> None:
    (checkout / ".env").write_text("# mine\nDAGSTER_HOME=\nALERT_SMTP_PASSWORD=pa$word#1\n")
    command = ["make", *INSTALLED, "setup"]
    for _ in range(5):
        running = [
            subprocess.Popen(command, cwd=checkout, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
            for _ in range(6)
        ]
        assert [process.communicate()[1] for process in running] == [""] * 6
        assert [process.returncode for process in running] == [0] * 6
        written = (checkout / ".env").read_text()
        assert "# mine" in written
        assert "ALERT_SMTP_PASSWORD=pa$word#1" in written
        assert f"{checkout}/orchestration" in written
        (checkout / ".env").write_text(written.replace(f"'{checkout}/orchestration'", ""))
    assert sorted(path.name for path in checkout.glob(".env*")) == [".env", ".env.example"]


def test_settings_that_need_no_change_are_not_written(checkout: Path) -> None:
    assert make(checkout, "setup").returncode == 0
    written = (checkout / ".env").stat()
    assert make(checkout, "setup").returncode == 0
    assert (checkout / ".env").stat().st_ino == written.st_ino


@pytest.mark.parametrize(
    ("status", "made", "said"),
    [(0, 0, ""), (3, 0, "not there yet"), (1, 2, "something failed"), (2, 2, ""), (141, 0, "")],
)
def test_a_report_ends_as_what_it_says(checkout: Path, status: int, made: int, said: str) -> None:
    (checkout / ".env").touch()
    done = make(checkout, "--eval", f"p:\n\t$(call report,sh -c 'exit {status}')", "p")
    assert done.returncode == made, done.stderr
    assert said in done.stderr
    assert ("***" in done.stderr) == (made != 0)


@pytest.mark.parametrize(
    ("target", "needs_development"), [("demo", False), ("query", False), ("lint", True), ("setup", True)]
)
def test_what_uses_the_platform_needs_no_package_of_development(
    checkout: Path, target: str, needs_development: bool
) -> None:
    command = ["make", "-n", "-o", ".venv/.installed", "-W", "poetry.lock", target]
    shown = subprocess.run(command, cwd=checkout, capture_output=True, text=True, check=True).stdout
    assert ("--groups dev" in shown) is needs_development
