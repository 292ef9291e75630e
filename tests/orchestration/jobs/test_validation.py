"""A loaded month is in the facts to the row, or the reason is said."""

from dataclasses import replace

from orchestration.jobs.validation import what_is_wrong
from warehouse.periods import month
from warehouse.reconciliation import PartitionRows

MAY = month(2025, 5)
YELLOW = PartitionRows(
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
WEATHER = PartitionRows(
    "weather", "2025-05", kept_in="core_core.dim_weather", published=768, in_raw_data=768, kept=768, is_built=True
)


def test_a_month_whose_rows_are_in_the_fact_or_in_quarantine_is_complete() -> None:
    assert what_is_wrong([YELLOW, WEATHER], MAY) is None


def test_rows_that_are_missing_are_said_with_the_month_what_was_expected_and_what_to_do() -> None:
    wrong = what_is_wrong([replace(YELLOW, kept=97, lost=1), WEATHER], MAY) or ""
    assert wrong.startswith(
        "2025-05: expected the 100 loaded rows of yellow in core_core.fct_trips or core_core.quarantined_trips"
    )
    assert "but 97 and 2 are there" in wrong
    assert "weather" not in wrong
    assert "Run backfill_monthly_data" in wrong


def test_a_month_that_was_loaded_again_and_not_built_is_not_complete() -> None:
    wrong = what_is_wrong([replace(WEATHER, kept=767, is_built=False, not_built=768)], MAY) or ""
    assert (
        "expected the 768 loaded rows of weather in core_core.dim_weather, but 767 are there, of another load" in wrong
    )


def test_rows_that_raw_data_has_lost_are_said() -> None:
    wrong = what_is_wrong([replace(YELLOW, in_raw_data=99)], MAY) or ""
    assert "expected the 100 loaded rows of yellow in raw data, but 99 are there" in wrong


def test_a_month_of_which_nothing_is_loaded_is_not_complete() -> None:
    assert "none are loaded" in (what_is_wrong([PartitionRows("weather", "2025-05")], MAY) or "")
