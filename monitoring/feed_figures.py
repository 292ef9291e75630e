"""Figures of feeds: how far they are loaded, what is missing, and where their rows are.

How late a feed is follows its grain, its calendar and its publication lag. A month that the publisher has not to have
yet is not late, however old the newest one is.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import date, datetime, time

import duckdb
from prometheus_client.core import Metric

from ingestion.catalog import FEEDS
from ingestion.gap_plan import Planned
from ingestion.ledger_gaps import (
    Freshness,
    LedgerState,
    due_on,
    failed_loads,
    freshness,
    plan_by_ledger,
    read_ledger_state,
)
from ingestion.publication import Gap
from monitoring.families import Samples, Value, by, gauge
from warehouse.reconciliation import PartitionRows

_LOADED = """
    select
        asset,
        sum(rows)::double as rows,
        count(*) as partitions,
        max(updated_at) as loaded_at,
        max(period_end) as newest_end,
        max(max_event_time) as newest_event
    from meta.asset_watermarks
    where source_url is not null
    group by asset
"""

# What the last load of each feed took, of all periods that it loaded.
_LAST_LOADS = """
    with loads as (
        select assets.asset, runs.started_at, sum(assets.seconds) as seconds, sum(assets.bytes)::double as bytes
        from meta.ingestion_run_assets as assets
        inner join meta.ingestion_runs as runs using (run_id)
        where runs.kind = 'ingestion' and assets.status = 'loaded'
        group by assets.asset, runs.run_id, runs.started_at
    )

    select asset, seconds, bytes from loads
    qualify row_number() over (partition by asset order by started_at desc) = 1
