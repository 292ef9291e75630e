"""What is there of a subject's feeds on a day, by the ledger alone: loaded from which load, missing, or late."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

import duckdb

from ingestion.calendars import EVERY_PERIOD
from ingestion.feeds import Feed
from ingestion.gap_plan import Planned
from ingestion.ledger_gaps import LedgerState, due_on, failed_loads, plan_by_ledger, read_ledger_state
from ingestion.partitions import Partition
from ingestion.publication import Gap
from warehouse.periods import Period

_LOADED = """
    select asset, partition_key, rows, load_id, updated_at
    from meta.asset_watermarks
    where source_url is not null and asset in (select unnest($feeds))
"""

# What a feed can lack as a whole.
_NOT_THERE = frozenset({Gap.MISSING, Gap.REFUSED, Gap.OVERDUE, Gap.REPLACED})


@dataclass(frozen=True)
class Loaded:
    """A period of a feed that is loaded. `at` is UTC."""

    period: Period
    rows: int
    load_id: str
    at: datetime


@dataclass(frozen=True)
class FeedDay:
    """A feed on a day.

    `period` is what its calendar expects then; of a feed without regular periods there is none, and `loaded` is the
    newest file until the day. `error` is why the last load of the period failed. `gaps` are all periods until the day
    that are due and not there, or replaced at the publisher.
    """

    feed: Feed
    period: Period | None
    loaded: Loaded | None
    due_on: date | None = None
    error: str | None = None
    gaps: tuple[Period, ...] = ()

    @property
    def is_missing(self) -> bool:
        """Whether the day's file is expected, and not loaded."""
        return self.period is not None and self.loaded is None


def expected_period(feed: Feed, day: date) -> Period | None:
    """The period of a feed that a day is in, if its calendar has it; None for reference files."""
    if feed.is_irregular or feed.is_reference:
        return None
    period = feed.period_of(day)
    is_there = feed.calendar is EVERY_PERIOD or list(feed.calendar.expected(period, period))
    return period if is_there and period >= feed.first_period else None


def feed_days(
    feeds: Iterable[Feed], day: date, connection: duckdb.DuckDBPyConnection, as_of: datetime
) -> list[FeedDay]:
    """What is there of each feed on a day. What is due is judged as of a time, which is UTC without zone."""
    state = read_ledger_state(connection)
    gaps = [planned for planned in plan_by_ledger(state, as_of) if _NOT_THERE & set(planned.open_gaps)]
    found = _loaded(list(feeds), connection)
    return [_feed_day(feed, day, loaded, gaps, state) for feed, loaded in found.items()]


def newest_day(feeds: Iterable[Feed], connection: duckdb.DuckDBPyConnection) -> date | None:
    """The newest day of which a feed with regular periods is loaded; None if nothing is."""
    found = _loaded([feed for feed in feeds if not (feed.is_irregular or feed.is_reference)], connection)
    return max((one.period.last_day for loaded in found.values() for one in loaded), default=None)


def _loaded(feeds: Sequence[Feed], connection: duckdb.DuckDBPyConnection) -> dict[Feed, list[Loaded]]:
    found: dict[Feed, list[Loaded]] = {feed: [] for feed in feeds}
    by_name = {feed.name: feed for feed in feeds}
    try:
        rows = connection.execute(_LOADED, {"feeds": list(by_name)}).fetchall()
    except duckdb.CatalogException:
        return found  # There is no ledger before the first load.
    for name, key, count, load_id, at in rows:
        found[by_name[name]].append(Loaded(by_name[name].period(key), count, load_id, at))
    return found


def _feed_day(feed: Feed, day: date, loaded: Sequence[Loaded], gaps: Sequence[Planned], state: LedgerState) -> FeedDay:
    period = expected_period(feed, day)
    if period is None:
        until = [one for one in loaded if feed.is_reference or one.period.first_day <= day]
        return FeedDay(feed, None, max(until, key=lambda one: one.period, default=None))
    partition = Partition(feed, period)
    errors = {key: attempt.error for key, attempt in failed_loads(state)}
    return FeedDay(
        feed,
        period,
        next((one for one in loaded if one.period == period), None),
        due_on(feed, period),
        errors.get((feed.name, partition.key)),
        tuple(one.partition.period for one in gaps if one.partition.feed == feed and one.partition.period <= period),
    )
