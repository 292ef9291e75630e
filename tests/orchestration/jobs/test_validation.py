"""A loaded partition is in the marts to the row, or the reason is said."""

from ingestion.catalog import FEEDS
from ingestion.partitions import Partition
from orchestration.jobs.validation import PartitionRows, what_is_wrong
from warehouse.periods import month

MAY = month(2025, 5)
JOB = "backfill_monthly_data"


def _rows(feed: str, *counts: int) -> PartitionRows:
    return PartitionRows(Partition(FEEDS[feed], MAY), *counts)


def test_a_partition_whose_rows_are_kept_or_in_quarantine_is_complete() -> None:
    assert what_is_wrong([_rows("yellow", 100, 98, 2), _rows("weather", 744, 744)], JOB) == []


def test_rows_that_are_missing_are_said_with_the_partition_what_was_expected_and_what_to_do() -> None:
    (wrong,) = what_is_wrong([_rows("yellow", 100, 97, 2), _rows("green", 5, 5)], JOB)
    assert wrong.startswith("yellow 2025-05: expected the 100 loaded rows in fct_trips or quarantined_trips, ")
    assert "but 97 are kept and 2 are in quarantine" in wrong
    assert "Run backfill_monthly_data for this month" in wrong
    assert "run_pipeline.py --from 2025-05 --to 2025-05 --sources yellow --force" in wrong
    assert len(wrong) < 600


def test_a_partition_of_which_nothing_is_loaded_is_not_complete() -> None:
    assert what_is_wrong([_rows("weather", 0, 0)], JOB)
