"""Facts by partition: what `dbt build` does after a month was loaded late, again, or not at all."""

import json
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from tests.dbt.small_warehouse import (
    APRIL,
    BESIDE_FACTS,
    FEBRUARY,
    JANUARY,
    JULY,
    MARCH,
    Warehouse,
    citibike_month,
    trip,
    yellow_month,
)

IN_JULY = "where pickup_month = date '2025-07-01'"
FACTS = ("fct_trips", "quarantined_trips", "fct_hourly_mobility")


@pytest.fixture
def warehouse(warehouse: Warehouse) -> Warehouse:
    """The warehouse that tests share, whose builds are of the facts."""
    return replace(warehouse, left_out=(*warehouse.left_out, *BESIDE_FACTS))


def rows_scanned(warehouse: Warehouse, model: str) -> dict[str, int]:
    """Rows that running the model's query reads if it is built now, by table."""
    assert warehouse.dbt("compile", "--select", model).success, warehouse.said
    plan = str(warehouse.execute(f"explain (analyze, format json) {warehouse.compiled(model)}")[0][1])
    nodes, scanned = json.loads(plan)["operator"], Counter[str]()
    while nodes:
        node = nodes.pop()
        nodes += node.get("children", [])
        if rows := node.get("rows_scanned"):
            scanned[node["extra_info"]["Table"].removeprefix("nyc_mobility.")] += rows
    return dict(scanned)


def test_months_loaded_late_and_again_give_what_a_full_refresh_gives(warehouse: Warehouse) -> None:
    warehouse.load("yellow", FEBRUARY, yellow_month(FEBRUARY))
    warehouse.load("citibike", FEBRUARY, citibike_month(FEBRUARY))
    warehouse.build()
    assert warehouse.rebuilt("fct_trips") == {"yellow/2025-02", "citibike/2025-02"}
    # February's file has a trip of January 31, March's one of February 28.
    assert warehouse.rebuilt("fct_hourly_mobility") == {"2025-01", "2025-02"}

    warehouse.load("yellow", JANUARY, yellow_month(JANUARY, total=99)[:1])
    warehouse.build()
    assert warehouse.rebuilt("fct_trips") == {"yellow/2025-01"}
    assert warehouse.rebuilt("quarantined_trips") == {"yellow/2025-01"}

    warehouse.load_weather(FEBRUARY, temperature=-10)
    warehouse.build()
    assert len(warehouse.rebuilt("fct_trips")) == 6, "February's weather reaches the months beside it"
    assert warehouse.rebuilt("quarantined_trips") == set(), "rejected rows have no weather"

    incremental = warehouse.contents()
    assert [len(rows) for rows in incremental.values()] == [13, 2, 11]
    warehouse.build("--full-refresh")
    assert warehouse.contents() == incremental


@pytest.mark.parametrize("options", [[], ["--full-refresh"]])
def test_building_the_facts_alone_gives_what_building_everything_gives(
    warehouse: Warehouse, options: list[str]
) -> None:
    # Months that the dimension tables, which are not built here, do not reach.
    warehouse.load("yellow", JULY, yellow_month(JULY))
    warehouse.load_weather(JULY)
    warehouse.build("--select", "fct_trips", "fct_hourly_mobility", *options)
    alone = warehouse.contents()
    assert warehouse.execute(f"select count(*), bool_and(is_rain = false) from core_core.fct_trips {IN_JULY}") == [
        (2, True)
    ]
    warehouse.build("--full-refresh")
    whole = warehouse.contents()
    for fact in ("fct_trips", "fct_hourly_mobility"):
        assert whole[fact] == alone[fact]


@pytest.mark.parametrize(("batch", "batches", "options"), [(1, 3, []), (9, 2, ["--full-refresh"])])
def test_a_build_in_batches_gives_what_one_of_all_months_gives(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch, batch: int, batches: int, options: list[str]
) -> None:
    warehouse.load("yellow", FEBRUARY, yellow_month(FEBRUARY))
    warehouse.build()
    expected = warehouse.contents()

    assert warehouse.manifest
    config: Any = warehouse.manifest.nodes["model.nyc_mobility.fct_trips"].config
    monkeypatch.setitem(config, "batch_rows", batch)
    window = json.dumps({"backfill_start_date": "2025-01-01", "backfill_end_date": "2025-03-31"})
    warehouse.build("--vars", window, *options)
    assert warehouse.sql_run("fct_trips").count(" by name (") == batches
    assert warehouse.sql_run("fct_hourly_mobility").count(" by name (") == 3 + bool(options), "a month at a time"
    assert warehouse.contents() == expected


