"""What a process is said to have cost."""

import sys

import pytest

from benchmarks.processes import BenchmarkError, Limits, measure

BUSY = "data = b'x' * 300 * 1024**2; sum(range(4_000_000)); print('done')"


def test_cost_is_of_the_process_alone() -> None:
    large_parent = b"x" * 400_000_000
    cost, printed = measure([sys.executable, "-c", BUSY])
    idle, _ = measure([sys.executable, "-c", "import time; time.sleep(0.5)"])
    assert printed.strip() == "done"
    assert 300 < cost.peak_mb < 380
    assert idle.peak_mb < 100 < len(large_parent) / 1024**2
    assert idle.wall >= 0.5
    assert idle.cpu < 0.4


def test_a_command_that_fails_is_no_measurement() -> None:
    with pytest.raises(BenchmarkError, match="no such thing"):
        measure([sys.executable, "-c", "raise SystemExit('no such thing')"])


def test_a_command_that_takes_too_much_is_stopped_with_its_children() -> None:
    greedy = (
        f"import subprocess, sys; subprocess.run([sys.executable, '-c', {BUSY + '; import time; time.sleep(60)'!r}])"
    )
    with pytest.raises(BenchmarkError, match="stopped: it took more than 200 MB of memory"):
        measure([sys.executable, "-c", greedy], limits=Limits(mb=200))
    with pytest.raises(BenchmarkError, match="stopped: it took more than 1 seconds"):
        measure([sys.executable, "-c", "import time; time.sleep(60)"], limits=Limits(seconds=1))
