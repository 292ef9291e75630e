"""A warehouse in which the models of markets are built and nothing is loaded."""

import shutil

import pytest

from tests.dbt.small_warehouse import Warehouse, parsed_project

MODELS = (
    *("+dim_symbol", "+dim_exchange", "+options_flow", "+ticker_anomalies", "fct_ticker_days"),
    *("+gold_market_overview", "+gold_trader_performance"),
)


@pytest.fixture(scope="session")
def _empty_markets(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    scratch = tmp_path_factory.mktemp("markets")
    warehouse = Warehouse(scratch / "nyc_mobility.duckdb", scratch, parsed_project())
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DUCKDB_DATABASE_PATH", str(warehouse.path))
        warehouse.create_raw_tables()
        built = warehouse.dbt("build", "--select", *MODELS, "--exclude-resource-type", "test", "unit_test")
        assert built.success, warehouse.said
        shutil.copy(warehouse.path, warehouse.base)
    return warehouse


@pytest.fixture
def markets(_empty_markets: Warehouse, monkeypatch: pytest.MonkeyPatch) -> Warehouse:
    """The same, whatever the test before did."""
    monkeypatch.setenv("DUCKDB_DATABASE_PATH", str(_empty_markets.path))
    _empty_markets.restore()
    return _empty_markets
