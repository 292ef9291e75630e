"""What counts as installed, with a uv that only notes what it is asked, and with pip."""

import ast
import hashlib
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from environment import __main__ as command
from warehouse.paths import PROJECT_ROOT

LOCK = """
[[package]]
name = "tiny"
version = "1.0"
groups = ["main", "dev"]
files = [{{file = "{name}", hash = "sha256:{digest}"}}]

[extras]

[metadata]
lock-version = "2.1"
"""
# Notes its arguments; ends as the file `status` says.
UV = """#!/bin/sh
test "$1" = --version && exit
echo "$*" >> "{folder}/asked"
exit $(cat "{folder}/status" 2>/dev/null || echo 0)
"""


def wheel(folder: Path) -> Path:
    path = folder / "tiny-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("tiny/__init__.py", "VALUE = 1\n")
        file.writestr("tiny/tests/__init__.py", "")
        file.writestr("tiny-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n")
        file.writestr("tiny-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        file.writestr("tiny-1.0.dist-info/RECORD", "")
    return path


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout whose lock has one package, and its environment with nothing but pip."""
    folder = tmp_path_factory.mktemp("made")
    shutil.copytree(PROJECT_ROOT / "environment", folder / "environment")
    built = wheel(folder)
    (folder / "poetry.lock").write_text(
        LOCK.format(name=built.name, digest=hashlib.sha256(built.read_bytes()).hexdigest())
    )
    (folder / "pyproject.toml").touch()
    (folder / "programs").mkdir()
    uv = folder / "programs/uv"
    uv.write_text(UV.format(folder=folder))
    uv.chmod(0o755)
    subprocess.run([sys.executable, "-m", "venv", folder / ".venv"], check=True)
    return folder


@pytest.fixture
def checkout(made: Path) -> Path:
    for path in [*made.glob("asked"), *made.glob("status"), *(made / ".venv").glob("*tamp*")]:
        path.unlink()
    return made


def setup(checkout: Path) -> "subprocess.Popen[str]":
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "UV_"))}
    environment |= {"PATH": f"{checkout}/programs:{environment['PATH']}", "PIP_CONFIG_FILE": os.devnull}
    environment |= {"PIP_FIND_LINKS": str(checkout), "PIP_NO_INDEX": "1"}
    words = [sys.executable, "-m", "environment", "--stamp", ".venv/stamp", "--groups", "dev"]
    return subprocess.Popen(words, cwd=checkout, env=environment, stderr=subprocess.PIPE, text=True)


def asked(checkout: Path) -> list[str]:
    return (checkout / "asked").read_text().splitlines()


def test_it_needs_nothing_that_is_not_pythons() -> None:
    for path in (PROJECT_ROOT / "environment").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import | ast.ImportFrom):
                module = node.module if isinstance(node, ast.ImportFrom) else node.names[0].name
                top = str(module).partition(".")[0]
                assert top == "environment" or top in sys.stdlib_module_names, f"{path}: {module}"


def test_the_second_of_two_setups_has_nothing_to_do(checkout: Path) -> None:
    running = [setup(checkout) for _ in range(4)]
    assert [process.communicate()[1] for process in running] == [""] * 4
    assert [process.returncode for process in running] == [0] * 4
    (words,) = asked(checkout)
    assert "--require-hashes" in words
    assert "--reinstall" not in words
    assert setup(checkout).wait() == 0
    assert len(asked(checkout)) == 1


def test_a_changed_lock_is_installed(checkout: Path) -> None:
    assert setup(checkout).wait() == 0
    lock = checkout / "poetry.lock"
    before = lock.read_text()
    try:
        lock.write_text(before.replace('version = "1.0"', 'version = "1.1"'))
        assert setup(checkout).wait() == 0
    finally:
        lock.write_text(before)
    assert len(asked(checkout)) == 2
    assert "tiny==1.1" in (checkout / ".venv/requirements-stamp.txt").read_text()


def test_what_was_interrupted_is_installed_again(checkout: Path) -> None:
    (checkout / "programs/uv").rename(checkout / "programs/noting")
    try:
        # It is killed, and so is what waits for it.
        (checkout / "programs/uv").write_text('#!/bin/sh\ntest "$1" = --version || kill -9 $PPID\n')
        (checkout / "programs/uv").chmod(0o755)
        assert setup(checkout).wait() == -9
    finally:
        (checkout / "programs/noting").rename(checkout / "programs/uv")
    assert not (checkout / ".venv/stamp").exists()
    assert setup(checkout).wait() == 0
    assert "--reinstall" in asked(checkout)[-1]
    (checkout / ".venv/stamp").unlink()
    assert setup(checkout).wait() == 0
    assert "--reinstall" not in asked(checkout)[-1]


@pytest.mark.parametrize("was_whole", [False, True])
def test_what_never_was_whole_is_made_from_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, was_whole: bool
) -> None:
    venv = tmp_path / ".venv"
    (venv / "lib/half_a_package").mkdir(parents=True)
    (venv / ".development").touch()
    (venv / ".unfinished-installed").write_text("whole before\n" if was_whole else "")
    (tmp_path / "poetry.lock").write_text(LOCK.format(name="tiny.whl", digest="0"))
    (tmp_path / "pyproject.toml").touch()
    asked_again = []
    monkeypatch.setattr(command, "PROJECT", tmp_path)
    monkeypatch.setattr(command, "VENV", venv)
    monkeypatch.setattr(command, "TOOLS", tmp_path / ".poetry")
    monkeypatch.setattr(command, "_install_with_project", lambda *arguments: asked_again.append(arguments[-1]))
    monkeypatch.setattr(sys, "argv", ["setup", "--stamp", str(venv / ".installed"), "--with-project"])
    assert command.main() == 0
    assert asked_again == [True]
    assert (venv / "lib/half_a_package").exists() is was_whole
    assert (venv / ".development").exists() is was_whole
    assert (venv / ".installed").exists()
    assert not (venv / ".unfinished-installed").exists()


def test_pip_installs_where_uv_fails_and_checks_the_hash(checkout: Path) -> None:
    (checkout / "status").write_text("2")
    process = setup(checkout)
    assert "by pip, which takes longer, because uv failed" in process.communicate()[1]
    assert process.returncode == 0
    (package,) = (checkout / ".venv").glob("lib/*/site-packages/tiny")
    assert list(package.glob("__pycache__/*.pyc"))
    assert not list(package.glob("tests/__pycache__/*.pyc"))

    shutil.rmtree(package)
    (checkout / ".venv/stamp").unlink()
    (package.parent / "tiny-1.0.dist-info/METADATA").unlink()
    shutil.rmtree(package.parent / "tiny-1.0.dist-info")
    with zipfile.ZipFile(checkout / "tiny-1.0-py3-none-any.whl", "a") as file:
        file.writestr("tiny/more.py", "")
    process = setup(checkout)
    said = process.communicate()[1]
    assert process.returncode == 1
    assert "DO NOT MATCH THE HASHES" in said
    assert "make setup: expected a command to end well" in said
    assert not (checkout / ".venv/stamp").exists()
