"""What the monthly jobs are asked for, and what they refuse."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

import dagster as dg

from ingestion.feeds import ALIASES, DEFAULT_SOURCES, FEEDS, resolve_sources
from ingestion.gap_plan import is_due
from ingestion.partitions import Partition, month_range, parse_month

FIRST_MONTH = min(feed.first_month for feed in FEEDS.values())
_KNOWN_SOURCES = ", ".join([*ALIASES, *FEEDS])
_WAYS = "year and month; year and months; or from and to"


def _optional(kind: Any, description: str) -> dg.Field:
    return dg.Field(kind, is_required=False, description=description)


# Dagster has no type for a month. What its types cannot say is refused by `asked_months`.
ASKED = {
    "year": _optional(int, f"The year of the files, {FIRST_MONTH.year} or later, such as 2025."),
    "month": _optional(int, "The month of the files, 1 to 12."),
    "months": _optional([int], "Several months of that year, such as [1, 2, 3], instead of month."),
    "from": _optional(str, "The first of a range of months, such as '2024-11', instead of year and month."),
    "to": _optional(str, "The last of the range, such as '2025-02'."),
    "sources": dg.Field(
        str,
        default_value=DEFAULT_SOURCES,
        description=f"Comma-separated: {_KNOWN_SOURCES}; taxi stands for {', '.join(ALIASES['taxi'])}.",
    ),
}


class MonthsToLoad(dg.Config):
    """The months, as `2025-01`, and the sources to load of each."""

    months: list[str]
    sources: str

    @property
    def first_days(self) -> list[date]:
        """The months as the rest of the platform names them: by their first days."""
        return [parse_month(month) for month in self.months]


def months_to_load(asked: Mapping[str, Any]) -> MonthsToLoad:
    """What the config of `ASKED` asks for.

    Raises:
        dagster.DagsterInvalidConfigError: values that cannot be. Dagster shows the message of an error of its own
            first; any other it would show below a stack trace.
    """
    try:
        resolve_sources(asked["sources"])
        months = asked_months(asked)
    except ValueError as error:
        refusal = dg.DagsterInvalidConfigError(f"No run was started: {error}", [], asked)  # type: ignore[no-untyped-call]
        raise refusal from None
    return MonthsToLoad(months=[f"{month:%Y-%m}" for month in months], sources=asked["sources"])


def asked_months(asked: Mapping[str, Any]) -> list[date]:
    """The months that are asked for, in order, each once.

    Raises:
        ValueError: a value is no month, or they are not one of the ways to ask.
    """
    match sorted(name for name in asked if name != "sources"):
        case ["month", "year"]:
            months = [_month(asked["year"], asked["month"], "month")]
        case ["months", "year"]:
            months = sorted({_month(asked["year"], month, "months") for month in asked["months"]})
        case ["from", "to"]:
            first, last = parse_month(asked["from"]), parse_month(asked["to"])
            _refuse_unknown_times(first, last)
            months = list(month_range(first, last))
        case given:
            raise ValueError(f"expected one of: {_WAYS}; but got {' and '.join(given) or 'none of them'}")
    if not months:
        raise ValueError("expected at least one month, but got none: from must not be after to")
    _refuse_unknown_times(months[0], months[-1])
    return months


def _month(year: int, month: int, field: str) -> date:
    if not 1 <= month <= 12:
        raise ValueError(f"{field}: expected a month from 1 to 12, but got {month}")
    if not FIRST_MONTH.year <= year <= datetime.now(UTC).year:
        raise ValueError(f"year: expected {FIRST_MONTH.year} to {datetime.now(UTC).year}, but got {year}")
    return date(year, month, 1)


def _refuse_unknown_times(first: date, last: date) -> None:
    if first < FIRST_MONTH:
        raise ValueError(f"expected months from {FIRST_MONTH:%Y-%m} on, but got {first:%Y-%m}")
    if last > datetime.now(UTC).date():
        raise ValueError(f"{last:%Y-%m} has not begun yet")


def newest_due_month() -> date:
    """The newest month that all default sources have published by their publication lags."""
    today = datetime.now(UTC).date()
    feeds = resolve_sources(DEFAULT_SOURCES)
    months = month_range(date(today.year - 1, 1, 1), today)
    return max(month for month in months if all(is_due(Partition(feed, month), today) for feed in feeds))
