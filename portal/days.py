"""Days that something has rows of, the filters that choose some of them, and how they are written."""

from collections.abc import Sequence
from datetime import date

import pandas as pd

from portal.filters import choose
from portal.view import View


def days_of(view: View, *tables: str, column: str = "source_date") -> list[str]:
    """The days of which any of the tables has rows, by time."""
    there = [table for table in tables if view.has_table(table)]
    if not there:
        return []
    union = " union all ".join(f"select {column} from {table}" for table in there)
    return as_labels(view.rows(f"select distinct {column} from ({union}) order by {column}")[column])


def choose_days(days: Sequence[str], *, at_first: int, among: str) -> tuple[date, date]:
    """Draw the filters From and To. At first they are the last days. Days in the wrong order are exchanged.

    `among` says what the days are, such as `trading days loaded`.
    """
    first = choose("from", "From", days, default=days[-at_first:][0], among=among)
    last = choose("to", "To", days, default=days[-1], among=among)
    first, last = sorted((first, last))
    return date.fromisoformat(first), date.fromisoformat(last)


def period_in_words(first: date, last: date) -> str:
    """A day, or days from first to last: `14 Jan 2026`, `12 Jan to 14 Jan 2026`."""
    if first == last:
        return f"{last.day} {last:%b %Y}"
    year = "" if first.year == last.year else f" {first:%Y}"
    return f"{first.day} {first:%b}{year} to {last.day} {last:%b %Y}"


def day_in_words(day: date) -> str:
    """A day with its weekday: `Wed 14 Jan 2026`."""
    return f"{day:%a} {day.day} {day:%b %Y}"


def as_labels(times: pd.Series) -> list[str]:
    """Days as the names of places on an axis: so there is no gap where there is none of them."""
    return [f"{time:%Y-%m-%d}" for time in times]
