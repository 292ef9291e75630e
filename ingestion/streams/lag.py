"""How far the ledger is behind the broker."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass

from ingestion.feeds import Feed
from ingestion.streams.extra import require_extra
from ingestion.streams.settings import KafkaSettings
from warehouse.connection import NotThereYetError, WarehouseBusyError, open_for_reading
from warehouse.ledger.stream_offsets import StreamOffset, read_stream_offsets
from warehouse.releases import open_release


@dataclass(frozen=True)
class PartitionLag:
    """How far one partition of a feed's topic was read, and how far it goes.

    `next_offset` is None where nothing of it was read yet; `first_offset` is the first one that the broker still has.
    """

    feed: str
    topic: str
    kafka_partition: int
    next_offset: int | None
    first_offset: int
    end_offset: int

    @property
    def messages(self) -> int:
        """How many offsets are not read yet. Of a topic that was made anew: all."""
        read = self.next_offset if self.next_offset is not None else self.first_offset
        return max(0, self.end_offset - (read if read <= self.end_offset else self.first_offset))


def lag(feeds: Iterable[Feed], known: Mapping[tuple[str, int], StreamOffset] | None = None) -> list[PartitionLag]:
    """How far each partition of the streams among these feeds is behind; nothing of a topic that is not there.

    `known` is how far they were read, by feed and partition, by default what `offsets_known` says.

    Raises:
        SettingError: the extra `streams` is not installed, or a setting is wrong.
        BrokerError: the broker does not answer.
    """
    require_extra()
    # Imported here because the library may be absent.
    from ingestion.streams.ends import describe_topics, extents

    streams = [(feed, feed.stream) for feed in feeds if feed.stream is not None]
    settings = KafkaSettings.from_environment()
    topics = describe_topics(settings, [stream.topic for _, stream in streams])
    places = [
        (feed, (topic.name, partition))
        for feed, stream in streams
        if (topic := topics.get(stream.topic))
        for partition in topic.partitions
    ]
    if known is None:
        known = offsets_known([feed for feed, _ in streams])
    found = extents(settings, [place for _, place in places]) if places else {}
    return [
        PartitionLag(
            feed.name,
            *place,
            next_offset=offset.next_offset if (offset := known.get((feed.name, place[1]))) else None,
            first_offset=found[place].first,
            end_offset=found[place].end,
        )
        for feed, place in places
    ]


def offsets_known(feeds: Iterable[Feed]) -> dict[tuple[str, int], StreamOffset]:
    """How far feeds were read, without waiting: by the working file, or while that is in use by the current release.

    So while a load or a build is at work it may be older than it is. Nothing where neither is there.
    """
    names = [feed.name for feed in feeds]
    try:
        with open_for_reading(timeout_seconds=0) as connection:
            return read_stream_offsets(connection, names)
    except WarehouseBusyError:
        with suppress(NotThereYetError), open_release() as connection:
            return read_stream_offsets(connection, names)
    except NotThereYetError:
        pass
    return {}
