"""Suites pass on what publishers publish, and fail, by name, on data that is broken in the way they should catch."""

from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

from quality.suite import Suite, UnknownSuiteError, select
from quality.suites import SUITES
from quality.validate import run_suites
from warehouse.ledger import Check

FEBRUARY = "source_month = date '2025-02-01'"


def failures(database: Path, suite: Suite) -> list[Check]:
    with duckdb.connect(str(database), read_only=True) as connection:
        (result,) = run_suites(connection, [suite])
    return [check for check in result.checks if not check.passed]


def reduced(name: str, expectation: str) -> Suite:
    """The suite with this expectation alone, and the figures that it is computed from."""
    (suite,) = (suite for suite in SUITES if suite.name == name)
    (wanted,) = (each for each in suite.expectations if each.name == expectation)
    kept = [each for each in suite.expectations if each is wanted or (wanted.is_comparison and each.name in str(wanted.figure))]
    return replace(suite, expectations=tuple(kept))


def test_every_staging_model_dimension_and_fact_has_a_suite() -> None:
    models = {path.stem for path in Path("dbt/models").rglob("*.sql")}
    named = {name for name in models if name.startswith(("stg_", "dim_", "fct_", "quarantined_"))}
    assert {suite.model for suite in SUITES} == named


def test_clean_sample_data_passes_and_every_expectation_is_a_check(sample: Path) -> None:
    with duckdb.connect(str(sample), read_only=True) as connection:
        results = run_suites(connection, SUITES)
    assert [check for result in results for check in result.checks if not check.passed] == []
    for result in results:
        assert {check.check_name for check in result.checks} == {each.name for each in result.suite.expectations}
        assert all(check.observed and check.expected for check in result.checks)


