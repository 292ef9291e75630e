"""Dagster's grid of partitions, as the ledger sensor keeps it: what a tick tells Dagster and what it reads there."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

import dagster as dg
from sqlalchemy import event
from sqlalchemy.engine import Engine

from benchmarks.growth.history import FEED
from ingestion.catalog import CATALOG
from orchestration.assets.partitions import partitions_definition
from orchestration.sensors import ledger


@dataclass(frozen=True)
class Tick:
    """What a tick of the ledger sensor did.

    `loads` are the events about loads that it told Dagster, `records` what it read of Dagster's own, `statements` how
    many it sent to Dagster's database, and `cursor_bytes` what it leaves to the next tick.
    """

    loads: int
    records: int
    statements: int
    cursor_bytes: int


class Grid:
    """Dagster's knowledge of a warehouse, in memory."""

    def __init__(self, instance: dg.DagsterInstance) -> None:
        self._instance = instance
        self._sensor = ledger.ledger_sensor_of(CATALOG)
        self._cursor: str | None = None

    def tick(self) -> Tick:
        """Evaluate the sensor once, and store what it reports as Dagster does."""
        with _counted(self._instance) as counts:
            data = self._sensor.evaluate_tick(dg.build_sensor_context(self._instance, cursor=self._cursor))
        self._cursor = data.cursor
        for reported in data.asset_events:
            self._instance.report_runless_asset_event(reported)
        loads = sum(isinstance(one, dg.AssetMaterialization) and bool(one.partition) for one in data.asset_events)
        return Tick(loads, counts["records"], counts["statements"], len(self._cursor or ""))

    def tell_all(self) -> None:
        """Tick until Dagster knows of everything, as many events at once as there are."""
        with patch.object(ledger, "_EVENTS_A_TICK", 1_000_000):
            while self.tick().loads:
                pass


@contextmanager
def grid() -> Iterator[Grid]:
    """A Dagster that knows of nothing yet."""
    with dg.DagsterInstance.ephemeral() as instance:
        yield Grid(instance)


def keys_made() -> int:
    """How many keys Dagster makes to show the partitions of the feed."""
    return len(partitions_definition(FEED).get_partition_keys())


@contextmanager
def _counted(instance: dg.DagsterInstance) -> Iterator[Counter[str]]:
    counts: Counter[str] = Counter()
    fetch = instance.fetch_materializations

    def count_records(*arguments: Any, **named: Any) -> dg.EventRecordsResult:
        page = fetch(*arguments, **named)
        counts["records"] += len(page.records)
        return page

    def count_statement(*_: Any) -> None:
        counts["statements"] += 1

    event.listen(Engine, "before_cursor_execute", count_statement)
    try:
        with patch.object(instance, "fetch_materializations", count_records):
            yield counts
    finally:
        event.remove(Engine, "before_cursor_execute", count_statement)
