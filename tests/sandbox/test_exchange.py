"""Messages of the exchange: the same every time, in Avro, with exact shares of what goes wrong on the way."""

import io
import json
import os
import struct
import subprocess
import sys
from collections import Counter, defaultdict
from datetime import UTC, date, datetime
from itertools import pairwise
from typing import Any

import pytest
from confluent_kafka import Consumer, TopicPartition
from fastavro import parse_schema, schemaless_reader

from ingestion.catalog import FEEDS
from ingestion.markets.trading_days import NEW_YORK
from sandbox.kafka import kafka
from sandbox.kafka_broker import Message
from sandbox.markets.exchange.messages import Encoder, sent_between
from sandbox.markets.exchange.parties import ACCOUNTS_OF, TRADERS, account_rows, trader_rows
from sandbox.markets.exchange.quirks import SHARES, Quirk, Sent
from sandbox.markets.exchange.schemas import STREAMS, Edition, Schema, schema_of, subject_of
from sandbox.schema_registry import SchemaRegistry
from tests.forking import interpreter

FIRST, LAST = date(2026, 1, 8), date(2026, 1, 9)
ADDED_BY = {Quirk.DUPLICATE, Quirk.CORRECTION, Quirk.EARLY_CORRECTION}


@pytest.fixture(scope="module")
def sent() -> list[Sent]:
    return list(sent_between(FIRST, LAST, happening=6000))


@pytest.fixture(scope="module")
def schemas() -> dict[int, Schema]:
    return {}


@pytest.fixture(scope="module")
def encoder(schemas: dict[int, Schema]) -> Encoder:
    def register(_: str, schema: Schema) -> int:
        schemas[len(schemas) + 1] = schema
        return len(schemas)

    return Encoder(register)


def decoded(message: Message, schemas: dict[int, Schema]) -> dict[str, Any]:
    """The message's record as its own schema has it; an error if it cannot be read."""
    assert message.value is not None
    magic, number = struct.unpack(">bI", message.value[:5])
    assert magic == 0
    buffer = io.BytesIO(message.value[5:])
    record = schemaless_reader(buffer, parse_schema(schemas[number]), None)
    assert buffer.read() == b""
    assert isinstance(record, dict)
    return record


def test_the_same_days_have_the_same_messages(sent: list[Sent], encoder: Encoder) -> None:
    again = sent_between(FIRST, LAST, happening=6000)
    assert [encoder.message(one) for one in again] == [encoder.message(one) for one in sent]
    assert sent[:100] != list(sent_between(FIRST, LAST, happening=6000, seed=1))[:100]


def test_readable_messages_come_back_as_they_were(
    sent: list[Sent], encoder: Encoder, schemas: dict[int, Schema]
) -> None:
    read = 0
    for one in sent:
        message = encoder.message(one)
        stream = FEEDS[one.event.feed].stream
        assert stream is not None
        assert message.topic == stream.topic
        if one.is_readable and one.edition in (Edition.FIRST, Edition.ADDED):
            record = decoded(message, schemas)
            assert {name: record[name] for name in one.event.record} == one.event.record
            read += 1
    assert read > 0.9 * len(sent)


def test_broken_messages_cannot_be_read(sent: list[Sent], encoder: Encoder, schemas: dict[int, Schema]) -> None:
    broken = {Quirk.NOT_AVRO, Quirk.UNKNOWN_SCHEMA, Quirk.TRUNCATED, Quirk.TOMBSTONE}
    seen = set()
    for one in sent:
        if one.quirk in broken:
            assert not one.is_readable
            with pytest.raises((AssertionError, EOFError, IndexError, KeyError)):
                decoded(encoder.message(one), schemas)
            seen.add(one.quirk)
    assert seen == broken


@pytest.mark.parametrize("feed", STREAMS)
def test_quirks_have_their_shares(sent: list[Sent], feed: str) -> None:
    of_feed = [one for one in sent if one.event.feed == feed]
    quirks = Counter(one.quirk for one in of_feed if one.quirk)
    originals = len(of_feed) - quirks[Quirk.DUPLICATE] // 2 - quirks[Quirk.CORRECTION]
    expected = {quirk: share * originals for quirk, share in SHARES[feed].items()}
    expected[Quirk.DUPLICATE] *= 2
    if feed == "trades":
        expected[Quirk.CORRECTION] += expected.pop(Quirk.EARLY_CORRECTION)
    for quirk, count in expected.items():
        assert quirks[quirk] == pytest.approx(count, abs=3), quirk


