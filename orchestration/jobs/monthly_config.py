"""What the monthly jobs are asked for, and what they refuse."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import dagster as dg

from ingestion.catalog import ALIASES, DEFAULT_SOURCES, FEEDS, resolve_sources
from ingestion.partitions import Partition
from ingestion.publication import is_due
from warehouse.periods import Grain, Period, month, period_range

FIRST_MONTH = min(feed.first_period for feed in FEEDS.values() if feed.grain is Grain.MONTH)
_KNOWN_SOURCES = ", ".join([*ALIASES, *FEEDS])
_WAYS = "year and month; year and months; or from and to"


def _optional(kind: Any, description: str) -> dg.Field:
    return dg.Field(kind, is_required=False, description=description)


# Dagster has no type for a month. What its types cannot say is refused by `asked_months`.
ASKED = {
    "year": _optional(int, f"The year of the files, {FIRST_MONTH.start.year} or later, such as 2025."),
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
    def periods(self) -> list[Period]:
        """The months."""
        return [Period.parse(Grain.MONTH, key) for key in self.months]


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
    return MonthsToLoad(months=[period.key for period in months], sources=asked["sources"])


def asked_months(asked: Mapping[str, Any]) -> list[Period]:
    """The months that are asked for, in order, each once.

    Raises:
        ValueError: a value is no month, or they are not one of the ways to ask.
    """
    match sorted(name for name in asked if name != "sources"):
        case ["month", "year"]:
            months = [_month(asked["year"], asked["month"], "month")]
        case ["months", "year"]:
            months = sorted({_month(asked["year"], number, "months") for number in asked["months"]})
        case ["from", "to"]:
            first, last = (Period.parse(Grain.MONTH, asked[name]) for name in ("from", "to"))
            _refuse_unknown_times(first, last)
            months = list(period_range(first, last))
        case given:
            raise ValueError(f"expected one of: {_WAYS}; but got {' and '.join(given) or 'none of them'}")
    if not months:
        raise ValueError("expected at least one month, but got none: from must not be after to")
    _refuse_unknown_times(months[0], months[-1])
    return months


def _month(year: int, number: int, field: str) -> Period:
    if not 1 <= number <= 12:
        raise ValueError(f"{field}: expected a month from 1 to 12, but got {number}")
    if not FIRST_MONTH.start.year <= year <= datetime.now(UTC).year:
        raise ValueError(f"year: expected {FIRST_MONTH.start.year} to {datetime.now(UTC).year}, but got {year}")
    return month(year, number)


def _refuse_unknown_times(first: Period, last: Period) -> None:
    if first < FIRST_MONTH:
        raise ValueError(f"expected months from {FIRST_MONTH} on, but got {first}")
    if last.first_day > datetime.now(UTC).date():
        raise ValueError(f"{last} has not begun yet")


def newest_due_month() -> Period:
    """The newest month that all default sources have published by their publication lags."""
    today = datetime.now(UTC).date()
    feeds = resolve_sources(DEFAULT_SOURCES)
    months = period_range(month(today.year - 1, 1), month(today.year, today.month))
    return max(period for period in months if all(is_due(Partition(feed, period), today) for feed in feeds))
