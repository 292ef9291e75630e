"""What the benchmark says of its figures."""

from pathlib import Path

import pytest

from benchmarks.plot import draw
from benchmarks.processes import Cost
from benchmarks.report import conclusions, markdown_of
from benchmarks.stages import FLOOR, PLAIN, PLATFORM, Measurement, Results, Stage, Turn, start_of

ABOUT = {
    "date": "2026-11-21",
    "trips": 1_000_000,
    "turns": 3,
    "memory_limit": "4GB",
    "processor": "some",
    "cores": 2,
    "memory_gb": 8.0,
    "system": "Linux",
    "load_before": 0.1,
    "python": "3.11",
    "duckdb": "2.0.0",
}


def turn(floor: float, platform: float, **others: Cost) -> Turn:
    return {FLOOR: Cost(floor, 2 * floor, 100), PLATFORM: Cost(platform, 3 * platform, 200), **others}


def new_month(months: int, *seconds: float, part: str = "build") -> Measurement:
    stage = Stage(part, f"new month, {months} of history", 40_000, "delete and insert", 1.3, months)
    return Measurement(stage, [turn(1, each) for each in seconds], 50.0)


@pytest.fixture
def results() -> Results:
    results = Results(ABOUT)
    for months, seconds in ((3, (1.2, 1.1, 2.4)), (24, (1.3, 1.1, 3.6))):
        measured = new_month(months, *seconds)
        results.of(measured.stage).turns = measured.turns
    full = results.of(Stage("build", "full refresh, 3 months", 1_000_000, "create table as", 1.3))
    full.turns = [turn(2, 3, plain=Cost(20, 30, 900)), turn(4, 5.6)]
    full.file_mb, full.notes = 12.5, {"rows that the plain way lost": 1234}
    idle = results.of(Stage("build", "nothing to do", 0))
    idle.turns = [{PLATFORM: Cost(1.6, 1, 50)}]
    return results


def test_a_ratio_is_of_the_same_turn(results: Results) -> None:
    measured = new_month(3, 1, 8, 1)
    measured.turns[1] = turn(8, 8)  # a slow machine for both
    assert measured.ratios() == [1, 1, 1]
    full = results.find("build", "full refresh, 3 months")
    assert full is not None
    assert full.ratios() == [1.5, 1.4]
    assert full.ratios(PLAIN) == [10], "it took part in one turn only"
    assert full.ratio(unit="cpu") == pytest.approx(2.175)


def test_a_start_is_taken_off_and_a_slow_one_is_not_taken_for_fast_work() -> None:
    measured = new_month(3, 4, 4, 6)
    measured.turns = [
        {**turn, start_of(PLATFORM): Cost(start, start, 50)}
        for turn, start in zip(measured.turns, (3, 5, 3), strict=True)
    ]
    assert measured.costs(PLATFORM) == [Cost(1, 9, 200), Cost(1, 9, 200), Cost(3, 15, 200)]
    assert measured.ratios() == [1, 1, 3]


def test_the_middle_of_the_turns_counts(results: Results) -> None:
    said = "\n".join(conclusions(results))
    assert "new month, 3 of history: 1.20 x its floor, 1.80 in CPU; goal 1.3 met" in said
    assert "full refresh, 3 months: 1.45 x its floor, 2.17 in CPU; goal 1.3 missed" in said


def test_growth_with_history_is_taken_turn_by_turn(results: Results) -> None:
    for months, seconds in ((3, 2.0), (24, 3.0)):
        measured = new_month(months, seconds, part="publish")
        results.of(measured.stage).turns = measured.turns
    assert [line for line in conclusions(results) if "against" in line] == [
        "build: a new month after 24 months against one after 3: 1.08 x, 1.08 in CPU; goal 1.15 met",
        "publish: a new month after 24 months against one after 3: 1.50 x, 1.50 in CPU; goal 1.15 missed",
    ]


def test_an_idle_run_has_a_goal_in_seconds(results: Results) -> None:
    assert "nothing to do: 1.60 s beyond dbt's own start; goal 1.5 missed" in conclusions(results)


def test_the_table_for_documents_has_every_stage_and_note(results: Results) -> None:
    text = markdown_of(results)
    header, rule, *rows = [line for line in text.splitlines() if line.startswith("|")]
    assert len(rows) == 4
    assert {line.count("|") for line in (header, rule, *rows)} == {header.count("|")}
    assert "| build: full refresh, 3 months | 1,000,000 | 3.00 | 4.30 (3.00-5.60) | 1.45 (1.40-1.50) | 1.3 |" in text
    assert "rows that the plain way lost: 1,234" in text


def test_figures_come_back_as_they_were_written(results: Results, tmp_path: Path) -> None:
    results.write(tmp_path / "figures.json")
    assert Results.read(tmp_path / "figures.json") == results


def test_the_picture_is_drawn(results: Results, tmp_path: Path) -> None:
    draw(results, tmp_path / "some" / "figures.png")
    assert (tmp_path / "some" / "figures.png").stat().st_size > 10_000
