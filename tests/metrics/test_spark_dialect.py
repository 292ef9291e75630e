"""The SQL of metrics for Spark, without Spark: what it names and what no person can put into it."""

import re
import sys
from pathlib import Path

import pytest
import sqlglot
from hypothesis import given
from hypothesis import strategies as st
from sqlglot import exp

from metrics.ask import main
from metrics.conditions import ConditionError
from metrics.definitions import define_metric
from metrics.dimensions import dimensions_of
from metrics.query import MetricQuery, list_metrics, metric_sql
from metrics.spark_conditions import as_spark_filter, spark_literal
from metrics.spark_rendering import with_doubles
from tests.metrics.conftest import MetricWarehouse
from tests.metrics.more_kinds import NAMES, with_more_kinds
from warehouse.spark.tables import SparkTables

SPARK = SparkTables()


def _assert_is_for_spark(sql: str) -> None:
    tree = sqlglot.parse_one(sql, read="spark")
    declared = {cte.alias for cte in tree.find_all(exp.CTE)}
    tables = [table for table in tree.find_all(exp.Table) if table.name not in declared]
    assert tables
    for table in tables:
        assert table.db.startswith("core_")
        assert not table.catalog
    assert '"' not in sql


def test_the_sql_of_every_metric_is_for_spark(metric_warehouse: MetricWarehouse) -> None:
    for number, metric in enumerate(list_metrics(SPARK)):
        groups = [group for dimension in dimensions_of((metric.name,), SPARK) for group in dimension.groups]
        group_by = (groups[number % len(groups)], groups[number * 7 % len(groups)])
        _assert_is_for_spark(metric_sql(MetricQuery((metric.name,), tuple(dict.fromkeys(group_by))), SPARK))


