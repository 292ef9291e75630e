"""Finding out what is loaded, what the publishers have, and where that leaves each partition."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date
from typing import NamedTuple
from urllib.parse import urlsplit

import duckdb
import requests
from requests.adapters import HTTPAdapter
from urllib3 import Retry

from ingestion.errors import DownloadError
from ingestion.feeds import DEFAULT_SOURCES, FEEDS, Feed, Publisher, resolve_sources
from ingestion.gap_plan import (
    Coverage,
    DayCount,
    Known,
    Planned,
    can_be_compared,
    is_worth_asking,
    plan_gaps,
)
from ingestion.partitions import BadMonthError, Partition, month_range, parse_month
from ingestion.raw_data import RAW_SCHEMA
from ingestion.sources import SOURCES
from warehouse.connection import open_for_reading
from warehouse.ledger import Fingerprint, read_watermarks
from warehouse.paths import database_path

_TIMEOUT_SECONDS = (10, 30)  # to connect, to answer


class NothingLoadedError(Exception):
    """No month is loaded from which the range could begin."""


@dataclass(frozen=True)
class Survey:
    """A plan, and what it does not take into account.

    `unreachable` says why a publisher could not be asked, `incomparable` names the feeds whose loaded
    files cannot be compared with the publisher's without fetching them.
    """

    plan: list[Planned]
    unreachable: dict[Publisher, str] = field(default_factory=dict)
    incomparable: list[str] = field(default_factory=list)

    @property
    def to_fill(self) -> list[Partition]:
        """What is missing, replaced or thin, month by month."""
        gaps = [planned.partition for planned in self.plan if planned.is_gap]
        return sorted(gaps, key=lambda partition: partition.month)


def survey(
    sources: str | None, first: date | None, last: date | None, *, today: date, is_offline: bool = False
) -> Survey:
    """Find out where every month of the asked feeds stands.

    The DuckDB file is open only while the ledger and the raw tables are read, not while publishers are
    asked.

    Raises:
        UnknownSourceError: a name is no feed and no alias.
        BadMonthError: the first month is after the last.
        NothingLoadedError: no first month is given, and none is loaded.
        WarehouseError: the DuckDB file cannot be opened.
    """
    if database_path().exists():
        with open_for_reading() as connection:
            watermarks = read_watermarks(connection)
            feeds = asked_feeds(sources, watermarks)
            months = asked_months(feeds, first, last, watermarks, today)
            coverage = read_coverage(feeds, months[0], months[-1], connection)
    else:
        feeds, watermarks, coverage = asked_feeds(sources, []), {}, {}
        months = asked_months(feeds, first, last, watermarks, today)
    known = Known(watermarks, coverage)
    partitions = [Partition(feed, month) for feed in feeds for month in months]
    unreachable: dict[Publisher, str] = {}
    if not is_offline:
        answers, unreachable = ask(partition for partition in partitions if is_worth_asking(partition, known, today))
        known = replace(known, answers=answers)
    loaded = ((partition.feed.name, known.loaded(partition)) for partition in partitions)
    incomparable = {feed: None for feed, mark in loaded if mark and not can_be_compared(mark.fingerprint)}
    return Survey(plan_gaps(partitions, known, today), unreachable, list(incomparable))


def asked_feeds(sources: str | None, watermarks: Iterable[tuple[str, str]]) -> list[Feed]:
    """The feeds that are named; without names the default ones and those that have something loaded."""
    if sources is not None:
        return resolve_sources(sources)
    loaded = {feed for feed, _ in watermarks if feed in FEEDS}
    return resolve_sources(",".join([DEFAULT_SOURCES, *loaded]))


def asked_months(
    feeds: Iterable[Feed],
    first: date | None,
    last: date | None,
    watermarks: Iterable[tuple[str, str]],
    today: date,
) -> list[date]:
    """The months from the first, by default the earliest one loaded, to the last, by default the current one.

    Raises:
        BadMonthError: the first is after the last.
        NothingLoadedError: no first month is given, and none is loaded.
    """
    names = [feed.name for feed in feeds]
    if first is None:
        loaded = [parse_month(key) for feed, key in watermarks if feed in names]
        if not loaded:
            raise NothingLoadedError(
                f"{database_path()}: expected months to begin from, but nothing is loaded of {', '.join(names)}. "
                "Say which is the first with --from YYYY-MM (and --fill to load them), "
                "or load one: python ingestion/run_pipeline.py --year 2025 --months 1"
            )
        first = min(loaded)
    last = last or today.replace(day=1)
    if first > last:
        raise BadMonthError(f"the first month {first:%Y-%m} is after the last month {last:%Y-%m}")
    return list(month_range(first, last))


def read_coverage(
    feeds: Iterable[Feed], first: date, last: date, connection: duckdb.DuckDBPyConnection
) -> dict[Partition, Coverage]:
    """What the raw rows of these feeds and months cover; nothing where no row was ever loaded."""
    coverage: dict[Partition, Coverage] = {}
    for feed in feeds:
        query = _coverage_query(feed)
        try:
            counts = connection.execute(query, [feed.name, first, last]).fetchall()
        except duckdb.CatalogException:
            continue
        by_month: dict[date, list[_DayRow]] = {}
        for month, *row in counts:
            by_month.setdefault(month, []).append(_DayRow(*row))
        coverage |= {Partition(feed, month): _coverage(month, days) for month, days in by_month.items()}
    return coverage


class _DayRow(NamedTuple):
    """One day of a partition; none where the rows do not say when they happened."""

    day: date | None
    load_id: str
    rows: int
    hours: int
    filled_hours: int


def _coverage(month: date, days: list[_DayRow]) -> Coverage:
    return Coverage(
        load_id=max(row.load_id for row in days),
        rows=sum(row.rows for row in days),
        days={
            row.day: DayCount(row.rows, row.hours, row.filled_hours)
            for row in days
            if row.day and row.day.replace(day=1) == month
        },
    )


def _coverage_query(feed: Feed) -> str:
    """One pass over the feed's rows of some months: those of each day, and the hours that they fall into.

    An hour is filled if the first published column besides the time has a value in it: the weather
    archive answers hours that it does not know yet with nulls.
    """
    value = next((column.name for column in feed.columns if column.name != feed.event_time), feed.event_time)
    return f"""
        with hours as (
            select
                source_month,
                date_trunc('hour', {feed.event_time}) as hour,
                max(_dlt_load_id) as load_id,
                count(*) as rows,
                count({value}) as filled
            from {RAW_SCHEMA}.{feed.raw_table}
            where feed = ? and source_month between ? and ?
            group by all
        )

        select
            source_month,
            hour::date as day,
            max(load_id),
            sum(rows)::bigint,
            count(*),
            count(*) filter (where filled > 0)
        from hours
        group by all
    """


def ask(partitions: Iterable[Partition]) -> tuple[dict[Partition, Fingerprint | None], dict[Publisher, str]]:
    """Ask the publishers which files they have, and say of each that could not be asked why.

    The first failure ends the asking of a publisher: the next request would wait as long.
    """
    answers: dict[Partition, Fingerprint | None] = {}
    unreachable: dict[Publisher, str] = {}
    with _session() as session:
        for partition in partitions:
            addresses = SOURCES[partition.feed.publisher].addresses(partition)
            if partition.feed.publisher in unreachable or not can_be_asked_for(addresses):
                continue
            try:
                answers[partition] = published_file(addresses, session)
            except DownloadError as error:
                unreachable[partition.feed.publisher] = str(error)
    return answers, unreachable


def can_be_asked_for(addresses: list[str]) -> bool:
    """Whether the publisher can be asked for a file's headers alone.

    An address with a query is a question that would be answered with the data itself.
    """
    return not urlsplit(addresses[0]).query


def _session() -> requests.Session:
    """A session of few retries: a plan is asked for again sooner than waited for."""
    retry = Retry(
        total=2,
        read=1,
        backoff_factor=0.2,
        status_forcelist=(429, 500, 502, 503, 504),
        respect_retry_after_header=False,
        raise_on_status=False,
    )
    session = requests.Session()
    session.mount("http://", HTTPAdapter(max_retries=retry))
    session.mount("https://", HTTPAdapter(max_retries=retry))
    return session


def published_file(
    addresses: list[str], session: requests.Session, timeout_seconds: tuple[float, float] = _TIMEOUT_SECONDS
) -> Fingerprint | None:
    """The first of the addresses that the publisher has, with the marks of its file; None if it has none.

    The timeouts are those of each request: to connect, and to answer.

    Raises:
        DownloadError: the publisher could not be reached, or gave no answer to that question.
    """
    for address in addresses:
        try:
            answer = session.head(address, allow_redirects=True, timeout=timeout_seconds)
        except requests.RequestException as error:
            raise DownloadError(f"{address}: could not be asked for ({error})") from error
        if answer.status_code in (403, 404):
            continue
        if answer.status_code != requests.codes.ok:
            raise DownloadError(
                f"{address}: expected to be told of the file, but got {answer.status_code} {answer.reason}"
            )
        length = answer.headers.get("Content-Length")
        return Fingerprint(
            url=address,
            etag=answer.headers.get("ETag"),
            last_modified=answer.headers.get("Last-Modified"),
            content_length=int(length) if length else None,
        )
    return None
