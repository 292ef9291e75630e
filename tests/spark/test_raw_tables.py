"""Spark finds raw data as DuckDB has it: all of it, what changed, and after its catalog was lost."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from ingestion.catalog import FEEDS
from tests.spark.conftest import SparkWarehouse
from warehouse.lakehouse.location import LAKEHOUSE_VARIABLE
from warehouse.lakehouse.raw_partitions import RawTable, RawTablesError
from warehouse.ledger import Fingerprint, Ledger, Watermark
from warehouse.paths import PROJECT_ROOT
from warehouse.periods import Period
from warehouse.spark.ledger import SparkLedger
from warehouse.spark.raw_tables import Spark, bring_raw_tables, raw_table

# A value of each type in the i-th row, the third without any.
_VALUES = {
    "bigint": "i * 4000000000 - 3",
    "blob": "encode('é' || i)",
    "boolean": "i = 1",
    "date": "date '2024-02-29' + cast(i as integer)",
    "double": "case when i = 1 then 'nan'::double else 0.1 + i end",
    "integer": "i - 2",
    "timestamp": "timestamp '2025-03-09 02:30:00.123456' + to_hours(i)",
    "varchar": "'it''s \\ ü\n' || i",
}
_ROWS = 3
_KEYS = {"source_month": ["2025-01"], "source_date": ["2025-01-03"], "source_hour": ["2025-03-09T02"]}


def _sources() -> list[RawTable]:
    """The sources of dbt that Spark reads, as the macro says of them."""
    tables = []
    for file in sorted((PROJECT_ROOT / "dbt/models").rglob("_*sources.yml")):
        for source in yaml.safe_load(file.read_text())["sources"]:
            for table in source["tables"]:
                feeds = table.get("config", {}).get("meta", {}).get("feeds", [])
                tables.append(
                    raw_table(
                        {
                            "schema": source.get("schema", source["name"]),
                            "name": table["name"],
                            "columns": [(column["name"], column["data_type"]) for column in table["columns"]],
                            "feeds": feeds,
                            "period_column": FEEDS[feeds[0]].grain.column if feeds else "",
                            "mends": "Load it again.",
                        }
                    )
                )
    return [table for table in tables if table.full_name != "meta.asset_watermarks"]


SOURCES = _sources()
MONTHS = next(table for table in SOURCES if table.name == "yellow_taxi")
HOURS = next(table for table in SOURCES if table.name == "pipeline_events")
WHOLE = next(table for table in SOURCES if table.name == "stream_rejects")


class Engines:
    """A DuckDB file with a little raw data, and Spark."""

    def __init__(self, database: Path, spark: Spark) -> None:
        self._database = database
        self.spark = spark
        with duckdb.connect(str(database)) as connection:
            ledger = Ledger(connection)
            for table in SOURCES:
                columns = ", ".join(f"{name} {type_}" for name, type_ in table.columns)
                connection.execute(f"create table if not exists {table.full_name} ({columns})")
                if not table.feeds:
                    _insert(connection, table, {})
                for feed in table.feeds:
                    for key in _KEYS[table.period_column]:
                        _load(ledger, connection, table, feed, key, "first")

    def load(self, table: RawTable, feed: str, key: str, version: str, rows: int = _ROWS) -> None:
        """Replace a partition, as a load does."""
        with duckdb.connect(str(self._database)) as connection:
            _load(Ledger(connection), connection, table, feed, key, version, rows)

    def unload(self, table: RawTable, feed: str, key: str) -> None:
        """Take a partition out of raw data and the ledger."""
        self.load(table, feed, key, "gone", rows=0)
        self.execute(f"delete from meta.asset_watermarks where asset = '{feed}' and partition_key = '{key}'")

    def execute(self, sql: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(self._database)) as connection:
            return connection.execute(sql).fetchall()

    def bring(self, *tables: RawTable) -> str:
        """What dbt does before the first model."""
        ledger = SparkLedger(self._database.parent / "ledger")
        try:
            return bring_raw_tables(ledger, self.spark, tables)
        finally:
            ledger.close()

    def of_duckdb(self, table: RawTable) -> list[str]:
        """All rows, as text."""
        return _texts(self.execute(f"select {_names(table)} from {table.full_name}"))

    def of_spark(self, table: RawTable) -> list[str]:
        return _texts(self.spark.query(f"select {_names(table)} from {table.full_name}"))


def _load(
    ledger: Ledger,
    connection: duckdb.DuckDBPyConnection,
    table: RawTable,
    feed: str,
    key: str,
    version: str,
    rows: int = _ROWS,
) -> None:
    start = f"timestamp '{Period.of_any_grain(key).start}'"
    connection.execute(f"delete from {table.full_name} where feed = '{feed}' and {table.period_column} = {start}")
    fixed = {"feed": f"'{feed}'", table.period_column: start, "_dlt_load_id": f"'{version}'"}
    _insert(connection, table, fixed, rows)
    ledger.set_watermark(feed, key, Watermark(version, rows, None, None, Fingerprint("by hand")))


def _insert(connection: duckdb.DuckDBPyConnection, table: RawTable, fixed: dict[str, str], rows: int = _ROWS) -> None:
    """Insert rows of which the last has no values but those that are fixed or required."""
    values = {name: fixed.get(name, f"case when i < 2 then {_VALUES[type_]} end") for name, type_ in table.columns}
    for name, _, is_nullable, *_ in connection.execute(f"describe {table.full_name}").fetchall():
        if is_nullable == "NO":
            values[name] = _VALUES[dict(table.columns)[name]]
    selected = ", ".join(f"{value} as {name}" for name, value in values.items())
    connection.execute(f"insert into {table.full_name} by name select {selected} from range({rows}) as t(i)")


def _names(table: RawTable) -> str:
    return ", ".join(name for name, _ in table.columns)


def _texts(rows: list[tuple[Any, ...]]) -> list[str]:
    return sorted(repr([bytes(each) if isinstance(each, bytearray) else each for each in row]) for row in rows)


@pytest.fixture(scope="module")
def engines(spark: SparkWarehouse) -> Engines:
    def execute(sql: str) -> None:
        spark.rows(sql)

    return Engines(spark.database, Spark(execute, spark.rows))


@pytest.fixture
def lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A lakehouse of the test's own, in a folder of a name that must be quoted."""
    folder = tmp_path / "la'ke 50%"
    monkeypatch.setenv(LAKEHOUSE_VARIABLE, str(folder))
    return folder


