"""Reading topics: one consumer that has all partitions assigned, at the offsets of the ledger."""

import logging
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import cast

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from ingestion.feeds import Feed
from ingestion.streams.ends import Extent, Topic, describe_topics, extents, no_answer
from ingestion.streams.places import Place, Position, StreamMessage
from ingestion.streams.settings import BatchBounds, KafkaSettings
from warehouse.ledger.stream_offsets import StreamOffset

logger = logging.getLogger(__name__)

# The name under which offsets are committed for people who watch lag. Nothing is read from there.
GROUP = "nyc-streams"

# How often new partitions and missing topics are looked for.
_SECONDS_BETWEEN_LOOKS = 10.0
_SECONDS_BETWEEN_LOOKS_FOR_TOPICS = 2.0
_POLL_SECONDS = 0.1
# So few at once, because a message may have a megabyte.
_MESSAGES_AT_ONCE = 200

_CONSUMER = {
    "group.id": GROUP,
    "enable.auto.commit": False,
    "enable.auto.offset.store": False,
    "auto.offset.reset": "error",
    "isolation.level": "read_committed",
    "enable.partition.eof": True,
    # What is fetched ahead: memory stays flat while the warehouse is busy.
    "queued.max.messages.kbytes": 32_768,
    "fetch.wait.max.ms": 50,
    "log_level": 0,
}


