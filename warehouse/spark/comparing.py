"""Compare what both engines have built, table by table, by figures that both compute alike.

Rows are counted. All columns but doubles go into one hash a row (md5 of their texts), and the hashes are added up, so
that their order does not matter. A double is added up, once as it is and once weighted by the hash of its row, so that
values that changed places are noticed; sums may differ by 1e-9 of the sum of absolute values, because engines add in
other orders.

`python -m warehouse.spark.comparing [SCHEMA.TABLE …]` prints a line a table. It ends with 1 if one differs.
"""

import math
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

import duckdb

from warehouse.connection import NotThereYetError, WarehouseError, open_for_reading
from warehouse.exit_codes import ExitCode
from warehouse.paths import database_path
from warehouse.spark.session import spark_session
from warehouse.sql import identifier
from warehouse.terminal import quiet_on_broken_pipe

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

# Of the sum of absolute values.
TOLERANCE = 1e-9

_FLOATS = ("DOUBLE", "FLOAT")
_MISSING = "'<missing>'"
# So many hexadecimal digits of the hash make an exact whole number.
_DIGITS = 12
_WEIGHTS = 97
_COUNTS = ("values", "numbers")
_SUMS = ("sum", "weighted sum", "absolute sum")


@dataclass(frozen=True)
class Comparison:
    """A table on both engines. `differences` say in words what is not equal; empty where all is."""

    table: str
    rows: int
    differences: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.table}: {self.rows:,} rows, {'; '.join(self.differences) or 'equal'}"


@dataclass(frozen=True)
class _Dialect:
    """How an engine spells what is computed."""

    quote: Callable[[str], str]
    text: str
    microseconds: str
    number_of_hash: str
    is_finite: str


_DUCKDB = _Dialect(
    quote=identifier,
    text="cast({0} as varchar)",
    microseconds="cast(epoch_us({0}) as varchar)",
    number_of_hash=f"cast('0x' || substring({{0}}, 1, {_DIGITS}) as bigint)",
    is_finite="isfinite({0})",
)
_SPARK = _Dialect(
    quote=lambda name: "`" + name.replace("`", "``") + "`",
    text="cast({0} as string)",
    microseconds="cast(unix_micros(cast({0} as timestamp_ltz)) as string)",
    number_of_hash=f"cast(conv(substring({{0}}, 1, {_DIGITS}), 16, 10) as bigint)",
    is_finite="(not isnan({0}) and abs({0}) < double('infinity'))",
)


def compare(
    connection: duckdb.DuckDBPyConnection, spark: "SparkSession", tables: Sequence[str] = ()
) -> Iterator[Comparison]:
    """Compare tables, each named with its schema; by default all that dbt has built in the DuckDB file.

    `connection` is open on the working file. A table that Spark does not have differs.
    """
    for schema, table in _tables(connection):
        if not tables or f"{schema}.{table}" in tables:
            yield _compare(connection, spark, schema, table)


def _tables(connection: duckdb.DuckDBPyConnection) -> list[tuple[str, str]]:
    return connection.execute(
        "select schema_name, table_name from duckdb_tables()"
        " where database_name = current_database() and starts_with(schema_name, 'core_') order by all"
    ).fetchall()


def _compare(connection: duckdb.DuckDBPyConnection, spark: "SparkSession", schema: str, table: str) -> Comparison:
    name = f"{schema}.{table}"
    types = dict(
        connection.execute(
            "select column_name, data_type from duckdb_columns()"
            " where database_name = current_database() and schema_name = ? and table_name = ? order by all",
            [schema, table],
        ).fetchall()
    )
    in_duckdb = _figures(types, connection.execute(_sql(_DUCKDB, types, schema, table)).fetchall()[0])
    rows = int(in_duckdb["rows"])
    if not spark.catalog.tableExists(name):
        return Comparison(name, rows, ("not in Spark's catalog",))
    if different := set(types) ^ set(spark.table(name).columns):
        return Comparison(name, rows, (f"only one of both has the columns {', '.join(sorted(different))}",))
    in_spark = _figures(types, tuple(spark.sql(_sql(_SPARK, types, schema, table)).collect()[0]))
    return Comparison(name, rows, tuple(_differences(in_duckdb, in_spark)))


