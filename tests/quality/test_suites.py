"""Suites pass on what publishers publish, and fail, by name, on data that is broken in the way they should catch."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

from quality.suite import Suite, UnknownSuiteError, select
from quality.suites import SUBJECTS, SUITES
from quality.validate import run_suites
from tests.quality.faults import BROKEN_PERIOD, FAULTS
from tests.quality.faults.mobility import OF_FEBRUARY
from warehouse.ledger import Check


def failures(database: Path, fault: str, suite: Suite) -> list[Check]:
    """The checks that do not pass after a fault in the test's own copy of a warehouse."""
    with duckdb.connect(str(database)) as connection:
        # Nobody opens the file again, so what has changed need not get into it.
        connection.execute("pragma disable_checkpoint_on_shutdown")
        connection.execute(fault)
        (result,) = run_suites(connection, [suite])
    return [check for check in result.checks if not check.passed]


def reduced(name: str, expectation: str) -> Suite:
    """The suite with this expectation alone, and the figures that it is computed from."""
    (suite,) = (suite for suite in SUITES if suite.name == name)
    (wanted,) = (each for each in suite.expectations if each.name == expectation)
    kept = [
        each
        for each in suite.expectations
        if each is wanted or (wanted.is_comparison and each.name in str(wanted.figure))
    ]
    return replace(suite, expectations=tuple(kept))


def test_every_staging_model_and_mart_and_the_reconciliation_have_a_suite() -> None:
    models = {path.stem for path in Path("dbt/models").rglob("*.sql") if {"staging", "marts"} & set(path.parts)}
    assert {suite.model for suite in SUITES} == models | {"reconciliation"}


@pytest.mark.parametrize("subject", FAULTS)
def test_clean_sample_data_passes_and_every_expectation_is_a_check(
    subject: str, sample_of: Callable[[str], Path]
) -> None:
    with duckdb.connect(str(sample_of(subject)), read_only=True) as connection:
        results = run_suites(connection, SUITES)
    assert [check for result in results for check in result.checks if not check.passed] == []
    own = {suite.name for each in SUBJECTS if each.name in (subject, "") for suite in each.suites}
    for result in results:
        # Of the other subject nothing is loaded.
        expected = {each.name for each in result.suite.expectations if result.suite.name in own}
        assert {check.check_name for check in result.checks} == expected
        assert all(check.observed and check.expected for check in result.checks)


@pytest.mark.parametrize(
    ("subject", "suite", "expectation"),
    [
        (subject, suite, expectation)
        for subject, suites in FAULTS.items()
        for suite, faults in suites.items()
        for expectation in faults
    ],
)
def test_a_fault_fails_the_expectation_that_is_there_for_it(
    sample_of: Callable[[str], Path], subject: str, suite: str, expectation: str
) -> None:
    fault, database = FAULTS[subject][suite][expectation], sample_of(subject)
    failed = {check.check_name: check for check in failures(database, fault, reduced(suite, expectation))}
    assert expectation in failed
    assert "could not be checked" not in failed[expectation].observed
    # A check by file names the file that was broken, and no other.
    if BROKEN_PERIOD[subject] in fault and failed[expectation].partition_key:
        partition = str(failed[expectation].partition_key)
        assert partition.endswith(f"/{BROKEN_PERIOD[subject]}"), failed[expectation]


def test_every_suite_has_a_fault_that_it_catches() -> None:
    faults = {suite for suites in FAULTS.values() for suite in suites}
    assert faults | {"quarantined_trips"} == {suite.name for suite in SUITES}


@pytest.mark.parametrize("subject", ["markets", "telemetry"])
def test_every_expectation_has_a_fault_that_it_catches(subject: str) -> None:
    # Figures that are only measured: others are computed from them.
    measured = {"fractional_share", "rejected_rows", "lines"}
    for suite in (suite for each in SUBJECTS if each.name == subject for suite in each.suites):
        assert {each.name for each in suite.expectations} - measured == set(FAULTS[subject][suite.name]), suite.name


def test_a_partition_that_is_rejected_in_part_fails_with_its_reason(sample: Path) -> None:
    fault = f"""
        insert into core_core.quarantined_trips by name
        select trip_id, feed, source_month, trip_id % 1000000000 as source_row, trip_type, load_id,
            'missing_times' as reason
        from core_core.fct_trips where {OF_FEBRUARY} and feed = 'fhv'
        """
    (failed,) = failures(sample, fault, reduced("quarantined_trips", "quarantined_share"))
    assert (failed.check_name, failed.partition_key, failed.severity) == (
        "quarantined_share",
        "fhv/2025-02",
        "error",
    )
    assert "missing_times: the files of for-hire bases of 2015 and 2016 have no drop-off times" in failed.observed


def test_what_is_empty_because_its_feed_is_not_loaded_passes(sample: Path) -> None:
    empty = ("raw_data.taxi_zone_shapes", "core_staging.int_zone_shapes", "core_core.dim_zone_shape")
    with duckdb.connect(str(sample)) as connection:
        for table in (*empty, "core_core.fct_weather_effect"):
            connection.execute(f"delete from {table}")
        connection.execute("delete from meta.asset_watermarks where feed = 'taxi_zones'")
        of_them = select(SUITES, ["stg_tlc__taxi_zones", "dim_zone_shape", "fct_weather_effect"])
        of_file, *of_rows = run_suites(connection, of_them)
    assert of_file.checks == ()
    assert [check for result in of_rows for check in result.checks if not check.passed] == []


def test_a_column_that_is_gone_is_a_failure_and_not_a_pass(sample: Path) -> None:
    fault = "alter table core_core.dim_time drop column day_part"
    failed = {check.check_name: check for check in failures(sample, fault, reduced("dim_time", "day_part_known"))}
    assert failed["day_part_known"].observed.startswith("could not be checked: ")


def test_a_suite_or_its_model_is_selected_and_a_wrong_name_is_named() -> None:
    assert [suite.name for suite in select(SUITES, ["fct_trips"])] == ["fct_trips", "fct_trips_by_file"]
    assert [suite.name for suite in select(SUITES, ["fct_trips_by_file"])] == ["fct_trips_by_file"]
    with pytest.raises(UnknownSuiteError, match="'fct_trip'"):
        select(SUITES, ["fct_trip"])
