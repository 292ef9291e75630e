"""What tests of several sensors use."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
import pytest

from orchestration import defs

_HOLD = "import duckdb, sys; held = duckdb.connect(sys.argv[1]); print('held', flush=True); sys.stdin.read()"


@contextmanager
def held_by_another_process(database: Path) -> Iterator[None]:
    """Have another process write to the DuckDB file while the block runs."""
    with subprocess.Popen(
        [sys.executable, "-c", _HOLD, str(database)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout
        assert holder.stdout.readline() == "held\n"
        yield
        holder.communicate("")


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as ephemeral:
        yield ephemeral


@pytest.fixture
def busy_database(database: Path) -> Iterator[Path]:
    """The test's own DuckDB file, while another process writes to it."""
    with held_by_another_process(database):
        yield database


class Ticks:
    """The sensor's ticks, each with the cursor that the one before left; what it reports is stored as Dagster does."""

    def __init__(self, instance: dg.DagsterInstance) -> None:
        self._instance = instance
        self.cursor: str | None = None
        self.said: str | None = None
        self.count = 0

    def tick(self) -> set[tuple[str, str | None]]:
        """Evaluate the sensor once: the assets and partitions that it reports."""
        data = defs.get_sensor_def("ledger_sensor").evaluate_tick(
            dg.build_sensor_context(self._instance, cursor=self.cursor)
        )
        self.cursor, self.said = data.cursor, data.skip_message
        for event in data.asset_events:
            self._instance.report_runless_asset_event(event)
        self.count = len(data.asset_events)
        return {
            (event.asset_key.path[-1], event.partition)
            for event in data.asset_events
            if isinstance(event, dg.AssetMaterialization)
        }


@pytest.fixture
def ticks(instance: dg.DagsterInstance) -> Ticks:
    return Ticks(instance)
