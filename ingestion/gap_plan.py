"""What is loaded of each feed and what is not: from what is known to a plan, without I/O.

`ingestion/thin.py` says when a loaded month seems not to be all of it. What is missing, replaced, overdue or thin is
a *gap*, until a person accepts it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from enum import StrEnum

from ingestion.feeds import Feed
from ingestion.partitions import Partition
from ingestion.thin import Coverage, thin_reasons
from warehouse.accepted_gaps import AcceptedGap, AcceptedGaps
from warehouse.ledger import Fingerprint, Watermark


class State(StrEnum):
    """Where a partition stands between the publisher and the raw table."""

    LOADED = "loaded"
    MISSING = "missing"
    REPLACED = "replaced"  # the publisher's file is not the one loaded
    OVERDUE = "overdue"  # due by now, but not at the publisher
    NOT_PUBLISHED = "not published"


class Gap(StrEnum):
    """What can be wrong with a partition."""

    MISSING = "missing"
    REPLACED = "replaced"
    OVERDUE = "overdue"
    THIN = "thin"


@dataclass(frozen=True)
class Known:
    """What is known of partitions.

    `watermarks` and what is `accepted` are by (feed, partition key), as the ledger gives them. `answers` are the
    publishers': the file they have, None where they have none; a partition that was not asked for is not in it.
    """

    watermarks: Mapping[tuple[str, str], Watermark] = field(default_factory=dict)
    coverage: Mapping[Partition, Coverage] = field(default_factory=dict)
    answers: Mapping[Partition, Fingerprint | None] = field(default_factory=dict)
    accepted: AcceptedGaps = field(default_factory=dict)

    def loaded(self, partition: Partition) -> Watermark | None:
        """The partition's watermark, if the raw table holds what it says.

        One that does not agree says nothing of the rows that are there: someone changed them by other means.
        """
        watermark, coverage = self.watermarks.get((partition.feed.name, partition.key)), self.coverage.get(partition)
        if watermark and coverage and (watermark.load_id, watermark.rows) == (coverage.load_id, coverage.rows):
            return watermark
        return None


@dataclass(frozen=True)
class Planned:
    """Where a partition stands, why if that needs saying, and why it seems thin if it does.

    `accepted` has the reasons for which a person has accepted gaps of it.
    """

    partition: Partition
    state: State
    note: str = ""
    thin: tuple[str, ...] = ()
    accepted: Mapping[Gap, str] = field(default_factory=dict)

    @property
    def gaps(self) -> tuple[Gap, ...]:
        """What is wrong with it, whether or not that is accepted."""
        of_state = [gap for gap in Gap if gap.value == self.state.value]
        return (*of_state, Gap.THIN) if self.thin else tuple(of_state)

    @property
    def open_gaps(self) -> tuple[Gap, ...]:
        """What is wrong with it and not accepted."""
        return tuple(gap for gap in self.gaps if gap not in self.accepted)

    @property
    def is_to_fill(self) -> bool:
        """Whether there is something to load, or to load again."""
        return any(gap is not Gap.OVERDUE for gap in self.open_gaps)


def plan_gaps(partitions: Iterable[Partition], known: Known, today: date) -> list[Planned]:
    """Where each partition stands, without those before their feed's first month."""
    weekdays = _weekdays_with_rows(known.coverage)
    plan = []
    for partition in partitions:
        if partition.period < partition.feed.first_period:
            continue
        watermark = known.loaded(partition)
        if watermark is None:
            planned = _not_loaded(partition, known, today)
        else:
            state, note = _compared(partition, watermark, known.answers)
            rows = {key: mark.rows for (feed, key), mark in known.watermarks.items() if feed == partition.feed.name}
            thin = thin_reasons(partition, known.coverage[partition], weekdays[partition.feed], rows)
            planned = Planned(partition, state, note, thin)
        plan.append(replace(planned, accepted=_accepted(planned, known)))
    return plan


def _accepted(planned: Planned, known: Known) -> dict[Gap, str]:
    """The gaps that are accepted, with the reasons; not those accepted for another file than there is now."""
    partition, reasons = planned.partition, {}
    for gap in planned.gaps:
        for accepted in known.accepted.get((partition.feed.name, partition.key), ()):
            if _holds(accepted, gap, known.loaded(partition), known.answers.get(partition)):
                reasons[gap] = accepted.reason
    return reasons


