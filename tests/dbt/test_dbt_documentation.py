"""The YAML beside the models says what is there: no more, no less."""

import yaml

from ingestion.catalog import raw_tables
from tests.dbt.small_warehouse import DBT_DIRECTORY, Warehouse


def test_sources_are_the_registry() -> None:
    declared = yaml.safe_load((DBT_DIRECTORY / "models/staging/_raw_data__sources.yml").read_text())
    (source,) = declared["sources"]
    documented = {
        table["name"]: {column["name"]: column["data_type"] for column in table["columns"]}
        for table in source["tables"]
    }
    registered = {
        table: {column.name: column.type.value.lower() for column in columns} | {"_dlt_load_id": "varchar"}
        for table, columns in raw_tables().items()
    }
    assert documented == registered


def test_documented_columns_are_the_columns(warehouse: Warehouse) -> None:
    assert warehouse.manifest
    rows = warehouse.execute("select table_schema || '.' || table_name, column_name from information_schema.columns")
    for node in warehouse.manifest.nodes.values():
        if node.resource_type in ("model", "seed"):
            actual = [column for relation, column in rows if relation == f"{node.schema}.{node.alias}"]
            assert list(node.columns) == actual, node.name


def test_every_model_and_column_is_described(warehouse: Warehouse) -> None:
    assert warehouse.manifest
    documented = [*warehouse.manifest.nodes.values(), *warehouse.manifest.sources.values()]
    for node in documented:
        if node.resource_type in ("model", "seed", "source"):
            assert "Grain" in node.description, node.name
            assert all(column.description for column in node.columns.values()), node.name
