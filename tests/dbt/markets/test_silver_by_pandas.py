"""Sessions and rolling figures of silver are those that pandas computes from the published files."""

import shutil
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from tests.dbt.markets.by_pandas import Compared, compare_day, load_and_build
from tests.dbt.small_warehouse import Warehouse, parsed_project
from warehouse.paths import DATABASE_VARIABLE

# The last trading day before each clock change and the first one after it, and the day after Thanksgiving.
AUTUMN = (date(2025, 10, 31), date(2025, 11, 3))
HALF_DAY = date(2025, 11, 28)
SPRING = (date(2026, 3, 6), date(2026, 3, 9))


@dataclass(frozen=True)
class Built:
    """A warehouse with silver, and the files that it is of."""

    database: Path
    files: dict[date, Path]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    folder = tmp_path_factory.mktemp("by_pandas")
    warehouse = Warehouse(folder / "nyc_mobility.duckdb", folder, parsed_project())
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(DATABASE_VARIABLE, str(warehouse.path))
        return Built(warehouse.path, load_and_build(warehouse, (*AUTUMN, HALF_DAY, *SPRING), rows=8_000))


@pytest.fixture(scope="module")
def compared(built: Built) -> dict[date, Compared]:
    """All days, compared: where one differs, no test here passes."""
    return {day: compare_day(built.database, file, day) for day, file in built.files.items()}


def test_all_bars_of_all_tickers_are_as_pandas_has_them(compared: dict[date, Compared]) -> None:
    for day, one in compared.items():
        assert one.rows == (4_400 if day == HALF_DAY else 8_000)
        assert one.tickers == (48 if day == HALF_DAY else 50)
        assert one.difference < 1e-12


def test_the_days_have_what_could_go_wrong(compared: dict[date, Compared]) -> None:
    """Otherwise it would prove nothing that they are equal."""
    for day, one in compared.items():
        bars = one.bars
        assert set(bars["session"]) == {"premarket", "market", "postmarket", "closed"}, day
        of_ticker = bars.groupby("ticker")
        assert of_ticker.size().min() < 15 < of_ticker.size().max(), "short and long windows"
        assert of_ticker["window_start"].diff().max() > 30 * 60 * 10**9, "windows over gaps"
        assert {"NA", "NAN", "NULL", "TRUE"} <= set(bars["ticker"])
        assert (bars["volume"] % 1 > 0).any() == (day.year == 2026), "fractional volume"


@pytest.mark.parametrize(("before", "after"), [AUTUMN, SPRING])
def test_the_session_begins_at_the_same_clock_on_both_sides_of_a_clock_change(
    compared: dict[date, Compared], before: date, after: date
) -> None:
    offsets = set()
    for day in (before, after):
        market = compared[day].bars.query("session == 'market'")
        assert market["timestamp"].min() == pd.Timestamp(f"{day} 09:30")
        assert market["timestamp"].max() == pd.Timestamp(f"{day} 15:59")
        utc = pd.to_datetime(market["window_start"], unit="ns")
        offsets |= set(market["timestamp"] - utc)
    assert offsets == {pd.Timedelta(hours=-4), pd.Timedelta(hours=-5)}


def test_a_half_day_closes_at_13(compared: dict[date, Compared]) -> None:
    bars = compared[HALF_DAY].bars
    assert bars.query("session == 'market'")["timestamp"].max() == pd.Timestamp(f"{HALF_DAY} 12:59")
    assert bars.query("session == 'postmarket'")["timestamp"].min() == pd.Timestamp(f"{HALF_DAY} 13:00")


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ("session = 'postmarket'", "session = 'market'"),
        ("rolling_15m_high = rolling_15m_high * 1.000001", "ticker = 'F'"),
        ("timestamp = timestamp + interval 1 hour", "session = 'closed'"),
        ("ticker = 'N/A'", "ticker = 'NA'"),
    ],
)
def test_a_wrong_value_would_be_noticed(built: Built, tmp_path: Path, change: str, where: str) -> None:
    path = tmp_path / "damaged.duckdb"
    shutil.copy(built.database, path)
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            f"update core_markets.silver_minute_aggs set {change} where {where} and source_date = '{HALF_DAY}'"
        )
    with pytest.raises(AssertionError):
        compare_day(path, built.files[HALF_DAY], HALF_DAY)
