"""What another subject loads changes nothing of mobility."""

from tests.dbt.small_warehouse import OTHER_SUBJECTS, Warehouse
from warehouse import summary
from warehouse.connection import open_for_writing
from warehouse.ledger import Fingerprint, Ledger, Watermark


def test_a_ledger_row_of_a_daily_feed_leaves_everything_as_it_was(warehouse: Warehouse) -> None:
    tables = ("dim_date", "dim_weather", "dim_station")
    before = warehouse.contents(), [warehouse.execute(f"from core_core.{table} order by all") for table in tables]
    # Years before the first month of mobility: it would stretch New York's calendar.
    with open_for_writing() as connection:
        connection.execute(
            "create table raw_data.toy_sales as"
            " select 'toys' as feed, date '2010-01-03' as source_date, 0 as source_row, '1.0' as _dlt_load_id"
        )
        Ledger(connection).set_watermark("toys", "2010-01-03", Watermark("1.0", 1, None, None, Fingerprint("a file")))

    done = warehouse.dbt("build", "--exclude-resource-type", "unit_test", "--exclude", *OTHER_SUBJECTS)
    assert done.success, warehouse.said
    for model in ("fct_trips", "quarantined_trips", "fct_hourly_mobility", "int_daily_trips", "int_station_months"):
        assert warehouse.rebuilt(model) == set()
    assert before == (
        warehouse.contents(),
        [warehouse.execute(f"from core_core.{table} order by all") for table in tables],
    )
    assert summary.main(["--live"]) == 0
    assert ("toys",) not in warehouse.execute("select feed from core_staging.loaded_partitions")
