"""A client of DuckDB 1.5 opens what is published and what is exported, and finds the same rows."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from filelock import FileLock

from tests.lakehouse.fingerprint import fingerprints_of_file
from tests.lakehouse.reading import of_release
from warehouse.lakehouse import Location, export
from warehouse.paths import PROJECT_ROOT
from warehouse.releases import Release, Releases

CLIENT = "duckdb==1.5.*"


@pytest.fixture(scope="session")
def client(pytestconfig: pytest.Config) -> Path:
    """A folder with DuckDB 1.5, which cannot be in one environment with 2. It is kept between runs."""
    assert pytestconfig.cache
    folder = pytestconfig.cache.mkdir("duckdb-client") / "1.5"
    with FileLock(folder.with_suffix(".lock")):
        if not folder.exists():
            _install(folder)
    return folder


def _install(folder: Path) -> None:
    new = folder.with_suffix(".new")
    shutil.rmtree(new, ignore_errors=True)
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--only-binary", ":all:"]
    done = subprocess.run([*command, "--target", str(new), CLIENT], capture_output=True, text=True)
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["pip gave no reason"]
        pytest.skip(f"{CLIENT} cannot be installed; is an index reachable? {lines[-1]}")
    new.rename(folder)


def _read_by(client: Path, file: Path) -> dict[str, str]:
    """The fingerprint of every table, as DuckDB 1.5 reads them."""
    script = Path(__file__).with_name("fingerprint.py")
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(client), str(PROJECT_ROOT)])}
    done = subprocess.run([sys.executable, str(script), str(file)], capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert answer["version"].startswith("1.5.")
    found: dict[str, str] = answer["tables"]
    return found


def test_it_opens_what_is_published(client: Path, release: Release) -> None:
    found = _read_by(client, Releases().link)
    assert {table: found[table] for table in of_release(release)} == of_release(release)


def test_it_opens_what_is_exported(client: Path, release: Release, tmp_path: Path) -> None:
    file = tmp_path / "all.duckdb"
    export("duckdb", to=Location.of(str(file)))
    found = _read_by(client, file)
    assert found == fingerprints_of_file(str(file))
    assert {table: found[table] for table in of_release(release)} == of_release(release)