@pytest.mark.parametrize("name", NAMES)
def test_so_is_that_of_every_kind_of_metric(
    metric_warehouse: MetricWarehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    with_more_kinds(metric_warehouse.target / "semantic_manifest.json", tmp_path / "semantic_manifest.json")
    monkeypatch.setenv("DBT_TARGET_PATH", str(tmp_path))
    _assert_is_for_spark(metric_sql(MetricQuery((name,), ("metric_time__day",)), SPARK))


def test_figures_and_times_have_the_types_that_duckdb_gives_them(metric_warehouse: MetricWarehouse) -> None:
    """Spark would divide and average decimals to a few digits, and give times a zone."""
    sql = metric_sql(MetricQuery(("citibike_mode_share_pct", "avg_fare"), ("metric_time__month",)), SPARK)
    assert "100.0D * citibike_trips" in sql
    assert re.search(r"AVG\(CAST\(\w*avg_fare AS DOUBLE\)\)", sql)
    assert "CAST(DATE_TRUNC('month', pickup_date) AS TIMESTAMP_NTZ)" in sql


def test_missing_values_come_last_and_ties_in_the_order_of_their_groups(metric_warehouse: MetricWarehouse) -> None:
    query = MetricQuery(("total_trips",), ("trip__trip_type", "trip__rider_type"), order_by=("-total_trips",), limit=3)
    order = "ORDER BY total_trips DESC NULLS LAST, trip__trip_type NULLS LAST, trip__rider_type NULLS LAST\nLIMIT 3"
    assert metric_sql(query, SPARK).endswith(order)
    assert metric_sql(query).endswith("ORDER BY total_trips DESC, trip__trip_type, trip__rider_type\nLIMIT 3")


def test_numbers_in_texts_and_names_stay_as_they_are() -> None:
    assert with_doubles(r"a1.5 + 1.5 * 2 - '1.5 it''s 2.5 \' 3.5' + `4.5` + 1.5D + 1.5e3 + 7.") == (
        r"a1.5 + 1.5D * 2 - '1.5 it''s 2.5 \' 3.5' + `4.5` + 1.5D + 1.5e3 + 7.D"
    )


_IN_A_TEXT = re.compile(r"\\u([0-9a-f]{4})|\\U([0-9a-f]{8})|\\([\\'])|([^\\'${\n])", re.DOTALL)


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_text_is_one_literal_to_spark_and_no_template_to_metricflow(text: str) -> None:
    written = spark_literal(text)
    assert written
    assert written[0] + written[-1] == "''"
    parts = list(_IN_A_TEXT.finditer(written, 1, len(written) - 1))
    assert "".join(part[0] for part in parts) == written[1:-1], "nothing ends the text, or begins a variable in it"
    assert "".join(chr(int(p[1] or p[2], 16)) if p[1] or p[2] else p[3] or p[4] for p in parts) == text


@pytest.mark.parametrize(
    ("condition", "written"),
    [
        (r"a__b in ('x\', ' or 1=1 -- ')", r"(({} IN ('x\\', ' or 1=1 -- ')))"),
        ("a__b = '${env:HOME}'", r"(({} = '\u0024\u007benv:HOME}'))"),
        ("a__b = '{' || '{ 7 * 7 }}'", r"(({} = '\u007b\u007b 7 * 7 }}'))"),
        (r"a__b = E'\x7b{ 7 }}'", r"(({} = '\u007b\u007b 7 }}'))"),
        (r"a__b like '100\%'", r"(({} LIKE '100\\\\%'))"),
        ("a__b = 'it''s'", r"(({} = 'it\'s'))"),
        ("a__b > 0.1 + 0.2", "(({} > 0.3D))"),
        ("a__b >= timestamp '2025-01-31' + interval 1 month", "(({} >= TIMESTAMP_NTZ '2025-02-28 00:00:00'))"),
        ("a__b::date = '2025-01-01'::date", "(((CAST({} AS DATE)) = DATE '2025-01-01'))"),
    ],
)
def test_a_condition_is_written_anew(condition: str, written: str) -> None:
    assert as_spark_filter(condition).replace("{{ Dimension('a__b') }}", "{}") == written


@pytest.mark.parametrize(
    "condition",
    [
        "a__b = 'x'; drop table core_core.fct_trips",
        "a__b = 'x') union select (1",
        "a__b in (select 1)",
        "java_method('java.lang.System', 'exit', 0) = 1",
        "reflect('java.lang.Runtime', a__b) = 1",
        "repeat('x', 1000000000) = a__b",
        "a__b = current_date",
        "a__b = now()",
        "random() > a__b",
        "a__b ~ 'x'",
        "a__b similar to 'x'",
        "a__b like 'x!_' escape '!'",
        "a__b like a__c",
        "a__b::int = 1",
        "a__b::varchar = '1.5'",
        "a__b / 2 > 1",
        "a__b + interval 1 day > '2025-01-01'",
        "a__b = 1e400",
        "a__b < 99999999999999999999",
        "a__b = '2025-01-01 10:00:00+02'",
        "a__day = '2025-01'",
        "main.lower(a__b) = 'x'",
        "[a__b] = [1]",
        "a__b = interval 1 day",
    ],
)
def test_what_spark_would_take_otherwise_is_refused(condition: str) -> None:
    with pytest.raises(ConditionError, match="expected one condition on dimensions"):
        as_spark_filter(condition)


def test_the_definition_of_a_metric_has_the_sql_of_the_engine(metric_warehouse: MetricWarehouse) -> None:
    assert "`core_core`.`fct_trips`" in define_metric("avg_fare", SPARK).sql


def test_the_terminal_says_what_is_missing(
    metric_warehouse: MetricWarehouse,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    ask = ["query", "total_trips", "--engine", "spark"]
    assert main([*ask, "--live"]) == 2
    assert "--live: not with --engine spark" in capsys.readouterr().err
    assert main([*ask, "--where", "trip__trip_type ~ 'x'"]) == 2
    assert "regexp_matches is not known to mean the same on Spark" in capsys.readouterr().err
    for module in ("pyspark", "pyspark.errors", "warehouse.spark.errors"):
        monkeypatch.setitem(sys.modules, module, None)
    assert main(ask) == 3
    assert "make spark-setup" in capsys.readouterr().err
    monkeypatch.setenv("DBT_TARGET_PATH", str(tmp_path / "nothing"))
    assert main(ask) == 3
    assert "dbt parse" in capsys.readouterr().err
