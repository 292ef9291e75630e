"""How far each partition is read: what the ledger knows, and what has come since."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Protocol

from ingestion.feeds import Feed
from warehouse.ledger.stream_offsets import StreamOffset

if TYPE_CHECKING:
    from confluent_kafka import KafkaError

Place = tuple[str, int]
"""A topic and the number of a partition of it."""


class StreamMessage(Protocol):
    """What a consumer gives: a message of a partition, or an error of one.

    confluent_kafka.Message, whose annotations let also the place be missing, which is only so where nothing was read.
    """

    def error(self) -> "KafkaError | None": ...

    def topic(self) -> str: ...

    def partition(self) -> int: ...

    def offset(self) -> int: ...

    def key(self) -> bytes | None: ...

    def value(self) -> bytes | None: ...

    def timestamp(self) -> tuple[int, int]: ...

    def headers(self) -> list[tuple[str, bytes | None]] | dict[str, bytes | None] | None: ...

    def __len__(self) -> int: ...


_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - UTC, as the ledger keeps times


@dataclass
class Position:
    """How far a partition of a feed's topic is read.

    `stored` is what the ledger knows; None where it knows nothing yet. `first` is where reading began then. `next` is
    the offset to read next, of which the ledger may not know yet. `target` is where a session to the current end ends.
    """

    feed: Feed
    topic: str
    topic_id: str | None
    partition: int
    stored: StreamOffset | None
    first: int
    next: int
    end: int
    target: int
    is_at_end: bool = False

    @property
    def place(self) -> Place:
        """The topic and the number of the partition."""
        return self.topic, self.partition

    @property
    def stored_next(self) -> int:
        """The offset to read next, as the ledger knows it."""
        return self.stored.next_offset if self.stored else self.first

    @property
    def is_done(self) -> bool:
        """Whether it is read to where it ended when the session began."""
        return self.next >= self.target or self.is_at_end

    def advanced(self, rows: int, rejected: int, last_us: int | None) -> StreamOffset:
        """What the ledger is to know once so many rows and rejects are written.

        The other offsets up to `next` have no message.
        """
        before = self.stored or StreamOffset(
            self.feed.name, self.topic, self.partition, self.topic_id, self.first, self.first, self.end, 0, 0, 0, None
        )
        skipped = self.next - before.next_offset - rows - rejected
        assert skipped >= 0, f"{self.topic} {self.partition}: more messages than offsets"
        last = before.last_message_at if last_us is None else _EPOCH + timedelta(microseconds=last_us)
        return replace(
            before,
            topic_id=self.topic_id or before.topic_id,
            next_offset=self.next,
            end_offset=max(self.end, self.next),
            rows=before.rows + rows,
            rejected=before.rejected + rejected,
            skipped=before.skipped + skipped,
            last_message_at=max(filter(None, (last, before.last_message_at)), default=None),
        )
