"""Spark understands the SQL of every model and data test, and gives the columns that contracts promise.

Nothing is built: Spark reads the SQL of each model to the end, and makes a table without rows of its columns, for the
models that read it.
"""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.dbt.both_engines import SPARK_FUNCTIONS
from tests.dbt.small_warehouse import Warehouse
from tests.spark.conftest import SparkWarehouse
from warehouse.ledger import Ledger
from warehouse.spark.session import spark_session

_TYPES = {"varchar": "string", "json": "string", "blob": "binary", "integer": "int", "timestamp": "timestamp_ntz"}


def on_spark(duckdb_type: str) -> str:
    name = duckdb_type.lower()
    return _TYPES.get(name, name)


@dataclass
class Analysed:
    """What Spark made of the project: the columns of models, the names of tests, and what it did not understand."""

    columns: dict[str, dict[str, str]] = field(default_factory=dict)
    tests: list[str] = field(default_factory=list)
    faults: dict[str, str] = field(default_factory=dict)
    nodes: dict[str, Any] = field(default_factory=dict)

    def analyse(self, node_id: str, sql: str) -> None:
        """Keep the columns of a node's query, or what Spark says against it."""
        from pyspark.errors import PySparkException

        node = self.nodes[node_id]
        try:
            query = spark_session().sql(sql)
            if node["resource_type"] == "model":
                columns = {each.name: each.dataType.simpleString() for each in query.schema.fields}
                typed = ", ".join(f"`{name}` {data_type}" for name, data_type in columns.items())
                spark_session().sql(f"create table {node['schema']}.{node['alias']} ({typed}) using parquet")
                self.columns[node_id] = columns
            else:
                self.tests.append(node_id)
        except PySparkException as error:
            self.faults[node["name"]] = " ".join(str(error).split())[:400]


def make_sources(database: Path) -> None:
    """Raw tables and those of the ledger, as DuckDB has them, without rows."""
    Warehouse(database, database.parent).create_raw_tables()
    with duckdb.connect(str(database)) as connection:
        Ledger(connection)
        columns = connection.execute(
            "select table_schema, table_name, column_name, data_type from information_schema.columns"
            " where table_schema in ('raw_data', 'meta') order by all"
        ).fetchall()
    tables: dict[tuple[str, str], list[str]] = {}
    for schema, table, column, data_type in columns:
        tables.setdefault((schema, table), []).append(f"cast(null as {on_spark(data_type)}) as {column}")
    for (schema, table), nulls in tables.items():
        spark_session().sql(f"create schema if not exists {schema}")
        spark_session().sql(f"create view if not exists {schema}.{table} as select {', '.join(nulls)} where false")


@pytest.fixture(scope="module")
def analysed(spark: SparkWarehouse) -> Analysed:
    found = Analysed()
    make_sources(spark.database)
    assert spark.dbt("seed").success, spark.said
    target = spark.folder / "target"
    found.nodes = json.loads((target / "manifest.json").read_text())["nodes"]
    for schema in sorted({node["schema"] for node in found.nodes.values()}):
        spark.rows(f"create schema if not exists {schema}")

    def analyse_model(event: Any) -> None:
        # A model's table is there before dbt compiles what reads the model.
        node_id = event.data.node_info.unique_id if event.info.name == "NodeFinished" else ""
        if node_id.startswith("model."):
            path = Path("nyc_mobility", found.nodes[node_id]["original_file_path"])
            found.analyse(node_id, (target / "compiled" / path).read_text())

    compiled: Any = spark.dbt("compile", "--threads", "1", listen=analyse_model)
    assert compiled.success, spark.said
    for result in compiled.result.results:
        if result.node.resource_type == "test":
            found.analyse(result.node.unique_id, result.node.compiled_code)
    return found


def test_spark_understands_every_model_and_data_test(analysed: Analysed) -> None:
    assert not analysed.faults
    for kind, names in (("model", analysed.columns), ("test", analysed.tests)):
        assert set(names) == {each for each, node in analysed.nodes.items() if node["resource_type"] == kind}


def test_spark_gives_the_columns_that_contracts_promise(analysed: Analysed) -> None:
    for node_id, columns in analysed.columns.items():
        node = analysed.nodes[node_id]
        if node["config"]["contract"]["enforced"]:
            promised = {name: on_spark(column["data_type"]) for name, column in node["columns"].items()}
            assert columns == promised, node["name"]


def test_the_list_of_sparks_functions_is_that_of_this_spark() -> None:
    rows = spark_session().sql("show system functions").collect()
    names = sorted({row[0].removeprefix("system.builtin.") for row in rows})
    found = [name for name in names if name[0].isalpha()]
    assert SPARK_FUNCTIONS.read_text().split() == found, f"write these into {SPARK_FUNCTIONS}, one a line"


def test_a_description_becomes_a_comment_as_it_is(spark: SparkWarehouse) -> None:
    description = "It's \\N or 'none',\nin \"C:\\new\""
    column = f"get_column_comment_sql('a', {{'a': {{'description': {json.dumps(description)}}}}})"
    compiled: Any = spark.dbt("compile", "--inline", "{{ " + column + " }}")
    assert compiled.success, spark.said
    (result,) = compiled.result.results
    spark.rows(f"create or replace temporary view commented ({result.node.compiled_code}) as select 1")
    assert spark.rows("describe commented") == [("a", "int", description)]
