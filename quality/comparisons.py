"""Expectations that compare a figure of a file with that of the file before. They only warn.

The file before is that of the period before: the month, the day, the hour. Weekends and holidays are skipped.
"""

from typing import Literal

from quality.files import BETWEEN, bounds
from quality.suite import Expectation
from warehouse.periods import Grain

# The mean or share of fewer rows says nothing about that of another file.
ROWS_TO_COMPARE = 500

# Files with a longer pause between them are not compared: a weekend with a holiday is shorter, a missing month longer.
_LONGEST_PAUSE = "interval 5 days"


def ratio_to_before(grain: Grain, of: str, low: float, high: float, why: str, *, is_count: bool = False) -> Expectation:
    """A figure of the same suite, divided by that of the file before. `is_count` says that it counts rows."""
    return _against(grain, of, f"{of} / nullif({{beside}}, 0)", low, high, why, is_count)


def difference_to_before(grain: Grain, of: str, at_most: float, why: str) -> Expectation:
    """How far a figure of the same suite is from that of the file before."""
    return _against(grain, of, f"abs({of} - {{beside}})", None, at_most, why, is_count=False)


def rows_like_before(grain: Grain) -> Expectation:
    """A file has about as many rows as the one before."""
    why = f"Rows, as a multiple of the {grain} before: a file published early is short."
    return ratio_to_before(grain, "row_count", 0.4, 2.5, why, is_count=True)


def _against(
    grain: Grain, of: str, compared: str, low: float | None, high: float | None, why: str, is_count: bool
) -> Expectation:
    """A comparison with the file before.

    A file that is unlike the one before and like the one after has no fault: what changed has stayed. Files of few
    rows, and those with many days of known events, are neither checked nor compared with.
    """
    name = f"{of}_against_{grain}_before"
    before, after = _beside(of, compared, "lag", is_count), _beside(of, compared, "lead", is_count)
    is_after_right = [f"{after} >= {low}"] * (low is not None) + [f"{after} <= {high}"] * (high is not None)
    is_before_off = [f"{before} < {low}"] * (low is not None) + [f"{before} > {high}"] * (high is not None)
    sql = f"case when ({' or '.join(is_before_off)}) and {' and '.join(is_after_right)} then {after} else {before} end"
    return Expectation(name, BETWEEN, bounds(name, low, high), why, "warn", sql, is_comparison=True)


def _beside(of: str, compared: str, way: Literal["lag", "lead"], is_count: bool) -> str:
    """The comparison with the file before or after; missing where there is none, or where it is not to be judged."""
    start, end = ("period_start", _of(way, "period_end")) if way == "lag" else (_of(way, "period_start"), "period_end")
    # A file published early has few rows, which its count of rows is there to notice.
    enough = "greatest" if is_count else "least"
    is_judged = (
        f"{start} - {end} <= {_LONGEST_PAUSE}"
        f" and {enough}(row_count, {_of(way, 'row_count')}) >= {ROWS_TO_COMPARE}"
        f" and not is_unusual and not {_of(way, 'is_unusual')}"
    )
    return f"(case when {is_judged} then {compared.format(beside=_of(way, of))} end)"


def _of(way: str, column: str) -> str:
    return f"{way}({column}) over feed_files"
