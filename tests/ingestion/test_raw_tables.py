"""Raw tables that are made without a load of dlt."""

import json
from pathlib import Path

import dlt
import duckdb
import pytest

from ingestion.catalog import FEEDS, raw_tables
from ingestion.dlt_runs import DltRuns
from ingestion.raw_data import RAW_SCHEMA
from ingestion.raw_loader import RawLoader
from ingestion.raw_selects import partition_columns
from warehouse.sql import identifier

DEFINITIONS = "select table_name, sql from duckdb_tables() where schema_name = 'raw_data' order by all"


@pytest.fixture
def connection(database: Path) -> duckdb.DuckDBPyConnection:
    return duckdb.connect(str(database))


def test_they_are_as_dlt_makes_them(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    """One load of dlt itself, of rows that are none, into another file."""
    RawLoader(connection, tmp_path).create_missing_tables([])
    made = connection.execute(DEFINITIONS).fetchall()
    with duckdb.connect(str(tmp_path / "by_dlt.duckdb")) as other:
        runs = DltRuns(other, tmp_path)
        models = []
        for name, columns in raw_tables().items():
            nulls = ", ".join(f"cast(null as {column.type}) as {identifier(column.name)}" for column in columns)
            models.append(runs.model(name, columns, f"(select {nulls} where false) as nothing"))
        dlt.config["normalize.model_normalizer.add_dlt_load_id"] = True
        pipeline = dlt.pipeline(
            "ingestion",
            pipelines_dir=str(tmp_path / "dlt"),
            destination=dlt.destinations.duckdb(other),
            dataset_name=RAW_SCHEMA,
        )
        pipeline.run(models).raise_on_failed_jobs()
        assert other.execute(DEFINITIONS).fetchall() == made


def test_a_table_that_came_into_the_catalog_later_joins_those_that_dlt_knows(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    feed, later = FEEDS["yellow"], FEEDS["weather"]
    runs = DltRuns(connection, tmp_path)
    for one in (feed, later):
        runs.create_tables({one.raw_table: (*one.raw_columns, *partition_columns(one))})
    tables = {name for name, _ in connection.execute(DEFINITIONS).fetchall()}
    assert {feed.raw_table, later.raw_table} <= tables
    ((schema,),) = connection.execute(
        "select schema from raw_data._dlt_version order by inserted_at desc limit 1"
    ).fetchall()
    assert {feed.raw_table, later.raw_table} <= set(dlt.Schema.from_stored_schema(json.loads(schema)).tables)
