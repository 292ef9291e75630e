"""The benchmark of event files runs, on a tiny sample."""

from pathlib import Path

from benchmarks.event_files import measure


def test_both_load_the_same_events(tmp_path: Path) -> None:
    (turn,) = measure(events=60, hours=6, runs=1, folder=tmp_path)
    assert all(cost.wall > 0 and cost.peak_mb > 0 for cost in turn.values())
