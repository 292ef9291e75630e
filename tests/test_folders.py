"""What tests of a folder share ends with them."""

import subprocess
import sys
from pathlib import Path

from warehouse.paths import PROJECT_ROOT

CONFTEST = """
import pytest
from tests.folders import Shared

SHARED = Shared(__file__)

@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item, nextitem):
    SHARED.end_after(nextitem)

@pytest.fixture(scope="session")
def shared():
    SHARED.callback(print, "ended")
    return print("begun")
"""
TESTS = "def test_one(shared): print('one')\ndef test_two(shared): print('two')\n"


def test_it_begins_with_the_first_that_asks_and_ends_with_the_last_of_the_folder(tmp_path: Path) -> None:
    for name, files in {"a": {"conftest.py": CONFTEST, "test_a.py": TESTS, "test_b.py": TESTS}, "b": {}}.items():
        (tmp_path / name).mkdir()
        for file, text in ({"test_c.py": "def test_three(): print('three')\n"} | files).items():
            (tmp_path / name / file).write_text(text)
    command = [sys.executable, "-m", "pytest", "-qs", "--import-mode", "importlib", "--rootdir", str(tmp_path)]
    run = subprocess.run(
        [*command, "-p", "no:cacheprovider", str(tmp_path)], cwd=PROJECT_ROOT, capture_output=True, text=True
    )
    said = [line.lstrip(".") for line in run.stdout.splitlines()]
    assert [line for line in said if line.isalpha()] == [
        *("begun", "one", "two", "one", "two", "three", "ended"),
        "three",
    ], run.stdout + run.stderr


def test_no_fixture_has_the_scope_of_a_package() -> None:
    scope = 'scope="{}"'.format("package")
    files = [path for path in (PROJECT_ROOT / "tests").rglob("*.py") if scope in path.read_text()]
    assert files == [], "folders have no __init__.py, so it is the session's: tests/folders.py"