def test_nothing_changed_means_nothing_read(warehouse: Warehouse) -> None:
    before = warehouse.contents()
    warehouse.build()
    for fact in FACTS:
        assert warehouse.rebuilt(fact) == set()
        # Nor is even this query run then; in it, nothing is left but the hours that would be joined.
        assert set(rows_scanned(warehouse, fact)) <= {"raw_data.weather_hourly"}
    assert warehouse.contents() == before


def test_a_month_that_is_gone_from_raw_data_is_gone_from_the_facts(warehouse: Warehouse) -> None:
    warehouse.unload("yellow", MARCH)
    warehouse.build()
    for fact in FACTS:
        assert warehouse.execute(f"select 1 from core_core.{fact} where trip_type = 'yellow_taxi'"), fact
    months = "select distinct source_month from core_core.fct_trips where feed = 'yellow'"
    assert warehouse.execute(months) == [(JANUARY,)]
    assert warehouse.execute("select distinct source_month from core_core.quarantined_trips") == [(JANUARY,)]
    months = "select distinct pickup_month from core_core.fct_hourly_mobility where trip_type = 'yellow_taxi'"
    assert (FEBRUARY,) not in warehouse.execute(months)


def test_a_backfill_builds_the_months_asked_for_and_no_others(warehouse: Warehouse) -> None:
    before = warehouse.contents()
    warehouse.build("--vars", '{"backfill_start_date": "2025-02-15", "backfill_end_date": "2025-03-02"}')
    assert warehouse.rebuilt("fct_trips") == {"yellow/2025-03", "citibike/2025-03"}
    assert warehouse.rebuilt("fct_hourly_mobility") == {"2025-02", "2025-03"}
    assert warehouse.contents() == before


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ('{"backfill_start_date": "May 2025"}', "expected the variable backfill_start_date to be a date"),
        ('{"backfill_start_date": "2025-02-30"}', "got '2025-02-30'"),
        (
            r'{"backfill_start_date": "\u0662\u0660\u0662\u0665-\u0660\u0665-\u0660\u0661"}',
            "to be a date like 2025-05-01",
        ),
        ('{"backfill_start_date": "2025-05-01\\n"}', "to be a date like 2025-05-01"),
        ('{"backfill_start_date": "2025-05-01\' or true --"}', "to be a date like 2025-05-01"),
        ('{"backfill_start_date": ["2025-05-01"]}', "to be a date like 2025-05-01"),
        ('{"backfill_start_date": "2025-05-01", "backfill_end_date": 20250601}', "got '20250601'"),
        (json.dumps({"backfill_start_date": "x" * 10_000}), "xxx …'."),
        ('{"backfil_start_date": "2025-05-01"}', "got backfil_start_date"),
        ('{"backfill_end_date": "2025-05-01"}', "backfill_start_date is not set"),
        ('{"backfill_start_date": "2025-05-01", "backfill_end_date": "2025-04-01"}', "not before backfill_start_date"),
    ],
)
def test_a_wrong_backfill_window_stops_the_run_and_says_why(warehouse: Warehouse, variables: str, message: str) -> None:
    assert not warehouse.dbt("run-operation", "check_backfill_window", "--vars", variables).success
    said = "\n".join(warehouse.said)
    assert message in said
    assert len(said) < 1200


@pytest.mark.parametrize("options", [[], ["--full-refresh"]])
def test_a_build_that_fails_half_way_leaves_what_was_there(warehouse: Warehouse, options: list[str]) -> None:
    before = warehouse.contents()
    broken = trip("2025-01-10 08:00:00", "2025-01-10 08:30:00", source_row=None)
    warehouse.load("yellow", JANUARY, [*yellow_month(JANUARY), broken])
    assert not warehouse.dbt("run", *options, *warehouse.exclusion).success
    assert warehouse.contents() == before

    warehouse.load("yellow", JANUARY, yellow_month(JANUARY, total=1))
    warehouse.build()
    assert warehouse.rebuilt("fct_trips") == {"yellow/2025-01"}


