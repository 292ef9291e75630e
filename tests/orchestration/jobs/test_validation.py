"""A loaded partition is in the marts to the row, or the reason is said."""

import duckdb

from ingestion.catalog import FEEDS
from ingestion.partitions import Partition
from orchestration.jobs.validation import PartitionRows, read_reconciliation, what_is_wrong
from warehouse.periods import month

MAY = month(2025, 5)
YELLOW, GREEN = (Partition(FEEDS[name], MAY) for name in ("yellow", "green"))
JOB = "backfill_monthly_data"


def _complete(partition: Partition) -> PartitionRows:
    return PartitionRows(partition, published=100, in_raw_data=100, kept=98, quarantined=2, is_built=True)


def test_a_partition_whose_rows_are_kept_or_in_quarantine_is_complete() -> None:
    assert what_is_wrong([_complete(YELLOW), _complete(GREEN)], JOB) == []


def test_rows_that_are_missing_are_said_with_the_partition_what_was_expected_and_what_to_do() -> None:
    lost = PartitionRows(YELLOW, 100, 100, 97, 2, 1, True, "core_core.fct_trips", "core_core.quarantined_trips")
    (wrong,) = what_is_wrong([lost, _complete(GREEN)], JOB)
    assert wrong.startswith(
        "yellow 2025-05: expected the 100 loaded rows in core_core.fct_trips or core_core.quarantined_trips, "
    )
    assert "but 97 are kept and 2 are in quarantine, of 100 in raw data" in wrong
    assert "Run backfill_monthly_data for this month" in wrong
    assert "run_pipeline.py --from 2025-05 --to 2025-05 --sources yellow --force" in wrong
    assert len(wrong) < 600


def test_what_is_not_loaded_not_built_or_not_in_raw_data_is_not_complete() -> None:
    assert what_is_wrong([PartitionRows(YELLOW)], JOB)
    assert what_is_wrong([PartitionRows(YELLOW, 100, 100, 98, 2, is_built=False)], JOB)
    assert what_is_wrong([PartitionRows(YELLOW, 100, 99, 98, 2, is_built=True)], JOB)


def test_rows_are_read_from_the_view_for_the_partitions_that_are_asked_for() -> None:
    with duckdb.connect() as connection:
        connection.execute("create schema core_checks")
        connection.execute(
            "create view core_checks.reconciliation as"
            " select * from (values ('yellow', '2025-05', 10, 10, 8, 2, 0, true, 'a.kept', 'a.set_aside'),"
            " ('yellow', '2025-06', 1, 1, 1, 0, 0, true, 'a.kept', null)) as"
            " rows(feed, partition_key, published, in_raw_data, kept, quarantined, lost, is_built, kept_in,"
            " quarantined_in)"
        )
        assert read_reconciliation(connection, [GREEN, YELLOW]) == [
            PartitionRows(GREEN),
            PartitionRows(YELLOW, 10, 10, 8, 2, 0, True, "a.kept", "a.set_aside"),
        ]