FAULTS = [
    ("stg_tlc__yellow_taxi", "fare_amount_in_range", f"update raw_data.yellow_taxi set fare_amount = fare_amount * 1000 where {FEBRUARY}"),
    ("stg_tlc__yellow_taxi", "fare_amount_mean", f"update raw_data.yellow_taxi set fare_amount = fare_amount / 10 where {FEBRUARY}"),
    ("stg_tlc__yellow_taxi", "fare_amount_mean_against_month_before", f"update raw_data.yellow_taxi set fare_amount = fare_amount * 1.5 where {FEBRUARY}"),
    ("stg_tlc__yellow_taxi", "source_row_unique", f"insert into raw_data.yellow_taxi from raw_data.yellow_taxi where {FEBRUARY}"),
    ("stg_tlc__yellow_taxi", "rows_as_loaded", f"delete from raw_data.yellow_taxi where {FEBRUARY} and source_row = 7"),
    ("stg_tlc__yellow_taxi", "row_count_against_month_before", f"delete from raw_data.yellow_taxi where {FEBRUARY} and source_row > 900"),
    ("stg_tlc__yellow_taxi", "passenger_count_not_null", f"update raw_data.yellow_taxi set passenger_count = null where {FEBRUARY}"),
    ("stg_tlc__yellow_taxi", "passenger_count_null_share_against_month_before", f"update raw_data.yellow_taxi set passenger_count = null, ratecode_id = null where {FEBRUARY} and source_row % 3 = 0"),
    ("stg_tlc__yellow_taxi", "pickup_in_source_month", f"update raw_data.yellow_taxi set tpep_pickup_datetime = tpep_pickup_datetime + interval 1 month where {FEBRUARY}"),
    ("stg_tlc__yellow_taxi", "dropoff_after_pickup", f"update raw_data.yellow_taxi set tpep_dropoff_datetime = tpep_pickup_datetime - interval 9 minutes where {FEBRUARY} and source_row % 50 = 0"),
    ("stg_tlc__yellow_taxi", "miles_and_minutes_agree", f"update raw_data.yellow_taxi set trip_distance = trip_distance * 30 where {FEBRUARY}"),
    ("stg_tlc__yellow_taxi", "payment_type_id_known", f"update raw_data.yellow_taxi set payment_type = 77 where {FEBRUARY} and source_row % 20 = 0"),
    ("stg_tlc__yellow_taxi", "total_not_below_fare", f"update raw_data.yellow_taxi set total_amount = tip_amount where {FEBRUARY}"),
    ("stg_tlc__green_taxi", "hail_type_id_known", f"update raw_data.green_taxi set trip_type = 9 where {FEBRUARY}"),
    ("stg_tlc__green_taxi", "pickup_location_id_in_range", f"update raw_data.green_taxi set pu_location_id = pu_location_id + 1000 where {FEBRUARY}"),
    ("stg_tlc__fhv_taxi", "dispatching_base_number_well_formed", f"update raw_data.fhv_taxi set dispatching_base_num = substr(dispatching_base_num, 2) where {FEBRUARY}"),
    ("stg_tlc__fhv_taxi", "dropoff_datetime_not_null", f"update raw_data.fhv_taxi set dropoff_datetime = null where {FEBRUARY}"),
    ("stg_tlc__hvfhv_taxi", "license_number_known", f"update raw_data.hvfhv_taxi set hvfhs_license_num = 'HV0099' where {FEBRUARY}"),
    ("stg_tlc__hvfhv_taxi", "duration_as_published", f"update raw_data.hvfhv_taxi set dropoff_datetime = dropoff_datetime + interval 1 hour where {FEBRUARY}"),
    ("stg_citibike__trips", "station_id_is_text", f"update raw_data.citibike_trips set start_station_id = cast(random() * 1000 as varchar) where {FEBRUARY}"),
    ("stg_citibike__trips", "ride_id_well_formed", f"update raw_data.citibike_trips set ride_id = ltrim(ride_id, '0123456789ABCDEF') where {FEBRUARY}"),
    ("stg_citibike__trips", "start_latitude_in_range", f"update raw_data.citibike_trips set start_lat = start_lng, start_lng = start_lat where {FEBRUARY}"),
    ("stg_weather__hourly", "hours_of_the_month", f"delete from raw_data.weather_hourly where {FEBRUARY} and source_row between 100 and 130"),
    ("stg_weather__hourly", "hour_unique", f"insert into raw_data.weather_hourly from raw_data.weather_hourly where {FEBRUARY} limit 1"),
    ("stg_weather__hourly", "temperature_mean", f"update raw_data.weather_hourly set temperature_2m = temperature_2m * 1.8 + 32 where {FEBRUARY}"),
    ("stg_weather__hourly", "wind_speed_mean", f"update raw_data.weather_hourly set wind_speed_10m = wind_speed_10m * 3.6 where {FEBRUARY}"),
    ("stg_weather__hourly", "temperature_celsius_not_null", f"update raw_data.weather_hourly set temperature_2m = null where {FEBRUARY} and source_row < 24"),
    ("dim_date", "dates_without_gap", "delete from core_core.dim_date where date_day = date '2025-01-20'"),
    ("dim_time", "row_count", "delete from core_core.dim_time where hour_of_day = 3"),
    ("dim_location", "unknown_zone_is_there", "delete from core_core.dim_location where location_id = 264"),
    ("dim_station", "station_id_unique", "insert into core_core.dim_station from core_core.dim_station limit 1"),
    ("dim_weather", "fahrenheit_is_of_celsius", "update core_core.dim_weather set temperature_fahrenheit = temperature_celsius"),
    ("fct_trips", "sane_is_neither_outlier_nor_refund", "update core_core.fct_trips set is_sane = true"),
    ("fct_trips", "dropoff_not_before_pickup", "update core_core.fct_trips set dropoff_datetime = pickup_datetime - interval 1 minute where trip_id % 100 = 0"),
    ("fct_trips", "trip_id_not_null", "create or replace table core_core.fct_trips as select * replace (case when trip_type = 'fhv' then null else trip_id end as trip_id) from core_core.fct_trips"),
    ("fct_trips_by_file", "one_load", f"update core_core.fct_trips set load_id = 'another' where {FEBRUARY} and feed = 'yellow' and trip_id % 2 = 0"),
    ("fct_trips_by_file", "weather_known", f"update core_core.fct_trips set temperature_celsius = null where {FEBRUARY} and feed = 'yellow'"),
    ("fct_trips_by_file", "night_share", f"update core_core.fct_trips set pickup_hour_of_day = 3 where {FEBRUARY} and feed = 'yellow'"),
    ("fct_trips_by_file", "days_with_trips", f"delete from core_core.fct_trips where {FEBRUARY} and feed = 'yellow' and pickup_date > date '2025-02-20'"),
    ("fct_hourly_mobility", "hour_and_type_unique", "insert into core_core.fct_hourly_mobility from core_core.fct_hourly_mobility limit 1"),
    ("fct_hourly_mobility", "mode_shares_add_up", "update core_core.fct_hourly_mobility set mode_share_pct = mode_share_pct / 2 where trip_type = 'fhv'"),
    ("fct_hourly_mobility", "sane_trips_within_trips", "update core_core.fct_hourly_mobility set trip_count = 1"),
]  # fmt: skip


