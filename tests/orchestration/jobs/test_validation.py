"""A loaded partition is in the marts to the row, or the reason is said."""

from dataclasses import replace

import duckdb

from ingestion.catalog import FEEDS
from ingestion.partitions import Partition
from orchestration.jobs.validation import rows_of, what_is_wrong
from warehouse.periods import month
from warehouse.reconciliation import PartitionRows

YELLOW, WEATHER = (Partition(FEEDS[name], month(2025, 5)) for name in ("yellow", "weather"))
TRIPS = PartitionRows(
    "yellow",
    "2025-05",
    kept_in="core_core.fct_trips",
    quarantined_in="core_core.quarantined_trips",
    published=100,
    in_raw_data=100,
    kept=98,
    quarantined=2,
    is_built=True,
)
HOURS = PartitionRows(
    "weather", "2025-05", kept_in="core_core.dim_weather", published=768, in_raw_data=768, kept=768, is_built=True
)


def _wrong(partition: Partition, rows: PartitionRows) -> str:
    (wrong,) = what_is_wrong({partition: rows})
    assert len(wrong) < 600
    return wrong


def test_a_partition_whose_rows_are_kept_or_in_quarantine_is_complete() -> None:
    assert what_is_wrong({YELLOW: TRIPS, WEATHER: HOURS}) == []


def test_rows_that_are_missing_are_said_with_what_was_expected_and_what_to_do() -> None:
    wrong = _wrong(YELLOW, replace(TRIPS, kept=97, lost=1))
    assert wrong.startswith(
        "yellow 2025-05: expected the 100 loaded rows in core_core.fct_trips or core_core.quarantined_trips, "
        "but 97 and 2 are there."
    )
    assert "Run backfill_monthly_data for this month" in wrong
    assert "run_pipeline.py --from 2025-05 --to 2025-05 --sources yellow --force" in wrong


def test_a_partition_that_was_loaded_again_and_not_built_is_not_complete() -> None:
    wrong = _wrong(WEATHER, replace(HOURS, kept=767, is_built=False, not_built=768))
    assert "expected the 768 loaded rows in core_core.dim_weather, but 767 are there, of another load" in wrong


def test_rows_that_raw_data_has_lost_are_said() -> None:
    wrong = _wrong(YELLOW, replace(TRIPS, in_raw_data=99))
    assert "expected the 100 loaded rows in raw data, but 99 are there" in wrong


def test_a_partition_of_which_nothing_is_loaded_is_not_complete() -> None:
    with duckdb.connect() as empty:
        rows = rows_of(empty, [WEATHER])
    assert "expected loaded rows, but there are none" in _wrong(WEATHER, rows[WEATHER])
