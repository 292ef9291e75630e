"""What the broker says of topics: their partitions, and where each begins and ends."""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import cast

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicCollection, TopicPartition
from confluent_kafka.admin import AdminClient

from ingestion.errors import DownloadError
from ingestion.streams.places import StreamMessage
from ingestion.streams.settings import KafkaSettings

_SECONDS_TO_ANSWER = 10.0
_SECONDS_TO_FETCH = 5.0

# Of the group nothing is asked but its name: partitions are assigned, never joined.
_PROBE = {
    "group.id": "nyc-lag",
    "enable.auto.commit": False,
    "auto.offset.reset": "error",
    "isolation.level": "read_committed",
    "enable.partition.eof": True,
    "fetch.wait.max.ms": 10,
    "queued.max.messages.kbytes": 1024,
    "log_level": 0,
}


@dataclass(frozen=True)
class Topic:
    """A topic at the broker. `id` is another one when it was deleted and made anew; None where the broker has none."""

    name: str
    id: str | None
    partitions: tuple[int, ...]


@dataclass(frozen=True)
class Extent:
    """Where a partition begins, and ends: the first offset that is still there, and the one after the newest."""

    first: int
    end: int


class BrokerError(DownloadError):
    """The broker could not be reached, or did not answer."""


def describe_topics(settings: KafkaSettings, names: Iterable[str]) -> dict[str, Topic]:
    """The topics of these names that are there.

    Raises:
        BrokerError: the broker does not answer.
    """
    admin = AdminClient({**settings.client(), "log_level": 0})
    asked = admin.describe_topics(TopicCollection(list(names)), request_timeout=_SECONDS_TO_ANSWER)
    found = {}
    for name, answer in asked.items():
        try:
            topic = answer.result(_SECONDS_TO_ANSWER + 1)
        except KafkaException as error:
            if error.args[0].code() == KafkaError.UNKNOWN_TOPIC_OR_PART:
                continue
            raise no_answer(settings, error) from error
        # A topic without an id has this one.
        topic_id = None if str(topic.topic_id) in ("AAAAAAAAAAAAAAAAAAAAAA", "None") else str(topic.topic_id)
        found[name] = Topic(name, topic_id, tuple(sorted(partition.id for partition in topic.partitions)))
    return found


def extents(settings: KafkaSettings, places: Iterable[tuple[str, int]]) -> dict[tuple[str, int], Extent]:
    """Where these partitions, each a topic and a number, begin and end now.

    Ends are taken from a fetch: Tansu, the broker of the sandbox, tells too low ones when it is asked for them alone.

    Raises:
        BrokerError: the broker does not answer.
    """
    consumer = Consumer({**settings.client(), **_PROBE})
    try:
        return _ask(consumer, list(places))
    except KafkaException as error:
        raise no_answer(settings, error) from error
    finally:
        consumer.close()


def _ask(consumer: Consumer, places: list[tuple[str, int]]) -> dict[tuple[str, int], Extent]:
    told = {}
    for place in places:
        first, end = consumer.get_watermark_offsets(TopicPartition(*place), timeout=_SECONDS_TO_ANSWER)
        told[place] = Extent(first, end)
    # Where nothing is, nothing needs to be fetched to know the end.
    waiting = {place for place, extent in told.items() if extent.end > extent.first}
    consumer.assign([TopicPartition(*place, told[place].end) for place in waiting])
    deadline = time.monotonic() + _SECONDS_TO_FETCH
    while waiting and time.monotonic() < deadline:
        for message in cast("list[StreamMessage]", consumer.consume(1000, 0.1)):
            place = (message.topic(), message.partition())
            if (error := message.error()) is not None:
                waiting.discard(place)
                if error.code() == KafkaError._PARTITION_EOF:
                    told[place] = Extent(told[place].first, max(told[place].end, message.offset()))
            elif place in waiting:
                _, end = consumer.get_watermark_offsets(TopicPartition(*place), cached=True)
                told[place] = Extent(told[place].first, max(told[place].end, end, message.offset() + 1))
                waiting.discard(place)
    return told


def no_answer(settings: KafkaSettings, error: KafkaException) -> BrokerError:
    """The error for a broker that does not do what is asked."""
    said = error.args[0].str() if error.args and isinstance(error.args[0], KafkaError) else str(error)
    return BrokerError(
        f"expected Kafka to answer at {settings.bootstrap_servers[:100]}, but got: {said[:200]}. Start the broker, or "
        "set KAFKA_BOOTSTRAP_SERVERS and, where it wants them, the KAFKA_SASL_… and KAFKA_SSL_… settings."
    )