"""


def feed_figures(connection: duckdb.DuckDBPyConnection, now: datetime) -> Iterator[Metric]:
    """The figures of every feed that is loaded by default or has something loaded, by the ledger at `now` (UTC)."""
    yield from _loaded(connection)
    state = read_ledger_state(connection)
    plan = plan_by_ledger(state, now)
    yield from _fresh(freshness(plan, state), plan, now)
    yield from _gaps(plan, state)


def _loaded(connection: duckdb.DuckDBPyConnection) -> Iterator[Metric]:
    loaded = [row for row in connection.execute(_LOADED).fetchall() if row[0] in FEEDS]

    def column(position: int) -> dict[str, Value]:
        return {row[0]: row[position] for row in loaded}

    yield by("feed", "nyc_feed_loaded_rows", "Rows of a feed that are loaded, of all periods.", column(1))
    yield by("feed", "nyc_feed_loaded_partitions", "Periods of a feed that are loaded.", column(2))
    yield by("feed", "nyc_feed_load_timestamp_seconds", "When a feed was last loaded, in Unix seconds.", column(3))
    yield by(
        "feed",
        "nyc_feed_newest_period_end_timestamp_seconds",
        "End of the newest loaded period of a feed, in Unix seconds.",
        column(4),
    )
    yield by(
        "feed",
        "nyc_feed_newest_event_timestamp_seconds",
        "Newest event in the loaded rows of a feed as its column has it, in Unix seconds.",
        column(5),
    )
    last = connection.execute(_LAST_LOADS).fetchall()
    yield by(
        "feed",
        "nyc_feed_load_duration_seconds",
        "How long the last load of a feed took, all its periods together, in seconds.",
        {feed: seconds for feed, seconds, _ in last if feed in FEEDS},
    )
    yield by(
        "feed",
        "nyc_feed_load_file_bytes",
        "Size of the files that the last load of a feed took, in bytes.",
        {feed: size for feed, _, size in last if feed in FEEDS},
    )


def _fresh(found: Iterable[Freshness], plan: Iterable[Planned], now: datetime) -> Iterator[Metric]:
    known = {each.feed.name: each for each in found}
    due_since = _due_since(plan, {name: each for name, each in known.items() if each.is_behind})
    yield by(
        "feed",
        "nyc_feed_due_periods",
        "Periods after the newest loaded one that are due, and neither loaded nor accepted.",
        {name: each.due for name, each in known.items()},
    )
    yield by(
        "feed",
        "nyc_feed_lag_seconds",
        "For how long the first of these periods has been due, in seconds; 0 where nothing is due.",
        {
            name: max((now - datetime.combine(since, time())).total_seconds(), 0) if since else 0
            for name in known
            for since in [due_since.get(name)]
        },
    )
    yield by(
        "feed",
        "nyc_feed_next_due_timestamp_seconds",
        "When the next period of a feed is due, or has been, in Unix seconds; missing where nobody can say.",
        {
            name: datetime.combine(each.next_due_on, time())
            for name, each in known.items()
            if each.next_due_on is not None
        },
    )


def _due_since(plan: Iterable[Planned], behind: dict[str, Freshness]) -> dict[str, date]:
    """Since when the first period after the newest one has been due, of each feed that is behind."""
    since: dict[str, date] = {}
    for planned in plan:
        feed, period = planned.partition.feed, planned.partition.period
        each = behind.get(feed.name)
        if each and planned.open_gaps and (each.newest is None or period > each.newest):
            due = due_on(feed, period)
            since[feed.name] = min(due, since.get(feed.name, due))
    return since


def _gaps(plan: Iterable[Planned], state: LedgerState) -> Iterator[Metric]:
    counts: dict[tuple[str, ...], int] = {}
    failed: dict[str, Value] = {}
    for planned in plan:
        name = planned.partition.feed.name
        failed.setdefault(name, 0)
        for gap in Gap:
            counts[name, gap.value] = counts.get((name, gap.value), 0) + (gap in planned.open_gaps)
    yield gauge(
        "nyc_feed_gaps",
        "Periods of a feed that are missing, refused, replaced at the publisher, overdue or thin, and not accepted.",
        sorted(counts.items()),
        ["feed", "gap"],
    )
    for (name, _), _attempt in failed_loads(state):
        failed[name] = float(failed.get(name) or 0) + 1  # type: ignore[arg-type]
    yield by(
        "feed",
        "nyc_feed_failed_partitions",
        "Periods of a feed whose last load failed or was refused, and that nobody has accepted since.",
        failed,
    )


def row_figures(rows: Iterable[PartitionRows]) -> Iterator[Metric]:
    """Where the published rows are, by feed and by table that holds them."""
    places: dict[str, dict[str, int]] = defaultdict(lambda: dict.fromkeys(_PLACES, 0))
    held: dict[str, dict[str, int]] = defaultdict(lambda: {"kept": 0, "quarantined": 0, "judged": 0})
    for each in rows:
        places[each.feed]["published"] += each.published
        places[each.feed]["kept"] += each.kept
        places[each.feed]["quarantined"] += each.quarantined
        places[each.feed]["not_built"] += each.not_built
        # More rows than were published are no comfort to a period that has fewer.
        places[each.feed]["lost"] += abs(each.lost)
        for table, state in ((each.kept_in, "kept"), (each.quarantined_in, "quarantined")):
            if table:
                held[table][state] += each.kept if state == "kept" else each.quarantined
                held[table]["judged"] += each.kept + each.quarantined
    yield gauge(
        "nyc_feed_rows",
        "Rows of a feed by where they are: published, kept, quarantined, not_built, or lost (neither, or too many).",
        (((feed, place), count) for feed, counts in sorted(places.items()) for place, count in counts.items()),
        ["feed", "place"],
    )
    yield by(
        "feed",
        "nyc_feed_quarantined_ratio",
        "Share of a feed's built rows that is quarantined, from 0 to 1.",
        {
            feed: counts["quarantined"] / built
            for feed, counts in places.items()
            if (built := counts["kept"] + counts["quarantined"])
        },
    )
    yield gauge(
        "nyc_table_feed_rows",
        "Rows of all feeds that a table holds, by whether it keeps them or sets them aside.",
        _held(held),
        ["table", "place"],
    )
    yield by(
        "table",
        "nyc_table_quarantined_ratio",
        "Share of the built rows of its feeds that a table of quarantined rows holds, from 0 to 1.",
        {
            table: counts["quarantined"] / counts["judged"]
            for table, counts in held.items()
            if counts["judged"] and not counts["kept"]
        },
    )


_PLACES = ("published", "kept", "quarantined", "not_built", "lost")


def _held(held: dict[str, dict[str, int]]) -> Samples:
    for table, counts in sorted(held.items()):
        for place in ("kept", "quarantined"):
            if counts[place]:
                yield (table, place), counts[place]