def test_every_source_has_the_rows_that_duckdb_has(engines: Engines, lake: Path) -> None:
    assert f"copied to {lake}" in engines.bring(*SOURCES)
    for table in SOURCES:
        rows = engines.of_spark(table)
        assert rows == engines.of_duckdb(table), table.full_name
        assert len(rows) == max(1, len(table.feeds)) * _ROWS
    assert engines.bring(*SOURCES) == ""


def test_what_changed_is_found_in_the_same_session(engines: Engines, lake: Path) -> None:
    tables = (MONTHS, HOURS, WHOLE)
    engines.bring(*tables)
    before = [engines.of_spark(table) for table in tables]
    engines.load(MONTHS, "yellow", "2025-01", "second", rows=50)
    engines.load(HOURS, HOURS.feeds[0], "2025-03-09T02", "second", rows=2)
    engines.load(HOURS, HOURS.feeds[0], "2025-03-09T04", "first")
    engines.execute("update raw_data.stream_rejects set reason = 'another'")
    assert engines.bring(*tables).startswith("4 files")
    after = [engines.of_spark(table) for table in tables]
    assert after == [engines.of_duckdb(table) for table in tables]
    assert all(old != new for old, new in zip(before, after, strict=True))


@pytest.mark.parametrize("others", [0, 6], ids=["the table is made anew", "the partition is dropped"])
def test_what_is_gone_is_not_found(engines: Engines, lake: Path, others: int) -> None:
    feed = HOURS.feeds[0]
    keys = [f"2025-04-01T{hour:02}" for hour in range(others + 1)]
    for key in keys:
        engines.load(HOURS, feed, key, "first")
    engines.bring(HOURS)
    engines.unload(HOURS, feed, keys[0])
    assert engines.bring(HOURS) == ""
    assert engines.of_spark(HOURS) == engines.of_duckdb(HOURS)
    for key in keys[1:]:
        engines.unload(HOURS, feed, key)


def test_a_lost_catalog_is_made_again_from_what_the_lakehouse_has(engines: Engines, lake: Path) -> None:
    tables = (MONTHS, HOURS, WHOLE)
    engines.bring(*tables)
    engines.spark.execute("drop schema raw_data cascade")
    assert engines.bring(*tables) == ""
    assert [engines.of_spark(table) for table in tables] == [engines.of_duckdb(table) for table in tables]


def test_a_partition_that_the_catalog_lost_is_added_again(engines: Engines, lake: Path) -> None:
    engines.bring(HOURS)
    engines.spark.execute(f"alter table raw_data.{HOURS.name} drop partition (source_hour = '2025-03-09 02:00:00')")
    assert engines.of_spark(HOURS) != engines.of_duckdb(HOURS)
    engines.bring(HOURS)
    assert engines.of_spark(HOURS) == engines.of_duckdb(HOURS)


def test_a_new_column_and_another_lakehouse_have_tables_made_anew(
    engines: Engines, lake: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engines.bring(MONTHS)
    engines.execute("alter table raw_data.yellow_taxi add column if not exists tip_of_day double")
    wider = replace(MONTHS, columns=(*MONTHS.columns, ("tip_of_day", "double")))
    engines.bring(wider)
    assert engines.of_spark(wider) == engines.of_duckdb(wider)
    monkeypatch.setenv(LAKEHOUSE_VARIABLE, str(lake.with_name("elsewhere")))
    engines.bring(MONTHS)
    ((file,),) = engines.spark.query(
        "select distinct split(input_file_name(), '/raw_data/')[0] from raw_data.yellow_taxi"
    )
    assert file.endswith("/elsewhere")


def test_a_table_without_partitions_is_empty_and_one_that_is_no_source_is_gone(engines: Engines, lake: Path) -> None:
    engines.bring(MONTHS)
    engines.bring(replace(HOURS, feeds=("never_loaded",)))
    assert engines.of_spark(HOURS) == []
    assert [name for _, name, _ in engines.spark.query("show tables in raw_data")] == [HOURS.name]


def test_an_error_leaves_tables_that_can_be_read(engines: Engines, lake: Path) -> None:
    engines.bring(MONTHS, HOURS)
    engines.of_spark(MONTHS)
    engines.load(MONTHS, "yellow", "2025-01", "third", rows=70)
    engines.load(HOURS, HOURS.feeds[0], "2025-03-09T02", "third")
    engines.execute(f"update meta.asset_watermarks set rows = 9 where version = 'third' and asset = '{HOURS.feeds[0]}'")
    with pytest.raises(RawTablesError, match=f"expected 9 rows of {HOURS.feeds[0]}/2025-03-09T02 in raw_data"):
        engines.bring(MONTHS, HOURS)
    assert engines.of_spark(MONTHS) == engines.of_duckdb(MONTHS)
    engines.load(HOURS, HOURS.feeds[0], "2025-03-09T02", "fourth")
    engines.bring(MONTHS, HOURS)
    assert engines.of_spark(HOURS) == engines.of_duckdb(HOURS)