def test_unchanged_partitions_are_not_read(warehouse: Warehouse) -> None:
    april = yellow_month(APRIL)
    warehouse.load("yellow", APRIL, april[:1])
    # More than a row group (122,880 rows), below which DuckDB has nothing to skip.
    warehouse.execute(
        """
        insert into raw_data.yellow_taxi by name
        select * exclude (row_number) replace (source_row + row_number as source_row)
        from raw_data.yellow_taxi, range(1, 250000) as numbers (row_number)
        where source_month = date '2025-04-01'
        """
    )
    warehouse.record("yellow", APRIL)
    assert rows_scanned(warehouse, "fct_trips")["raw_data.yellow_taxi"] >= 250_000
    warehouse.build()

    warehouse.load("yellow", MARCH, yellow_month(MARCH, total=30))
    scanned = rows_scanned(warehouse, "fct_trips")
    assert "raw_data.citibike_trips" not in scanned
    assert scanned["raw_data.yellow_taxi"] < 130_000


def test_raw_data_that_is_not_what_was_loaded_stops_the_build(warehouse: Warehouse) -> None:
    before = warehouse.contents()
    warehouse.execute("delete from raw_data.yellow_taxi where source_month = date '2025-03-01'")
    assert not warehouse.dbt("run").success
    assert "expected 8 rows in raw_data.yellow_taxi" in "\n".join(warehouse.said)
    assert warehouse.contents() == before


def test_a_fact_that_other_hands_changed_is_built_again(warehouse: Warehouse) -> None:
    before = warehouse.contents()
    warehouse.execute("delete from core_core.fct_trips where feed = 'citibike'")
    assert not warehouse.dbt("run", "--select", "fct_hourly_mobility").success
    assert "dbt build --select fct_trips+" in "\n".join(warehouse.said)
    warehouse.build()
    assert warehouse.contents() == before


def test_a_partition_without_a_single_trip_is_not_built_again(warehouse: Warehouse) -> None:
    impossible = trip("2025-04-11 08:00:00", "2025-04-11 07:00:00")
    warehouse.load("yellow", APRIL, [impossible])
    warehouse.build()
    assert warehouse.rebuilt("fct_trips") == {"yellow/2025-04"}
    warehouse.build()
    assert warehouse.rebuilt("fct_trips") == set()


def test_a_partition_that_other_hands_added_goes_and_is_not_built_again(warehouse: Warehouse) -> None:
    before = warehouse.contents()
    warehouse.execute(
        "insert into core_core.fct_trips by name"
        " select * replace (date '2031-01-01' as source_month, trip_id + 7 as trip_id) from core_core.fct_trips limit 1"
    )
    warehouse.build("--select", "fct_trips")
    assert warehouse.contents() == before
    warehouse.build("--select", "fct_trips")
    assert warehouse.rebuilt("fct_trips") == set()


DROP_WHAT_IS_BUILT = "drop schema core_core cascade; drop schema core_staging cascade"


def test_a_raw_table_of_which_nothing_was_loaded_is_made(warehouse: Warehouse) -> None:
    warehouse.execute(f"{DROP_WHAT_IS_BUILT}; drop table raw_data.green_taxi")
    assert warehouse.dbt("run", "--select", "stg_tlc__green_taxi").success, warehouse.said
    assert warehouse.execute("select count(*) from core_staging.stg_tlc__green_taxi") == [(0,)]


def test_a_raw_table_that_is_gone_is_named_with_the_command_that_makes_it(warehouse: Warehouse) -> None:
    warehouse.execute(f"{DROP_WHAT_IS_BUILT}; drop table raw_data.yellow_taxi")
    assert not warehouse.dbt("run").success
    said = "\n".join(warehouse.said)
    assert "rows in raw_data.yellow_taxi" in said
    assert "nyc load --from … --to … --sources yellow --force" in said