def _holds(accepted: AcceptedGap, gap: Gap, loaded: Watermark | None, published: Fingerprint | None) -> bool:
    if gap is Gap.THIN:
        return accepted.state == gap and loaded is not None and is_accepted_load(accepted, loaded)
    # Without the publisher's answer a month is missing by its date, of which the answer may be that it is overdue.
    may_be = (Gap.MISSING, Gap.OVERDUE) if gap is not Gap.REPLACED else (gap,)
    return accepted.state in may_be and (published is None or _is_known_to_be(accepted.file, published))


def is_accepted_load(accepted: AcceptedGap, loaded: Watermark) -> bool:
    """Whether what is loaded is of the file that it was accepted for, be it loaded again."""
    return accepted.load_id == loaded.load_id or _is_known_to_be(accepted.file, loaded.fingerprint)


def is_worth_asking(partition: Partition, known: Known, today: date) -> bool:
    """Whether the publisher's answer can tell more than is known.

    Nobody publishes a month that has not ended, and a file that was told by its content alone cannot be
    compared without fetching it.
    """
    if partition.period < partition.feed.first_period:
        return False
    watermark = known.loaded(partition)
    if watermark is None:
        return partition.period.has_ended(today)
    return can_be_compared(watermark.fingerprint)


def can_be_compared(file: Fingerprint) -> bool:
    """Whether the publisher marks its files, so that a changed one is told without fetching it."""
    return bool(file.etag or file.last_modified)


def is_due(partition: Partition, today: date) -> bool:
    """Whether the publisher should have the month by now, going by the registry's publication lag."""
    return partition.period.last_day + timedelta(days=partition.feed.publication_lag_days) <= today


def is_same_file(loaded: Fingerprint, published: Fingerprint) -> bool:
    """Whether a published file is the loaded one, by the marks that both have.

    The ETag counts for more than date and length (RFC 9110, 13.2.2), and the address for nothing: a
    mirror's file is the same file.
    """
    return all(known == now for known, now in _common_marks(loaded, published))


def _is_known_to_be(file: Fingerprint, other: Fingerprint) -> bool:
    """Whether two files are the same, and that can be told."""
    marks = _common_marks(file, other)
    return bool(marks) and all(known == now for known, now in marks)


def _common_marks(one: Fingerprint, other: Fingerprint) -> list[tuple[object, object]]:
    if one.etag and other.etag:
        return [(one.etag.removeprefix("W/"), other.etag.removeprefix("W/"))]
    marks = [
        (one.last_modified, other.last_modified),
        (one.content_length, other.content_length),
        (one.content_hash, other.content_hash),
    ]
    return [(known, now) for known, now in marks if known is not None and now is not None]


def _not_loaded(partition: Partition, known: Known, today: date) -> Planned:
    is_asked = partition in known.answers
    is_published = known.answers[partition] is not None if is_asked else is_due(partition, today)
    if is_published:
        return Planned(partition, State.MISSING, _disagreement(partition, known))
    if is_asked and is_due(partition, today):
        return Planned(partition, State.OVERDUE, "due by now, but not at the publisher")
    return Planned(partition, State.NOT_PUBLISHED)


def _disagreement(partition: Partition, known: Known) -> str:
    """What raw table and ledger say of a partition that is not loaded, where either says something."""
    watermark, coverage = known.watermarks.get((partition.feed.name, partition.key)), known.coverage.get(partition)
    if watermark is None and coverage is None:
        return ""
    recorded, held = watermark.rows if watermark else 0, coverage.rows if coverage else 0
    if recorded == held:
        return "the raw table holds another load than the ledger says"
    return f"the raw table holds {held:,} rows, the ledger says {recorded:,}"


def _compared(
    partition: Partition, watermark: Watermark, answers: Mapping[Partition, Fingerprint | None]
) -> tuple[State, str]:
    if partition not in answers:
        return State.LOADED, ""
    published = answers[partition]
    if published is None:
        return State.LOADED, "no longer at the publisher"
    return (State.LOADED if is_same_file(watermark.fingerprint, published) else State.REPLACED), ""


def _weekdays_with_rows(coverage: Mapping[Partition, Coverage]) -> dict[Feed, set[int]]:
    weekdays: dict[Feed, set[int]] = {}
    for partition, covered in coverage.items():
        weekdays.setdefault(partition.feed, set()).update(day.weekday() for day in covered.days)
    return weekdays
