"""Which files `make test-quick` runs, and that what it goes by is measured."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.times import (
    LONGEST_SECONDS,
    QUICK_SECONDS,
    TIMES,
    TOO_LONG_SECONDS,
    Measuring,
    Time,
    files_of_tests,
    folder_of,
    quick_files,
)
from warehouse.paths import PROJECT_ROOT


def test_the_most_tests_for_the_time_are_quick_while_there_is_time() -> None:
    times = {f"tests/a/test_{number}.py": Time(2.0, number) for number in range(1, 100)}
    chosen = quick_files([*times], times)
    assert len(chosen) == QUICK_SECONDS / 2
    # One is there as the first of its folder.
    assert {times[file].tests for file in chosen} == {1, *range(101 - int(QUICK_SECONDS / 2), 100)}


def test_every_folder_has_a_quick_file_where_it_has_a_short_one() -> None:
    times = {f"tests/many/test_{number}.py": Time(1.0, 1000) for number in range(100)}
    times |= {
        "tests/few/test_a.py": Time(2.4, 1),
        "tests/few/test_b.py": Time(2.3, 1),
        "tests/long/test_c.py": Time(3, 99),
    }
    chosen = quick_files([*times], times)
    assert {file for file in chosen if folder_of(file) != "many"} == {"tests/few/test_b.py"}


def test_a_file_of_which_nothing_is_known_is_quick() -> None:
    assert quick_files(["tests/new/test_a.py", "tests/test_b.py"], {"tests/test_b.py": Time(60, 9)}) == [
        "tests/new/test_a.py"
    ]


def test_the_times_of_the_project_are_of_its_files() -> None:
    """A file more or less is no matter. Where it is a tenth of them: python -m tests.times --keep."""
    times = {file: Time(*time) for file, time in json.loads(TIMES.read_text()).items()}
    files = set(files_of_tests())
    assert len(files ^ set(times)) <= len(files) / 10
    quick = quick_files(sorted(files & set(times)), times)
    assert sum(times[file].tests for file in quick) > sum(time.tests for time in times.values()) / 5
    assert sum(times[file].seconds for file in quick) <= QUICK_SECONDS
    short = {folder_of(file) for file in files & set(times) if times[file].seconds <= LONGEST_SECONDS}
    assert {folder_of(file) for file in quick} == short


CONFTEST = """
import time, pytest
from tests.times import Measuring

def burn(seconds):
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass

def pytest_configure(config):
    config.pluginmanager.register(Measuring())

@pytest.fixture(scope="session")
def shared():
    burn(1.0)

@pytest.fixture(scope="session")
def of_shared(shared):
    burn(0.6)
"""


@pytest.mark.parametrize("workers", [(), ("--numprocesses", "2", "--dist", "loadfile")])
def test_a_file_is_measured_as_if_it_came_alone(tmp_path: Path, workers: tuple[str, ...]) -> None:
    tests = tmp_path / "tests"
    tests.mkdir()
    (tests / "conftest.py").write_text(CONFTEST)
    for name, asks_for in {"first": "shared", "second": "of_shared", "third": ""}.items():
        (tests / f"test_{name}.py").write_text(f"def test_one({asks_for}): pass\ndef test_two({asks_for}): pass\n")
    (tests / "test_broken.py").write_text("def test_one(): assert False\n")
    (tests / "test_part.py").write_text("def test_one(): pass\ndef test_left_out(): pass\n")
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "--rootdir",
        str(tmp_path),
        "-k",
        "not left_out",
        *workers,
        "tests",
    ]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_XDIST")}
    run = subprocess.run(
        command, cwd=tmp_path, env=environment | {"PYTHONPATH": str(PROJECT_ROOT)}, capture_output=True, text=True
    )
    assert "1 failed, 7 passed" in run.stdout, run.stdout + run.stderr
    times = {
        file: Time(*time) for file, time in json.loads((tmp_path / ".pytest_cache/v/cpu_seconds").read_text()).items()
    }
    assert {file: time.tests for file, time in times.items()} == {
        f"tests/test_{name}.py": 2 for name in ("first", "second", "third")
    }
    assert [round(times[f"tests/test_{name}.py"].seconds, 1) for name in ("first", "second", "third")] == [
        pytest.approx(expected, abs=0.3) for expected in (1.0, 1.6, 0.0)
    ]


def test_a_quick_file_that_became_slow_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    quick = min(json.loads(TIMES.read_text()).items(), key=lambda each: each[1][0])[0]
    measuring = Measuring()
    measuring.own |= {quick: TOO_LONG_SECONDS + 1, "tests/test_new.py": TOO_LONG_SECONDS + 1}
    assert measuring.too_long() == [quick]
    measuring.own[quick] = LONGEST_SECONDS
    assert measuring.too_long() == []
