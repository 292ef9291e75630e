"""Whether a loaded month is in the star schema, to the row."""

from collections.abc import Iterable
from dataclasses import dataclass

import duckdb

from warehouse.periods import Period

# Every loaded trip is in the fact or, with a reason, in quarantine.
_TRIPS = """
    select
        (select rows from meta.asset_watermarks where asset = $feed and period_start = $month),
        (select count(*) from core_core.fct_trips where feed = $feed and source_month = $month),
        (select count(*) from core_core.quarantined_trips where feed = $feed and source_month = $month)
"""

# A file of weather covers hours beside its month, too; those it is asked for are in the view over raw data.
_WEATHER = """
    select
        (select count(*) from core_staging.int_weather_hours where source_month = $month),
        (select count(*) from core_core.dim_weather where source_month = $month),
        0
"""


@dataclass(frozen=True)
class MonthRows:
    """A feed's rows of a month: those expected, and those found in the star schema and in quarantine."""

    feed: str
    expected: int
    found: int
    quarantined: int = 0

    @property
    def is_complete(self) -> bool:
        return 0 < self.expected == self.found + self.quarantined


def rows_of_month(connection: duckdb.DuckDBPyConnection, feed: str, month: Period) -> MonthRows:
    """Count a feed's rows of a month in raw data, facts and quarantine."""
    query = _WEATHER if feed == "weather" else _TRIPS
    parameters = {"feed": feed, "month": month.value} if feed != "weather" else {"month": month.value}
    (counts,) = connection.execute(query, parameters).fetchall()
    expected, found, quarantined = (count or 0 for count in counts)
    return MonthRows(feed, expected, found, quarantined)


def what_is_wrong(counts: Iterable[MonthRows], month: Period) -> str | None:
    """Say which feeds of the month are not complete and what to do, or None if all are."""
    wrong = [_expectation(count) for count in counts if not count.is_complete]
    if not wrong:
        return None
    return (
        f"{month}: {'; '.join(wrong)}. Run backfill_monthly_data for the month: it loads what was changed in raw "
        "data by hand, and rebuilds every model. If that does not help, load the month's files anew first: "
        f"python ingestion/run_pipeline.py --year {month.start.year} --months {month.start.month} --force"
    )


def _expectation(count: MonthRows) -> str:
    if count.feed == "weather":
        return (
            f"expected the {count.expected:,} loaded hours of weather in core_core.dim_weather, "
            f"but {count.found:,} are there"
        )
    return (
        f"expected the {count.expected:,} loaded rows of {count.feed} in core_core.fct_trips or quarantined_trips, but "
        f"{count.found:,} and {count.quarantined:,} are there"
    )
