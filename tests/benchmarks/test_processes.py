"""What a process is said to have cost."""

import sys

import pytest

from benchmarks.processes import BenchmarkError, measure

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
