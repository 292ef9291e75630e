"""Governed metrics are the same on both engines: names, types, the order of rows, and figures."""

import math
import re
from collections.abc import Iterator
from datetime import datetime

import duckdb
import pyarrow as pa
import pytest

from metrics.answers import answer_of_spark
from metrics.conditions import as_filter
from metrics.query import MetricQuery, query_metrics
from metrics.semantic_manifest import BadMetricQueryError
from metrics.spark_conditions import as_spark_filter
from metrics.spark_rendering import with_doubles
from tests.dbt.small_warehouse import Warehouse, parsed_project
from tests.metrics.more_kinds import with_more_kinds
from tests.spark.conftest import SparkWarehouse
from tests.spark.metric_tables import copy_tables, load_every_subject, tables_of_metrics
from warehouse.connection import NotThereYetError
from warehouse.releases import Source
from warehouse.spark.session import spark_session
from warehouse.spark.tables import SparkTables

SPARK = SparkTables()
DUCKDB = Source()


@pytest.fixture(scope="module")
def connection(spark: SparkWarehouse, tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """The working file of every subject, whose tables Spark has, too."""
    scratch = tmp_path_factory.mktemp("metrics_on_both")
    warehouse = Warehouse(spark.database, scratch, parsed_project())
    declared = scratch / "target" / "semantic_manifest.json"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DBT_TARGET_PATH", str(declared.parent))
        load_every_subject(warehouse)
        result = warehouse.dbt("build", "--exclude-resource-type", "test", "--exclude-resource-type", "unit_test")
        assert result.success, warehouse.said
        with_more_kinds(declared, declared)
        copy_tables(warehouse.path, tables_of_metrics(), spark_session(), scratch)
        with DUCKDB.open() as opened:
            yield opened


MODE = "trip__trip_type"
MONTH, DAY = "metric_time__month", "metric_time__day"

QUERIES = {
    "sum": MetricQuery(("total_trips", "total_revenue"), (MODE, MONTH)),
    "average": MetricQuery(("avg_fare",), (DAY, MODE)),
    "ratio": MetricQuery(("revenue_per_mile", "rain_trip_rate"), ("date__season", MODE)),
    "derived": MetricQuery(("citibike_mode_share_pct",), ("metric_time__week",)),
    "derived of a decimal": MetricQuery(("squared_trips_of_days",), ("metric_time__quarter",)),
    "median": MetricQuery(("median_trip_duration_minutes",), ("pickup_location__borough",)),
    "percentile": MetricQuery(("p95_run_duration_seconds",), ("run__pipeline",)),
    "distinct": MetricQuery(("hours_with_trips",), ("metric_time__hour",), limit=30),
    "one figure": MetricQuery(("total_trips", "avg_trip_speed_mph")),
    "flags, some missing": MetricQuery(("total_trips",), ("trip__is_rain", "trip__rider_type", "trip__hour_of_day")),
    "conditions": MetricQuery(
        ("total_trips",),
        (DAY,),
        ("trip__is_rain and trip__trip_type in ('yellow_taxi', 'it\\''s')", "metric_time__day >= date '2025-03-01'"),
    ),
    "one flag alone": MetricQuery(("total_trips", "avg_fare"), (MODE,), ("trip__is_rain",)),
    "a year": MetricQuery(
        ("total_trips",), ("metric_time__year",), ("{{ Dimension('trip__trip_type') }} like '%taxi'",)
    ),
    "ties in a limit": MetricQuery(("total_trips",), (DAY, MODE), order_by=("-total_trips",), limit=7),
    "missing values come last": MetricQuery(("total_trips",), ("trip__rider_type",), order_by=("-trip__rider_type",)),
    "bounds": MetricQuery(("total_trips",), (DAY,), start=datetime(2025, 3, 8), end=datetime(2025, 3, 9)),
    "markets": MetricQuery(("market_vwap", "market_volume"), (DAY, "ticker_session__ticker")),
    "markets, share": MetricQuery(("advancing_pct", "compared_tickers"), ("symbol__sector",)),
    "telemetry by day": MetricQuery(("pipeline_runs", "run_success_rate"), (DAY, "run__pipeline")),
    "nothing": MetricQuery(("total_trips",), (MODE,), ("trip__trip_type = 'none'",)),
    "so far": MetricQuery(("trips_so_far",), (DAY, MODE)),
    "seven days": MetricQuery(("trips_of_seven_days",), (MONTH,)),
    "since the month began": MetricQuery(("trips_since_the_month_began",), (DAY,)),
    "days without trips": MetricQuery(("trips_on_every_day",), (DAY,)),
    "the week before": MetricQuery(("trips_of_the_week_before",), (DAY, MODE)),
    "conversion": MetricQuery(("yellow_trips_after_green_ones",), (DAY,)),
    **{
        name: MetricQuery(saved_query=name)
        for name in ("top_zones", "daily_performance", "trading_by_session", "runs_by_pipeline")
    },
}


def assert_same(duckdb_answer: pa.Table, spark_answer: pa.Table) -> None:
    assert spark_answer.schema.names == duckdb_answer.schema.names
    assert spark_answer.schema.types == duckdb_answer.schema.types
    assert spark_answer.num_rows == duckdb_answer.num_rows
    for expected, got in zip(duckdb_answer.to_pylist(), spark_answer.to_pylist(), strict=True):
        for name, value in expected.items():
            same = (
                math.isclose(value, got[name], rel_tol=1e-9)
                if isinstance(value, float) and got[name] is not None
                else value == got[name]
            )
            assert same, f"{name}: expected {expected}, but got {got}"


@pytest.mark.parametrize("name", QUERIES)
def test_both_engines_give_the_same_answer(connection: duckdb.DuckDBPyConnection, name: str) -> None:
    answer = query_metrics(QUERIES[name], DUCKDB, connection)
    assert (answer.num_rows == 0) == (name == "nothing")
    assert_same(answer, query_metrics(QUERIES[name], SPARK))


@pytest.fixture(scope="module")
def odd_values(
    connection: duckdb.DuckDBPyConnection, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[duckdb.DuckDBPyConnection]:
    """A row for each odd value, as the view `odd` of DuckDB, and as the table `odd.odd` of Spark."""
    file = tmp_path_factory.mktemp("odd") / "odd.parquet"
    with duckdb.connect() as writer:
        writer.execute(
            rf"""
            copy (
                select row_number() over () as row, *
                from (values
                    ('abc', 1::bigint, 1.5::double, true, date '2025-01-01', timestamp '2025-01-01 00:00:00'),
                    ('ABC', 2, -2.5, false, '2025-01-02', '2025-01-02 13:45:01'),
                    ('a\b', 3, 0.3, null, '2025-02-28', '2025-02-28 23:59:59'),
                    ('a''b', null, null, true, null, null),
                    ('a_b', 5, 1e30, false, '2024-02-29', '2024-02-29 00:00:00.5'),
                    ('100%', -7, 100.0, true, '1969-12-31', '1969-12-31 01:02:03'),
                    ('$' || '{{x}}', 0, 0.0, true, '2025-12-31', '2025-12-31 10:00:00'),
                    (null, 8, 8.0, null, '2025-06-30', '2025-06-30 00:00:00'),
                    ('', 9, 9.25, true, '2025-07-01', '2025-07-01 00:00:00'),
                    ('a' || chr(10) || 'b', 10, 0.1, true, '2025-07-01', '2025-07-01 00:00:00'),
                    ('É😀', 10, 0.1, true, '2025-07-01', '2025-07-01 00:00:00')
                ) as odd (text, whole, part, flag, date, moment)
            ) to '{file}'
            """
        )
    spark_session().sql("create schema odd")
    spark_session().sql(f"create table odd.odd using parquet location '{file}'")
    with duckdb.connect() as reader:
        reader.execute(f"create view odd as from '{file}'")
        yield reader


_TIMES = {"day": "date", "month": "date_trunc('month', date)", "hour": "date_trunc('hour', moment)"}

CONDITIONS = [
    "x__flag",
    "not x__flag",
    "x__flag = 'true' and x__whole > 1 or x__text is null",
    "x__flag is distinct from true",
    r"x__text in ('a\b', 'a''b', '${x}', '')",
    r"x__text not in ('abc', 'a\', ' or 1=1 -- ')",
    "x__text = '${x}'",
    r"x__text like 'a\b'",
    r"x__text like 'a\_b'",
    "x__text like 'a_b'",
    "x__text like '100%'",
    r"x__text like '%\%'",
    "x__text not like '%b%'",
    "x__text ilike 'AB%'",
    "x__text = 'a\nb'",
    r"x__text = E'a\nb'",
    "x__text = 'É😀' or length(x__text) = 3",
    "lower(x__text) = 'é😀' or upper(x__text) = 'ABC'",
    r"starts_with(x__text, 'a') and not contains(x__text, '\')",
    "nullif(x__text, '') is null",
    "coalesce(x__text, 'none') = 'none'",
    "x__whole = '3' or x__whole = 5.0",
    "x__whole between 1 and '5'",
    "x__whole * 2 - 1 = 9 or -x__whole = 7 or abs(x__whole) = 2",
    "x__whole not in (1, 2, null)",
    "x__part = 0.1 + 0.2 or x__part > 1e29",
    "x__day >= date '2025-01-31' + interval 1 month",
    "x__day = '2025-01-02 13:00' or x__day in ('2025-02-28')",
    "year(x__day) = 2025 and quarter(x__day) = 1 and day(x__day) = 2",
    "x__month >= '2025-07-01 10:00' or x__month in ('2025-01-01')",
    "x__hour = '2025-01-02 15:00+02'",
    "x__moment = timestamp '2024-02-29 00:00:00.5' or x__moment::date = '2025-01-02'",
    "case when x__flag then x__whole > 5 else x__text = 'ABC' end",
    "case x__whole when 1 then 'one' when 2 then 'two' end = 'two'",
    "1 = 1",
    "x__flag and null",
    "x__text = $$a'b$$",
]


def _with_columns(filter_: str) -> str:
    """A filter with columns in place of MetricFlow's references."""
    return re.sub(
        r"\{\{ \w+\('x_*(\w*)'(?:, '(\w+)')?\) \}\}", lambda found: _TIMES[found[2]] if found[2] else found[1], filter_
    )


def test_conditions_are_true_of_the_same_rows(odd_values: duckdb.DuckDBPyConnection) -> None:
    """All in one query, because Spark takes a second for each."""
    plain = ", ".join(f"{_with_columns(as_filter(condition))} as c{i}" for i, condition in enumerate(CONDITIONS))
    expected = odd_values.sql(f"select {plain} from odd order by row").to_arrow_table()
    for_spark = ", ".join(
        f"{with_doubles(_with_columns(as_spark_filter(condition)))} as c{i}" for i, condition in enumerate(CONDITIONS)
    )
    got = SPARK.query(f"select {for_spark} from odd.odd order by row")
    for name, condition in zip(expected.column_names, CONDITIONS, strict=True):
        assert got[name].to_pylist() == expected[name].to_pylist(), condition


@pytest.mark.parametrize("condition", ["trip__trip_type = 3", "trip__hour_of_day = 'x'", "trip__hour_of_day"])
@pytest.mark.usefixtures("connection")
def test_a_comparison_that_makes_no_sense_is_refused(condition: str) -> None:
    with pytest.raises(BadMetricQueryError, match="Spark refuses the query, most likely because of a condition"):
        query_metrics(MetricQuery(("total_trips",), where=(condition,)), SPARK)


@pytest.mark.usefixtures("connection")
def test_what_is_not_built_is_said_to_be_built_by_dbt() -> None:
    with pytest.raises(NotThereYetError, match=r"not all built.*dbt build --target spark"):
        answer_of_spark("select 1 from core_core.fct_of_nobody", SPARK)
