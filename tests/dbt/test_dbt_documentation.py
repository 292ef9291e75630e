"""The YAML beside the models says what is there: no more, no less."""

import shutil
from pathlib import Path

import pytest
import yaml

from ingestion.catalog import SUBJECTS, raw_tables
from ingestion.dbt_catalog import generate, main
from tests.dbt.small_warehouse import DBT_DIRECTORY, Warehouse


def test_what_comes_of_the_catalog_is_fresh() -> None:
    generated = generate(DBT_DIRECTORY)
    assert generated.files
    for path, text in generated.files.items():
        assert path.read_text() == text, f"{path}: run python -m ingestion.dbt_catalog"
    assert not generated.undescribed


def test_sources_are_the_raw_tables_of_the_catalog() -> None:
    for subject in SUBJECTS.values():
        path = DBT_DIRECTORY / f"models/staging/{subject.name}/_{subject.name}__sources.yml"
        (source,) = yaml.safe_load(path.read_text())["sources"]
        documented = {
            table["name"]: {column["name"]: column["data_type"] for column in table["columns"]}
            for table in source["tables"]
        }
        registered = {
            table: {column.name: column.type.value.lower() for column in columns} | {"_dlt_load_id": "varchar"}
            for table, columns in raw_tables(subject.feeds).items()
        }
        assert documented == registered


def test_a_file_that_is_out_of_date_is_named_and_written_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(DBT_DIRECTORY / "models", tmp_path / "models")
    arguments = ["--dbt-directory", str(tmp_path)]
    assert main([*arguments, "--check"]) == 1
    assert "catalog.sql is not what the catalog says" in capsys.readouterr().err
    assert main(arguments) == 0
    assert main([*arguments, "--check"]) == 0
    (tmp_path / "models/staging/mobility/tlc/_tlc__raw_columns.md").unlink()
    assert main(arguments) == 0
    assert "yellow_taxi.vendor_id" in capsys.readouterr().out
    sources = (tmp_path / "models/staging/mobility/_mobility__sources.yml").read_text()
    assert yaml.safe_load(sources)["sources"][0]["tables"][0]["columns"][0]["description"] == "As tlc publishes it."


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
