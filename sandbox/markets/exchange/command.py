"""`nyc sandbox trades`: sends what happens at the exchange to Kafka, now or on past days."""

import argparse
import json
import logging
import os
import signal
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import requests

from ingestion.catalog import FEEDS
from ingestion.streams.extra import require_extra
from ingestion.streams.settings import KafkaSettings, RegistrySettings
from sandbox.commands import Command, run_with
from sandbox.kafka import kafka
from sandbox.kafka_broker import BrokerError, Sender
from sandbox.markets.exchange.events import Market
from sandbox.markets.exchange.quirks import Quirks, Sent
from sandbox.markets.exchange.schemas import STREAMS, Schema
from warehouse.exit_codes import ExitCode
from warehouse.secrets import without_secrets

logger = logging.getLogger(__name__)

_SERVERS, _REGISTRY = "KAFKA_BOOTSTRAP_SERVERS", "SCHEMA_REGISTRY_URL"
_SECONDS_A_TURN = 0.05
_TIMEOUT_SECONDS = 30
_LARGEST = 10_000_000
_LONGEST_REASON = 300


class Trades(Command):
    """Trades, snapshots of the order book and prices by minute, in Avro, with what goes wrong on the way."""

    name = "trades"
    summary = "send trades, the order book and prices by minute to Kafka"

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.epilog = (
            f"A command after -- runs when all is sent. Without {_SERVERS} it has a broker and a registry of its own: "
            "nyc sandbox trades --historical 2026-01-05..2026-01-09 -- nyc stream trades,orderbook,marketdata --once"
        )
        parser.add_argument(
            "--rate", type=_number, default=100, help="trades and snapshots a second (default: %(default)s)"
        )
        parser.add_argument(
            "--seconds", type=_number, default=60, help="how long; stop it earlier with Ctrl-C (default: %(default)s)"
        )
        parser.add_argument(
            "--historical",
            type=_days,
            metavar="FROM..TO",
            help="the trading days from one date to another, as fast as they can be sent, such as "
            "2026-01-02..2026-01-30",
        )
        parser.add_argument(
            "--messages",
            type=_number,
            default=20_000,
            help="trades and snapshots of a historical day (default: %(default)s)",
        )
        parser.add_argument("--seed", type=int, default=0, help="another one gives other trades (default: %(default)s)")
        parser.add_argument("--tidy", action="store_true", help="without duplicates, corrections and odd messages")
        parser.add_argument("--bootstrap-servers", help=f"the broker (default: ${_SERVERS})")
        parser.add_argument("--registry", help=f"the registry of schemas (default: ${_REGISTRY})")
        parser.add_argument("argv", nargs="*", metavar="-- command", help="a command to run when all is sent")

    def run(self, arguments: argparse.Namespace) -> int:
        require_extra()
        with _environment(arguments) as environment:
            with _stopping() as stop:
                count = _send(arguments, environment, stop)
            logger.info("sent %s messages to %s", f"{count:,}", environment[_SERVERS])
            return run_with(environment, arguments.argv) if arguments.argv and not stop.is_set() else ExitCode.DONE


@contextmanager
def _environment(arguments: argparse.Namespace) -> Iterator[Mapping[str, str]]:
    """Where to send: what the arguments or the environment say, or else a broker and a registry of our own.

    Raises:
        ValueError: there is no broker, and no command for which one could run.
    """
    servers = arguments.bootstrap_servers or os.environ.get(_SERVERS)
    if servers:
        url = arguments.registry or RegistrySettings.from_environment().url
        yield {_SERVERS: servers, _REGISTRY: url}
    elif arguments.argv:
        with kafka() as environment:
            yield environment
    else:
        raise ValueError(
            f"there is no broker: set {_SERVERS} or give --bootstrap-servers. `nyc sandbox kafka` runs one. Or let a "
            "command follow after --, such as `-- nyc stream trades,orderbook,marketdata --once`"
        )