@pytest.mark.parametrize(("suite", "expectation", "fault"), FAULTS, ids=[f"{suite}-{name}" for suite, name, _ in FAULTS])
def test_a_fault_fails_the_expectation_that_is_there_for_it(
    sample: Path, suite: str, expectation: str, fault: str
) -> None:
    with duckdb.connect(str(sample)) as connection:
        connection.execute(fault)
    failed = {check.check_name: check for check in failures(sample, reduced(suite, expectation))}
    assert expectation in failed
    assert "could not be checked" not in failed[expectation].observed
    # What is looked at by file names the file that was broken, and leaves the others alone.
    if "source_month" in fault:
        partition = str(failed[expectation].partition_key)
        assert partition.endswith("/2025-02-01"), failed[expectation]


def test_every_suite_has_a_fault_that_it_catches() -> None:
    assert {suite for suite, *_ in FAULTS} | {"quarantined_trips"} == {suite.name for suite in SUITES}


def test_a_partition_that_is_rejected_in_part_fails_with_its_reason(sample: Path) -> None:
    with duckdb.connect(str(sample)) as connection:
        connection.execute(
            f"""
            insert into core_core.quarantined_trips by name
            select trip_id, feed, source_month, trip_id % 1000000000 as source_row, trip_type, load_id,
                'missing_times' as reason
            from core_core.fct_trips where {FEBRUARY} and feed = 'fhv'
            """
        )
    (failed,) = failures(sample, reduced("quarantined_trips", "quarantined_share"))
    assert (failed.check_name, failed.partition_key, failed.severity) == (
        "quarantined_share",
        "fhv/2025-02-01",
        "error",
    )
    assert "missing_times: the files of for-hire bases of 2015 and 2016 have no drop-off times" in failed.observed


def test_a_column_that_is_gone_is_a_failure_and_not_a_pass(sample: Path) -> None:
    with duckdb.connect(str(sample)) as connection:
        connection.execute("alter table core_core.dim_time drop column day_part")
    failed = {check.check_name: check for check in failures(sample, reduced("dim_time", "day_part_known"))}
    assert failed["day_part_known"].observed.startswith("could not be checked: ")


def test_a_suite_or_its_model_is_selected_and_a_wrong_name_is_named() -> None:
    assert [suite.name for suite in select(SUITES, ["fct_trips"])] == ["fct_trips", "fct_trips_by_file"]
    assert [suite.name for suite in select(SUITES, ["fct_trips_by_file"])] == ["fct_trips_by_file"]
    with pytest.raises(UnknownSuiteError, match="'fct_trip'"):
        select(SUITES, ["fct_trip"])
