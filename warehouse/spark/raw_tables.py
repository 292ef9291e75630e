"""The raw tables in Spark's catalog: external tables on the lakehouse's copy of them.

Everything is asked for in SQL, so that it works with a server, too, where that can read `LAKEHOUSE_URL`. A table that
is as it was costs one statement, which lists its partitions.
"""

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from warehouse.lakehouse.location import Location
from warehouse.lakehouse.raw_partitions import CopiedTable, RawTable, copy_raw_tables
from warehouse.spark.ledger import SparkLedger
from warehouse.sql import spark_identifier, spark_literal

# Spark's names of types of the lakehouse that have another there.
_TYPES = {
    "BLOB": "binary",
    "INTEGER": "int",
    "TIMESTAMP": "timestamp_ntz",
    "TIMESTAMP WITH TIME ZONE": "timestamp",
    "VARCHAR": "string",
}
# A hash of the statement that made a table. Not changed later: Hive refuses that where hours are partitions.
_MADE_BY = "nyc.made_by"
_MADE_BY_OF = re.compile(re.escape(_MADE_BY) + "=([0-9a-f]+)")
_PARTITIONS_A_STATEMENT = 200
# Dropping one takes about as long as adding so many.
_ADDED_WHILE_ONE_IS_DROPPED = 5


@dataclass(frozen=True)
class Spark:
    """How Spark is asked: for a statement's effect, or for the rows that it gives."""

    execute: Callable[[str], None]
    query: Callable[[str], list[tuple[Any, ...]]]


def raw_table(source: Mapping[str, Any]) -> RawTable:
    """The table that a source of dbt is: what `raw_tables.sql` says of it."""
    return RawTable(
        schema=source["schema"],
        name=source["name"],
        columns=tuple((name, type_) for name, type_ in source["columns"]),
        feeds=tuple(source["feeds"]),
        period_column=source["period_column"],
        mends=source["mends"],
    )


def bring_raw_tables(ledger: SparkLedger, spark: Spark, tables: Sequence[RawTable]) -> str:
    """Have Spark find these tables as the DuckDB file has them, and no others that were brought before.

    Returns what was written, for people; empty if nothing.

    Raises:
        WarehouseError: raw data is not what the ledger says, or the lakehouse cannot be written, which running again
            mends.
    """
    made = _made_by(spark, {table.schema for table in tables})
    try:
        with ledger.lock:
            copied = copy_raw_tables(ledger.connection(), tables)
    except BaseException:
        # Some files may be new, and the session may remember the old ones.
        for table in tables:
            if (table.schema, table.name) in made:
                spark.execute(f"refresh table {spark_identifier(table.schema, table.name)}")
        raise
    wanted = {(table.schema, table.name) for table in tables}
    for name in sorted(name for name, statement in made.items() if statement and name not in wanted):
        spark.execute(f"drop table if exists {spark_identifier(*name)}")
    for each in copied:
        _bring(spark, each, made.get((each.table.schema, each.table.name)))
    files, bytes_ = sum(each.files_written for each in copied), sum(each.bytes_written for each in copied)
    return f"{files:,} files of raw data ({bytes_:,} bytes) copied to {Location.of().url}" if files else ""


def _made_by(spark: Spark, schemas: Iterable[str]) -> dict[tuple[str, str], str]:
    """Of each table in the catalog, a hash of the statement that made it; empty where somebody else did."""
    made = {}
    for schema in sorted(schemas):
        spark.execute(f"create schema if not exists {spark_identifier(schema)}")
        tables = spark.query(f"show table extended in {spark_identifier(schema)} like '*'")
        for _, name, is_temporary, description in tables:
            if not is_temporary:
                found = _MADE_BY_OF.search(description)
                made[schema, name] = found[1] if found else ""
    return made


def _bring(spark: Spark, copied: CopiedTable, made_by: str | None) -> None:
    name = spark_identifier(copied.table.schema, copied.table.name)
    definition = _definition(copied)
    is_known = made_by == _hash(definition)
    there = _partitions(spark, name) if is_known and copied.table.feeds else set()
    gone = there - {partition.values for partition in copied.partitions}
    if is_known and len(gone) * _ADDED_WHILE_ONE_IS_DROPPED <= len(there):
        if copied.files_written:
            spark.execute(f"refresh table {name}")
        for some in _batches(sorted(gone)):
            specs = ", ".join(_spec(copied.table, values) for values in some)
            spark.execute(f"alter table {name} drop if exists {specs}")
    else:
        # External, so its files stay.
        spark.execute(f"drop table if exists {name}")
        spark.execute(f"{definition} tblproperties ({spark_literal(_MADE_BY)} = {spark_literal(_hash(definition))})")
        there = set()
    for new in _batches([partition for partition in copied.partitions if partition.values not in there]):
        specs = " ".join(
            f"{_spec(copied.table, each.values)} location {_spark_address(copied.location.joined(each.folder))}"
            for each in new
        )
        spark.execute(f"alter table {name} add if not exists {specs}")


def _definition(copied: CopiedTable) -> str:
    table = copied.table
    columns = ", ".join(f"{spark_identifier(name)} {_type(type_)}" for name, type_ in table.lakehouse_columns)
    partitioned = (
        f" partitioned by ({', '.join(map(spark_identifier, table.partition_columns))})" if table.feeds else ""
    )
    return (
        f"create table {spark_identifier(table.schema, table.name)} ({columns}) using parquet{partitioned}"
        f" location {_spark_address(copied.location)}"
    )


def _type(type_: str) -> str:
    return _TYPES.get(type_, type_.lower())


def _spark_address(location: Location) -> str:
    """A place as Spark takes it. It would look for a folder without a scheme in its own file system."""
    url = location.url
    return spark_literal(f"s3a://{url.removeprefix('s3://')}" if location.is_s3 else f"file://{url}")


def _partitions(spark: Spark, name: str) -> set[tuple[str, ...]]:
    """The values of the partitions that the catalog has of a table."""
    return {
        tuple(unquote(part.partition("=")[2]) for part in folder.split("/"))
        for (folder,) in spark.query(f"show partitions {name}")
    }


def _spec(table: RawTable, values: Sequence[str]) -> str:
    pairs = zip(table.partition_columns, values, strict=True)
    return f"partition ({', '.join(f'{spark_identifier(name)} = {spark_literal(value)}' for name, value in pairs)})"


def _batches(items: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for start in range(0, len(items), _PARTITIONS_A_STATEMENT):
        yield items[start : start + _PARTITIONS_A_STATEMENT]


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
