"""What is loaded of each feed and what is not: from what is known to a plan, without I/O.

A month is *thin* if a file of it is loaded that seems not to be all of it:

- Rows do not reach the first or the last day of the month. Days are counted from the rows within the
  month, because the earliest and the latest event time of a file are often strays from other years. A
  weekday on which the feed never has rows is not missed, and a feed with few rows a day is not judged.
- An hourly series (at most one row an hour, most hours of the month there) lacks an hour, or its values.
- It has far fewer rows than its neighbours: less than half of the median of the loaded months among the
  two before and the two after, or less than a third where only one side is loaded. Citi Bike falls to 52 %
  of the two months before by the season alone, so a series that ends in December must not be suspect.

Thin is a suspicion: the file may be all there is (yellow taxi in April 2020).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum
from statistics import median

from ingestion.feeds import Feed
from ingestion.partitions import Partition, last_day, next_month
from warehouse.ledger import Fingerprint, Watermark

_NEIGHBOURS_EACH_SIDE = 2
_FEWEST_BETWEEN_NEIGHBOURS = 1 / 2
_FEWEST_BESIDE_NEIGHBOURS = 1 / 3
# With fewer rows a day, one without any is chance.
_ROWS_A_DAY_TO_JUDGE = 10


class State(StrEnum):
    """Where a partition stands between the publisher and the raw table."""

    LOADED = "loaded"
    MISSING = "missing"
    REPLACED = "replaced"  # the publisher's file is not the one loaded
    NOT_PUBLISHED = "not published"


@dataclass(frozen=True)
class DayCount:
    """The rows of one day, the hours they fall into, and the hours of which a row says something."""

    rows: int
    hours: int
    filled_hours: int


@dataclass(frozen=True)
class Coverage:
    """What a partition's raw rows cover: all its rows counted, and those of days within its month by day."""

    load_id: str
    rows: int
    days: Mapping[date, DayCount]


@dataclass(frozen=True)
class Known:
    """What is known of partitions.

    `watermarks` are by (feed, partition key), as the ledger gives them. `answers` are the publishers':
    the file they have, None where they have none; a partition that was not asked for is not in it.
    """

    watermarks: Mapping[tuple[str, str], Watermark] = field(default_factory=dict)
    coverage: Mapping[Partition, Coverage] = field(default_factory=dict)
    answers: Mapping[Partition, Fingerprint | None] = field(default_factory=dict)

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
    """Where a partition stands, why if that needs saying, and why it seems thin if it does."""

    partition: Partition
    state: State
    note: str = ""
    thin: tuple[str, ...] = ()

    @property
    def is_gap(self) -> bool:
        """Whether there is something to load, or to load again."""
        return self.state in (State.MISSING, State.REPLACED) or bool(self.thin)


def plan_gaps(partitions: Iterable[Partition], known: Known, today: date) -> list[Planned]:
    """Where each partition stands, without those before their feed's first month."""
    weekdays = _weekdays_with_rows(known.coverage)
    plan = []
    for partition in partitions:
        if partition.month < partition.feed.first_month:
            continue
        watermark = known.loaded(partition)
        if watermark is None:
            plan.append(_not_loaded(partition, known, today))
        else:
            state, note = _compared(partition, watermark, known.answers)
            rows = {key: mark.rows for (feed, key), mark in known.watermarks.items() if feed == partition.feed.name}
            thin = thin_reasons(partition.month, known.coverage[partition], weekdays[partition.feed], rows)
            plan.append(Planned(partition, state, note, thin))
    return plan


def is_worth_asking(partition: Partition, known: Known, today: date) -> bool:
    """Whether the publisher's answer can tell more than is known.

    Nobody publishes a month that has not ended, and a file that was told by its content alone cannot be
    compared without fetching it.
    """
    if partition.month < partition.feed.first_month:
        return False
    watermark = known.loaded(partition)
    if watermark is None:
        return last_day(partition.month) < today
    return can_be_compared(watermark.fingerprint)


def can_be_compared(file: Fingerprint) -> bool:
    """Whether the publisher marks its files, so that a changed one is told without fetching it."""
    return bool(file.etag or file.last_modified)


def is_due(partition: Partition, today: date) -> bool:
    """Whether the publisher should have the month by now, going by the registry's publication lag."""
    return last_day(partition.month) + timedelta(days=partition.feed.publication_lag_days) <= today


