"""Where temporary files of tests are."""

import os
import tempfile
from pathlib import Path

import pytest

from tests import in_memory


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What stands for the folder in memory, on a machine on which nobody chose one."""
    monkeypatch.setattr(in_memory, "_IN_MEMORY", tmp_path)
    monkeypatch.setattr(in_memory, "_NEEDED_BYTES", 1)
    # What it changes is put back after the test.
    monkeypatch.setattr(tempfile, "tempdir", tempfile.gettempdir())
    monkeypatch.setenv("TMPDIR", "elsewhere")
    monkeypatch.delenv("TMPDIR")
    return tmp_path


def test_they_are_in_memory_where_there_is_room(folder: Path) -> None:
    in_memory.keep_temporary_files_in_memory()
    assert tempfile.gettempdir() == os.environ["TMPDIR"] == str(folder)


def test_a_small_folder_is_left_alone(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(in_memory, "_NEEDED_BYTES", 2**60)
    in_memory.keep_temporary_files_in_memory()
    assert "TMPDIR" not in os.environ


def test_a_folder_that_somebody_chose_stays(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", "chosen")
    in_memory.keep_temporary_files_in_memory()
    assert os.environ["TMPDIR"] == "chosen"


def test_a_machine_without_such_a_folder_is_no_trouble(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(in_memory, "_IN_MEMORY", folder / "none")
    in_memory.keep_temporary_files_in_memory()
    assert "TMPDIR" not in os.environ
