"""A new day of minute bars costs no more with more days before it, and the SQL by hand makes the rows of dbt."""

import shutil
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from benchmarks.comparison import require_same_rows
from benchmarks.market_days import FACTS, KEYS, SCHEMA, SILVER, replace_by_hand
from benchmarks.scans import Scan, recorded_scans
from ingestion.markets.trading_days import sessions
from tests.dbt.small_warehouse import Warehouse, parsed_project
from warehouse.paths import DATABASE_VARIABLE

DAYS = [session.day for session in sessions(date(2026, 1, 5), date(2026, 1, 15))]
SHORT, LONG = 2, 7  # days of history
NEW_DAY = DAYS[LONG]
# More than a row group: DuckDB skips whole ones.
ROWS_A_DAY, ROW_GROUP = 130_000, 122_880
FACTS_BY_DAY = (
    *SILVER,
    *FACTS,
    "quarantined_minute_aggs",
    "fct_market_days",
    "ticker_anomalies",
)
# A row a ticker, day and session: in days of real size as many rows as a row group has.
SMALL = {"core_markets.fct_ticker_sessions", "core_markets.dim_trading_day", "core_staging.exchange_closings"}


def load_day(warehouse: Warehouse, day: date) -> None:
    """Tickers with 400 minutes each from 9:00 in New York; a few rows are doubled, without a ticker, or impossible."""
    warehouse.load_query(
        "minute_aggs",
        day,
        f"""
        select
            case when number % 9999 = 0 then '' else 'T' || number // 400 end as ticker,
            number % 1000 + 0.5 as volume,
            10 + number % 7 as open,
            10 + number % 5 as close,
            17.0 as high,
            case when number % 7777 = 0 then 99 else 9 end as low,
            epoch_ns(timestamp '{day} 14:00:00') + 60000000000
            * (case when number % 400 = 399 then 398 else number % 400 end) as window_start,
            number % 10 as transactions,
            number as source_row
        from range({ROWS_A_DAY}) as numbers (number)
        """,
    )


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Warehouse, dict[int, Path]]]:
    """Two built databases, with a short history and a long one; the same new day is loaded in both."""
    scratch = tmp_path_factory.mktemp("market_days")
    warehouse = Warehouse(scratch / "nyc_mobility.duckdb", scratch, parsed_project())
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(DATABASE_VARIABLE, str(warehouse.path))
        warehouse.create_raw_tables()
        databases = {}
        for days in (SHORT, LONG):
            for day in DAYS[LONG - days : LONG]:
                load_day(warehouse, day)
            assert warehouse.dbt(
                "build", "--select", "+ticker_anomalies", "+fct_market_days", "+quarantined_minute_aggs",
                "--exclude-resource-type", "test", "unit_test",
            ).success, warehouse.said  # fmt: skip
            databases[days] = scratch / f"{days}-days.duckdb"
            shutil.copyfile(warehouse.path, databases[days])
        for database in databases.values():
            shutil.copyfile(database, warehouse.path)
            load_day(warehouse, NEW_DAY)
            shutil.copyfile(warehouse.path, database)
        yield warehouse, databases


def scanned(scans: list[Scan]) -> dict[tuple[str, str], int]:
    rows: dict[tuple[str, str], int] = {}
    for scan in scans:
        if scan.table not in SMALL and not scan.table.startswith("meta."):
            rows[scan.node, scan.table] = rows.get((scan.node, scan.table), 0) + scan.rows
    return rows


def test_a_new_day_scans_as_much_however_many_days_there_are(built: tuple[Warehouse, dict[int, Path]]) -> None:
    warehouse, databases = built
    found = {}
    for days, database in databases.items():
        shutil.copyfile(database, warehouse.path)
        with recorded_scans() as scans:
            warehouse.build("--select", *FACTS_BY_DAY)
        found[days] = scanned(scans)
    assert found[SHORT].keys() == found[LONG].keys()
    for key, rows in found[LONG].items():
        assert abs(rows - found[SHORT][key]) <= 2 * ROW_GROUP, key
    assert found[LONG]["silver_minute_aggs", "raw_data.minute_aggs"] >= ROWS_A_DAY


def test_the_sql_by_hand_makes_the_rows_of_dbt(
    built: tuple[Warehouse, dict[int, Path]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    warehouse, databases = built
    shutil.copyfile(databases[SHORT], warehouse.path)
    by_hand = Path(shutil.copyfile(warehouse.path, tmp_path / "by_hand.duckdb"))
    warehouse.build("--select", *SILVER, *FACTS)
    monkeypatch.setenv(DATABASE_VARIABLE, str(by_hand))
    replace_by_hand(f"{NEW_DAY}", (*SILVER, *FACTS))
    rows = [require_same_rows(by_hand, warehouse.path, table, KEYS[table], SCHEMA) for table in (*SILVER, *FACTS)]
    assert 2.9 * ROWS_A_DAY < rows[0] < 3 * ROWS_A_DAY, "what is to be quarantined is not in silver"