def _send(arguments: argparse.Namespace, environment: Mapping[str, str], stop: threading.Event) -> int:
    """Send all, and return how many messages that were.

    Raises:
        BrokerError: not all arrived, or a schema was not registered.
        SettingError: a setting of the environment is not valid.
    """
    # Needs the extra `streams`.
    from sandbox.markets.exchange.messages import Encoder

    encoder = Encoder(_Registration(environment[_REGISTRY]).register)
    sender = Sender({**KafkaSettings.from_environment().client(), "bootstrap.servers": environment[_SERVERS]})
    for sent in _all(arguments, sender, stop):
        # Brokers delete what seems old to them, so a message of a past day is as new as any other.
        sender.send(replace(encoder.message(sent), timestamp_ms=0))
        if arguments.historical and stop.is_set():
            break
    sender.finish()
    return sender.sent


def _all(arguments: argparse.Namespace, sender: Sender, stop: threading.Event) -> Iterator[Sent]:
    if arguments.historical:
        from sandbox.markets.exchange.messages import sent_between

        first, last = arguments.historical
        has_quirks = not arguments.tidy
        return sent_between(first, last, happening=arguments.messages, seed=arguments.seed, has_quirks=has_quirks)
    return _from_now_on(arguments, sender, stop)


def _from_now_on(arguments: argparse.Namespace, sender: Sender, stop: threading.Event) -> Iterator[Sent]:
    """What happens from now on, at a steady rate. Where it falls behind, it catches up."""
    market = Market(arguments.seed)
    quirks = Quirks(arguments.seed, {}, {}) if arguments.tidy else Quirks(arguments.seed)
    began_at, began = datetime.now(UTC), time.monotonic()
    passed = 0.0
    while passed < arguments.seconds and not stop.is_set():
        sender.poll()
        stop.wait(max(0.0, began + passed + _SECONDS_A_TURN - time.monotonic()))
        since, passed = passed, min(time.monotonic() - began, float(arguments.seconds))
        numbers = range(int(since * arguments.rate), int(passed * arguments.rate))
        happening = (began_at + timedelta(seconds=number / arguments.rate) for number in numbers)
        yield from quirks.apply(market.events(happening))
    yield from quirks.apply(market.close())
    yield from quirks.flush(datetime.now(UTC))


class _Registration:
    """Registers schemas at a registry, as the user of the environment where it wants one."""

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")
        settings = RegistrySettings.from_environment()
        self._session = requests.Session()
        if settings.user is not None:
            self._session.auth = (settings.user, settings.password or "")

    def register(self, subject: str, schema: Schema) -> int:
        """Give a schema its id.

        Raises:
            BrokerError: the registry does not answer, or refuses it.
        """
        address = f"{self._url}/subjects/{subject}/versions"
        try:
            answer = self._session.post(address, json={"schema": json.dumps(schema)}, timeout=_TIMEOUT_SECONDS)
            answer.raise_for_status()
            return int(answer.json()["id"])
        except (requests.RequestException, ValueError, KeyError, TypeError) as error:
            why = without_secrets(str(error))[:_LONGEST_REASON]
            raise BrokerError(
                f"The registry did not take a schema for {subject}: {why}. It has to take schemas that do not fit "
                "those before (compatibility NONE), because the sandbox sends such messages."
            ) from error


@contextmanager
def _stopping() -> Iterator[threading.Event]:
    """An event that is set on Ctrl-C or SIGTERM."""
    stop = threading.Event()
    before = {number: signal.signal(number, lambda *_: stop.set()) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _number(text: str) -> int:
    number = int(text) if text.isdecimal() and len(text) < 10 else 0
    if not 1 <= number <= _LARGEST:
        raise argparse.ArgumentTypeError(f"expected a number from 1 to {_LARGEST:,}, got {text[:60]!a}")
    return number


def _days(text: str) -> tuple[date, date]:
    try:
        first, last = (date.fromisoformat(part) for part in text.split(".."))
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"expected two dates such as 2026-01-02..2026-01-30, got {text[:60]!a}"
        ) from None
    begins = min(FEEDS[feed].first_day for feed in STREAMS)
    if not begins <= first <= last <= datetime.now(UTC).date():
        raise argparse.ArgumentTypeError(f"expected two dates from {begins} until today, in order, got {text[:60]!a}")
    return first, last
