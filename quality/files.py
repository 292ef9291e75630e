"""Expectations on figures of each published file, measured in one pass over the rows of all files.

A fault in one month's file disappears in a table of years, so that a share is looked at file by file, and compared
with the month before. Figures that do not apply to a file (no rows, no month before) are missing, and pass.
"""

from collections.abc import Sequence

from quality.suite import Expectation, Severity, Suite

_BETWEEN = "expect_column_values_to_be_between"

# Of a file of a few hundred rows, three odd ones are above a tolerance that was made for millions.
FEW_ROWS = 5

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

    Up to `FEW_ROWS` rows that are not as they mostly are count as none.
    """
    counted, among = f"count(case when {of} and {condition} then 1 end)", f"count(case when {of} then 1 end)"
    ratio = f"{counted} / nullif({among}, 0)"
    if mostly is not None and mostly < 1:
        ratio = f"case when {among} - {counted} between 1 and {FEW_ROWS} then 1.0 else {ratio} end"
    if at_most is not None and at_most < 1:
        ratio = f"case when {counted} between 1 and {FEW_ROWS} then 0.0 else {ratio} end"
    return figure(name, ratio, low=mostly, high=at_most, why=why, severity=severity, since=since)


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
    return _against_month_before(of, f"{of} / nullif(lag({of}) over feed_months, 0)", low, high, why)


def difference_to_month_before(of: str, at_most: float, why: str) -> Expectation:
    """How far a figure of the same suite is from that of the month before."""
    return _against_month_before(of, f"abs({of} - lag({of}) over feed_months)", None, at_most, why)


def _against_month_before(of: str, compared: str, low: float | None, high: float | None, why: str) -> Expectation:
    name = f"{of}_against_month_before"
    is_next = "lag(source_month) over feed_months + interval 1 month = source_month"
    sql = f"case when {is_next} then {compared} end"
    return Expectation(name, _BETWEEN, _range(name, low, high), why, "warn", sql, is_comparison=True)


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


def figures_query(suite: Suite) -> str:
    """SQL with one row for each file that is loaded or has rows: its partition key, and each expectation's figure."""
    measured = [f"{e.figure} as {e.name}," for e in suite.expectations if not e.is_comparison]
    compared = [f"{e.figure} as {e.name}," for e in suite.expectations if e.is_comparison]
    return f"""
        with loaded as (
            select asset as feed, cast(partition_key || '-01' as date) as source_month, rows as loaded_rows
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

        files as (select * from loaded full join measured using (feed, source_month)),

        compared as (
            select
                feed || '/' || source_month as {PARTITION_KEY},
                {" ".join(compared)}
                *
            from files
            window feed_months as (partition by feed order by source_month)
        )

        select * from compared order by feed, source_month
    """
