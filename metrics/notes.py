"""What a reader of an answer must know beside its figures."""

from collections.abc import Sequence
from datetime import date

import pyarrow as pa

from metrics.query import stray_months

NO_MATCH = "No loaded data matches the query."


def notes_on(answer: pa.Table, months: Sequence[date]) -> list[str]:
    """What a reader of the answer must know: that it is empty, or that some of its months are not loaded."""
    loaded = ", ".join(ranges_of(months)) or "none"
    if is_empty(answer):
        return [f"{NO_MATCH} Months loaded: {loaded}."]
    strays = stray_months(answer, months)
    if not strays:
        return []
    named = ", ".join(f"{month:%Y-%m}" for month in strays)
    return [
        f"Not loaded: {named}. What is shown for these are stray rows in the files of other months "
        f"(without them: trip__is_in_month_of_file). Months loaded: {loaded}."
    ]


def is_empty(answer: pa.Table) -> bool:
    """Whether no data matches: there are no rows, or one without a figure."""
    is_one_figure = answer.num_rows == 1 and not any("__" in name for name in answer.column_names)
    return not answer.num_rows or (is_one_figure and not any(column[0].is_valid for column in answer.columns))


def ranges_of(months: Sequence[date]) -> list[str]:
    """Months as text, consecutive ones as a range: `2025-01 to 2025-03`."""
    ranges: list[list[date]] = []
    for month in months:
        if ranges and _number(ranges[-1][-1]) + 1 == _number(month):
            ranges[-1].append(month)
        else:
            ranges.append([month])
    return [f"{run[0]:%Y-%m}" + (f" to {run[-1]:%Y-%m}" if len(run) > 1 else "") for run in ranges]


def _number(month: date) -> int:
    return month.year * 12 + month.month
