"""The SQL that measures the figures of a file suite: a row for each file."""

from quality.suite import Expectation, Suite
from warehouse.periods import Grain, Period
from warehouse.sql import literal

# The column that says which file a row of figures is of: the feed and the key of its period.
PARTITION_KEY = "partition_key"

# A file with at least this share of days with known events is unlike others.
_SHARE_OF_EVENT_DAYS = 0.25


def figures_query(suite: Suite, *, has_event_days: bool = True) -> str:
    """SQL with one row for each file that is loaded or has rows: its partition key, and each expectation's figure.

    Without event days, as before dbt has built that table, no day counts as unlike others.
    """
    if suite.grain is None:
        figures = " ".join(f"{each.figure} as {each.name}," for each in suite.expectations)
        key = f"feed || '/' || partition_key as {PARTITION_KEY}"
        return f"select {key}, {figures} {suite.detail} as detail from {suite.table}"
    events = suite.event_days if has_event_days and suite.event_days else _NO_EVENT_DAYS
    measured = " ".join(
        f"{_since(each, suite.grain)} as {each.name}," for each in suite.expectations if not each.is_comparison
    )
    compared = " ".join(f"{each.figure} as {each.name}," for each in suite.expectations if each.is_comparison)
    period = suite.grain.column
    return f"""
        with loaded as (
            select feed, period_start, rows as loaded_rows
            from meta.asset_watermarks
            where source_url is not null and feed in ({", ".join(map(literal, suite.feeds))})
        ),

        measured as (
            select
                feed,
                cast({period} as timestamp) as period_start,
                count(*) as row_count,
                {measured}
                {suite.detail} as detail
            from {suite.table}
            group by feed, {period}
        ),

        files as (
            select
                *,
                period_start + interval 1 {suite.grain} as period_end,
                greatest(1, date_diff('day', period_start, period_end)) as days_of_period
            from loaded
            full join measured using (feed, period_start)
        ),

        events as (
            select feed, period_start, count(*) as event_days
            from files
            inner join {events} as days using (feed)
            where date_day >= period_start::date and date_day < period_end
            group by all
        ),

        judged as (
            select
                * exclude (event_days),
                coalesce(event_days, 0) as event_days,
                coalesce(event_days, 0) >= {_SHARE_OF_EVENT_DAYS} * days_of_period as is_unusual
            from files
            left join events using (feed, period_start)
        ),

        compared as (
            select
                feed || '/' || {_key_of(suite.grain)} as {PARTITION_KEY},
                {compared}
                *
            from judged
            window feed_files as (partition by feed order by period_start)
        )

        select * from compared order by feed, period_start
    """


_NO_EVENT_DAYS = "(select null as feed, current_date as date_day limit 0)"


def _since(expectation: Expectation, grain: Grain) -> str:
    """The expectation's figure, missing in files of periods before its first."""
    if expectation.since is None:
        return str(expectation.figure)
    first = Period.of_any_grain(expectation.since).start
    return f"case when {grain.column} >= timestamp '{first}' then {expectation.figure} end"


def _key_of(grain: Grain) -> str:
    """The key of `period_start`, as `Period.key` writes it."""
    return f"replace(left(period_start::varchar, {len(grain.example)}), ' ', 'T')"
