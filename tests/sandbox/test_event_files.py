"""The sandbox's event files: how many lines there are, what is odd in them, and that the same seed makes the same."""

import json
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from sandbox.__main__ import main
from sandbox.telemetry.event_files import write_event_files
from sandbox.telemetry.event_lines import Sample

FIRST = datetime(2025, 1, 6, 8)


def sample(events: int, **others: Any) -> Sample:
    return Sample(**{"first": FIRST, "hours": 6, "events": events, "profiles": 5, **others})


def lines(folder: Path, kind: str = "events") -> Iterator[bytes]:
    for path in sorted((folder / kind).rglob("*.jsonl")):
        yield from path.read_bytes().splitlines()


def parsed(line: bytes) -> Any:
    try:
        return json.loads(line)
    except ValueError:
        return None


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*.jsonl")}


def test_the_small_sample_has_thirty_events_and_five_profiles(tmp_path: Path) -> None:
    written = write_event_files(tmp_path, sample(30))
    assert (written.lines, written.files) == (35, 13)
    events = [parsed(line) for line in lines(tmp_path)]
    assert len(events) == 30
    # One comes twice.
    assert len({event["event_id"] for event in events}) == 29
    assert {event["workspace"] for event in events} == {"analytics", "billing", "crawling"}
    assert len({parsed(line)["user_name"] for line in lines(tmp_path, "profiles")}) == 5
    ends_early = [event for event in events if event["finished_at"] and event["finished_at"] < event["started_at"]]
    assert len(ends_early) == 1
    assert [type(event["rows"]) for event in events].count(str) == 1
    assert sum("region" in event for event in events) == 1
    late = [
        path.parent.name
        for path in (tmp_path / "events").rglob("*.jsonl")
        for line in path.read_bytes().splitlines()
        if (ended := json.loads(line)["finished_at"]) and ended[11:13] < path.parent.name
    ]
    assert late == ["13"]
    assert {path.parent.name for path in (tmp_path / "events").rglob("*.jsonl")} == {
        f"{hour:02}" for hour in range(8, 14)
    }


def test_a_larger_sample_has_every_oddity_and_ends_within_a_line(tmp_path: Path) -> None:
    write_event_files(tmp_path, sample(2_000, profiles=200, hours=30, files_an_hour=3))
    found = [parsed(line) for line in lines(tmp_path)]
    assert len(found) == 2_000
    kinds = Counter(type(event).__name__ for event in found)
    # Ten are cut, and the last one is still being written.
    assert kinds == {"dict": 1_979, "list": 10, "NoneType": 11}
    events = [event for event in found if isinstance(event, dict)]
    assert sum(event["status"] == "exploded" for event in events) == 10
    assert sum(event["workspace"] is None for event in events) == 10
    assert sum(event["rows"] == "many" for event in events) == 10
    last = max((tmp_path / "events").rglob("*.jsonl"))
    assert not last.read_bytes().endswith(b"\n")
    profiles = [parsed(line) for line in lines(tmp_path, "profiles")]
    # From 8:00 on, thirty hours are of two days.
    assert len(profiles) == 400
    assert profiles.count(None) == 2
    assert sum(each is not None and each["followers"] is None for each in profiles) == 2


def test_a_tidy_sample_has_no_odd_line(tmp_path: Path) -> None:
    write_event_files(tmp_path, sample(2_000, is_tidy=True))
    events = [json.loads(line) for line in lines(tmp_path)]
    assert len({event["event_id"] for event in events}) == 2_000
    assert all(not event["finished_at"] or event["started_at"] <= event["finished_at"] for event in events)
    assert all(path.read_bytes().endswith(b"\n") for path in tmp_path.rglob("*.jsonl"))


def test_the_same_seed_makes_the_same_files_and_leaves_them_as_they_are(tmp_path: Path) -> None:
    write_event_files(tmp_path / "a", sample(500))
    write_event_files(tmp_path / "b", sample(500))
    write_event_files(tmp_path / "c", sample(500, seed=1))
    assert contents(tmp_path / "a") == contents(tmp_path / "b")
    assert contents(tmp_path / "a").values() != contents(tmp_path / "c").values()
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "a").rglob("*.jsonl")}
    assert write_event_files(tmp_path / "a", sample(500)).changed == 0
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "a").rglob("*.jsonl")} == before


@pytest.mark.parametrize(("events", "hours"), [(0, 1), (1, 1), (3, 50), (7, 3)])
def test_any_number_of_events_over_any_number_of_hours(tmp_path: Path, events: int, hours: int) -> None:
    write_event_files(tmp_path, sample(events, hours=hours, profiles=0))
    assert len(list(lines(tmp_path))) == events
    assert not (tmp_path / "profiles").exists()


def test_a_command_reads_from_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    show = [sys.executable, "-c", "import os; print(os.environ['SOURCES__EVENT_FILES__URL'])"]
    monkeypatch.delenv("SOURCES__EVENT_FILES__URL", raising=False)
    assert main(["events", "--unless-set", str(tmp_path / "made"), "--", *show]) == 0
    assert capfd.readouterr().out.splitlines()[-1] == str(tmp_path / "made")
    monkeypatch.setenv("SOURCES__EVENT_FILES__URL", "s3://mine")
    assert main(["events", "--unless-set", str(tmp_path / "other"), "--", *show]) == 0
    assert capfd.readouterr().out.splitlines()[-1] == "s3://mine"
    assert not (tmp_path / "other").exists()


@pytest.mark.parametrize("arguments", [["--events", "-1"], ["--hours", "0"], ["--from", "2025-01"], ["--seed", "x"]])
def test_bad_numbers_are_refused(tmp_path: Path, arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["events", str(tmp_path), *arguments])
    assert ended.value.code == 2
    assert "expected" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
