"""Files of a few rows have as many odd ones as large files have kinds of them: nothing is to be warned of."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
import pytest

from ingestion.catalog import FEEDS
from quality.suites import SUITES
from quality.validate import run_suites
from sandbox.catalog import FEEDS_SERVED
from sandbox.kafka_broker import Broker
from sandbox.markets.exchange.messages import Encoder, sent_between
from sandbox.schema_registry import SchemaRegistry
from sandbox.server import SamplePublisher
from sandbox.telemetry.event_files import write_event_files
from sandbox.telemetry.event_lines import Sample
from tests.end_to_end.line import Line
from warehouse.periods import Grain


@pytest.fixture
def _sent(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A day of messages in all topics, which the environment names."""
    topics = {feed.stream.topic: 1 for feed in FEEDS.values() if feed.stream}
    with Broker(topics) as broker, SchemaRegistry() as registry:
        monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", broker.bootstrap_servers)
        monkeypatch.setenv("SCHEMA_REGISTRY_URL", registry.url)
        day, encoder = date(2025, 10, 9), Encoder(registry.register)
        broker.produce([replace(encoder.message(one), timestamp_ms=0) for one in sent_between(day, day, happening=100)])
        yield


@pytest.fixture
def _dropped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A few event files, in the folder that the environment names."""
    folder = tmp_path / "event_files"
    write_event_files(folder, Sample(datetime.fromisoformat("2025-10-09T08"), hours=3, events=30, profiles=5))
    monkeypatch.setenv("SOURCES__EVENT_FILES__URL", str(folder))


@pytest.mark.usefixtures("_sent", "_dropped")
def test_the_smallest_sample_files_pass_every_test_and_suite(tmp_path: Path) -> None:
    first, last = date(2025, 10, 1), date(2025, 11, 1)
    with SamplePublisher(first, last, rows=1, folder=tmp_path / "published") as publisher:
        line = Line(tmp_path, publisher)
        for grain, bounds in ((Grain.MONTH, ("2025-10", "2025-11")), (Grain.DAY, ("2025-10-08", "2025-10-10"))):
            served = [feed for feed in FEEDS_SERVED if FEEDS[feed].grain is grain]
            line.load("--from", bounds[0], "--to", bounds[1], "--sources", ",".join(served))
        line.stream()
        line.load("--from", "2025-10-09", "--to", f"{datetime.now(UTC):%Y-%m-%d}", "--sources", "telemetry")
        assert "WARN=0 ERROR=0 SKIP=0" in line.build(data_tests=True)
    with duckdb.connect(str(line.database), read_only=True) as connection:
        results = run_suites(connection, SUITES)
    assert [result.suite.name for result in results if not result.checks] == []
    assert [check for result in results for check in result.checks if not check.passed] == []
