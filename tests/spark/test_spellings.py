"""Macros of dbt/macros/engine/ say the same of odd texts, numbers and times on both engines."""

import json
import math
from typing import Any

import duckdb
import pytest
from dbt.cli.main import dbtRunner

from tests.dbt.both_engines import SPARK_FUNCTIONS
from tests.spark.conftest import SparkWarehouse
from warehouse.paths import PROJECT_ROOT
from warehouse.spark.session import spark_session

TEXTS = [
    *("2026-03-06", "2026-03-06T10:00", "2026-03-06 10:00:00,5", "2026-03-06T10:00Z", "2026-03-06t10:00+01:00"),
    *("2026-03-06T10:00-0530", "20260306T100000", "20260306T100000.25+01", "2026-03-06T10:00:00.9999999Z"),
    *("2026-03-06T24:00Z", "2026-03-06T24:00:00.000+01:00", "2026-03-06T24:01Z", "2026-02-30", "2026-02-30T24:00Z"),
    *("2026-03-06T10:60", "2026-03-06T10:00:60Z", "2026-03-06T10:00+14:30", "2026-03-06T10:00+15", "infinity"),
    *("0999-01-01", "9999-12-31T23:59:59-05:00", "1000-01-01T00:00+05:00", "1582-10-10", "1500-02-29"),
    *("1200", "1200.0", "1,200", "-1", "1200.", "999999999999999999", "9999999999999999999"),
    *("TRUE", "\u3000false ", "", " ", " 7\u2003", "\t7", "\u200bx", "a\\b", "\\N", "it's"),
]
NUMBERS = ["1.005", "2.675", "0.00625", "-0.5", "2.5", "-1.005", "33.335", "0.285", "-0.0", "infinity", "nan"]
TIMES = [
    *("2025-03-09 06:59:59.999999", "2025-03-09 07:00:00", "2024-11-03 05:30:00", "2024-11-03 06:30:00"),
    *("1969-12-31 23:59:59.5", "1900-01-01 00:00:00.000001", "2300-07-01 12:00:00", "2024-12-31 12:34:56.789"),
]
FIRST = "cast('2024-02-29 23:30:00' as timestamp)"

OF_TEXTS = {
    "time": "utc_of_iso_text('x')",
    "number": "whole_number_of_text('x')",
    "trimmed": "text_or_missing('x')",
    "truth": "boolean_of_text('x')",
    "first": """dbt.split_part('x', "'.'", 1)""",
    "last": """dbt.split_part('x', "'-'", -1)""",
}
OF_NUMBERS = {
    **{f"to_{digits}": f"round_to('x', {digits})" for digits in (0, 1, 2, 4, 9)},
    "mean": "rounded('x', 2)",
    "finite": "is_finite('x')",
}
OF_TIMES = {
    "new_york": "utc_to_new_york('x')",
    "minutes": f'minutes_between("{FIRST}", "x")',
    "seconds": f'seconds_between("{FIRST}", "x")',
    "before": "add_minutes('x', '-0.1234567891')",
    "weekday": "iso_day_of_week('cast(x as date)')",
    "week": "date_part_integer('week', 'x')",
    "iso_year": "iso_year('x')",
    "month": "month_name('x')",
    "day": "day_name('x')",
    "key": "period_key('x', 'hour')",
    **{f"{part}_start": f"dbt.date_trunc('{part}', 'x')" for part in ("hour", "day", "month", "year")},
    **{f"{part}s": f'dbt.datediff("{FIRST}", "x", "{part}")' for part in ("hour", "day", "month", "year")},
    **{f"{part}s_before": f"dbt.dateadd('{part}', -13, 'x')" for part in ("hour", "day", "month", "year")},
}


def query_of(values: list[str], data_type: str, macros: dict[str, str]) -> str:
    """A query of what the macros make of each value, with Jinja."""
    given = " union all ".join(
        f"select cast({{{{ engine_literal({json.dumps(value)}) }}}} as {data_type}) as x" for value in values
    )
    columns = ", ".join(f"{{{{ {macro} }}}} as {name}" for name, macro in macros.items())
    return f"select x, {columns} from ({given}) as given"


def rendered(query: str, target: str, folder: str) -> str:
    project = str(PROJECT_ROOT / "dbt")
    paths = ["--target-path", folder, "--project-dir", project, "--profiles-dir", project]
    compiled: Any = dbtRunner().invoke(
        ["compile", "--inline", query, "--target", target, "--quiet", "--no-populate-cache", *paths]
    )
    assert compiled.success, compiled.exception
    return str(compiled.result.results[0].node.compiled_code)


def readable(value: object) -> object:
    """A value that equals what the other engine gives, whose last digit may differ."""
    if isinstance(value, float):
        return "nan" if math.isnan(value) else float(f"{value:.12g}")
    return value


@pytest.mark.parametrize(
    ("values", "data_type", "macros"),
    [
        (TEXTS, "{{ dbt.type_string() }}", OF_TEXTS),
        (NUMBERS, "double", OF_NUMBERS),
        (TIMES, "timestamp", OF_TIMES),
    ],
    ids=["texts", "numbers", "times"],
)
def test_both_engines_make_the_same_of_it(
    spark: SparkWarehouse, values: list[str], data_type: str, macros: dict[str, str]
) -> None:
    query = query_of(values, data_type, macros)
    on_duckdb = duckdb.execute(rendered(query, "lint", str(spark.folder / "lint"))).fetchall()
    on_spark = spark.rows(rendered(query, "spark", str(spark.folder / "target")))
    for expected, found in zip(on_duckdb, on_spark, strict=True):
        assert dict(zip(macros, map(readable, found[1:]), strict=True)) == dict(
            zip(macros, map(readable, expected[1:]), strict=True)
        ), expected[0]


def test_the_list_of_sparks_functions_is_that_of_this_spark(spark: SparkWarehouse) -> None:
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
