"""Expectations on figures of each published file, measured in one pass over the rows of all files.

A fault in one file disappears in a table of years. So a share or a mean is measured file by file, and compared with the
file before (quality/comparisons.py). A figure that does not apply to a file, because it has no rows or no file before,
is missing, and passes. Differences that chance explains in small numbers are not faults.
"""

from collections.abc import Sequence

from quality.suite import Expectation, Severity

BETWEEN = "expect_column_values_to_be_between"

# Up to this many odd rows are no fault: in a file of 300 rows, three are above a tolerance made for millions.
FEW_ROWS = 5

# A share this many standard deviations from its tolerance may be chance: 0.50005 of a million rows for 0.5.
_CHANCE = 4


def bounds(column: str, low: float | None, high: float | None) -> dict[str, object]:
    """The arguments of GX for a column whose values are in a range."""
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
    """An aggregate of the file's rows is in a range. `since` (`2011-01`) leaves out files of earlier periods."""
    return Expectation(name, BETWEEN, bounds(name, low, high), why, severity, sql, since=since)


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

    Where at most `FEW_ROWS` rows are odd, or not more than chance explains, the share counts as the one asked for.
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
    """How far chance alone can move the share of this many rows."""
    return f"{_CHANCE} * sqrt({share * (1 - share)} / {rows})"


def finite(*columns: str) -> Expectation:
    """None of the columns' values is NaN or infinite."""
    are_finite = " and ".join(f"isfinite(coalesce({column}, 0))" for column in columns)
    return figure(
        "numbers_are_finite",
        f"count(case when not ({are_finite}) then 1 end)",
        high=0,
        why=f"Rows in which one of {', '.join(columns)} is NaN or infinite, and so would be their sum.",
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


# Of every file of every feed that has files.
SOURCE_ROWS_ARE_A_KEY = figure(
    "source_row_unique",
    "abs(min(source_row)) + abs(max(source_row) + 1 - count(*))"
    " + abs(sum(source_row)::hugeint * 2 - count(*)::hugeint * (count(*) - 1))",
    high=0,
    why="Positions in the file are 0, 1, … n - 1, each once: 0 where they are. Keys of rows are made of them.",
)

# Of every day of every stream.
MESSAGES_ARE_A_KEY = figure(
    "message_unique",
    "count(*) - count(distinct kafka_offset::hugeint * 1000000 + kafka_partition)",
    high=0,
    why="Messages that stand twice: partition and offset name a message, and each is taken once.",
)
