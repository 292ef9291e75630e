"""What is spelled for each engine gives the same: macros of dbt/macros/engine rendered for both, on the same rows."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from dbt.artifacts.schemas.run import RunExecutionResult
from dbt.contracts.graph.nodes import SqlNode

from tests.dbt.small_warehouse import Warehouse, parsed_project
from tests.spark.conftest import SparkWarehouse
from warehouse.spark.session import spark_session

_NUMBERS = [
    *(None, 0.0, -0.0, 0.1, 1.005, 100.0, 123456.78, 1e-5, 1.25e-6, 9.9e-7, 1e-7, 0.00012345678901234567),
    *(1e7, 99999999.5, 123456789012345.67, 1234567890123456.7, 1.5e20, 1e21, -1.7e300, float("nan"), float("inf")),
]
_TEXTS = [
    "a",
    "z",
    "a\n",
    "\na",
    "Z",
    "",
    " a",
    "a\\b",
    'a"b',
    "a/b",
    "a\tb",
    "\x01",
    "é",
    "\u2028",
    "O'Hara",
    "{a: 1}",
]

_QUERIES = {
    "json_of_objects": """
        select
            {{ json_of_objects([('name', 'name', 'varchar'), ('value', 'value', 'double'), ('n', 'number', 'bigint')],
                ['number']) }} as said
        from given
    """,
    "json_of_pairs": "select {{ json_of_pairs('name', 'number') }} as said from given where name is not null",
    "first_by and last_by": """
        select
            {{ first_by('value', 'number') }} as first_value,
            {{ last_by('value', '-number') }} as the_same,
            {{ last_by('name', struct_of([('a', 'number % 3'), ('b', 'number')])) }} as last_name
        from given
    """,
    "fold_list": """
        select {{ field_of(
            fold_list(
                list_in_order(struct_of([('text', 'name'), ('total', 'number')]), ['number']),
                struct_of([('text', "element.text || before.text"), ('total', '2 * before.total + element.total')])
            ),
            'text'
        ) }} as said
        from given
        where name is not null
    """,
    "matches": "select number, {{ matches('name', '^[a-z]+$') }} as is_a_word from given order by number",
    "with_value": "select {{ with_value('whole', 'number * 2', 'whole + whole') }} as said from given order by number",
    "running_text": """
        select number, {{ running_text('name', 'number', 'number % 2') }} as said from given order by number
    """,
    "round_to": """
        -- Spark rounds -0.0 to 0.0, which is the same number.
        select number, {{ round_to('value', 2) }} + 0 as one, {{ rounded('-value', 4) }} + 0 as twice
        from given
        order by number
    """,
    "percentile and median": """
        select {{ percentile('value', 0.95) }} as high, {{ median('value') }} as middle
        from given
        where value < 1e20
    """,
}


@dataclass
class Engines:
    """A table `given` on both engines, and the queries rendered for each."""

    on_duckdb: duckdb.DuckDBPyConnection
    queries: dict[str, tuple[str, str]]

    def answers(self, name: str) -> tuple[list[Any], list[Any]]:
        """What DuckDB and Spark say, in words: NaN is no other than itself."""
        for_duckdb, for_spark = self.queries[name]
        rows = [tuple(row) for row in spark_session().sql(for_spark).collect()]
        return [repr(row) for row in self.on_duckdb.execute(for_duckdb).fetchall()], [repr(row) for row in rows]


@pytest.fixture(scope="module")
def engines(spark: SparkWarehouse, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engines]:
    scratch: Path = tmp_path_factory.mktemp("spellings")
    warehouse = Warehouse(scratch / "nyc_mobility.duckdb", scratch, parsed_project())
    rows = [
        {"number": number, "name": _TEXTS[number] if number < len(_TEXTS) else None, "value": value}
        for number, value in enumerate(_NUMBERS)
    ]
    given = pa.Table.from_pylist(rows)
    # One query that is all of them, because dbt takes a second for each.
    inline = "\n-- next\n".join(_QUERIES.values())
    rendered = []
    for dbt in (warehouse.dbt, spark.dbt):
        compiled = dbt("compile", "--inline", inline)
        assert compiled.success, (warehouse.said, spark.said)
        assert isinstance(compiled.result, RunExecutionResult)
        (query,) = compiled.result.results
        assert isinstance(query.node, SqlNode)
        assert query.node.compiled_code
        rendered.append(query.node.compiled_code.split("-- next"))
    with duckdb.connect() as connection:
        connection.execute("create table given as select * from given")
        spark_session().createDataFrame(given).createOrReplaceTempView("given")
        yield Engines(connection, dict(zip(_QUERIES, zip(*rendered, strict=True), strict=True)))
        spark_session().catalog.dropTempView("given")


@pytest.mark.parametrize("name", _QUERIES)
def test_both_engines_say_the_same(engines: Engines, name: str) -> None:
    on_duckdb, on_spark = engines.answers(name)
    assert on_spark == on_duckdb
    assert on_duckdb
