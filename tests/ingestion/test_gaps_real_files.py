"""Real months are not thin; skipped without the folder REAL_DATA_DIR."""

import os
import re
import threading
from datetime import date
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from ingestion.catalog import FEEDS
from ingestion.fetch.file_addresses import registered_names
from ingestion.gap_survey import survey
from ingestion.partitions import Partition
from ingestion.pipeline import Status, ingest
from ingestion.publication import State
from tests.partitions import partition_of
from warehouse.periods import month

pytestmark = pytest.mark.skipif("REAL_DATA_DIR" not in os.environ, reason="REAL_DATA_DIR is not set")


def _partitions(folder: Path) -> list[Partition]:
    """The months whose files are there, and the reference files."""
    names = {path.name for path in folder.glob("*/*")}
    found = [re.search(r"(\d{4})-?(\d{2})", name) for name in names]
    months = {date(int(match[1]), int(match[2]), 1) for match in found if match}
    feeds = [feed for feed in FEEDS.values() if feed.publisher.name != "weather"]
    partitions = [partition_of(feed, month) for feed in feeds for month in sorted(months)]
    return [partition for partition in dict.fromkeys(partitions) if names & set(registered_names(partition))]


def test_no_real_month_is_thin_or_replaced(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = Path(os.environ["REAL_DATA_DIR"])
    handler = partial(SimpleHTTPRequestHandler, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        address = f"http://127.0.0.1:{server.server_address[1]}"
        monkeypatch.setenv("SOURCES__TLC__BASE_URL", f"{address}/trip-data")
        monkeypatch.setenv("SOURCES__CITIBIKE__BASE_URL", f"{address}/tripdata")
        partitions = _partitions(folder)
        assert {result.status for result in ingest(partitions)} == {Status.LOADED}
        feeds = ",".join({partition.feed.name for partition in partitions})
        found = survey(feeds, None, month(2024, 12), now=date(2025, 3, 1))
        server.shutdown()
    assert found.unreachable == {}
    loaded = [planned for planned in found.plan if planned.partition in partitions]
    assert len(loaded) == len(partitions)
    assert {planned.state for planned in loaded} == {State.LOADED}
    assert [planned for planned in loaded if planned.thin] == []
