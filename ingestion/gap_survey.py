"""Finding out what is loaded, what the publishers have, and where that leaves each partition."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time
from itertools import groupby
from typing import NamedTuple

import duckdb

from ingestion.catalog import DEFAULT_SOURCES, FEEDS, resolve_sources
from ingestion.errors import DownloadError
from ingestion.feeds import Feed
from ingestion.fetch.retries import ASKING_POLICY
from ingestion.gap_plan import Known, Planned, plan_gaps
from ingestion.partitions import Partition, partitions_between
from ingestion.publication import can_be_compared, is_worth_asking
from ingestion.publishers import Visits
from ingestion.raw_data import RAW_SCHEMA
from ingestion.thin import Coverage, DayCount
from warehouse.accepted_gaps import AcceptedGaps, read_accepted_gaps
from warehouse.connection import open_for_reading
from warehouse.ledger import Fingerprint, read_watermarks
from warehouse.paths import database_path
from warehouse.periods import BadPeriodError, Grain, Period
from warehouse.sql import identifier


class NothingLoadedError(Exception):
    """No month is loaded from which the range could begin."""


@dataclass(frozen=True)
class Survey:
    """A plan, what was known for it, and what it does not take into account.

    `unreachable` says why a publisher could not be asked, `incomparable` names the feeds whose loaded
    files cannot be compared with the publisher's without fetching them.
    """

    plan: list[Planned]
    unreachable: dict[str, str] = field(default_factory=dict)
    incomparable: list[str] = field(default_factory=list)
    known: Known = field(default_factory=Known)

    @property
    def to_fill(self) -> list[Partition]:
        """What is missing, replaced or thin, and not accepted, month by month."""
        gaps = [planned.partition for planned in self.plan if planned.is_to_fill]
        return sorted(gaps, key=lambda partition: partition.period.start)

    @property
    def has_gaps(self) -> bool:
        """Whether anything is wrong that is not accepted."""
        return any(planned.open_gaps for planned in self.plan)


def survey(
    sources: str | None,
    first: Period | None,
    last: Period | None,
    *,
    today: date,
    is_offline: bool = False,
    asked_of: Collection[Partition] | None = None,
) -> Survey:
    """Find out where every month of the asked feeds stands.

    Publishers are asked for no months but `asked_of`, if that is given, and with `is_offline` for none. The DuckDB
    file is open only while the ledger and the raw tables are read, not while publishers are asked.

    Raises:
        UnknownSourceError: a name is no feed and no alias.
        BadPeriodError: the first month is after the last.
        NothingLoadedError: no first month is given, and none is loaded.
        WarehouseError: the DuckDB file cannot be opened.
    """
    accepted: AcceptedGaps = {}
    if database_path().exists():
        with open_for_reading() as connection:
            watermarks = read_watermarks(connection)
            accepted = read_accepted_gaps(connection)
            feeds = asked_feeds(sources, watermarks)
            partitions = asked_partitions(feeds, first, last, watermarks, today)
            coverage = read_coverage(partitions, connection)
    else:
        feeds, watermarks, coverage = asked_feeds(sources, []), {}, {}
        partitions = asked_partitions(feeds, first, last, watermarks, today)
    known = Known(watermarks, coverage, accepted=accepted)
    unreachable: dict[str, str] = {}
    if not is_offline:
        to_ask = [one for one in partitions if asked_of is None or one in asked_of]
        answers, unreachable = ask(one for one in to_ask if is_worth_asking(one, known.loaded(one), today))
        known = replace(known, answers=answers)
    loaded = ((partition.feed.name, known.loaded(partition)) for partition in partitions)
    incomparable = {feed: None for feed, mark in loaded if mark and not can_be_compared(mark.fingerprint)}
    return Survey(plan_gaps(partitions, known, today), unreachable, list(incomparable), known)


def asked_feeds(sources: str | None, watermarks: Iterable[tuple[str, str]]) -> list[Feed]:
    """The feeds that are named; without names the default ones and those that have something loaded."""
    if sources is not None:
        return resolve_sources(sources)
    loaded = {feed for feed, _ in watermarks if feed in FEEDS}
    return resolve_sources(",".join([DEFAULT_SOURCES, *loaded]))


def asked_partitions(
    feeds: Iterable[Feed],
    first: Period | None,
    last: Period | None,
    watermarks: Iterable[tuple[str, str]],
    today: date,
) -> list[Partition]:
    """Every period that the feeds' calendars expect, feed by feed.

    They go from the first day of `first`, by default of the earliest period that is loaded of any of the feeds, to the
    last day of `last`, by default today. A feed of other periods than these has those that they contain.

    Raises:
        BadPeriodError: the first is after the last.
        NothingLoadedError: no first period is given, and none is loaded.
    """
    feeds = list(feeds)
    by_name = {feed.name: feed for feed in feeds}
    if first is None:
        loaded = [by_name[name].period(key) for name, key in watermarks if name in by_name]
        if not loaded:
            raise NothingLoadedError(
                f"{database_path()}: expected months to begin from, but nothing is loaded of {', '.join(by_name)}. "
                "Say which is the first with --from YYYY-MM (and --fill to load them), "
                "or load one: python ingestion/run_pipeline.py --year 2025 --months 1"
            )
        first = min(loaded, key=lambda period: period.start)
    last = last or Period(Grain.DAY, datetime.combine(today, time()))
    if first.first_day > last.last_day:
        raise BadPeriodError(f"the first month {first} is after the last month {last}")
    return [partition for feed in feeds for partition in partitions_between([feed], first, last)]


def read_coverage(partitions: Iterable[Partition], connection: duckdb.DuckDBPyConnection) -> dict[Partition, Coverage]:
    """What the raw rows of these partitions cover; nothing where no row was ever loaded."""
    coverage: dict[Partition, Coverage] = {}
    for feed, of_feed in groupby(partitions, key=lambda partition: partition.feed):
        values = [partition.period.value for partition in of_feed]
        try:
            counts = connection.execute(_coverage_query(feed), [feed.name, min(values), max(values)]).fetchall()
        except duckdb.CatalogException:
            continue
        by_period: dict[date, list[_DayRow]] = {}
        for period, *row in counts:
            by_period.setdefault(period, []).append(_DayRow(*row))
        coverage |= {
            Partition(feed, feed.period_of(start)): _coverage(feed.period_of(start), days)
            for start, days in by_period.items()
        }
    return coverage


class _DayRow(NamedTuple):
    """One day of a partition; none where the rows do not say when they happened."""

    day: date | None
    load_id: str
    rows: int
    hours: int
    filled_hours: int


def _coverage(period: Period, days: list[_DayRow]) -> Coverage:
    return Coverage(
        load_id=max(row.load_id for row in days),
        rows=sum(row.rows for row in days),
        days={
            row.day: DayCount(row.rows, row.hours, row.filled_hours)
            for row in days
            if row.day and period.first_day <= row.day <= period.last_day
        },
    )


def _coverage_query(feed: Feed) -> str:
    """One pass over the feed's rows of some months: those of each day, and the hours that they fall into.

    An hour is filled if the first published column besides the time has a value in it: the weather
    archive answers hours that it does not know yet with nulls.
    """
    value = next((column.name for column in feed.columns if column.name != feed.event_time), feed.event_time)
    event_time, value, period = identifier(feed.event_time), identifier(value), identifier(feed.period_column.name)
    return f"""
        with hours as (
            select
                {period},
                date_trunc('hour', {event_time}) as hour,
                max(_dlt_load_id) as load_id,
                count(*) as rows,
                count({value}) as filled
            from {identifier(RAW_SCHEMA, feed.raw_table)}
            where feed = ? and {period} between ? and ?
            group by all
        )

        select
            {period},
            hour::date as day,
            max(load_id),
            sum(rows)::bigint,
            count(*),
            count(*) filter (where filled > 0)
        from hours
        group by all
    """


def ask(partitions: Iterable[Partition]) -> tuple[dict[Partition, Fingerprint | None], dict[str, str]]:
    """Ask the publishers which files they have, and say of each that could not be asked why.

    The first failure ends the asking of a publisher: the next request would wait as long.
    """
    partitions = list(partitions)
    answers: dict[Partition, Fingerprint | None] = {}
    unreachable: dict[str, str] = {}
    with Visits(partitions, ASKING_POLICY) as visits:
        for partition in partitions:
            publisher = partition.feed.publisher
            if publisher.name in unreachable or not publisher.can_be_asked:
                continue
            try:
                answers[partition] = visits.to(partition).ask(partition)
            except DownloadError as error:
                unreachable[publisher.name] = str(error)
    return answers, unreachable
