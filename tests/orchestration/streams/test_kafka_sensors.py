"""The sensors of the three topics, evaluated against a broker and a ledger."""

from pathlib import Path

import dagster as dg
import pytest

from ingestion.catalog import FEEDS
from ingestion.streams import ends
from orchestration import defs
from sandbox.kafka_broker import Broker, Message
from tests.orchestration.sensors.conftest import held_by_another_process
from tests.orchestration.streams.conftest import STREAMS, add_run
from warehouse.connection import open_for_writing
from warehouse.ledger import Ledger
from warehouse.ledger.stream_offsets import StreamOffset, write_stream_offsets

NAMES = [feed.name for feed in STREAMS]


class Ticks:
    """The ticks of one sensor, each with the cursor that the one before left."""

    def __init__(self, instance: dg.DagsterInstance, feed: str = "trades") -> None:
        self._instance = instance
        self.sensor = defs.get_repository_def().get_sensor_def(f"kafka_{feed}_sensor")
        self.cursor: str | None = None
        self.said = ""

    def tick(self) -> list[dg.RunRequest]:
        """Evaluate the sensor once, and return what it requests."""
        context = dg.build_sensor_context(self._instance, cursor=self.cursor, repository_def=defs.get_repository_def())
        data = self.sensor.evaluate_tick(context)
        self.cursor, self.said = data.cursor or self.cursor, data.skip_message or ""
        return list(data.run_requests or [])


def produce(broker: Broker, feed: str, *counts: int) -> None:
    """Produce so many messages into each partition of a feed's topic."""
    stream = FEEDS[feed].stream
    assert stream
    broker.produce(
        Message(stream.topic, b"x", partition=partition) for partition, count in enumerate(counts) for _ in range(count)
    )


def read_to(feed: str, *ends: int) -> None:
    """Have the ledger say that each partition was read to here."""
    stream = FEEDS[feed].stream
    assert stream
    with open_for_writing() as connection:
        Ledger(connection)
        write_stream_offsets(
            connection,
            [
                StreamOffset(feed, stream.topic, partition, None, 0, end, end, end, 0, 0, None)
                for partition, end in enumerate(ends)
            ],
        )


@pytest.mark.parametrize("feed", NAMES)
def test_new_messages_are_requested_and_no_new_ones_are_not(
    feed: str, broker: Broker, database: Path, instance: dg.DagsterInstance
) -> None:
    ticks = Ticks(instance, feed)
    stream = FEEDS[feed].stream
    assert stream
    assert ticks.tick() == []
    assert ticks.said.startswith(f"no new messages in {stream.topic}")
    produce(broker, feed, 3, 2)
    (request,) = ticks.tick()
    assert ticks.sensor.job_name == f"bronze_{feed}_ingestion"
    assert request.run_key == f"{stream.topic} 0:0,1:0 to 0:3,1:2"
    assert request.tags == {
        "kafka_topic": stream.topic,
        "messages": "5",
        "layer": "bronze",
        "subject": "markets",
    } | {key: value for key, value in request.tags.items() if key.startswith("dagster/")}
    # Until it is read, it is the same request, which Dagster starts once.
    assert [again.run_key for again in ticks.tick()] == [request.run_key]
    read_to(feed, 3, 2)
    assert ticks.tick() == []
    assert ticks.said == f"no new messages in {stream.topic}: all are read, to offset 3, 2"


def test_what_a_run_left_behind_is_requested_though_it_was_requested_before(
    broker: Broker, database: Path, instance: dg.DagsterInstance
) -> None:
    ticks = Ticks(instance)
    produce(broker, "trades", 10, 10)
    (first,) = ticks.tick()
    # The run was killed after a batch.
    read_to("trades", 10, 4)
    (second,) = ticks.tick()
    assert (first.tags["messages"], second.tags["messages"]) == ("20", "6")
    assert second.run_key == "raw.trades 0:10,1:4 to 0:10,1:10" != first.run_key


@pytest.mark.parametrize("status", [dg.DagsterRunStatus.NOT_STARTED, dg.DagsterRunStatus.STARTED])
def test_nothing_is_requested_while_a_run_is_on_its_way(
    status: dg.DagsterRunStatus, broker: Broker, database: Path, instance: dg.DagsterInstance
) -> None:
    produce(broker, "trades", 1)
    run_id = add_run(instance, "bronze_trades_ingestion", status)
    ticks = Ticks(instance)
    assert ticks.tick() == []
    word = "queued" if status is dg.DagsterRunStatus.NOT_STARTED else "running"
    assert ticks.said == f"run {run_id[:8]} of bronze_trades_ingestion is {word}"
    # That of another topic is nobody's concern.
    produce(broker, "orderbook", 1)
    assert len(Ticks(instance, "orderbook").tick()) == 1


def test_after_a_failure_the_same_messages_are_requested_again_but_not_at_once(
    broker: Broker, database: Path, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticks = Ticks(instance)
    produce(broker, "trades", 1)
    (first,) = ticks.tick()
    run_id = add_run(instance, "bronze_trades_ingestion", dg.DagsterRunStatus.FAILURE)
    assert ticks.tick() == []
    assert ticks.said.startswith(f"run {run_id[:8]} failed less than 10 minutes ago")
    monkeypatch.setattr("orchestration.sensors.streams._SECONDS_AFTER_FAILURE", 0)
    (second,) = ticks.tick()
    assert second.run_key == f"{first.run_key} after {run_id}"


def test_a_broker_that_is_down_is_a_reason_and_no_failure(
    broker: Broker, database: Path, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ends, "_SECONDS_TO_ANSWER", 2)
    ticks = Ticks(instance)
    produce(broker, "trades", 1)
    broker.stop()
    assert ticks.tick() == []
    assert f"expected Kafka to answer at {broker.bootstrap_servers}" in ticks.said
    assert len(ticks.said) < 600


def test_without_an_address_nobody_is_asked(
    database: Path, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("KAFKA_BOOTSTRAP_SERVERS", raising=False)
    ticks = Ticks(instance)
    assert (ticks.tick(), ticks.said) == ([], "KAFKA_BOOTSTRAP_SERVERS is not set, so there is no broker to ask")


def test_a_topic_that_is_not_there_is_said(
    database: Path, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Broker({"others": 1}) as other:
        monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", other.bootstrap_servers)
        ticks = Ticks(instance)
        assert (ticks.tick(), ticks.said) == ([], "the broker has no topic raw.trades (yet)")


def test_while_the_ledger_is_in_use_the_tick_goes_by_what_it_knew(
    broker: Broker, database: Path, instance: dg.DagsterInstance
) -> None:
    ticks = Ticks(instance)
    produce(broker, "trades", 2)
    read_to("trades", 2, 0)
    assert ticks.tick() == []
    with held_by_another_process(database):
        assert ticks.tick() == []
        assert ticks.said.startswith("no new messages")
        produce(broker, "trades", 1)
        (request,) = ticks.tick()
    assert request.tags["messages"] == "1"


def test_the_sensors_look_every_ten_seconds_and_run_by_themselves() -> None:
    for feed in NAMES:
        sensor = defs.get_repository_def().get_sensor_def(f"kafka_{feed}_sensor")
        assert sensor.minimum_interval_seconds == 10
        assert sensor.default_status is dg.DefaultSensorStatus.RUNNING
