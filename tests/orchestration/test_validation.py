"""A loaded month is in the facts to the row, or the reason is said."""

from orchestration.jobs.validation import MonthRows, what_is_wrong
from warehouse.periods import month

MAY = month(2025, 5)


def test_a_month_whose_rows_are_in_the_fact_or_in_quarantine_is_complete() -> None:
    assert what_is_wrong([MonthRows("yellow", 100, 98, 2), MonthRows("weather", 744, 744)], MAY) is None


def test_rows_that_are_missing_are_said_with_the_month_what_was_expected_and_what_to_do() -> None:
    wrong = what_is_wrong([MonthRows("yellow", 100, 97, 2), MonthRows("green", 5, 5)], MAY) or ""
    assert wrong.startswith(
        "2025-05: expected the 100 loaded rows of yellow in core_core.fct_trips or quarantined_trips"
    )
    assert "but 97 and 2 are there" in wrong
    assert "green" not in wrong
    assert "Run backfill_monthly_data" in wrong


def test_a_month_of_which_nothing_is_loaded_is_not_complete() -> None:
    assert what_is_wrong([MonthRows("weather", 0, 0)], MAY)
