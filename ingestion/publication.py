"""Is a partition's file new or replaced? The one answer, for the gap planner and for the publication sensor.

It follows from what is loaded, what the publisher answered, the feed's publication lag and what a person has accepted.
Nothing here asks or reads anything.
"""

from collections.abc import Iterable
from datetime import date, timedelta
from enum import Enum, StrEnum
from typing import Literal

from ingestion.partitions import Partition
from warehouse.accepted_gaps import AcceptedGap
from warehouse.ledger import Fingerprint, Watermark
from warehouse.periods import moment


class Gap(StrEnum):
    """What can be wrong with a partition, and accepted by a person."""

    MISSING = "missing"
    REFUSED = "refused"
    REPLACED = "replaced"
    OVERDUE = "overdue"
    THIN = "thin"


class State(StrEnum):
    """Where a partition stands between the publisher and the raw table."""

    LOADED = "loaded"
    MISSING = "missing"  # not loaded, though the publisher has it; if nobody asked: though it is due
    REFUSED = "refused"  # not loaded, because the publisher refused it to whoever has these keys
    REPLACED = "replaced"  # the publisher's file is not the one loaded
    OVERDUE = "overdue"  # due by now, but the publisher does not have it
    NOT_PUBLISHED = "not published"

    @property
    def gap(self) -> Gap | None:
        """What is wrong with a partition in this state, if anything."""
        return _GAPS.get(self)

    @property
    def is_to_load(self) -> bool:
        """Whether there is a file to load."""
        return self in (State.MISSING, State.REFUSED, State.REPLACED)


_GAPS = {
    State.MISSING: Gap.MISSING,
    State.REFUSED: Gap.REFUSED,
    State.REPLACED: Gap.REPLACED,
    State.OVERDUE: Gap.OVERDUE,
}


class NotAsked(Enum):
    """The answer of a publisher that was not asked."""

    NOT_ASKED = "not asked"


NOT_ASKED: Literal[NotAsked.NOT_ASKED] = NotAsked.NOT_ASKED

Answer = Fingerprint | None | Literal[NotAsked.NOT_ASKED]
"""What a publisher says of a partition: the file it has, or None if it has none."""


def state_of(
    partition: Partition, loaded: Watermark | None, answer: Answer, now: date, *, is_lost: bool = False
) -> State:
    """Where a partition stands. `loaded` is the watermark of its rows, None if there are none.

    `is_lost` says that it was loaded, and that its rows are gone: then it was published, whenever that was due.

    A file that its publisher no longer has stays loaded. An irregular period, or one that the feed's calendar does not
    have, is never missed without a file: nobody can say that it should be there.
    """
    if isinstance(answer, Fingerprint):
        if loaded is None:
            return State.MISSING
        return State.LOADED if is_same_file(loaded.fingerprint, answer) else State.REPLACED
    if loaded is not None:
        return State.LOADED
    if is_lost and answer is NOT_ASKED:
        return State.MISSING
    if not is_due(partition, now) or not partition.is_regular:
        return State.NOT_PUBLISHED
    return State.MISSING if answer is NOT_ASKED else State.OVERDUE


def reason_accepted(gap: Gap, accepted: Iterable[AcceptedGap], loaded: Watermark | None, answer: Answer) -> str | None:
    """Why a person has accepted this gap of a partition; None if nobody has, or if there is another file by now.

    `accepted` is all that was ever accepted of the partition.
    """
    return next((one.reason for one in accepted if _still_holds(one, gap, loaded, answer)), None)


def _still_holds(accepted: AcceptedGap, gap: Gap, loaded: Watermark | None, answer: Answer) -> bool:
    if gap is Gap.THIN:
        return accepted.state == gap and loaded is not None and is_accepted_load(accepted, loaded)
    # The same partition is missing while nobody asks, and overdue or refused once the publisher was asked.
    same = (gap,) if gap is Gap.REPLACED else (Gap.MISSING, Gap.OVERDUE, Gap.REFUSED)
    return accepted.state in same and (not isinstance(answer, Fingerprint) or _is_surely_same(accepted.file, answer))


def is_accepted_load(accepted: AcceptedGap, loaded: Watermark) -> bool:
    """Whether the loaded file is the one that was accepted. Loading the same file again changes nothing."""
    return accepted.load_id == loaded.load_id or _is_surely_same(accepted.file, loaded.fingerprint)


def is_worth_asking(partition: Partition, loaded: Watermark | None, now: date, *, is_lost: bool = False) -> bool:
    """Whether the publisher's answer can tell more than is known.

    Nobody publishes a period that has not ended. And a file known by its content alone cannot be compared without
    fetching the publisher's. What grows until its period has ended differs from what is loaded all the time. Of what
    was loaded and is lost, the publisher may have the file again.
    """
    if partition.period < partition.feed.first_period:
        return False
    if is_lost:
        return True
    if partition.feed.publisher.grows_until_ended and not partition.period.has_ended(now):
        return False
    return partition.period.has_ended(now) if loaded is None else can_be_compared(loaded.fingerprint)


def is_due(partition: Partition, now: date) -> bool:
    """Whether the publisher should have the file by now: it has ended, and the feed's publication lag is over."""
    period, lag = partition.period, timedelta(days=partition.feed.publication_lag_days)
    return period.has_ended(now) and period.last_day + lag <= moment(now).date()


def can_be_compared(file: Fingerprint) -> bool:
    """Whether a changed file can be told from this one without fetching it: the publisher gave it an ETag or date."""
    return bool(file.etag or file.last_modified)


def is_same_file(loaded: Fingerprint, published: Fingerprint) -> bool:
    """Whether a published file is the loaded one, judged by the marks that both have; if they have none, it is.

    The ETag counts for more than date and length (RFC 9110, 13.2.2), and the address for nothing: a mirror's file is
    the same file.
    """
    return all(one == other for one, other in _common_marks(loaded, published))


def _is_surely_same(file: Fingerprint, other: Fingerprint) -> bool:
    marks = _common_marks(file, other)
    return bool(marks) and all(one == other for one, other in marks)


def _common_marks(one: Fingerprint, other: Fingerprint) -> list[tuple[object, object]]:
    if one.etag and other.etag:
        return [(one.etag.removeprefix("W/"), other.etag.removeprefix("W/"))]
    marks = [
        (one.last_modified, other.last_modified),
        (one.content_length, other.content_length),
        (one.content_hash, other.content_hash),
    ]
    return [(known, now) for known, now in marks if known is not None and now is not None]
