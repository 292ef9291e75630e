"""Expectations on figures of each published file, measured in one pass over the rows of all files.

A fault in one month's file disappears in a table of years, so that a share is looked at file by file, and compared
with the month before. Figures that do not apply to a file (no rows, no month before) are missing, and pass. What
chance makes of small numbers is no fault.
"""

from collections.abc import Sequence
from typing import Literal

from quality.suite import Expectation, Severity, Suite

_BETWEEN = "expect_column_values_to_be_between"

# Figures that count rows.
_COUNTS = ("row_count", "trips_a_day")

# Of a file of a few hundred rows, three odd ones are above a tolerance that was made for millions.
FEW_ROWS = 5

# A share that is so many standard deviations from its tolerance may be chance: 0.50005 for 0.5 of a million rows.
_CHANCE = 4

# Means and shares of fewer rows say nothing about those of another month, nor do so few rows about a day.
ROWS_TO_COMPARE = 500
ROWS_OF_A_DAY = 20

# The dbt model that says which days of a feed were unlike others, and the share of such days that makes a month so.
EVENT_DAYS = "int_event_days"
_SHARE_OF_EVENT_DAYS = 0.25

# The column that says which file a row of figures is of: the key of the partition in the ledger.
PARTITION_KEY = "partition_key"


def _range(column: str, low: float | None, high: float | None) -> dict[str, object]:
    return {"column": column, "min_value": low, "max_value": high}


def figure(
    name: str,
    sql: str,
    *,
    low: float | None = None,
    high: float | None = None,
    why: str,
    severity: Severity = "error",
    since: str | None = None,
) -> Expectation:
    """An aggregate of the file's rows is in a range. `since` (`2011-01`) leaves out files of earlier months."""
    measured = f"case when source_month >= date '{since}-01' then {sql} end" if since else sql
    return Expectation(name, _BETWEEN, _range(name, low, high), why, severity, measured)


def share(
    name: str,
    condition: str,
    *,
    of: str = "true",
    mostly: float | None = None,
    at_most: float | None = None,
    why: str,
    severity: Severity = "error",
    since: str | None = None,
) -> Expectation:
    """The share of the file's rows, of those where `of` holds, for which the condition holds.

    Where up to `FEW_ROWS` rows are not as they mostly are, or not more than chance explains, the share is the one that
    is asked for.
    """
    counted, among = f"count(case when {of} and {condition} then 1 end)", f"count(case when {of} then 1 end)"
    ratio = f"{counted} / nullif({among}, 0)"
    measured = ratio
    if mostly is not None and mostly < 1:
        is_chance = f"{among} - {counted} <= {FEW_ROWS} or {ratio} >= {mostly} - {_margin(mostly, among)}"
        measured = f"case when {ratio} < {mostly} and ({is_chance}) then {mostly} else {measured} end"
    if at_most is not None and at_most < 1:
        is_chance = f"{counted} <= {FEW_ROWS} or {ratio} <= {at_most} + {_margin(at_most, among)}"
        measured = f"case when {ratio} > {at_most} and ({is_chance}) then {at_most} else {measured} end"
    return figure(name, measured, low=mostly, high=at_most, why=why, severity=severity, since=since)


def _margin(share: float, rows: str) -> str:
    """How far the share of so many rows may be off by chance."""
    return f"{_CHANCE} * sqrt({share * (1 - share)} / {rows})"


def finite(*columns: str) -> Expectation:
    """None of the columns' values is NaN or infinite."""
    are_finite = " and ".join(f"isfinite(coalesce({column}, 0))" for column in columns)
    return figure(
        "numbers_are_finite",
        f"count(case when not ({are_finite}) then 1 end)",
        high=0,
        why=f"Rows in which one of {', '.join(columns)} is NaN or infinite, which makes sums and means so.",
    )


def not_null(column: str, mostly: float = 1.0, severity: Severity = "error", since: str | None = None) -> Expectation:
    """The column has a value in this share of the file's rows."""
    return share(
        f"{column}_not_null",
        f"{column} is not null",
        mostly=mostly,
        why=f"{column} has a value.",
        severity=severity,
        since=since,
    )


def between(
    column: str,
    low: float,
    high: float,
    mostly: float = 1.0,
    *,
    why: str = "",
    severity: Severity = "error",
    since: str | None = None,
) -> Expectation:
    """This share of the column's values is in a range, both bounds included; missing values are left out."""
    return share(
        f"{column}_in_range",
        f"{column} between {low} and {high}",
        of=f"{column} is not null",
        mostly=mostly,
        why=f"{column} is from {low} to {high}. {why}".strip(),
        severity=severity,
        since=since,
    )


def in_set(
    column: str,
    values: Sequence[str | int],
    mostly: float = 1.0,
    *,
    severity: Severity = "error",
    since: str | None = None,
) -> Expectation:
    """This share of the column's values is among these; missing values are left out."""
    listed = ", ".join(f"'{value}'" if isinstance(value, str) else str(value) for value in values)
    return share(
        f"{column}_known",
        f"{column} in ({listed})",
        of=f"{column} is not null",
        mostly=mostly,
        why=f"{column} is one of {listed}.",
        severity=severity,
        since=since,
    )


