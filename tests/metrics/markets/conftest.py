"""The days written by hand, built and published."""

from collections.abc import Iterator

import duckdb
import pytest

from tests.dbt.small_warehouse import Warehouse, parsed_project
from tests.metrics.markets.books import create_books
from tests.metrics.markets.definitions import VIEWS, VIEWS_OF_MESSAGES
from tests.metrics.markets.published_days import load_days
from warehouse.paths import DATABASE_VARIABLE, LOG_FOLDER_VARIABLE
from warehouse.publishing.publish import publish
from warehouse.releases import open_release


@pytest.fixture(scope="session")
def _built_days(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    scratch = tmp_path_factory.mktemp("metrics_of_days")
    warehouse = Warehouse(scratch / "nyc_mobility.duckdb", scratch, parsed_project())
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(DATABASE_VARIABLE, str(warehouse.path))
        patch.setenv(LOG_FOLDER_VARIABLE, str(scratch / "logs"))
        patch.setenv("DBT_TARGET_PATH", str(scratch / "target"))
        load_days(warehouse)
        result = warehouse.dbt("build", "--exclude-resource-type", "test", "--exclude-resource-type", "unit_test")
        assert result.success, warehouse.said
        publish()
    return warehouse


@pytest.fixture
def release(_built_days: Warehouse, monkeypatch: pytest.MonkeyPatch) -> Iterator[duckdb.DuckDBPyConnection]:
    """The release, which metrics are asked of."""
    monkeypatch.setenv(DATABASE_VARIABLE, str(_built_days.path))
    monkeypatch.setenv("DBT_TARGET_PATH", str(_built_days.scratch / "target"))
    with open_release() as opened:
        yield opened


@pytest.fixture
def raw_data(_built_days: Warehouse) -> Iterator[duckdb.DuckDBPyConnection]:
    """What was published, with the views that the plain definitions are of."""
    with duckdb.connect(str(_built_days.path), read_only=True) as connection:
        connection.execute(VIEWS)
        create_books(connection)
        connection.execute(VIEWS_OF_MESSAGES)
        yield connection
