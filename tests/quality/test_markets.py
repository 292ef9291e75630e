"""What is said of a warehouse that has markets alone: its quarantine, and tickers that are unlike their past."""

import json
import re

import pytest

from quality import health, quarantine, run
from tests.dbt.small_warehouse import Warehouse

ANOMALIES = "assert_few_tickers_of_a_day_are_anomalous"


@pytest.mark.usefixtures("sample_of_days")
def test_a_subject_of_which_nothing_is_loaded_fails_no_suite(capsys: pytest.CaptureFixture[str]) -> None:
    assert run.main(["--select", "dim_date,fct_hourly_mobility,dim_symbol", "--no-docs", "--json"]) == 0
    assert {check["suite"] for check in json.loads(capsys.readouterr().out)} == {"dim_symbol"}


@pytest.mark.usefixtures("sample_of_days")
def test_expired_contracts_are_in_the_report(capsys: pytest.CaptureFixture[str]) -> None:
    assert quarantine.main(["--live"]) == 0
    said = capsys.readouterr().out
    found = r"options_snapshots 2026-01-21  expired_contract: \d rows, 0\.\d+% of the file\n    row [\d,]+: instrument "
    assert re.search(found, said), said
    assert re.search(r"price .+, volume .+, time \(UTC\) 2026-01-2", said)


@pytest.mark.parametrize(("anomalies", "is_named"), [(20, False), (40, True)])
def test_a_day_of_many_anomalies_is_named(
    warehouse_of_days: Warehouse, capsys: pytest.CaptureFixture[str], anomalies: int, is_named: bool
) -> None:
    warehouse_of_days.execute(
        f"""
        insert into core_markets.ticker_anomalies by name
        select feed, source_date, ticker, load_id, 'price_jump' as reason, volume, volume as median_volume,
            1.0 as volume_ratio, close, close / 100 as previous_close, date '2026-01-20' as previous_source_date,
            100.0 as close_ratio, 20 as days_before
        from core_markets.fct_ticker_sessions
        where source_date = '2026-01-21' and session = 'market'
        order by ticker limit {anomalies}
        """
    )
    assert warehouse_of_days.dbt("test", "--select", ANOMALIES).success, "it only warns"
    health.main(["--live"])
    said = capsys.readouterr().out
    title = "days on which many tickers are unlike their past: 2026-01-21: 40 of "
    assert (title in said) == is_named
    assert (f"warned {ANOMALIES}" in said or f".{ANOMALIES}: observed" in said) == is_named


LOST = """
    select feed from core_checks.reconciliation where lost <> 0 or in_raw_data <> published or not is_built
"""


def test_no_row_of_a_feed_is_lost_unnoticed(warehouse_of_days: Warehouse) -> None:
    assert warehouse_of_days.execute(LOST) == []
    kept = {
        "minute_aggs": "core_markets.silver_minute_aggs",
        "candles_daily": "core_markets.fct_candles_daily",
        "options_bars": "core_markets.fct_options_bars",
        "options_snapshots": "core_markets.fct_options_snapshots",
        # What is kept of them is a view.
        "symbols": "raw_data.symbols",
        "exchanges": "raw_data.exchanges",
    }
    for table in kept.values():
        warehouse_of_days.execute(f"delete from {table} where source_row = 1")
    assert {feed for (feed,) in warehouse_of_days.execute(LOST)} == set(kept)
    assert not warehouse_of_days.dbt("test", "--select", "assert_no_row_is_lost").success


@pytest.mark.parametrize(("days_ago", "is_found"), [(0, True), (29, True), (30, False)])
def test_a_key_is_tested_in_the_last_days_of_a_large_table(
    warehouse_of_days: Warehouse, days_ago: int, is_found: bool
) -> None:
    warehouse_of_days.execute(
        f"""
        insert into core_markets.fct_options_bars
        select bars.* replace (date '2026-01-21' - {days_ago} as source_date, 'X' as contract)
        from core_markets.fct_options_bars as bars limit 2
        """
    )
    test = "fct_options_bars,test_name:unique_combination"
    assert warehouse_of_days.dbt("test", "--select", test).success != is_found
