"""The reconciliation says of every partition where its rows are, and its test fails where they are not."""

from dataclasses import replace

import pytest

from tests.dbt.markets.messages import DAYS, Said, Topics, take
from tests.dbt.small_warehouse import FEBRUARY, JANUARY, MARCH, Warehouse, yellow_month
from warehouse.connection import open_for_reading
from warehouse.reconciliation import PartitionRows, reconcile

TEST = "assert_no_row_is_lost"


def rows(feed: str, partition_key: str) -> PartitionRows:
    with open_for_reading() as connection:
        return next(of for of in reconcile(connection) if (of.feed, of.partition_key) == (feed, partition_key))


def passes(warehouse: Warehouse) -> bool:
    return warehouse.dbt("test", "--select", TEST).success


def test_every_row_of_every_subject_is_kept_or_quarantined(warehouse: Warehouse) -> None:
    with open_for_reading() as connection:
        reconciled = reconcile(connection)
    assert {(of.feed, of.partition_key) for of in reconciled} == {
        (feed, month) for feed in ("yellow", "citibike", "weather") for month in ("2025-01", "2025-03")
    }
    assert all(of.is_complete and of.not_built == 0 for of in reconciled)
    # March has 743 hours in New York. The file has 768, as it is asked for in UTC and to the day after.
    assert (rows("weather", "2025-03").published, rows("weather", "2025-03").kept) == (768, 743)
    yellow = rows("yellow", "2025-01")
    assert (yellow.subject, yellow.kind, yellow.kept_in) == ("mobility", "trip", "core_core.fct_trips")
    assert (yellow.published, yellow.kept, yellow.quarantined) == (4, 3, 1)


def test_what_is_loaded_and_not_built_is_told_from_what_is_lost(warehouse: Warehouse) -> None:
    warehouse.load("yellow", FEBRUARY, yellow_month(FEBRUARY))
    warehouse.load("yellow", JANUARY, yellow_month(JANUARY)[:1])
    warehouse.load_weather(MARCH, temperature=20)
    for feed, key, published in (("yellow", "2025-02", 4), ("yellow", "2025-01", 1), ("weather", "2025-03", 768)):
        of = rows(feed, key)
        assert (of.is_built, of.published, of.not_built, of.lost) == (False, published, published, 0), of
    assert rows("yellow", "2025-03").is_complete
    assert not passes(warehouse)


@pytest.mark.parametrize(
    ("feed", "deletion"),
    [
        ("yellow", f"core_core.fct_trips where feed = 'yellow' and source_month = '{MARCH}' and total_amount = 20"),
        ("yellow", f"core_core.quarantined_trips where feed = 'yellow' and source_month = '{MARCH}'"),
        ("weather", "core_core.dim_weather where hour_timestamp = '2025-03-09 03:00:00'"),
    ],
)
def test_a_row_that_is_lost_is_counted_and_fails_the_test(warehouse: Warehouse, feed: str, deletion: str) -> None:
    before = rows(feed, "2025-03")
    warehouse.execute(f"delete from {deletion}")
    of = rows(feed, "2025-03")
    assert of == replace(before, kept=of.kept, quarantined=of.quarantined, lost=1)
    assert of.kept + of.quarantined == before.kept + before.quarantined - 1
    assert not passes(warehouse)


def test_all_rows_of_a_partition_lost_are_lost_although_nothing_is_there_to_tell_its_load(warehouse: Warehouse) -> None:
    warehouse.execute(f"delete from core_core.fct_trips where feed = 'citibike' and source_month = '{MARCH}'")
    of = rows("citibike", "2025-03")
    assert (of.is_built, of.published, of.kept, of.lost) == (True, 2, 0, 2)


def test_rows_that_raw_data_lacks_or_the_ledger_knows_nothing_of_fail_the_test(warehouse: Warehouse) -> None:
    warehouse.execute("insert into raw_data.citibike_trips by name from raw_data.citibike_trips limit 1")
    assert not rows("citibike", "2025-01").is_complete or not rows("citibike", "2025-03").is_complete
    warehouse.restore()
    warehouse.execute("delete from meta.asset_watermarks where asset = 'citibike' and partition_key = '2025-03'")
    of = rows("citibike", "2025-03")
    assert (of.is_built, of.published, of.in_raw_data, of.kept, of.lost) == (False, 0, 2, 2, 0)
    assert not of.is_complete


def test_a_row_of_another_load_beside_those_of_this_one_is_no_finished_build(warehouse: Warehouse) -> None:
    warehouse.execute(
        "update core_core.fct_trips set load_id = 'another' where feed = 'yellow' and total_amount = 12.5"
    )
    assert not rows("yellow", "2025-01").is_built
    assert not passes(warehouse)


def test_a_day_of_a_stream_is_built_by_its_watermark_and_messages_since_then_wait(warehouse: Warehouse) -> None:
    topics, friday, tuesday = Topics(), DAYS[0], DAYS[2]
    models = ("--select", "+silver_trades", "+quarantined_stream_rows", "stream_reconciliation")
    # A trade, its correction, and one that cannot be, in batches of their own.
    for number, version in enumerate((0, 1, 5)):
        take(warehouse, [topics.append(Said("trades", number // 2, friday, version, number))])
    assert warehouse.dbt("run", *models).success, warehouse.said
    built = rows("trades", f"{friday}")
    assert (built.published, built.kept, built.quarantined) == (3, 1, 2)
    assert (built.is_complete, built.is_waiting) == (True, False)
    assert passes(warehouse)

    for day in (friday, tuesday):
        take(warehouse, [topics.append(Said("trades", 7, day, 1, 1))])
    behind, new = rows("trades", f"{friday}"), rows("trades", f"{tuesday}")
    assert (behind.is_built, behind.is_waiting, behind.not_built, behind.lost) == (False, False, 1, 0)
    assert (new.is_built, new.is_waiting, new.not_built) == (False, True, 1)
    assert not passes(warehouse)

    assert warehouse.dbt("run", *models).success, warehouse.said
    assert all(rows("trades", f"{day}").is_complete for day in (friday, tuesday))
    warehouse.execute("delete from core_markets.quarantined_stream_rows where reason = 'superseded'")
    assert rows("trades", f"{friday}").lost == 2
    assert not passes(warehouse)


def test_a_message_that_is_lost_or_there_twice_is_counted_and_fails_the_test(warehouse: Warehouse) -> None:
    topics = Topics()
    test = ("test", "--select", "assert_every_message_is_once_in_raw_data")
    take(warehouse, [topics.append(Said("trades", number, DAYS[0], 1, number)) for number in range(3)])
    assert warehouse.dbt("run", "--select", "stream_reconciliation").success, warehouse.said
    assert warehouse.dbt(*test).success
    for fault in (
        "update meta.stream_offsets set next_offset = next_offset + 1",
        "update meta.stream_offsets set rows = rows - 1, rejected = rejected + 1",
        "delete from meta.stream_offsets",
        "insert into raw_data.trades from raw_data.trades limit 1",
    ):
        warehouse.execute("begin; create or replace table kept as from meta.stream_offsets; commit")
        warehouse.execute(fault)
        if "raw_data" in fault:
            # The ledger that runs before the tests must agree, or dbt would not begin.
            warehouse.execute("update meta.asset_watermarks set rows = rows + 1 where asset = 'trades'")
        assert not warehouse.dbt(*test).success, fault
        warehouse.execute("delete from meta.stream_offsets; insert into meta.stream_offsets from kept; drop table kept")
