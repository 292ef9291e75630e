"""`dbt build --target spark`: every model and test; every table has the rows of DuckDB, and the columns it promises."""

from pathlib import Path
from typing import Any

import duckdb
import pytest
from dbt.artifacts.resources.types import NodeType
from dbt.contracts.graph.nodes import ModelNode

from tests.dbt.every_table import fill_every_table
from tests.dbt.small_warehouse import JANUARY, MARCH, Warehouse, citibike_month, parsed_project, yellow_month
from tests.spark.conftest import SparkWarehouse
from warehouse.connection import open_for_writing
from warehouse.ledger import Ledger
from warehouse.spark.comparing import compare
from warehouse.spark.session import spark_session

# What readers could not read was put beside the messages by hand, so it is of no offset that was read.
FAILS_ON_BOTH = {"assert_every_message_is_once_in_raw_data"}

_TYPES = {"varchar": "string", "json": "string", "blob": "binary", "integer": "int", "timestamp": "timestamp_ntz"}


def on_spark(duckdb_type: str) -> str:
    """Spark's name of a type that a contract promises."""
    name = duckdb_type.lower()
    return _TYPES.get(name, name)


@pytest.fixture(scope="module")
def on_duckdb(spark: SparkWarehouse, tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """Raw data of every subject, built by DuckDB."""
    warehouse = Warehouse(spark.database, tmp_path_factory.mktemp("duckdb"), parsed_project())
    warehouse.create_raw_tables()
    with open_for_writing() as connection:
        Ledger(connection)
    for month in (JANUARY, MARCH):
        warehouse.load("citibike", month, citibike_month(month))
        warehouse.load("yellow", month, yellow_month(month))
        warehouse.load_weather(month)
    fill_every_table(warehouse)
    assert warehouse.dbt("seed").success, warehouse.said
    warehouse.build()
    return warehouse


def test_everything_is_built_and_holds_the_same(
    on_duckdb: Warehouse, spark: SparkWarehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAKEHOUSE_URL", str(tmp_path))
    manifest = spark.manifest = spark.parse()
    done: Any = spark.dbt("build")
    assert done.result, spark.said
    failed = {each.node.name for each in done.result if each.status not in ("success", "pass", "no-op")}
    assert failed == FAILS_ON_BOTH, spark.said
    built = (NodeType.Seed, NodeType.Model, NodeType.Test)
    nodes = {name: node for name, node in manifest.nodes.items() if node.resource_type in built}
    # Among others, such as hooks.
    assert {*nodes, *manifest.unit_tests} <= {each.node.unique_id for each in done.result}
    for node in nodes.values():
        if isinstance(node, ModelNode) and node.contract.enforced:
            promised = {name: on_spark(column.data_type or "") for name, column in node.columns.items()}
            fields = spark_session().table(f"{node.schema}.{node.alias}").schema.fields
            assert {each.name: each.dataType.simpleString() for each in fields} == promised, node.name

    with duckdb.connect(str(on_duckdb.path), read_only=True) as connection:
        compared = list(compare(connection, spark_session()))
        kinds = connection.execute("select distinct kind, status from meta.ingestion_runs order by all").fetchall()
    assert [str(each) for each in compared if each.differences] == []
    # As many as DuckDB has tables, and nearly all of them with rows.
    assert len(compared) > 60
    assert len([each.table for each in compared if each.rows == 0]) < 3
    # The ledger has both, each by its own name.
    assert ("dbt run", "success") in kinds
    assert ("spark build", "failed") in kinds