def is_same_file(loaded: Fingerprint, published: Fingerprint) -> bool:
    """Whether a published file is the loaded one, by the marks that both have.

    The ETag counts for more than date and length (RFC 9110, 13.2.2), and the address for nothing: a
    mirror's file is the same file.
    """
    if loaded.etag and published.etag:
        return loaded.etag.removeprefix("W/") == published.etag.removeprefix("W/")
    marks = [
        (loaded.last_modified, published.last_modified),
        (loaded.content_length, published.content_length),
    ]
    return all(known == now for known, now in marks if known is not None and now is not None)


def _not_loaded(partition: Partition, known: Known, today: date) -> Planned:
    is_asked = partition in known.answers
    is_published = known.answers[partition] is not None if is_asked else is_due(partition, today)
    if is_published:
        return Planned(partition, State.MISSING, _disagreement(partition, known))
    is_late = is_asked and is_due(partition, today)
    return Planned(partition, State.NOT_PUBLISHED, "due by now" if is_late else "")


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


def thin_reasons(
    month: date, coverage: Coverage, weekdays: set[int], rows_by_month: Mapping[str, int]
) -> tuple[str, ...]:
    """Why a loaded month seems not to be all of it; nothing where it seems to be.

    `weekdays` are those on which the feed has rows at all, `rows_by_month` the rows of its loaded months
    by partition key.
    """
    days = _missing_hours(month, coverage) if _is_hourly(month, coverage) else _missing_ends(month, coverage, weekdays)
    return tuple(reason for reason in (days, _few_rows(month, rows_by_month)) if reason)


def _is_hourly(month: date, coverage: Coverage) -> bool:
    """Whether the rows are an hourly series: no hour has two, and most of the month's hours have one."""
    hours = sum(day.hours for day in coverage.days.values())
    rows = sum(day.rows for day in coverage.days.values())
    return rows == hours and 2 * hours > _hours(month)


def _hours(month: date) -> int:
    return 24 * last_day(month).day


def _missing_hours(month: date, coverage: Coverage) -> str:
    missing = _hours(month) - sum(day.filled_hours for day in coverage.days.values())
    return f"{missing} of {_hours(month)} hours missing" if missing else ""


def _missing_ends(month: date, coverage: Coverage, weekdays: set[int]) -> str:
    """Which days at either end of the month have no rows, though they should."""
    if not coverage.days:
        return "no rows within the month"
    if sum(day.rows for day in coverage.days.values()) < _ROWS_A_DAY_TO_JUDGE * len(coverage.days):
        return ""
    expected = [
        day
        for day in (month + timedelta(days=offset) for offset in range(last_day(month).day))
        if day.weekday() in weekdays
    ]
    first, last = min(coverage.days), max(coverage.days)
    ends = [f"before {first}"] if expected[0] < first else []
    ends += [f"after {last}"] if expected[-1] > last else []
    return f"no rows {' or '.join(ends)}" if ends else ""


def _few_rows(month: date, rows_by_month: Mapping[str, int]) -> str:
    """How many rows the month has, if they are far fewer than its neighbours'."""
    before, after = _neighbours(month)
    rows_before, rows_after = (
        [rows_by_month[key] for key in (f"{neighbour:%Y-%m}" for neighbour in side) if key in rows_by_month]
        for side in (before, after)
    )
    usual = median(rows_before + rows_after) if rows_before or rows_after else 0
    rows = rows_by_month[f"{month:%Y-%m}"]
    fewest = _FEWEST_BETWEEN_NEIGHBOURS if rows_before and rows_after else _FEWEST_BESIDE_NEIGHBOURS
    if rows >= fewest * usual:
        return ""
    return f"{rows:,} rows, {rows / usual:.0%} of its neighbours' {usual:,.0f}"


def _neighbours(month: date) -> tuple[list[date], list[date]]:
    """The months before and after that are near enough to be compared with."""
    before, after = [], []
    earlier = later = month
    for _ in range(_NEIGHBOURS_EACH_SIDE):
        earlier, later = (earlier - timedelta(days=1)).replace(day=1), next_month(later)
        before.append(earlier)
        after.append(later)
    return before, after


def compress(months: Iterable[date]) -> str:
    """Months as runs: `2025-01 … 2025-04, 2025-06`."""
    runs: list[tuple[date, date]] = []
    for month in sorted(set(months)):
        if runs and next_month(runs[-1][1]) == month:
            runs[-1] = (runs[-1][0], month)
        else:
            runs.append((month, month))
    return ", ".join(f"{first:%Y-%m}" if first == last else f"{first:%Y-%m} … {last:%Y-%m}" for first, last in runs)