def test_a_correction_is_written_later_and_has_another_price(sent: list[Sent]) -> None:
    by_id: dict[str, list[Sent]] = defaultdict(list)
    for one in sent:
        if one.event.feed == "trades" and one.event.record["trade_id"]:
            by_id[one.event.record["trade_id"]].append(one)
    corrected = [each for each in by_id.values() if any(one.quirk is Quirk.CORRECTION for one in each)]
    orders: Counter[bool] = Counter()
    days: Counter[bool] = Counter()
    for each in corrected:
        assert len(each) == 2
        original, correction = sorted(each, key=lambda one: one.event.record["event_timestamp"])
        assert correction.quirk is Quirk.CORRECTION
        assert correction.event.record["price"] != original.event.record["price"]
        assert correction.event.record["trade_timestamp"] == original.event.record["trade_timestamp"]
        orders[each[0] is original] += 1
        days[correction.event.at.date() > original.event.at.date()] += 1
    assert orders[True] > 3 * orders[False] > 0, "some corrections come before what they correct"
    assert days[True] > 0, "some corrections come on a later day"


def test_late_trades_are_of_trading_days_before(sent: list[Sent]) -> None:
    late = [one.event for one in sent if one.quirk is Quirk.LATE]
    days = {event.record["trade_timestamp"].astimezone(NEW_YORK).date() for event in late}
    assert len(days) > 3
    assert max(days) < LAST
    assert all(event.record["trade_timestamp"] < event.at for event in late)


def test_messages_are_in_order_but_for_those_that_are_overtaken() -> None:
    tidy = list(sent_between(FIRST, LAST, happening=3000, seed=2))
    published = [one.event.at for one in tidy]
    assert published == sorted(published)
    written = [one.event.record["event_timestamp"] for one in tidy if one.event.feed == "orderbook"]
    behind = sum(later < earlier for earlier, later in pairwise(written))
    assert 0.005 < behind / len(written) < 0.05


def test_prices_by_minute_are_those_of_the_trades() -> None:
    trades: dict[tuple[str, datetime], list[dict[str, Any]]] = defaultdict(list)
    bars = {}
    for one in sent_between(FIRST, FIRST, happening=6000):
        record = one.event.record
        # As the exchange saw them, before anything went wrong.
        if one.quirk is None and one.event.feed == "marketdata":
            bars[record["symbol"], record["interval_start"]] = record
    for one in sent_between(FIRST, FIRST, happening=6000, has_quirks=False):
        record = one.event.record
        if one.event.feed == "trades":
            minute = record["trade_timestamp"].replace(second=0, microsecond=0)
            trades[record["symbol"], minute].append(record)
    assert len(bars) > 0.9 * len(trades)
    for key, bar in bars.items():
        prices = [trade["price"] for trade in trades[key]]
        assert (bar["open"], bar["close"]) == (prices[0], prices[-1])
        assert (bar["high"], bar["low"]) == (max(prices), min(prices))
        assert bar["volume"] == sum(trade["quantity"] for trade in trades[key])


def test_without_quirks_books_are_not_crossed_and_every_field_is_there() -> None:
    for one in sent_between(FIRST, FIRST, happening=2000, has_quirks=False):
        assert one.is_readable
        assert one.quirk is None
        assert None not in one.event.record.values()
        if one.event.feed == "orderbook":
            prices = [round(one.event.record[f"bid_price_{level}"], 2) for level in (3, 2, 1)]
            prices += [round(one.event.record[f"ask_price_{level}"], 2) for level in (1, 2, 3)]
            assert prices == sorted(set(prices))


@pytest.mark.parametrize("feed", STREAMS)
@pytest.mark.parametrize("edition", Edition)
def test_the_first_schema_reads_other_editions_as_avro_says(feed: str, edition: Edition) -> None:
    first, other = schema_of(feed), schema_of(feed, edition)
    names = [{field["name"] for field in schema["fields"]} for schema in (first, other)]
    changes = {Edition.ADDED: (0, 1), Edition.REMOVED: (1, 0), Edition.RENAMED: (1, 1)}
    assert (len(names[0] - names[1]), len(names[1] - names[0])) == changes.get(edition, (0, 0))
    assert (other == first) == (edition is Edition.FIRST)
    assert parse_schema(other)


def test_every_published_column_of_a_feed_is_in_its_schema() -> None:
    for feed in STREAMS:
        assert {field["name"] for field in schema_of(feed)["fields"]} == {one.name for one in FEEDS[feed].columns}


def test_traders_and_accounts_of_trades_are_in_the_reference_files(sent: list[Sent]) -> None:
    traders = {row[0] for row in trader_rows(FIRST)}
    accounts = {row[0]: row[1] for row in account_rows(FIRST)}
    for one in sent:
        if one.event.feed == "trades":
            assert one.event.record["trader_id"] in traders
            assert accounts[one.event.record["account_id"]] == one.event.record["trader_id"]
    assert len(TRADERS) == 30
    assert sum(map(len, ACCOUNTS_OF.values())) == len(accounts) == 40


