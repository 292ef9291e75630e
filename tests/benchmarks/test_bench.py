"""How stages take turns, and what the command refuses."""

from pathlib import Path

import pytest

from benchmarks.__main__ import main
from benchmarks.bench import Bench, Contest
from benchmarks.processes import Cost
from benchmarks.samples import rows_a_month
from benchmarks.stages import FLOOR, Measurement, Results, Stage, Turn


def test_stages_take_turns_and_every_turn_is_kept(tmp_path: Path) -> None:
    order: list[str] = []
    kept: list[int] = []

    def contest(name: str, most_turns: int | None = None) -> Contest:
        def turn(measured: Measurement) -> Turn:
            order.append(f"{name}, {len(measured.turns)} before")
            return {FLOOR: Cost(1, 1, 1)}

        return Contest(Stage("build", name, 1), turn, most_turns)

    bench = Bench(
        trips=1,
        runs=2,
        memory_limit="1GB",
        folder=tmp_path,
        results=Results({}),
        only="month",
        keep=lambda results: kept.append(sum(len(each.turns) for each in results.measurements.values())),
    )
    bench.take_turns([contest("new month"), contest("full refresh"), contest("old month", most_turns=1)])
    assert order == ["new month, 0 before", "old month, 0 before", "new month, 1 before"]
    assert kept == [1, 2, 3]
    assert bench.has_measured(Stage("build", "new month", 1))
    assert not bench.has_measured(Stage("build", "full refresh", 1))


def test_trips_are_shared_by_feeds_and_months() -> None:
    assert rows_a_month(32_000_000) == {"yellow": 625_000, "fhv": 208_333, "citibike": 500_000}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["bild"], "unknown part bild: expected some of ingest, build"),
        (["--trips", "300000000"], "expected from 100,000 to 200,000,000 trips, got 300,000,000"),
        (["--runs", "0"], "expected at least one turn, got 0"),
    ],
)
def test_arguments_that_are_none_are_named(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 2
    assert said in " ".join(capsys.readouterr().err.split())
