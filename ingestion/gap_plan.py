"""What is loaded of each feed and what is not: from what is known to a plan, without I/O.

`ingestion/publication.py` says where a partition stands, and `ingestion/thin.py` when a loaded one seems incomplete.
What is missing, refused, replaced, overdue or thin is a *gap*, until a person accepts it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date

from ingestion.partitions import Partition
from ingestion.publication import NOT_ASKED, Answer, Gap, State, reason_accepted, state_of
from ingestion.thin import Coverage, thin_reasons
from warehouse.accepted_gaps import AcceptedGaps
from warehouse.ledger import Fingerprint, Watermark


@dataclass(frozen=True)
class Known:
    """What is known of partitions.

    `watermarks` and `accepted` are by (feed, partition key), as the ledger gives them. `answers` are the publishers':
    the file they have, or None where they have none. A partition that nobody asked for is not in it. `refusals` say
    why the last load of a partition was refused, where it was; by the same keys as `watermarks`.
    """

    watermarks: Mapping[tuple[str, str], Watermark] = field(default_factory=dict)
    coverage: Mapping[Partition, Coverage] = field(default_factory=dict)
    answers: Mapping[Partition, Fingerprint | None] = field(default_factory=dict)
    accepted: AcceptedGaps = field(default_factory=dict)
    refusals: Mapping[tuple[str, str], str] = field(default_factory=dict)

    def loaded(self, partition: Partition) -> Watermark | None:
        """The partition's watermark, if the raw table holds the rows that it tells of.

        If it does not, somebody changed the table by other means, and the partition counts as not loaded.
        """
        watermark, coverage = self.watermarks.get((partition.feed.name, partition.key)), self.coverage.get(partition)
        if watermark and coverage and (watermark.load_id, watermark.rows) == (coverage.load_id, coverage.rows):
            return watermark
        return None

    def is_lost(self, partition: Partition) -> bool:
        """Whether rows of the partition were loaded, and the raw table no longer holds them."""
        watermark = self.watermarks.get((partition.feed.name, partition.key))
        return watermark is not None and watermark.rows > 0 and self.loaded(partition) is None

    def answer(self, partition: Partition) -> Answer:
        """What the publisher said of the partition."""
        return self.answers.get(partition, NOT_ASKED)

    def refusal(self, partition: Partition) -> str:
        """Why the last load of the partition was refused, without the file's address; empty if it was not."""
        said = self.refusals.get((partition.feed.name, partition.key), "")
        # Many days are refused for one reason. Their addresses would make it many.
        return said.partition(", but ")[2] or said


@dataclass(frozen=True)
class Planned:
    """Where a partition stands, a note if that needs one, and why it seems thin if it does.

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
        of_state = (self.state.gap,) if self.state.gap else ()
        return (*of_state, Gap.THIN) if self.thin else of_state

    @property
    def open_gaps(self) -> tuple[Gap, ...]:
        """What is wrong with it and not accepted."""
        return tuple(gap for gap in self.gaps if gap not in self.accepted)

    @property
    def is_to_fill(self) -> bool:
        """Whether there is something to load, or to load again."""
        return any(gap is not Gap.OVERDUE for gap in self.open_gaps)


def plan_gaps(partitions: Iterable[Partition], known: Known, now: date) -> list[Planned]:
    """Where each partition stands, without those before their feed's first period.

    Of irregular periods, and of those that a feed's calendar does not have, only those are in the plan that have a
    file, or had one.
    """
    weekdays = _weekdays_with_rows(known.coverage)
    rows = _rows_by_key(known.watermarks)
    plan = []
    for partition in partitions:
        if partition.period < partition.feed.first_period:
            continue
        watermark = known.loaded(partition)
        state = state_of(partition, watermark, known.answer(partition), now, is_lost=known.is_lost(partition))
        if state is State.MISSING and known.refusal(partition):
            state = State.REFUSED
        if state is State.NOT_PUBLISHED and not partition.is_regular:
            continue
        planned = Planned(partition, state, _note(state, partition, known))
        if watermark:
            of_feed = weekdays[partition.feed.name], rows[partition.feed.name]
            planned = replace(planned, thin=thin_reasons(partition, known.coverage[partition], *of_feed))
        plan.append(replace(planned, accepted=_accepted(planned, known)))
    return plan


def _accepted(planned: Planned, known: Known) -> dict[Gap, str]:
    """The gaps that a person has accepted, with the reasons."""
    partition = planned.partition
    accepted = known.accepted.get((partition.feed.name, partition.key), ())
    loaded, answer = known.loaded(partition), known.answer(partition)
    found = {gap: reason_accepted(gap, accepted, loaded, answer) for gap in planned.gaps}
    return {gap: reason for gap, reason in found.items() if reason is not None}


def _note(state: State, partition: Partition, known: Known) -> str:
    match state:
        case State.MISSING:
            return _disagreement(partition, known)
        case State.REFUSED | State.REPLACED:
            return known.refusal(partition)
        case State.OVERDUE:
            return "due by now, but not at the publisher"
        case State.LOADED if known.answer(partition) is None:
            return "no longer at the publisher"
    return ""


def _disagreement(partition: Partition, known: Known) -> str:
    """How raw table and ledger disagree about a partition, if either of them has it."""
    watermark, coverage = known.watermarks.get((partition.feed.name, partition.key)), known.coverage.get(partition)
    if watermark is None and coverage is None:
        return ""
    recorded, held = watermark.rows if watermark else 0, coverage.rows if coverage else 0
    if recorded == held:
        return "the raw table holds another load than the ledger says"
    return f"the raw table holds {held:,} rows, the ledger says {recorded:,}"


def _rows_by_key(watermarks: Mapping[tuple[str, str], Watermark]) -> dict[str, dict[str, int]]:
    """The rows of every loaded partition, by feed and partition key."""
    rows: dict[str, dict[str, int]] = {}
    for (feed, key), watermark in watermarks.items():
        rows.setdefault(feed, {})[key] = watermark.rows
    return rows


def _weekdays_with_rows(coverage: Mapping[Partition, Coverage]) -> dict[str, set[int]]:
    """The weekdays on which each feed has rows at all, by feed."""
    weekdays: dict[str, set[int]] = {}
    for partition, covered in coverage.items():
        weekdays.setdefault(partition.feed.name, set()).update(day.weekday() for day in covered.days or ())
    return weekdays
