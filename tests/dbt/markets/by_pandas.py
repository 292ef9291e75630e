"""The columns of silver_minute_aggs computed by pandas from published files, to compare those that dbt builds.

It is written from what the columns mean, and has nothing of the models' SQL. By hand, at real size, which takes 40 s
of work and 2 GB for two days: `python -m tests.dbt.markets.by_pandas --rows 1600000 2026-03-06 2026-03-09`.
"""

import argparse
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import pandas as pd
import pytest

from ingestion.catalog import FEEDS
from ingestion.pipeline import Status, ingest
from sandbox.server import SamplePublisher
from tests.dbt.small_warehouse import Warehouse, parsed_project
from tests.partitions import partition_of
from warehouse.paths import DATABASE_VARIABLE

MINUTE_AGGS = FEEDS["minute_aggs"]

# The exchange closes at 13:00 then. Source: https://www.nyse.com/markets/hours-calendars
HALF_DAYS = {date(2025, 7, 3), date(2025, 11, 28), date(2025, 12, 24), date(2026, 11, 27), date(2026, 12, 24)}

# A sum of floats depends on their order in its last digits.
_TOLERANCE = 1e-9

_PUBLISHED = {
    "ticker": str,
    **dict.fromkeys(("volume", "open", "close", "high", "low"), float),
    **dict.fromkeys(("window_start", "transactions"), int),
}
_ROLLING = {
    "rolling_15m_avg_close": ("close", "mean"),
    "rolling_15m_avg_volume": ("volume", "mean"),
    "rolling_15m_high": ("high", "max"),
    "rolling_15m_low": ("low", "min"),
    "rolling_15m_total_volume": ("volume", "sum"),
}


@dataclass(frozen=True)
class Compared:
    """A day on which all is equal; `difference` is the largest one of a rolling figure, as a share of it."""

    day: date
    rows: int
    tickers: int
    difference: float
    bars: pd.DataFrame


def silver_by_pandas(file: Path, day: date) -> pd.DataFrame:
    """What silver has to have of a day's file, by ticker and time."""
    # No word is a missing value: tickers may look like NA and NULL.
    bars = pd.read_csv(file, dtype=_PUBLISHED, keep_default_na=False)
    bars["source_row"] = range(len(bars))
    utc = pd.DatetimeIndex(bars["window_start"].to_numpy(), tz="UTC")
    bars["timestamp"] = utc.tz_convert("America/New_York").tz_localize(None)
    clock = bars["timestamp"] - bars["timestamp"].dt.normalize()
    closes = "13:00" if day in HALF_DAYS else "16:00"
    bars["session"] = "closed"
    for session, begins, ends in (
        ("premarket", "04:00", "09:30"),
        ("market", "09:30", closes),
        ("postmarket", closes, "20:00"),
    ):
        bars.loc[(clock >= pd.Timedelta(f"{begins}:00")) & (clock < pd.Timedelta(f"{ends}:00")), "session"] = session
    bars = bars.sort_values(["ticker", "window_start"], ignore_index=True)
    last_15_bars = bars.groupby("ticker", sort=False).rolling(15, min_periods=1)
    for name, (column, figure) in _ROLLING.items():
        bars[name] = getattr(last_15_bars[column], figure)().to_numpy()
    return bars


def compare_day(database: Path, file: Path, day: date) -> Compared:
    """Compare a day in silver with what pandas makes of its file.

    Raises:
        AssertionError: a row or a value differs.
    """
    expected = silver_by_pandas(file, day)
    with duckdb.connect(str(database), read_only=True) as connection:
        built = connection.execute(
            "select * exclude (feed, source_date, load_id) from core_markets.silver_minute_aggs"
            " where source_date = ? order by ticker, window_start",
            [day],
        ).df()
    exact = [name for name in expected if name not in _ROLLING]
    pd.testing.assert_frame_equal(built[exact], expected[exact], check_dtype=False, check_exact=True)
    rolling = list(_ROLLING)
    pd.testing.assert_frame_equal(built[rolling], expected[rolling], check_dtype=False, rtol=_TOLERANCE, atol=0)
    difference = ((built[rolling] - expected[rolling]) / expected[rolling]).abs().max().max()
    return Compared(day, len(built), built["ticker"].nunique(), float(difference), expected)


def load_and_build(warehouse: Warehouse, days: Sequence[date], *, rows: int) -> dict[date, Path]:
    """Publish days of so many rows, load them, build silver, and return their files, which stay."""
    with (
        SamplePublisher(min(days), max(days), rows=rows, folder=warehouse.scratch / "published") as publisher,
        pytest.MonkeyPatch.context() as environment,
    ):
        for name, value in publisher.environment.items():
            environment.setenv(name, value)
        results = ingest([partition_of(MINUTE_AGGS, day) for day in days])
        assert {result.status for result in results} == {Status.LOADED}, results
        build = ("build", "--select", "+silver_minute_aggs", "--exclude-resource-type", "test", "unit_test")
        assert warehouse.dbt(*build).success, warehouse.said
        return {day: publisher.store.find((partition_of(MINUTE_AGGS, day),)).path for day in days}


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.dbt.markets.by_pandas", description=__doc__)
    parser.add_argument("days", nargs="+", type=date.fromisoformat, metavar="YYYY-MM-DD")
    parser.add_argument("--rows", type=int, default=1_600_000)
    options = parser.parse_args()
    with TemporaryDirectory() as folder:
        warehouse = Warehouse(Path(folder) / "nyc_mobility.duckdb", Path(folder), parsed_project())
        os.environ[DATABASE_VARIABLE] = str(warehouse.path)
        for day, file in load_and_build(warehouse, options.days, rows=options.rows).items():
            one = compare_day(warehouse.path, file, day)
            sessions = one.bars["session"].value_counts().to_dict()
            _say(f"{day}: {one.rows:,} bars of {one.tickers:,} tickers equal; {sessions}; {one.difference:.1e} off")


if __name__ == "__main__":
    main()
