"""A ledger filled by hand, and a channel that takes what is told."""

import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.orchestration.sensors.sinks import WebhookSink, serving
from warehouse.connection import open_for_writing
from warehouse.ledger import Fingerprint, Ledger, RunAsset, Watermark

# By then March of taxis is due (61 days), and April of bikes and weather.
NOW = datetime(2025, 6, 5, 12)


@pytest.fixture(autouse=True)
def unconfigured(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody is told, and there is room."""
    for name in list(os.environ):
        if name.startswith(("ALERT_", "SLACK_", "DOCS_URL", "DAGSTER_", "PUBLISHED_FOLDER")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("DISK_FLOOR_GB", "0")
    assert not database.exists()


@pytest.fixture
def slack(monkeypatch: pytest.MonkeyPatch) -> Iterator[WebhookSink]:
    with serving(sink := WebhookSink()):
        monkeypatch.setenv("ALERT_SLACK_WEBHOOK_URL", f"{sink.url}/services/s3cret")
        yield sink


class WrittenLedger:
    """The ledger of the test's own working file. All that it writes is as old as `NOW`."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def load(self, feed: str, *months: str) -> None:
        """Have months of a feed be loaded."""
        with open_for_writing() as connection:
            for month in months:
                Ledger(connection).set_watermark(feed, month, Watermark("1", 1000, None, None, Fingerprint("x", "e")))
        self.date(NOW)

    def load_all(self) -> None:
        """Have all be loaded that is due at `NOW`."""
        for feed in ("yellow", "green", "fhv"):
            self.load(feed, "2025-01", "2025-02", "2025-03")
        for feed in ("citibike", "weather"):
            self.load(feed, "2025-01", "2025-02", "2025-03", "2025-04")

    def forget(self, feed: str, month: str) -> None:
        """Have a month not be loaded."""
        with open_for_writing() as connection:
            connection.execute("delete from meta.asset_watermarks where asset = ? and partition_key = ?", [feed, month])
        self.date(NOW)

    def try_(self, feed: str, month: str, status: str, **more: Any) -> None:
        """Have a load end so."""
        with open_for_writing() as connection:
            ledger = Ledger(connection)
            run_id = ledger.start_run("ingestion", {}, started_by="terminal", started_at=NOW)
            ledger.record_asset(run_id, RunAsset(feed, month, status, **more))
            ledger.finish_run(run_id, "failed" if more.get("error") else "success", finished_at=NOW)
        self.date(NOW)

    def run(self, sql: str) -> None:
        """Change the file by SQL."""
        with open_for_writing() as connection:
            connection.execute(sql)
        self.date(NOW)

    def date(self, at: datetime) -> None:
        """Have the file be last written then (UTC)."""
        seconds = (at - datetime(1970, 1, 1)).total_seconds()
        os.utime(self._path, (seconds, seconds))


@pytest.fixture
def ledger(database: Path) -> WrittenLedger:
    return WrittenLedger(database)