def _sql(dialect: _Dialect, types: Mapping[str, str], schema: str, table: str) -> str:
    hashed = ", ".join(
        f"coalesce({_text(dialect, dialect.quote(name), type_)}, {_MISSING})"
        for name, type_ in types.items()
        if type_ not in _FLOATS
    )
    figures = ["count(*)", "coalesce(sum(cast(row_hash as decimal(38, 0))), 0)"]
    for name in (name for name, type_ in types.items() if type_ in _FLOATS):
        column = dialect.quote(name)
        number = f"case when {dialect.is_finite.format(column)} then {column} end"
        figures += [
            f"count({column})",
            f"count({number})",
            f"coalesce(sum({number}), 0)",
            f"coalesce(sum({number} * (row_hash % {_WEIGHTS} + 1)), 0)",
            f"coalesce(sum(abs({number})), 0)",
        ]
    row_hash = dialect.number_of_hash.format(f"md5(concat_ws('|', {hashed or _MISSING}))")
    relation = ".".join(dialect.quote(part) for part in (schema, table))
    return f"select {', '.join(figures)} from (select *, {row_hash} as row_hash from {relation}) as hashed"


def _text(dialect: _Dialect, column: str, type_: str) -> str:
    return (dialect.microseconds if type_ == "TIMESTAMP" else dialect.text).format(column)


def _figures(types: Mapping[str, str], row: Sequence[Any]) -> dict[str, Any]:
    values = iter(row)
    figures: dict[str, Any] = {"rows": int(next(values)), "hash": int(next(values))}
    for name in (name for name, type_ in types.items() if type_ in _FLOATS):
        figures[name] = dict(zip((*_COUNTS, *_SUMS), islice(values, len(_COUNTS + _SUMS)), strict=True))
    return figures


def _differences(first: Mapping[str, Any], second: Mapping[str, Any]) -> Iterator[str]:
    if first["rows"] != second["rows"]:
        yield f"{second['rows']:,} rows on Spark"
    elif first["hash"] != second["hash"]:
        yield "other values in columns that are not doubles"
    for name in first.keys() - {"rows", "hash"}:
        one, other = first[name], second[name]
        if any(one[count] != other[count] for count in _COUNTS):
            yield f"{name} is missing, or no number, in other rows"
            continue
        allowed = TOLERANCE * _WEIGHTS * max(one["absolute sum"], other["absolute sum"])
        for sum_ in _SUMS:
            if not math.isclose(one[sum_], other[sum_], rel_tol=TOLERANCE, abs_tol=allowed):
                yield f"{name} has the {sum_} {one[sum_]!r}, and on Spark {other[sum_]!r}"
                break


@quiet_on_broken_pipe
def main(tables: Sequence[str]) -> int:
    """Compare, print, and return the exit code: 1 where a table differs, 3 where there is nothing to compare."""
    try:
        # First, because a build on Spark takes the folder before it takes the file.
        spark = spark_session()
        with open_for_reading() as connection:
            compared = []
            for found in compare(connection, spark, tables):
                print(found, flush=True)
                compared.append(found)
    except WarehouseError as error:
        print(error, file=sys.stderr)
        return ExitCode.NOT_THERE_YET if isinstance(error, NotThereYetError) else ExitCode.FAILED
    if not compared:
        print(f"expected tables that dbt has built in {database_path()}, but there are none.", file=sys.stderr)
        return ExitCode.NOT_THERE_YET
    return ExitCode.FAILED if any(found.differences for found in compared) else ExitCode.DONE


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