def test_traders_and_accounts_change_over_time() -> None:
    for rows, columns in ((trader_rows, (2, 3, 4)), (account_rows, (2, 3))):
        earlier, later = rows(date(2025, 7, 1)), rows(date(2026, 1, 5))
        assert [row[0] for row in earlier] == [row[0] for row in later]
        for column in columns:
            changed = sum(one[column] != other[column] for one, other in zip(earlier, later, strict=True))
            assert 0 < changed < len(earlier) / 2
        assert rows(date(2026, 1, 5)) == later


def nyc(*arguments: str, environment: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    without = {name: value for name, value in os.environ.items() if not name.startswith(("KAFKA", "SCHEMA"))}
    return interpreter().run(["-m", "sandbox", *arguments], {**without, **(environment or {})})


def consumed(servers: str) -> Counter[str]:
    """How many messages each topic has."""
    reader = Consumer({"bootstrap.servers": servers, "group.id": "test", "enable.auto.commit": False})
    topics = [stream.topic for feed in STREAMS if (stream := FEEDS[feed].stream)]
    reader.assign([TopicPartition(topic, partition, 0) for topic in topics for partition in range(3)])
    found: Counter[str] = Counter()
    while batch := reader.consume(10_000, timeout=1):
        found.update(topic for message in batch if (topic := message.topic()))
    reader.close()
    return found


def test_historical_days_are_sent() -> None:
    with kafka() as environment:
        done = nyc("trades", "--historical", "2026-01-08..2026-01-11", "--messages", "500", environment=environment)
        assert done.returncode == 0, done.stderr
        # A weekend follows.
        expected = Counter(one.event.feed for one in sent_between(FIRST, LAST, happening=500))
        assert consumed(environment["KAFKA_BOOTSTRAP_SERVERS"]) == {
            f"raw.{feed}": count for feed, count in expected.items()
        }


def test_a_steady_rate_is_kept() -> None:
    with kafka() as environment:
        began = datetime.now(UTC)
        done = nyc("trades", "--rate", "2000", "--seconds", "2", "--tidy", environment=environment)
        assert done.returncode == 0, done.stderr
        assert (datetime.now(UTC) - began).total_seconds() >= 2
        sent = consumed(environment["KAFKA_BOOTSTRAP_SERVERS"])
        assert sent["raw.trades"] + sent["raw.orderbook"] == 4000
        assert 0 < sent["raw.marketdata"] <= 3 * 16


def test_a_command_has_a_broker_and_a_registry_of_its_own() -> None:
    code = (
        "import os, urllib.request; "
        "print(urllib.request.urlopen(os.environ['SCHEMA_REGISTRY_URL'] + '/subjects').read().decode()); "
        "raise SystemExit(3)"
    )
    done = nyc("trades", "--historical", "2026-01-08..2026-01-08", "--messages", "50", "--", sys.executable, "-c", code)
    assert done.returncode == 3, done.stderr
    assert json.loads(done.stdout) == sorted(subject_of(feed) for feed in STREAMS)


def test_kafka_runs_while_a_command_does() -> None:
    code = "import os, sandbox; print(os.environ['KAFKA_BOOTSTRAP_SERVERS'], os.environ['SCHEMA_REGISTRY_URL'])"
    done = nyc("kafka", "--port", "0", "--registry-port", "0", "--", sys.executable, "-c", code)
    assert done.returncode == 0, done.stderr
    servers, url = done.stdout.split()
    assert servers.startswith("127.0.0.1:")
    assert url.startswith("http://127.0.0.1:")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "there is no broker: set KAFKA_BOOTSTRAP_SERVERS or give --bootstrap-servers"),
        (("--rate", "0"), "--rate: expected a number from 1 to"),
        (("--seconds", "x"), "--seconds: expected a number from 1 to"),
        (("--historical", "2026-01-05"), "--historical: expected two dates such as"),
        (("--historical", "2026-01-09..2026-01-05"), "--historical: expected two dates from 2003-09-10 until today"),
        (("--historical", "2026-01-05..2096-01-05"), "--historical: expected two dates from 2003-09-10 until today"),
    ],
)
def test_bad_arguments_are_named(arguments: tuple[str, ...], said: str) -> None:
    done = nyc("trades", *arguments)
    assert done.returncode == 2
    assert said in done.stderr


def test_security_is_as_the_environment_says() -> None:
    with kafka() as environment:
        done = nyc("trades", "--seconds", "1", environment={**environment, "KAFKA_SECURITY_PROTOCOL": "PLAIN"})
    assert done.returncode == 2
    assert "expected KAFKA_SECURITY_PROTOCOL to be one of PLAINTEXT" in done.stderr


def test_a_registry_that_is_not_there_is_named() -> None:
    with SchemaRegistry() as registry:
        settings = ("--bootstrap-servers", "127.0.0.1:1", "--registry", "http://127.0.0.1:1")
        done = nyc("trades", *settings, environment={"SCHEMA_REGISTRY_URL": registry.url})
    assert done.returncode == 1
    assert "The registry did not take a schema for raw.trades-value" in done.stderr