def ratio_to_month_before(of: str, low: float, high: float, why: str) -> Expectation:
    """A figure of the same suite, divided by that of the month before."""
    return _against_month_before(of, f"{of} / nullif({{beside}}, 0)", low, high, why)


def difference_to_month_before(of: str, at_most: float, why: str) -> Expectation:
    """How far a figure of the same suite is from that of the month before."""
    return _against_month_before(of, f"abs({of} - {{beside}})", None, at_most, why)


def _against_month_before(of: str, compared: str, low: float | None, high: float | None, why: str) -> Expectation:
    """A comparison with the month before.

    A month that is unlike it and like the month after has no fault: what changed has stayed. Months of few rows, and
    those with many days of known events, are neither judged nor compared with.
    """
    name = f"{of}_against_month_before"
    before, after = _beside(of, compared, "lag"), _beside(of, compared, "lead")
    bounds = [f"{after} >= {low}"] * (low is not None) + [f"{after} <= {high}"] * (high is not None)
    is_before_off = [f"{before} < {low}"] * (low is not None) + [f"{before} > {high}"] * (high is not None)
    sql = f"case when ({' or '.join(is_before_off)}) and {' and '.join(bounds)} then {after} else {before} end"
    return Expectation(name, _BETWEEN, _range(name, low, high), why, "warn", sql, is_comparison=True)


def _beside(of: str, compared: str, way: Literal["lag", "lead"]) -> str:
    """The comparison with the month before or after; missing where that is not loaded, or one of the two no measure."""
    is_beside = f"{way}(source_month) over feed_months {'+' if way == 'lag' else '-'} interval 1 month = source_month"
    # A file published early has few rows: that is what its number of rows is compared for.
    fewest = "greatest" if of in _COUNTS else "least"
    is_judged = (
        f"{fewest}(row_count, {way}(row_count) over feed_months) >= {ROWS_TO_COMPARE}"
        f" and not is_unusual and not {way}(is_unusual) over feed_months"
    )
    beside = compared.format(beside=f"{way}({of}) over feed_months")
    return f"(case when {is_beside} and {is_judged} then {beside} end)"


# What every file of every feed must be.
ROWS_AS_LOADED = Expectation(
    "rows_as_loaded",
    _BETWEEN,
    {"column": "rows_as_loaded", "min_value": 0, "max_value": 0},
    "The rows that are there, less those that the ledger says were loaded.",
    "error",
    "coalesce(row_count, 0) - coalesce(loaded_rows, 0)",
    is_comparison=True,
)
SOURCE_ROWS_ARE_A_KEY = figure(
    "source_row_unique",
    "abs(min(source_row)) + abs(max(source_row) + 1 - count(*))"
    " + abs(sum(source_row)::hugeint * 2 - count(*)::hugeint * (count(*) - 1))",
    high=0,
    why="Positions in the file are 0, 1, … n - 1, each once: 0 where they are. The key of a trip is made of them.",
)
ROWS_LIKE_MONTH_BEFORE = ratio_to_month_before(
    "row_count", 0.4, 2.5, "Rows, as a multiple of the month before: a file published early is short."
)


def figures_query(suite: Suite, *, has_event_days: bool = True) -> str:
    """SQL with one row for each file that is loaded or has rows: its partition key, and each expectation's figure.

    Without event days, as before dbt has built that model, no day counts as unlike others.
    """
    events = (
        f"core_staging.{EVENT_DAYS}" if has_event_days else "(select null as feed, current_date as date_day limit 0)"
    )
    measured = [f"{e.figure} as {e.name}," for e in suite.expectations if not e.is_comparison]
    compared = [f"{e.figure} as {e.name}," for e in suite.expectations if e.is_comparison]
    return f"""
        with loaded as (
            select feed, cast(period_start as date) as source_month, rows as loaded_rows
            from meta.asset_watermarks
            where source_url is not null and asset in ({", ".join(f"'{feed}'" for feed in suite.feeds)})
        ),

        measured as (
            select
                feed,
                source_month,
                count(*) as row_count,
                {" ".join(measured)}
                {suite.detail} as detail
            from {suite.table}
            group by feed, source_month
        ),

        events as (
            select feed, date_trunc('month', date_day)::date as source_month, count(*) as event_days
            from {events}
            group by all
        ),

        files as (
            select
                * exclude (event_days),
                coalesce(event_days, 0) as event_days,
                coalesce(event_days, 0) >= {_SHARE_OF_EVENT_DAYS} * day(last_day(source_month)) as is_unusual
            from loaded
            full join measured using (feed, source_month)
            left join events using (feed, source_month)
        ),

        compared as (
            select
                feed || '/' || strftime(source_month, '%Y-%m') as {PARTITION_KEY},
                {" ".join(compared)}
                *
            from files
            window feed_months as (partition by feed order by source_month)
        )

        select * from compared order by feed, source_month
    """
