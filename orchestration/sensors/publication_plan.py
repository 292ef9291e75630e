"""Which files to watch at the publishers, and which to request: from what is known to a plan, without I/O.

A partition is requested once for each state of its published file. The cursor keeps what was requested until it is
loaded, so that a run that is queued, runs or has failed is not requested again.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from pydantic import TypeAdapter

from ingestion.catalog import Catalog
from ingestion.partitions import Partition
from ingestion.publication import Answer, Gap, is_due, reason_accepted, state_of
from warehouse.accepted_gaps import AcceptedGaps
from warehouse.ledger import Fingerprint, Watermark
from warehouse.periods import Grain, Period

Watermarks = Mapping[tuple[str, str], Watermark]

_MARK_CHARACTERS = 12


@dataclass(frozen=True)
class PublicationCursor:
    """What a tick leaves to the next one.

    `next` is the partition to begin with, if the tick before could not ask for all. `requested` has the partitions
    that were requested and not loaded since, each with the mark of the file that it was requested for.
    """

    next: str | None = None
    requested: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def from_json(cls, text: str | None) -> "PublicationCursor":
        """Read what `to_json` wrote. Without a text it is the first cursor.

        Raises:
            ValueError: the text is not a cursor.
        """
        if not text:
            return cls()
        return _CURSOR.validate_json(text)

    def to_json(self) -> str:
        """The cursor as Dagster keeps it."""
        return _CURSOR.dump_json(self).decode()


_CURSOR = TypeAdapter(PublicationCursor)


@dataclass(frozen=True)
class Wanted:
    """A partition to load, and what tells this state of its file from others."""

    partition: Partition
    mark: str


def watched_partitions(
    catalog: Catalog,
    watermarks: Watermarks,
    now: datetime,
    counts: Mapping[Grain, int],
    *,
    is_from_the_first: bool = False,
) -> list[Partition]:
    """The partitions to look at, by time.

    Of each feed that has something loaded: its newest periods that are due by its publication lag, as many as `counts`
    has for its grain, and those that ended since, because some are published early. None before the first that is
    loaded. With `is_from_the_first` a feed's periods begin with its first one, whether something is loaded or not.
    """
    partitions = []
    # A stream has no files to watch. What the platform itself publishes has news as long as somebody loads it.
    for feed in (feed for feed in catalog.feeds.values() if not (feed.is_stream or feed.is_own)):
        loaded = [feed.period(key) for name, key in watermarks if name == feed.name]
        if first := feed.first_period if is_from_the_first else min(loaded, default=None):
            if feed.is_irregular:
                first = _newest(first, now, counts[feed.grain])
            expected = feed.calendar.expected(first, feed.period_of(now))
            ended = [Partition(feed, period) for period in expected if period.has_ended(now)]
            not_due = sum(not is_due(partition, now) for partition in ended)
            partitions += ended[-(counts[feed.grain] + not_due) :]
    return sorted(partitions, key=lambda partition: partition.period.start)


def _newest(first: Period, now: datetime, count: int) -> Period:
    """The first period, or a later one that still has so many after it: nobody needs to list a decade of hours."""
    longest = {Grain.MONTH: timedelta(days=31), Grain.DAY: timedelta(days=1), Grain.HOUR: timedelta(hours=1)}
    step = longest[first.grain]
    # Divided, for a count may be larger than time.
    return Period(first.grain, now - (count + 1) * step) if (now - first.start) / step > count + 1 else first


def from_next(partitions: list[Partition], cursor: PublicationCursor) -> list[Partition]:
    """The partitions in turn, beginning where the tick before stopped."""
    names = [str(partition) for partition in partitions]
    start = names.index(cursor.next) if cursor.next in names else 0
    return partitions[start:] + partitions[:start]


def mark(file: Fingerprint) -> str:
    """What tells this state of a file from others, at any address: its ETag, else its date and length."""
    marks = file.etag.removeprefix("W/") if file.etag else f"{file.last_modified} {file.content_length}"
    return hashlib.sha256(marks.encode()).hexdigest()[:_MARK_CHARACTERS]


def wanted_of(
    partition: Partition, watermarks: Watermarks, accepted: AcceptedGaps, answer: Answer, now: datetime
) -> Wanted | None:
    """What to load of a partition: a file that is new or replaced, if no person has accepted that it is not loaded.

    Where nobody was asked there is a file as soon as it is due. Its mark then changes once a publication lag, so that
    a file that was not there yet is requested again.
    """
    key = (partition.feed.name, partition.key)
    loaded = watermarks.get(key)
    state = state_of(partition, loaded, answer, now)
    if not state.is_to_load:
        return None
    if reason_accepted(Gap(state), accepted.get(key, ()), loaded, answer) is not None:
        return None
    return Wanted(partition, mark(answer) if isinstance(answer, Fingerprint) else _mark_by_date(partition, now))


def _mark_by_date(partition: Partition, now: datetime) -> str:
    lag = timedelta(days=partition.feed.publication_lag_days)
    times = (now.date() - partition.period.last_day - lag) // max(lag, timedelta(days=1))
    return f"due-{times + 1}"


def new_of(wanted: Iterable[Wanted], cursor: PublicationCursor) -> list[Wanted]:
    """What was not requested yet."""
    return [one for one in wanted if cursor.requested.get(str(one.partition)) != one.mark]


def requested_after(cursor: PublicationCursor, wanted: Iterable[Wanted], unseen: Iterable[Partition]) -> dict[str, str]:
    """What is requested and not loaded, once everything that is wanted has been requested.

    What was requested before stays if this tick could not see whether it was loaded.
    """
    kept = {str(partition) for partition in unseen}
    before = {name: requested for name, requested in cursor.requested.items() if name in kept}
    return before | {str(one.partition): one.mark for one in wanted}


@dataclass(frozen=True)
class WantedRun:
    """What to load in one run: a period of a subject, of one feed or several. Of hours it may be more than one.

    `period` and `last` are the first and the last period. Those between them that are loaded already stay as they are.
    """

    subject: str
    period: Period
    last: Period
    wanted: tuple[Wanted, ...]

    @property
    def key(self) -> str:
        """Dagster starts no second run of the same key: the period, and each feed with the mark of its file."""
        if self.last == self.period:
            return " ".join([self.period.key, *(f"{one.partition.feed.name}:{one.mark}" for one in self.wanted)])
        return run_key_of((self,))

    @property
    def feeds(self) -> list[str]:
        """The names of the feeds."""
        return list(dict.fromkeys(one.partition.feed.name for one in self.wanted))


def run_key_of(runs: Sequence[WantedRun]) -> str:
    """The key of one run that loads all of this: its first and last period, and a mark of all its files."""
    files = sorted(f"{one.partition} {one.mark}" for run in runs for one in run.wanted)
    digest = hashlib.sha256(" ".join(files).encode()).hexdigest()
    return f"{runs[0].period.key} to {runs[-1].last.key} {digest}"


def runs_of(catalog: Catalog, wanted: Iterable[Wanted]) -> list[WantedRun]:
    """The runs that load what is wanted, by time. The feeds of a subject that want the same period share one.

    All hours of a subject are one run: building costs more than loading, and there may be many.
    """
    runs: dict[tuple[Period | None, str], list[Wanted]] = {}
    names = list(catalog.feeds)
    for one in sorted(wanted, key=lambda one: names.index(one.partition.feed.name)):
        subject = catalog.subject_of(one.partition.feed).name
        period = None if one.partition.feed.grain is Grain.HOUR else one.partition.period
        runs.setdefault((period, subject), []).append(one)
    found = [_run(subject, group) for (_, subject), group in runs.items()]
    return sorted(found, key=lambda run: run.period.start)


def _run(subject: str, group: Sequence[Wanted]) -> WantedRun:
    periods = [one.partition.period for one in group]
    return WantedRun(subject, min(periods), max(periods), tuple(group))
