"""Finding out what is loaded, what the publishers have, and where that leaves each partition."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from itertools import groupby
from typing import NamedTuple

import duckdb

from ingestion.attempts import read_attempts, refusals
from ingestion.catalog import DEFAULT_SOURCES, FEEDS, UnknownSourceError, resolve_sources, subject_of
from ingestion.errors import DownloadError
from ingestion.feeds import Feed
from ingestion.fetch.retries import ASKING_POLICY
from ingestion.gap_plan import Known, Planned, plan_gaps
from ingestion.partitions import Partition, partitions_between, unexpected_between
from ingestion.publication import can_be_compared, is_worth_asking
from ingestion.publishers import Visits
from ingestion.raw_data import RAW_SCHEMA
from ingestion.thin import Coverage, DayCount
from warehouse.accepted_gaps import AcceptedGaps, read_accepted_gaps
from warehouse.connection import open_for_reading
from warehouse.ledger import Fingerprint, read_watermarks
from warehouse.paths import database_path
from warehouse.periods import BadPeriodError, Grain, Period, moment
from warehouse.sql import identifier


class NothingLoadedError(Exception):
    """Nothing is loaded from which the range could begin."""


@dataclass(frozen=True)
class Survey:
    """A plan, what was known for it, and what it does not take into account.

    `unreachable` says why a publisher could not be asked. `incomparable` names the feeds whose loaded files cannot be
    compared with the publisher's without fetching those.
    """

    plan: list[Planned]
    unreachable: dict[str, str] = field(default_factory=dict)
    incomparable: list[str] = field(default_factory=list)
    known: Known = field(default_factory=Known)

    @property
    def to_fill(self) -> list[Partition]:
        """What is missing, refused, replaced or thin, and not accepted, by time."""
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
    now: date,
    is_offline: bool = False,
    asked_of: Collection[Partition] | None = None,
) -> Survey:
    """Find out where every period of the asked feeds stands.

    `now` is a time in UTC; a date stands for its midnight. Publishers are asked for no partitions but `asked_of`, if
    that is given, and with `is_offline` for none. The DuckDB file is open only while the ledger and the raw tables are
    read, not while publishers are asked.

    Raises:
        UnknownSourceError: a name is not a feed, alias or subject.
        BadPeriodError: the first period is after the last.
        NothingLoadedError: no first period is given, and nothing is loaded to begin from.
        WarehouseError: the DuckDB file cannot be opened.
    """
    accepted: AcceptedGaps = {}
    refused: dict[tuple[str, str], str] = {}
    if database_path().exists():
        with open_for_reading() as connection:
            watermarks = read_watermarks(connection)
            accepted = read_accepted_gaps(connection)
            refused = refusals(read_attempts(connection))
            partitions = asked_partitions(sources, first, last, watermarks, now)
            coverage = read_coverage(partitions, connection)
    else:
        watermarks, coverage = {}, {}
        partitions = asked_partitions(sources, first, last, watermarks, now)
    known = Known(watermarks, coverage, accepted=accepted, refusals=refused)
    unreachable: dict[str, str] = {}
    if not is_offline:
        # Of what the platform itself did nothing is missed: the daily build loads it, and is a run itself. But it may
        # have been lost.
        asked = [one for one in partitions if asked_of is None or one in asked_of]
        to_ask = [one for one in asked if known.is_lost(one) or not one.feed.is_own]
        answers, unreachable = ask(
            one for one in to_ask if is_worth_asking(one, known.loaded(one), now, is_lost=known.is_lost(one))
        )
        known = replace(known, answers=answers)
    loaded = ((partition.feed.name, known.loaded(partition)) for partition in partitions)
    incomparable = {feed: None for feed, mark in loaded if mark and not can_be_compared(mark.fingerprint)}
    return Survey(plan_gaps(partitions, known, now), unreachable, list(incomparable), known)


def asked_partitions(
    sources: str | None,
    first: Period | None,
    last: Period | None,
    watermarks: Collection[tuple[str, str]],
    now: date,
) -> list[Partition]:
    """Every period that the calendars of the asked feeds expect and that has begun, feed by feed.

    Where a publisher lists its files, those are among them that its feed's calendar does not have, such as holidays.
    Without `sources` these are the default feeds and those that have something loaded. The periods go from the start of
    `first` to the end of `last`, by default today. Without `first` a feed's begin with the earliest one loaded of the
    asked feeds of its subject. A reference feed has its one period, whatever is asked. What is loaded is given as
    (feed, partition key).

    Raises:
        UnknownSourceError: a name is not a feed, alias or subject.
        BadPeriodError: the first period is after the last.
        NothingLoadedError: no first period is given, and nothing is loaded to begin from.
    """
    feeds = _asked_feeds(sources, watermarks)
    last = last or Period(Grain.DAY, moment(now))
    if first is not None:
        begins = dict.fromkeys((subject_of(feed).name for feed in feeds), first)
    else:
        begins = _first_loaded(feeds, watermarks)
        without = [feed for feed in feeds if not feed.is_reference and subject_of(feed).name not in begins]
        # A default subject of which nobody has loaded anything yet has no gaps.
        if without and (sources is not None or not begins):
            raise NothingLoadedError(_nothing_loaded(without))
    found: list[Partition] = []
    for feed in feeds:
        if begin := feed.first_period if feed.is_reference else begins.get(subject_of(feed).name):
            if begin.start >= last.end:
                raise BadPeriodError(f"the first {begin.grain} {begin} is after the last {last.grain} {last}")
            periods = partitions_between([feed], begin, last) + unexpected_between([feed], begin, last)
            found += sorted(periods, key=lambda partition: partition.period.start)
    return [partition for partition in found if partition.period.has_begun(now)]


def _asked_feeds(sources: str | None, watermarks: Iterable[tuple[str, str]]) -> list[Feed]:
    if sources is not None:
        return resolve_feeds_of_files(sources)
    loaded = {feed for feed, _ in watermarks if feed in FEEDS and not FEEDS[feed].is_stream}
    return resolve_sources(",".join([DEFAULT_SOURCES, *loaded]))


def resolve_feeds_of_files(sources: str) -> list[Feed]:
    """The feeds that a list of names stands for, without streams: they have no files that could be missing.

    Raises:
        UnknownSourceError: a name is not a feed, alias or subject, or all are streams.
    """
    asked = resolve_sources(sources)
    feeds = [feed for feed in asked if not feed.is_stream]
    if not feeds:
        names = ", ".join(feed.name for feed in asked)
        raise UnknownSourceError(f"{names}: expected a feed of files, but a stream has none. See: nyc stream --help")
    return feeds


def _first_loaded(feeds: Iterable[Feed], watermarks: Iterable[tuple[str, str]]) -> dict[str, Period]:
    """The earliest period that is loaded of any of these feeds, by subject. A reference file is of no time."""
    by_name = {feed.name: feed for feed in feeds if not feed.is_reference}
    found: dict[str, Period] = {}
    for name, key in watermarks:
        if feed := by_name.get(name):
            subject, period = subject_of(feed).name, feed.period(key)
            found[subject] = min(found.get(subject, period), period)
    return found


def _nothing_loaded(feeds: Sequence[Feed]) -> str:
    names = ", ".join(feed.name for feed in feeds)
    return (
        f"{database_path()}: expected something to begin from, but nothing is loaded of {names}. "
        f"Say which is the first with --from {feeds[0].grain.form} (and --fill to load it), "
        "or load one: python ingestion/run_pipeline.py --year 2025 --months 1"
    )


def read_coverage(partitions: Iterable[Partition], connection: duckdb.DuckDBPyConnection) -> dict[Partition, Coverage]:
    """What the raw rows of these partitions cover; nothing of feeds of which no row was ever loaded."""
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
        coverage |= {Partition(feed, feed.period_of(start)): _coverage(feed, days) for start, days in by_period.items()}
    return coverage


class _DayRow(NamedTuple):
    """One day of a partition. `day` is None for the rows that are not of its period, or do not say when they are."""

    day: date | None
    load_id: str
    rows: int
    hours: int
    filled_hours: int


def _coverage(feed: Feed, days: list[_DayRow]) -> Coverage:
    counts = {row.day: DayCount(row.rows, row.hours, row.filled_hours) for row in days if row.day}
    return Coverage(
        load_id=max(row.load_id for row in days),
        rows=sum(row.rows for row in days),
        # Where no column says when a row happened, its days cannot be counted.
        days=counts if feed.event_time else None,
    )


def _coverage_query(feed: Feed) -> str:
    """One pass over the feed's rows of some periods: those of each day, and the hours that they fall into.

    An hour is filled if the first published column besides the time has a value in it: some publishers answer hours
    that they do not know yet with nulls.
    """
    event_time = identifier(feed.event_time) if feed.event_time else "null::timestamp"
    value = next((identifier(column.name) for column in feed.columns if column.name != feed.event_time), event_time)
    period = identifier(feed.period_column.name)
    return f"""
        with hours as (
            select
                {period} as period,
                date_trunc('hour', {event_time}) as hour,
                max(_dlt_load_id) as load_id,
                count(*) as rows,
                count({value}) as filled
            from {identifier(RAW_SCHEMA, feed.raw_table)}
            where feed = ? and {period} between ? and ?
            group by all
        )

        select
            period,
            case when hour >= period and hour < period + interval 1 {feed.grain} then hour::date end as day,
            max(load_id),
            sum(rows)::bigint,
            count(*),
            count(*) filter (where filled > 0)
        from hours
        group by all
    """


def ask(partitions: Iterable[Partition]) -> tuple[dict[Partition, Fingerprint | None], dict[str, str]]:
    """Ask the publishers which files they have. Returns their answers, and why a publisher could not be asked.

    A publisher is not asked again after its first failure: the next request would wait as long.
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


def without_unpublished(partitions: Iterable[Partition]) -> tuple[list[Partition], dict[str, str]]:
    """The partitions without those of irregular periods that have no file, by their publishers' listings.

    Returns also why a publisher could not be asked; its irregular periods are left out then.
    """
    partitions = list(partitions)
    answers, unreachable = ask(partition for partition in partitions if partition.feed.is_irregular)
    return [one for one in partitions if not one.feed.is_irregular or answers.get(one)], unreachable
