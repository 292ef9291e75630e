"""`nyc export`: its exit codes, and what it prints."""

import json
from pathlib import Path

import pytest

from warehouse.exit_codes import ExitCode
from warehouse.lakehouse.command import main
from warehouse.releases import Release


@pytest.fixture(autouse=True)
def lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LAKEHOUSE_URL", str(tmp_path / "lake"))
    return tmp_path / "lake"


def test_what_was_written_is_listed(release: Release, lake: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--format", "csv", "--select", "dim_zone,core_core.fct_trips"]) == ExitCode.DONE
    shown = capsys.readouterr().out
    assert [line.split()[:3] for line in shown.splitlines()[1:3]] == [
        ["core_core.fct_trips", "590", "3"],
        ["core_core.dim_zone", "3", "1"],
    ]
    assert shown.splitlines()[-1] == str(lake)
    assert main(["--format", "csv", "--json"]) == ExitCode.DONE
    done = json.loads(capsys.readouterr().out)
    assert [(each["table"], each["files_written"]) for each in done] == [
        ("core_core.fct_trips", 0),
        ("core_core.dim_zone", 0),
        ("meta.runs", 1),
    ]
    assert done[0] == {
        "format": "csv",
        "table": "core_core.fct_trips",
        "rows": 590,
        "files_written": 0,
        "bytes_written": 0,
        "address": str(lake / "csv/core_core/fct_trips"),
        "version": release.id,
    }


def test_nothing_published_is_not_there_yet(published: Path, lake: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == ExitCode.NOT_THERE_YET
    assert "nyc publish" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [["--format", "xlsx"], ["--to", "s3://me:hunter2@bucket"], ["--select", ","], ["--select", "fct_nothing"]],
)
def test_bad_arguments(arguments: list[str], release: Release, capsys: pytest.CaptureFixture[str]) -> None:
    try:
        status = main(arguments)
    except SystemExit as ended:
        status = int(str(ended.code))
    assert status == ExitCode.BAD_ARGUMENTS
    said = capsys.readouterr().err
    assert "hunter2" not in said
    assert "expected" in said or "invalid choice" in said


def test_a_place_that_cannot_be_written_is_a_failure(
    release: Release, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("not a folder")
    assert main(["--to", str(tmp_path / "file")]) == ExitCode.FAILED
    said = capsys.readouterr().err
    assert said.startswith(f"{tmp_path / 'file'}: expected to write there")
