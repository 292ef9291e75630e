"""The warehouse that tests of the dbt project share, built once."""

import shutil

import pytest

from tests.dbt.small_warehouse import (
    JANUARY,
    MARCH,
    OTHER_SUBJECTS,
    VIEWS,
    Warehouse,
    citibike_month,
    keep_parsed_project,
    parsed_project,
    yellow_month,
)


@pytest.fixture(scope="session")
def _base(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """January and March loaded and built, weather included; February is yet to come."""
    scratch = tmp_path_factory.mktemp("dbt")
    warehouse = Warehouse(scratch / "nyc_mobility.duckdb", scratch, parsed_project())
    # For tests that run dbt in a process of its own.
    keep_parsed_project(scratch / "target")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DUCKDB_DATABASE_PATH", str(warehouse.path))
        warehouse.create_raw_tables()
        for month in (JANUARY, MARCH):
            warehouse.load("yellow", month, yellow_month(month))
            warehouse.load("citibike", month, citibike_month(month))
            warehouse.load_weather(month)
        assert warehouse.dbt("build").success, warehouse.said
        shutil.copy(warehouse.path, warehouse.base)
    # They are there, and no month changes them.
    warehouse.left_out = (*OTHER_SUBJECTS, VIEWS)
    # Not with the setting left as it is: other files' tests come in the same process.
    return warehouse


@pytest.fixture
def warehouse(_base: Warehouse, monkeypatch: pytest.MonkeyPatch) -> Warehouse:
    """The base as it was built, whatever the test before did. One path, so that dbt need not parse again."""
    monkeypatch.setenv("DUCKDB_DATABASE_PATH", str(_base.path))
    _base.restore()
    return _base
