"""Two versions side by side: what counts as slower, and a real run of both."""

import shutil
from pathlib import Path

import pytest

from benchmarks.__main__ import main
from benchmarks.against import Change, changes_between
from benchmarks.processes import Cost
from benchmarks.stages import FLOOR, PLATFORM, Results, Stage
from warehouse.paths import PROJECT_ROOT


def turn_of(part: str, name: str, platform: float, floor: float = 1) -> Results:
    results = Results({})
    results.of(Stage(part, name, 1)).turns.append({FLOOR: Cost(floor, floor, 1), PLATFORM: Cost(platform, platform, 1)})
    return results


def change(before: tuple[float, ...], now: tuple[float, ...]) -> Change:
    (found,) = changes_between(
        [turn_of("build", "new month", seconds) for seconds in before],
        [turn_of("build", "new month", seconds) for seconds in now],
    )
    return found


@pytest.mark.parametrize(
    ("before", "now", "is_slower"),
    [
        ((2, 2, 2), (2.2, 2.3, 2.2), True),
        ((2, 2, 2), (2.9, 2.9, 2.0), False),  # noise: one turn was as fast
        ((2, 2, 2), (2.05, 2.05, 2.05), False),  # within noise
        ((2, 2, 2), (1, 1, 1), False),
        ((2, 4, 2), (2.4, 4.8, 2.4), True),  # a slow machine for both in the second turn
    ],
)
def test_a_stage_is_slower_only_if_every_turn_was(
    before: tuple[float, ...], now: tuple[float, ...], is_slower: bool
) -> None:
    assert change(before, now).is_slower == is_slower


def test_stages_of_both_versions_are_paired_by_name() -> None:
    before = [turn_of("build", "gone", 1), turn_of("build", "new month", 2), turn_of("check", "264 expectations", 3)]
    now = [turn_of("build", "new month", 3), turn_of("check", "270 expectations", 6), turn_of("ask", "new", 1)]
    changes = {one.name: one.ratios() for one in changes_between(before, now)}
    assert changes == {"build: new month": [1.5], "check: 270 expectations": [2]}


def test_the_change_of_the_floor_shows_the_noise() -> None:
    (found,) = changes_between([turn_of("build", "x", 2, floor=1)], [turn_of("build", "x", 2, floor=1.1)])
    assert found.ratios(FLOOR) == [pytest.approx(1.1)]


def test_a_folder_without_the_project_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--against", str(tmp_path)]) == 1
    assert f"expected a checkout of this project in {tmp_path}" in capsys.readouterr().err


def test_two_checkouts_are_measured_in_turns(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = tmp_path / "checkout"
    for folder in ("benchmarks", "dbt", "ingestion", "metrics", "quality", "sandbox", "warehouse"):
        shutil.copytree(PROJECT_ROOT / folder, other / folder, ignore=shutil.ignore_patterns("target", "__pycache__"))
    arguments = ["ingest", "--trips", "100000", "--runs", "1", "--only", "fhv, Parquet", "--against", str(other)]
    main(arguments)
    said = capsys.readouterr().out
    assert "now / before" in said
    assert "ingest: fhv, Parquet" in said
    assert "slower in every turn, by more than 5%" in said
    assert list((other / "data" / "benchmark").glob("fhv-*")), "the other checkout worked in its own folder"