class Source:
    """The topics of feeds. `known` is how far each partition was read, by feed and partition, as the ledger knows it.

    A partition that cannot be read on is left out, and the others go on: `problems` says why, by feed. With `skip_lost`
    messages that the broker has deleted before they were read are skipped. `missing` are the feeds without a topic.
    """

    def __init__(
        self,
        settings: KafkaSettings,
        feeds: Sequence[Feed],
        known: Mapping[tuple[str, int], StreamOffset],
        *,
        skip_lost: bool = False,
    ) -> None:
        self._settings = settings
        self._feeds = {feed.stream.topic: feed for feed in feeds if feed.stream}
        self._known = dict(known)
        self._skip_lost = skip_lost
        self._broken: set[Place] = set()
        self._topic_ids: dict[str, str | None] = {}
        self._next_look = 0.0
        self.positions: dict[Place, Position] = {}
        self.problems: dict[str, list[str]] = {}
        self.recreated: list[Feed] = []
        self.missing: list[Feed] = []
        self._consumer = Consumer({**settings.client(), **_CONSUMER, "error_cb": _say})

    def close(self) -> None:
        """Leave the broker."""
        self._consumer.close()

    def look(self, *, now: bool = False) -> None:
        """Look for topics and partitions that are new, if it is time, and read them from now on.

        Raises:
            BrokerError: the broker does not answer.
        """
        if not now and time.monotonic() < self._next_look:
            return
        topics = describe_topics(self._settings, self._feeds)
        self.missing = [feed for name, feed in self._feeds.items() if name not in topics and not self._is_broken(name)]
        for name in self._feeds:
            self._drop_if_recreated(name, topics.get(name))
        new = [
            (topic, partition)
            for topic in topics.values()
            for partition in topic.partitions
            if (topic.name, partition) not in self.positions and (topic.name, partition) not in self._broken
        ]
        if new:
            found = extents(self._settings, [(topic.name, partition) for topic, partition in new])
            for topic, partition in new:
                self._add(topic, partition, found[topic.name, partition])
            for feed in self.recreated:
                # Not a partition of it: those that seem to go on may have other messages as well.
                self.positions = {place: one for place, one in self.positions.items() if one.feed is not feed}
            self._assign()
        pause = _SECONDS_BETWEEN_LOOKS_FOR_TOPICS if self.missing else _SECONDS_BETWEEN_LOOKS
        self._next_look = time.monotonic() + pause

    def take(self, bounds: BatchBounds, stop: threading.Event, *, until_done: bool) -> dict[str, list[StreamMessage]]:
        """The next messages, by topic: what comes until a bound is reached, or `stop` is set.

        With `until_done` it returns as soon as each partition is read to where it ended at first.

        Raises:
            BrokerError: the client cannot go on.
        """
        taken: dict[str, list[StreamMessage]] = {topic: [] for topic in self._feeds}
        rows = size = 0
        begun = time.monotonic()
        while rows < bounds.rows and size < bounds.bytes and not stop.is_set():
            left = begun + bounds.seconds - time.monotonic()
            if left <= 0:
                break
            at_once = min(_MESSAGES_AT_ONCE, bounds.rows - rows)
            for message in cast("list[StreamMessage]", self._consumer.consume(at_once, min(_POLL_SECONDS, left))):
                if self._is_next(message):
                    taken[message.topic()].append(message)
                    rows += 1
                    size += len(message)
            if until_done and all(position.is_done for position in self.positions.values()):
                break
        # What came of a partition that was left out meanwhile is read again, or never: its offset is not written.
        return {
            topic: [message for message in messages if (topic, message.partition()) in self.positions]
            for topic, messages in taken.items()
        }

    @property
    def unwritten(self) -> list[Position]:
        """The partitions that are read further than the ledger knows."""
        return [position for position in self.positions.values() if position.next > position.stored_next]

    def written(self, offsets: Iterable[StreamOffset]) -> None:
        """Note what the ledger knows now, and tell the broker for people who watch lag."""
        committed = []
        for offset in offsets:
            self._known[offset.feed, offset.kafka_partition] = offset
            self.positions[offset.topic, offset.kafka_partition].stored = offset
            committed.append(TopicPartition(offset.topic, offset.kafka_partition, offset.next_offset))
        with suppress(KafkaException):
            self._consumer.commit(offsets=committed, asynchronous=True)

    def start_again(self, known: Mapping[tuple[str, int], StreamOffset]) -> None:
        """Read from where the ledger is: what was read and not written is dropped."""
        self._known = dict(known)
        self.positions.clear()
        self._consumer.unassign()
        self._next_look = 0.0

    def forgive(self) -> None:
        """Take the topics that were made anew for what they are: the ledger knows nothing of them any more."""
        for feed in self.recreated:
            assert feed.stream is not None
            self._broken = {place for place in self._broken if place[0] != feed.stream.topic}
            self.problems.pop(feed.name, None)
        self.recreated.clear()

    def _add(self, topic: Topic, partition: int, extent: Extent) -> None:
        feed = self._feeds[topic.name]
        stored = self._known.get((feed.name, partition))
        self._topic_ids.setdefault(topic.name, topic.id)
        begin = stored.next_offset if stored else extent.first
        if stored and (_is_another(stored.topic_id, topic.id) or begin > extent.end):
            self._leave_out(topic.name, partition, _made_anew(feed, topic.name, partition, begin, extent))
            if feed not in self.recreated:
                self.recreated.append(feed)
            return
        if begin < extent.first:
            if not self._skip_lost:
                self._leave_out(topic.name, partition, _lost(feed, topic.name, partition, begin, extent))
                return
            logger.warning("%s %d: skipped %d offsets", topic.name, partition, extent.first - begin)
            begin = extent.first
        position = Position(
            feed, topic.name, topic.id, partition, stored, extent.first, begin, extent.end, target=extent.end
        )
        self.positions[position.place] = position

    def _assign(self) -> None:
        self._consumer.assign([TopicPartition(*position.place, position.next) for position in self.positions.values()])

    def _is_next(self, message: StreamMessage) -> bool:
        """Whether it is a message to take; notes how far its partition is read."""
        place = (message.topic(), message.partition())
        error = message.error()
        if error is not None:
            self._note(error, place, message.offset())
            return False
        position = self.positions.get(place)
        if position is None or message.offset() < position.next:
            return False
        position.next = message.offset() + 1
        return True

    def _note(self, error: KafkaError, place: Place, offset: int) -> None:
        position = self.positions.get(place)
        if error.code() == KafkaError._PARTITION_EOF:
            if position is not None:
                position.next = max(position.next, offset)
                position.end = max(position.end, position.next)
                position.is_at_end = True
            return
        if error.fatal():
            raise no_answer(self._settings, KafkaException(error))
        if position is None or error.retriable():
            logger.info("%s", error.str())
            return
        logger.info("%s %s: %s", *place, error.str())
        del self.positions[position.place]
        if error.code() != KafkaError._AUTO_OFFSET_RESET:
            said = f"{position.topic} {position.partition}: expected messages from offset {position.next}, but got: "
            self._leave_out(*position.place, f"{said}{error.str()[:200]}.")
        # Otherwise its offset is not there. What the broker has says why: looking for it as a new one tells.
        self._next_look = 0.0
        self._assign()

    def _drop_if_recreated(self, name: str, topic: Topic | None) -> None:
        """Leave out the partitions of a topic that was deleted while it was read; a new one is looked at afresh."""
        mine = [place for place in self.positions if place[0] == name]
        if not mine or (topic is not None and not _is_another(self._topic_ids.get(name), topic.id)):
            return
        for place in mine:
            position = self.positions.pop(place)
            if topic is None and position.stored is not None:
                said = f"{name} {place[1]}: expected messages from offset {position.next}, but the topic was deleted."
                self._leave_out(*place, said)
        self._topic_ids.pop(name, None)
        self._assign()

    def _leave_out(self, topic: str, partition: int, why: str) -> None:
        self._broken.add((topic, partition))
        self.problems.setdefault(self._feeds[topic].name, []).append(why)
        logger.error("%s", why)

    def _is_broken(self, name: str) -> bool:
        return any(topic == name for topic, _ in self._broken)


def _is_another(one: str | None, other: str | None) -> bool:
    return one is not None and other is not None and one != other


def _made_anew(feed: Feed, topic: str, partition: int, begin: int, extent: Extent) -> str:
    return (
        f"{topic} {partition}: expected it to go on at offset {begin}, but it has {extent.first} to {extent.end} and "
        "was made anew. Its offsets are those of other messages that are loaded. To delete what was loaded of the old "
        f"topic, and read the new one: nyc stream {feed.name} --start-over"
    )


def _lost(feed: Feed, topic: str, partition: int, begin: int, extent: Extent) -> str:
    return (
        f"{topic} {partition}: expected to go on at offset {begin}, but the broker has deleted what is before "
        f"{extent.first}: {extent.first - begin:,} offsets are lost. To go on, and count them as skipped: "
        f"nyc stream {feed.name} --skip-lost"
    )


def _say(error: KafkaError) -> None:
    """Keep what the client says of connections in the log file: it connects again by itself."""
    logger.info("%s", error.str())
