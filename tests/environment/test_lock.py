"""What is read from poetry.lock is what Poetry would export of it."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from environment.lock import LockError, requirements
from warehouse.paths import PROJECT_ROOT

POETRY = PROJECT_ROOT / ".venv/bin/poetry"
LOCK = tomllib.loads((PROJECT_ROOT / "poetry.lock").read_text())
EXTRAS = tuple(LOCK["extras"])

# What markers ask, on machines that differ.
LINUX = {
    "implementation_name": "cpython",
    "os_name": "posix",
    "platform_machine": "x86_64",
    "platform_python_implementation": "CPython",
    "platform_system": "Linux",
    "python_full_version": "3.11.7",
    "python_version": "3.11",
    "sys_platform": "linux",
}
MACHINES = {
    "linux 3.11": LINUX,
    "linux 3.12": LINUX | {"python_version": "3.12", "python_full_version": "3.12.1", "platform_machine": "aarch64"},
    "mac 3.13": LINUX
    | {
        "python_version": "3.13",
        "python_full_version": "3.13.0",
        "platform_system": "Darwin",
        "sys_platform": "darwin",
    },
    "windows 3.11": LINUX | {"os_name": "nt", "platform_system": "Windows", "sys_platform": "win32"},
}


def installed(text: str, machine: dict[str, str]) -> set[tuple[str, str, frozenset[str]]]:
    """Name, version and hashes of what these requirements install on a machine."""
    found = set()
    for line in text.replace(" \\\n", " ").splitlines():
        required = Requirement(line.partition(" --hash")[0])
        if required.marker is None or required.marker.evaluate(machine):
            found.add((required.name, str(required.specifier), frozenset(re.findall(r"--hash=(\S+)", line))))
    return found


@pytest.mark.skipif(not POETRY.exists(), reason="Poetry is not installed: make setup")
@pytest.mark.parametrize(
    ("extras", "groups"),
    [
        ((), ("main",)),
        (("orchestrator", "lakehouse", "monitoring", "portal", "postgres", "streams"), ("main",)),
        (EXTRAS, ("main",)),
        (("portal",), ("main", "dev")),
        ((), ("dev",)),
    ],
)
def test_poetry_exports_the_same(tmp_path: Path, extras: tuple[str, ...], groups: tuple[str, ...]) -> None:
    exported = tmp_path / "requirements.txt"
    command = [str(POETRY), "export", "--quiet", "--output", str(exported), *(f"--extras={extra}" for extra in extras)]
    command += [f"--only={','.join(groups)}"] if not extras else [f"--with={','.join(groups)}"]
    done = subprocess.run(command, cwd=PROJECT_ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    ours = requirements(LOCK, extras, groups)
    for name, machine in MACHINES.items():
        assert installed(ours, machine) == installed(exported.read_text(), machine), name


def test_every_file_has_a_hash() -> None:
    for line in requirements(LOCK, EXTRAS, ("main", "dev")).replace(" \\\n", " ").splitlines():
        assert "--hash=sha256:" in line, line


def test_a_lock_of_another_form_is_not_guessed_at() -> None:
    with pytest.raises(LockError, match=r"expected lock-version 2\.1, got 9\.0"):
        requirements(LOCK | {"metadata": {"lock-version": "9.0"}}, (), ("main",))


def test_an_extra_that_is_not_locked_is_named() -> None:
    with pytest.raises(LockError, match="expected the extra prtal"):
        requirements(LOCK, ("portal", "prtal"), ("main",))


def test_a_package_of_a_repository_is_not_taken_for_one_of_an_index() -> None:
    package = {"name": "x", "version": "1", "groups": ["main"], "files": [], "source": {"type": "git", "url": "u"}}
    with pytest.raises(LockError, match="expected x from an index"):
        requirements(LOCK | {"package": [package]}, (), ("main",))
